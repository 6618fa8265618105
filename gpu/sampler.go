package gpu

import (
	"context"
	"errors"
	"time"
)

// A Sample is what NVML said of one GPU, or of an instance of one, at one moment; nil is unknown. Those of a
// sampler have the name, process memory, temperature and clock of up to a second
// before.
type Sample struct {
	At    time.Time `json:"at"`
	UUID  string    `json:"uuid"`
	Index int       `json:"index"`
	Name  string    `json:"name"`
	// Instance is the number of the instance, where it is one of a GPU that is split
	// (MIG); nil: it is the whole GPU.
	Instance *int `json:"instance,omitempty"`

	MemoryUsed  *uint64 `json:"memory_used"` // bytes, of all processes
	MemoryTotal *uint64 `json:"memory_total"`
	// ProcessMemory is what the processes hold that the sampler owns, bytes.
	// It is unknown where NVML lists none of them on the GPU: there may be none,
	// and in a container it lists none, or by the numbers they have outside.
	ProcessMemory     *uint64  `json:"process_memory"`
	GPUUtilization    *float64 `json:"gpu_utilization"`    // share of time in which a kernel ran, over NVML's own period of up to a second
	MemoryUtilization *float64 `json:"memory_utilization"` // share of time in which memory was read or written
	PowerMW           *uint32  `json:"power_mw"`
	TemperatureC      *uint32  `json:"temperature_c"`
	SMClockMHz        *uint32  `json:"sm_clock_mhz"`
	EnergyMJ          *uint64  `json:"energy_mj"` // millijoules since the driver was loaded
}

// ID names the GPU as [GPU.ID] does.
func (s Sample) ID() string { return GPU{Index: s.Index, Instance: s.Instance}.ID() }

// A Sampler reads all GPUs again and again.
type Sampler struct {
	Interval time.Duration // between two rounds; 200 ms where 0
	// Owns says whose memory is Sample.ProcessMemory; nil: unknown. It is asked
	// by a goroutine of its own, and once more after Run has returned if NVML
	// answers then.
	Owns func(pid int) bool
	Warn func(string) // told once of each incident, and of its end, by the goroutine of Run; may be nil
}

const (
	defaultInterval = 200 * time.Millisecond
	// What changes slowly or never (identity, temperature, clock, whose the memory
	// is) is asked once in this time, and at least once in so many rounds: with all
	// values in each of five rounds a second an H200 took 1.65 % of a core.
	slowInterval = time.Second
	slowRounds   = 5
	// silence is how long NVML may take over a round before it counts as not
	// answering. A healthy one takes milliseconds, and seconds when it is
	// opened while all GPUs sleep.
	silence = 5 * time.Second
	// lastRound is how long a round may go on when sampling ends.
	lastRound = 500 * time.Millisecond
)

// Run samples until ctx is done, and gives each round to take, never two at a
// time and never after Run has returned; the samples are take's only during the
// call. Where there is no NVML or no GPU when it begins, it warns and returns:
// neither appears by waiting.
//
// Later nothing ends it. A GPU that is lost is left out until it is back; a
// value that cannot be read any more is nil. NVML is closed and opened again
// for whatever may come back by that, at once and then at most every 30
// seconds. A round that takes longer than the interval delays the next. One
// that NVML does not answer for 5 seconds is given up, and there are no samples
// until it answers: what was read before and after is not of one moment.
//
// When ctx is done, Run returns within a second, even from a call that NVML
// does not return from. It leaves the call behind then, and says so.
func (s *Sampler) Run(ctx context.Context, take func([]Sample)) {
	warn := s.Warn
	if warn == nil {
		warn = func(string) {}
	}
	interval := s.Interval
	if interval <= 0 {
		interval = defaultInterval
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()

	calls, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastRound, leave) })()

	source := source{owns: s.Owns, every: slowEvery(interval)}
	seen := newObserver(warn)
	var retry backoff
	begun := false             // NVML has answered
	open, whole := false, true // as of its last answer
	for {
		if again := !(open && whole) && retry.due(time.Now()); open || again {
			round, err := source.read(calls, again)
			switch {
			case errors.Is(err, context.Canceled):
				warn(leftBehind())
				return
			case errors.Is(err, ErrHangs):
				seen.unanswered(silent())
			case err != nil && !begun && (!round.opened || errors.Is(err, ErrNoGPU)):
				warn("no GPU samples: " + err.Error())
				return
			case err != nil:
				begun, open = true, false
				seen.away(err)
			default:
				begun, open = true, true
				var samples []Sample
				samples, whole = seen.round(round.readings)
				if len(samples) > 0 {
					take(samples)
				}
				if seen.quiet() {
					retry.reset()
				}
			}
		}
		select {
		case <-ctx.Done():
			if source.end(calls) != nil {
				warn(leftBehind())
			}
			return
		case <-tick.C:
		}
	}
}

// slowEvery is the number of rounds of which one asks for what is slow.
func slowEvery(interval time.Duration) int {
	return max(1, min(slowRounds, int(slowInterval/interval)))
}

func leftBehind() string {
	return "the sampling of GPUs ends without NVML's last answer: " + silent() + " does not give one"
}

// A backoff says when to try again: at once, then after waits that double.
type backoff struct {
	next time.Time
	wait time.Duration
}

const (
	firstRetry   = time.Second
	longestRetry = 30 * time.Second
)

// due says whether now is the time, and if so sets the next one.
func (b *backoff) due(now time.Time) bool {
	if now.Before(b.next) {
		return false
	}
	b.wait = min(max(2*b.wait, firstRetry), longestRetry)
	b.next = now.Add(b.wait)
	return true
}

func (b *backoff) reset() { b.wait = 0 }
