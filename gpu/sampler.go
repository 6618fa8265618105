package gpu

import (
	"context"
	"errors"
	"fmt"
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
	// It is unknown where NVML lists processes and none is recognised: in a
	// container it gives the numbers they have outside.
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
	Warn     func(string)       // told once of each incident, and of its end; may be nil
}

const (
	defaultInterval = 200 * time.Millisecond
	firstRetry      = time.Second
	longestRetry    = 30 * time.Second
)

// Run samples until ctx is done, and gives each round to emit, never two at a
// time; the samples are emit's only during the call. Where there is no NVML or
// no GPU when it begins, it warns and returns.
//
// A GPU that is lost is left out until it is back. A driver that goes away is
// asked for again, at most every 30 seconds. A round that takes longer than the
// interval delays the next.
func (s *Sampler) Run(ctx context.Context, emit func([]Sample)) {
	n, err := Open()
	if err != nil {
		s.warn("no GPU samples: %v", err)
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
	troubled := make(map[int]bool) // GPUs, by index
	away, retry := false, firstRetry
	for {
		if n != nil {
			round, faults, err := n.Sample(s.Owns)
			switch {
			case err == nil:
				if away {
					away, retry = false, firstRetry
					s.warn("the GPU driver answers again")
				}
				s.report(troubled, round, faults)
				if len(round) > 0 {
					emit(round)
				}
			case errors.Is(err, ErrNoGPU):
				s.warn("no GPU samples: %v", err)
				return
			default:
				if !away {
					s.warn("no GPU samples for now: %v", err)
				}
				away = true
				n.Close()
				n = nil
			}
		}
		wait := tick.C
		if away {
			wait = time.After(retry)
			retry = min(2*retry, longestRetry)
		}
		select {
		case <-ctx.Done():
			return
		case <-wait:
		}
		if n == nil {
			if n, err = Open(); err != nil {
				n = nil
			}
		}
	}
}

// report tells of GPUs that cannot be read any more, and of those that can
// again.
func (s *Sampler) report(troubled map[int]bool, round []Sample, faults map[int]error) {
	for index, err := range faults {
		if !troubled[index] {
			troubled[index] = true
			s.warn("GPU %d is not sampled for now: %v", index, err)
		}
	}
	for _, sample := range round {
		if troubled[sample.Index] {
			delete(troubled, sample.Index)
			s.warn("GPU %d is back", sample.Index)
		}
	}
}

func (s *Sampler) warn(format string, args ...any) {
	if s.Warn != nil {
		s.Warn(fmt.Sprintf(format, args...))
	}
}
