package gpu

import (
	"context"
	"errors"
	"time"
)

// A Sample is what NVML said of one GPU at one moment; nil is unknown.
type Sample struct {
	At    time.Time `json:"at"`
	UUID  string    `json:"uuid"`
	Index int       `json:"index"`
	Name  string    `json:"name"`

	MemoryUsed  *uint64 `json:"memory_used"` // bytes, of all processes
	MemoryTotal *uint64 `json:"memory_total"`
	// ProcessMemory is what the processes hold that the sampler owns, bytes.
	// It is unknown until NVML has listed one of them on any GPU: in a
	// container it may list none, or by the numbers they have outside.
	ProcessMemory     *uint64  `json:"process_memory"`
	GPUUtilization    *float64 `json:"gpu_utilization"`    // share of time in which a kernel ran, over NVML's own period of up to a second
	MemoryUtilization *float64 `json:"memory_utilization"` // share of time in which memory was read or written
	PowerMW           *uint32  `json:"power_mw"`
	TemperatureC      *uint32  `json:"temperature_c"`
	SMClockMHz        *uint32  `json:"sm_clock_mhz"`
	EnergyMJ          *uint64  `json:"energy_mj"` // millijoules since the driver was loaded
}

// A Sampler reads all GPUs again and again.
type Sampler struct {
	Interval time.Duration      // between two rounds; 200 ms where 0
	Owns     func(pid int) bool // whose memory is Sample.ProcessMemory; nil: unknown
	Warn     func(string)       // told once of each incident, and of its end, by the goroutine of Run; may be nil
}

const defaultInterval = 200 * time.Millisecond

// Run samples until ctx is done, and gives each round to emit, never two at a
// time; the samples are emit's only during the call. Where there is no NVML or
// no GPU when it begins, it warns and returns: neither appears by waiting.
//
// Later nothing ends it. A GPU that is lost is left out until it is back; a
// value that cannot be read any more is nil. NVML is closed and opened again
// for whatever may come back by that, at once and then at most every 30
// seconds. A round that takes longer than the interval delays the next, and
// ctx is looked at between rounds.
func (s *Sampler) Run(ctx context.Context, emit func([]Sample)) {
	warn := s.Warn
	if warn == nil {
		warn = func(string) {}
	}
	n, err := Open()
	if err != nil {
		warn("no GPU samples: " + err.Error())
		return
	}
	defer func() {
		if n != nil {
			n.Close()
		}
	}()
	interval := s.Interval
	if interval <= 0 {
		interval = defaultInterval
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()

	seen := newObserver(warn)
	var retry backoff
	for begun := false; ; begun = true {
		if n == nil && retry.due(time.Now()) {
			if n, err = Open(); err != nil {
				n = nil
			}
		}
		if n != nil {
			readings, err := n.readings(s.Owns)
			switch {
			case errors.Is(err, ErrNoGPU) && !begun:
				warn("no GPU samples: " + err.Error())
				return
			case err != nil:
				seen.away(err)
				n.Close() // which cannot succeed without a driver
				n = nil
			default:
				samples, whole := seen.round(readings)
				if len(samples) > 0 {
					emit(samples)
				}
				if !whole && retry.due(time.Now()) {
					n.Close()
					if n, err = Open(); err != nil {
						n = nil
						seen.away(err)
					}
				}
				if seen.quiet() {
					retry.reset()
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
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
