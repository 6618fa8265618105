package sizing

import (
	"time"

	"perg/harness/schedule"
)

// A Pace is how a model was found to work fastest on some devices.
type Pace struct {
	InFlight int     // calls at once, at each server
	Servers  int     // of the model, on the same devices at once
	Gain     float64 // what these brought together, as a multiple of one's
	// Prompt and New are the seconds of the devices' time that a token of a
	// prompt takes, and a new one, with all servers at work. Tokens of a prompt
	// that were cached count among the others.
	Prompt, New float64
	Answer      float64 // new tokens of a call, on average; 0: not known
}

// gain is what some of the servers bring together, as a multiple of one's.
func (p Pace) gain(servers int) float64 {
	if servers <= 1 || p.Servers <= 1 {
		return 1
	}
	return 1 + (p.Gain-1)*float64(servers-1)/float64(p.Servers-1)
}

// answering is a workload with answers as long as they were.
func (p Pace) answering(w Workload) Workload {
	if p.Answer > 0 {
		w.OutputTokens = int(p.Answer * float64(w.Calls))
	}
	return w
}

// duration is how long a workload takes at the pace, with all servers at work.
func (p Pace) duration(w Workload) time.Duration {
	return seconds(float64(w.PromptTokens)*p.Prompt + float64(w.OutputTokens)*p.New)
}

// How far a plan's time may be off, as a factor either way.
const (
	// modelError is that of the model of bandwidth and compute, and of guessed
	// lengths of answers; see Workload.duration.
	modelError = 2
	// paceError is that of a pace that was measured, for other prompts.
	paceError = 1.25
)

// Between is the time between whose bounds a placement's lies: closer for what a
// pace is remembered of.
func Between(p schedule.Placement) (least, most time.Duration) {
	var all, paced float64
	for _, l := range p.Lanes {
		for _, a := range l.Work {
			took := (a.End - a.Begin).Seconds()
			all += took
			if a.Fit.Gain > 0 {
				paced += took
			}
		}
	}
	if all == 0 {
		return p.Makespan, p.Makespan
	}
	share, time := paced/all, p.Makespan.Seconds()
	return seconds(time * (share/paceError + (1-share)/modelError)), seconds(time * (share*paceError + (1-share)*modelError))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
