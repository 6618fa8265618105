package engine

import (
	"math"
	"time"
)

// A window is some calls at one point of a climb: enough to tell the throughput
// there from a threshold, and no more.
//
// The seats are always taken, so the throughput is what a seat's calls are worth
// for the time that they take, as often as there are seats. Of calls that differ
// in length that is known much sooner than what comes back in some seconds.
type window struct {
	seats int
	ramp  int       // calls that still come back from before
	began time.Time // this point

	n          float64 // calls
	work, took float64 // of them, in seconds
	ww, wt, tt float64 // sums of squares and products
	idle       float64 // seconds that seats waited for units
	sum        asked
}

const (
	// leastTime is how long a window is at least: shorter ones measure the
	// machine's other work.
	leastTime = time.Second
	// exact is the relative standard error with which a throughput is known well.
	exact = 0.02
	// mostCalls bounds a window: what so many cannot tell is no gain to speak of.
	mostCalls = 256
	// mostIdle is the share of the seats' time that may have gone with waiting
	// for units: past it the window says how fast these came.
	mostIdle = 0.1
)

// newWindow begins with the answer to a call of each seat: those in flight came
// at another point, or all at once.
func newWindow(seats int, at time.Time) window { return window{seats: seats, ramp: seats, began: at} }

// asked is what some calls were, and how long they took by themselves.
type asked struct {
	calls       int
	prompt, new int           // tokens
	reading     time.Duration // of the prompts, as the server says
	writing     time.Duration // of the new tokens
	seconds     float64       // that passed, shared out among what ran at once
}

func (a asked) plus(o asked) asked {
	return asked{a.calls + o.calls, a.prompt + o.prompt, a.new + o.new, a.reading + o.reading, a.writing + o.writing, a.seconds + o.seconds}
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

// answered counts a call that came back at a moment, so long after it was sent.
func (w *window) answered(at time.Time, a asked, took time.Duration, p price) {
	if w.ramp > 0 {
		w.ramp--
		return
	}
	if at.Add(-took).Before(w.began) {
		return // it was sent at another point
	}
	work, seconds := p.of(a), took.Seconds()
	w.n++
	w.work, w.took = w.work+work, w.took+seconds
	w.ww, w.wt, w.tt = w.ww+work*work, w.wt+work*seconds, w.tt+seconds*seconds
	a.seconds = seconds / float64(w.seats)
	w.sum = w.sum.plus(a)
}

// starved says whether units were waited for.
func (w *window) starved() bool { return w.idle > mostIdle*w.took }

// rate is the throughput, in work a second, and its standard error.
func (w *window) rate() (rate, err float64) {
	if w.took <= 0 {
		return 0, math.Inf(1)
	}
	one, seats := w.work/w.took, float64(w.seats)
	if w.n < 2 {
		return one * seats, math.Inf(1)
	}
	squares := max(0, w.ww-2*one*w.wt+one*one*w.tt)
	return one * seats, seats * math.Sqrt(squares*w.n/(w.n-1)) / w.took
}

// enough says whether the rate is told to be below a threshold, or is known well:
// what is kept is what the next point is compared with.
func (w *window) enough(threshold float64) bool {
	seats := float64(w.seats)
	if w.n < max(seats, 4) || w.took < leastTime.Seconds()*seats {
		return false
	}
	rate, err := w.rate()
	// About Student's t at 95 %: few calls say little of how much they differ.
	if threshold-rate > (2+4.6/(w.n-1))*err+threshold/100 {
		return true
	}
	return w.n >= 2*seats && err <= exact*rate || w.n >= mostCalls
}
