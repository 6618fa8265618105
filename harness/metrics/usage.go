package metrics

import (
	"errors"
	"path/filepath"
	"time"

	"perg/data"
	"perg/harness/results"
)

// A Usage is what GPUs did for one cell; nil is unknown.
type Usage struct {
	PeakMemory  *int64   // bytes on all GPUs of the lane at one moment, by NVML
	Utilization *float64 // mean over time and GPUs, fraction
	Joules      *float64
	Paid        Paid     // what they were spent on
	Idle        *float64 // watts that the GPUs which worked for it draw at rest

	busy, seconds float64
	sampled       spans
	gpus          map[string]bool // that worked for it
}

// Paid is what a cell's energy was spent on: responses whose calls began while GPUs
// were sampled for it, and no replies that were in the store.
type Paid struct{ Answers, Right, Tokens int64 }

// cellOf names the cell that a sample's lane worked on.
func cellOf(s data.GPUSample) results.Cell {
	return results.CellOf(s.Variant, s.Method, s.Setting, s.Control)
}

// A usageMeter adds samples up by cell. It holds one sample for each GPU,
// however many there are.
//
// The time between two samples of a GPU is the cell's that it works for at
// both. Where they differ, or are of two executions, it is nobody's: the loss
// is at most one interval at each change of cells.
type usageMeter struct {
	cells map[results.Cell]*Usage
	last  map[string]data.GPUSample // by GPU
}

func newUsageMeter() *usageMeter {
	return &usageMeter{cells: make(map[results.Cell]*Usage), last: make(map[string]data.GPUSample)}
}

func (m *usageMeter) add(s data.GPUSample) {
	before, ok := m.last[s.GPUUUID]
	m.last[s.GPUUUID] = s
	if s.Method == "" {
		return
	}
	cell := cellOf(s)
	u := m.cells[cell]
	if u == nil {
		u = &Usage{gpus: make(map[string]bool)}
		m.cells[cell] = u
	}
	at := s.At.UnixMicro()
	u.sampled = u.sampled.with(span{at - pause.Microseconds(), at}, results.LongestGap)
	u.gpus[s.GPUUUID] = true
	m.peak(u, s)
	elapsed := s.At.Sub(before.At)
	if !ok || elapsed <= 0 || elapsed > results.LongestGap || before.Lane != s.Lane || cell != cellOf(before) {
		return
	}
	if s.GPUUtilization != nil {
		u.busy += *s.GPUUtilization * elapsed.Seconds()
		u.seconds += elapsed.Seconds()
		u.Utilization = new(u.busy / u.seconds)
	}
	if joules, ok := energy(before, s, elapsed); ok {
		if u.Joules != nil {
			joules += *u.Joules
		}
		u.Joules = &joules
	}
}

// peak looks at all GPUs of the sample's lane as they were last seen. Memory of
// Ollama's processes counts where it is known, else all that is in use.
func (m *usageMeter) peak(u *Usage, s data.GPUSample) {
	var sum int64
	for _, other := range m.last {
		if other.Lane != s.Lane || s.At.Sub(other.At) > results.LongestGap {
			continue
		}
		held := other.ProcessMemory
		if held == nil {
			held = other.MemoryUsed
		}
		if held == nil {
			return
		}
		sum += *held
	}
	if u.PeakMemory == nil || sum > *u.PeakMemory {
		u.PeakMemory = &sum
	}
}

// energy is what a GPU took between two samples: by its counter or, where it
// has none (0 is none, too) or it began anew, by the mean of its power.
func energy(a, b data.GPUSample, elapsed time.Duration) (joules float64, ok bool) {
	if a.EnergyMJ != nil && b.EnergyMJ != nil && *b.EnergyMJ >= *a.EnergyMJ && *b.EnergyMJ > 0 {
		return float64(*b.EnergyMJ-*a.EnergyMJ) / 1e3, true
	}
	if a.PowerMW != nil && b.PowerMW != nil {
		return float64(*a.PowerMW+*b.PowerMW) / 2 / 1e3 * elapsed.Seconds(), true
	}
	return 0, false
}

// rests is what the usage's GPUs draw at rest, by what each does; nil where one's is not
// known.
func (u *Usage) rests(idle map[string]float64) *float64 {
	sum := 0.0
	for id := range u.gpus {
		watts, ok := idle[id]
		if !ok {
			return nil
		}
		sum += watts
	}
	return &sum
}

// loadUsage reads what the run's GPU samples say of its cells, where it has any, with
// what GPUs draw at rest, in watts by UUID.
func loadUsage(dir string, idle map[string]float64) (map[results.Cell]*Usage, error) {
	m := newUsageMeter()
	for s, err := range data.ReadTable[data.GPUSample](filepath.Join(dir, "gpu_samples")) {
		if errors.Is(err, data.ErrNoTable) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		m.add(s)
	}
	for _, u := range m.cells {
		u.Idle = u.rests(idle)
	}
	return m.cells, nil
}
