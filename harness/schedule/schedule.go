// Package schedule decides which job runs on which devices, when, and why.
//
// There is one policy, [Next]: given what is free, what runs and what waits, it
// says what to start now. A caller asks it whenever devices become free;
// [Place] simulates that same policy with estimated durations. The package
// knows nothing of models, servers or GPUs beyond the numbers it is given, and
// it starts nothing.
package schedule

import "time"

// A Device is exclusive to one candidate at a time, if that fills it: a GPU, a server that was
// named (its memory unknown), or a machine's processor.
type Device struct {
	ID, Name string
	// Host is the machine that it is in; "": this one. No job runs on devices of
	// several hosts together. IDs of another machine's devices are HOST/ID.
	Host   string
	Memory uint64  // bytes free for models; 0: unknown, everything fits
	Speed  float64 // relative throughput, 1 where it is unknown
	// Processor: it is (part of) a CPU, whose memory is the machine's.
	Processor bool
	// Alone: no job runs on it together with others.
	Alone bool
}

// A Kind is what a job does.
type Kind int

const (
	Generate Kind = iota // a variant's generations
	Score                // the judge's ratings of them
)

// A Fit is how a job would run on a set of devices, or what ran out.
type Fit struct {
	Devices       []string // IDs
	Bytes         []uint64 // taken on each device; where it spills, all that they have
	Reported      uint64   // bytes that a server is expected to say that it takes; 0: not known
	Slots, NumCtx int
	Time          time.Duration // of the whole job on this set alone, without Load
	Load          time.Duration
	// Servers is how many servers of the job the devices are worth, each with
	// these bytes and slots; 0: one. Gain is what that many bring together, as
	// a multiple of what one does; 0: not known, and taken to be 1.
	Servers int
	Gain    float64
	// Spill is how many bytes do not fit and would run on the CPU, where the
	// job may; 0: none. A job that spills has its devices to itself, whatever
	// Bytes says: all that is left beside it would be taken from it.
	Spill     uint64
	Short     uint64   // bytes missing; 0: it fits, or spills
	Dimension string   // what ran out: "GPU memory", "model"
	Remedies  []string // what would fit: "q4_K_M", "--num-ctx 2048"
}

// Together is what so many servers bring on the fit's devices, as a multiple of
// what one does.
func (f Fit) Together(servers int) float64 {
	if servers < 2 || f.Servers < 2 || f.Gain <= 1 {
		return 1
	}
	return 1 + (f.Gain-1)*float64(min(servers, f.Servers)-1)/float64(f.Servers-1)
}

// A Job is one variant's generations, or all of the judge's work.
type Job struct {
	ID   string
	Kind Kind
	// Fit must be pure, and fit where it did with less memory. The set is of one
	// host, in ascending order of memory.
	Fit func(set []Device) Fit
}

// A Running is a lane at work on a job. A job that was joined has several.
type Running struct {
	Job     string
	Devices []string
	Bytes   []uint64      // of Devices; needed where others may be on them
	Left    time.Duration // until the job ends, as it runs now
	Beside  bool          // resident next to candidates, whose devices it leaves free
	Server  int           // which one on its device
}

// A State is what is decided on.
type State struct {
	Devices []Device
	Running []Running
	Working []Job // the jobs of Running; one that is left out is never joined
	Waiting []Job // not at work anywhere
}

// A Start is a job to start now.
type Start struct {
	Job    string
	Kind   Kind
	Fit    Fit
	Join   bool // other lanes are at work on the job already
	Beside bool // the judge, resident next to the candidate on the device
	Share  bool // other lanes are at work on the device, and go on
	Server int  // which one on the device: 0, or the first number that is free
	Reason string
}

// Upcoming is the candidate that starts first of those that wait, as soon as it
// can; "": none waits.
func Upcoming(s State) string {
	p := newPolicy(s.Devices)
	for _, j := range p.order(s.Waiting) {
		if j.Kind == Generate {
			return j.ID
		}
	}
	return ""
}

// Next says what to start now. The same state gives the same starts, whatever
// the order of its parts. A job that fits nowhere is never started.
func Next(s State) []Start { return newPolicy(s.Devices).next(s) }
