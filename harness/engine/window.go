package engine

import (
	"math"
	"slices"
	"time"
)

// A window is some rounds of calls at one point of a climb: long enough to tell
// the throughput there from a threshold, and no longer. A round is one call of
// each seat.
type window struct {
	seats  int
	ramp   int       // calls that still come back from before
	since  time.Time // the last round began
	calls  int       // of the round at hand
	work   float64   // of them, in seconds
	rounds []round
	idle   time.Duration // that seats waited for units
	sum    asked
}

type round struct{ work, seconds float64 }

const (
	leastRounds = 3
	mostBatches = 8
	// mostCalls bounds a window: what so many cannot tell is no gain to speak of.
	mostCalls = 256
	// leastTime is how long a window is at least: shorter ones measure the
	// machine's other work.
	leastTime = time.Second
	// exact is the relative standard error of the first measurement, with which
	// the others are compared.
	exact = 0.02
	// mostIdle is the share of the seats' time that may have gone with waiting
	// for units: past it the window says how fast these came.
	mostIdle = 0.1
)

// newWindow begins with the answer to a call of each seat: those in flight came
// at another point, or all at once.
func newWindow(seats int) window { return window{seats: seats, ramp: seats} }

// asked is what some calls were, and how long they took by themselves.
type asked struct {
	calls         int
	prompt, new   int           // tokens
	reading       time.Duration // of the prompts, as the server says
	writing       time.Duration // of the new tokens
	workedSeconds float64       // that passed
}

func (a asked) plus(o asked) asked {
	return asked{a.calls + o.calls, a.prompt + o.prompt, a.new + o.new, a.reading + o.reading, a.writing + o.writing, a.workedSeconds + o.workedSeconds}
}

// A price is what a token of a prompt costs and a new one, in seconds of a
// call's own time. It stays the same within a climb: with it, calls of different
// lengths are the work that they are.
type price struct{ prompt, new float64 }

// price is that of some calls; the same for all tokens where their times are
// not told.
func (a asked) price() price {
	p := price{1, 1}
	if a.prompt > 0 && a.new > 0 && a.reading > 0 && a.writing > 0 {
		p = price{a.reading.Seconds() / float64(a.prompt), a.writing.Seconds() / float64(a.new)}
	}
	return p
}

func (p price) of(a asked) float64 {
	return p.prompt*float64(a.prompt) + p.new*float64(a.new)
}

// answered counts a call.
func (w *window) answered(at time.Time, a asked, p price) {
	if w.ramp > 0 {
		if w.ramp--; w.ramp == 0 {
			w.since, w.idle = at, 0
		}
		return
	}
	w.calls++
	w.work += p.of(a)
	w.sum = w.sum.plus(a)
	if w.calls < w.seats {
		return
	}
	took := at.Sub(w.since).Seconds()
	w.rounds = append(w.rounds, round{w.work, took})
	w.sum.workedSeconds += took
	w.since, w.calls, w.work = at, 0, 0
}

// took is the time of the whole rounds.
func (w *window) took() (seconds float64) {
	for _, r := range w.rounds {
		seconds += r.seconds
	}
	return seconds
}

// starved says whether units were waited for.
func (w *window) starved() bool {
	return w.idle.Seconds() > mostIdle*w.took()*float64(w.seats)
}

// rate is the throughput, in work a second, and its standard error: of a ratio
// of two sums, over a few batches of rounds. A call that came back a moment too
// late for one round is in the next, so single rounds differ by more than the
// throughput does.
func (w *window) rate() (rate, err float64, batches int) {
	var work float64
	seconds := w.took()
	for _, r := range w.rounds {
		work += r.work
	}
	if seconds <= 0 {
		return 0, math.Inf(1), 0
	}
	rate = work / seconds
	size := max(1, len(w.rounds)/mostBatches)
	var squares float64
	for batch := range slices.Chunk(w.rounds, size) {
		d := 0.0
		for _, r := range batch {
			d += r.work - rate*r.seconds
		}
		squares += d * d
		batches++
	}
	if batches < 2 {
		return rate, math.Inf(1), batches
	}
	n := float64(batches)
	return rate, math.Sqrt(squares/(n-1)*n) / seconds, batches
}

// enough says whether the rate is told to be below a threshold, or is known well:
// what is kept is what the next point is compared with.
func (w *window) enough(threshold float64) bool {
	n := len(w.rounds)
	if n < leastRounds-1 || w.took() < leastTime.Seconds() {
		return false
	}
	rate, err, batches := w.rate()
	if n < leastRounds {
		// Two rounds tell what is far away.
		return threshold-rate > max(2*err, threshold/10)
	}
	// About Student's t at 95 %: few rounds say little of their own spread.
	return err <= exact*rate || n*w.seats >= mostCalls || threshold-rate > (2+4.6/float64(batches-1))*err
}
