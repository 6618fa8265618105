package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"perg/data"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// sample is one of a GPU at a second, in a cell of variant v; "" is no cell.
func sample(gpu string, second float64, setting string, change func(*data.GPUSample)) data.GPUSample {
	s := data.GPUSample{At: noon.Add(time.Duration(second * float64(time.Second))), Lane: "gpu0", Variant: "v", GPUUUID: gpu, Setting: setting}
	if setting != "" {
		s.Method = "zero-shot"
	}
	if change != nil {
		change(&s)
	}
	return s
}

func counter(mj int64) func(*data.GPUSample) { return func(s *data.GPUSample) { s.EnergyMJ = &mj } }

func used(samples ...data.GPUSample) func(setting string) Usage {
	m := newUsageMeter()
	for _, s := range samples {
		m.add(s)
	}
	return func(setting string) Usage {
		if u := m.cells[cellOf{"v", "zero-shot", setting}]; u != nil {
			return *u
		}
		return Usage{}
	}
}

func near(a *float64, b, within float64) bool { return a != nil && math.Abs(*a-b) <= within }

func TestEnergyIsTheCellsOwn(t *testing.T) {
	of := used(
		sample("a", 0, "none", counter(1000)),
		sample("a", 1, "none", counter(3000)),     // 2 J
		sample("a", 2, "relevant", counter(4000)), // nobody's: the cell changed in between
		sample("a", 3, "relevant", counter(7000)), // 3 J
		sample("a", 4, "", counter(9000)),         // the judge's
		sample("a", 5, "relevant", counter(9500)),
		sample("a", 6, "relevant", counter(9600)),    // 0.1 J
		sample("a", 600, "relevant", counter(90000)), // after an interruption
		sample("a", 601, "relevant", counter(90400)), // 0.4 J
	)
	if none, relevant := of("none").Joules, of("relevant").Joules; !near(none, 2, 1e-9) || !near(relevant, 3.5, 1e-9) {
		t.Errorf("none %v, relevant %v; want 2 and 3.5 J", none, relevant)
	}
}

func TestEnergyWithoutACounter(t *testing.T) {
	power := func(mw int64) func(*data.GPUSample) {
		return func(s *data.GPUSample) { s.PowerMW = &mw }
	}
	of := used(sample("a", 0, "none", power(100_000)), sample("a", 2, "none", power(200_000)))
	if j := of("none").Joules; !near(j, 300, 1e-9) {
		t.Errorf("%v J from power, want 300", j)
	}
	restarted := func(mw, mj int64) func(*data.GPUSample) {
		return func(s *data.GPUSample) { s.PowerMW, s.EnergyMJ = &mw, &mj }
	}
	of = used(sample("a", 0, "none", restarted(50_000, 9_000_000)), sample("a", 1, "none", restarted(50_000, 10)))
	if j := of("none").Joules; !near(j, 50, 1e-9) {
		t.Errorf("%v J over a restart of the driver, want 50", j)
	}
	of = used(sample("a", 0, "none", nil), sample("a", 1, "none", nil))
	if u := of("none"); u.Joules != nil || u.Utilization != nil || u.PeakMemory != nil {
		t.Errorf("%+v from samples that know nothing", u)
	}
}

func TestPeakAndUtilization(t *testing.T) {
	at := func(device, process *int64, busy float64) func(*data.GPUSample) {
		return func(s *data.GPUSample) { s.MemoryUsed, s.ProcessMemory, s.GPUUtilization = device, process, &busy }
	}
	gib := func(n int64) *int64 { return new(n << 30) }
	of := used(
		sample("a", 0, "none", at(gib(9), gib(5), 0)), sample("b", 0, "none", at(gib(9), gib(3), 0)),
		sample("a", 1, "none", at(gib(9), gib(6), 1)), sample("b", 1, "none", at(gib(9), gib(3), 0.5)), // 9 GiB together
		sample("a", 4, "none", at(gib(9), gib(2), 0.5)), sample("b", 4, "none", at(gib(9), gib(2), 0.5)),
	)
	u := of("none")
	if u.PeakMemory == nil || *u.PeakMemory != 9<<30 || !near(u.Utilization, (1+0.5+1.5+1.5)/8, 1e-9) {
		t.Errorf("peak %v, utilization %v", u.PeakMemory, u.Utilization)
	}
	of = used(sample("a", 0, "none", at(gib(9), nil, 0)))
	if u := of("none"); u.PeakMemory == nil || *u.PeakMemory != 9<<30 {
		t.Errorf("where processes are not told apart the peak is %v", u.PeakMemory)
	}
}

// Whatever the order of cells, no energy is counted twice: the cells together
// take no more than the counter went up.
func TestEnergyIsNeverCountedTwice(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for range 200 {
		m := newUsageMeter()
		second, mj := 0.0, int64(0)
		start := mj
		for range 100 {
			second += rng.Float64() * 12
			mj += rng.Int64N(5000)
			m.add(sample("a", second, []string{"", "none", "relevant", "mixed"}[rng.IntN(4)], counter(mj)))
		}
		sum := 0.0
		for _, u := range m.cells {
			if u.Joules != nil {
				sum += *u.Joules
			}
		}
		if sum > float64(mj-start)/1000+1e-6 {
			t.Fatalf("%v J in cells, the counter rose by %v", sum, float64(mj-start)/1000)
		}
	}
}

// Five million samples are eleven days of one GPU.
func BenchmarkUsage(b *testing.B) {
	for b.Loop() {
		m := newUsageMeter()
		for i := range 5_000_000 {
			mj := int64(i)
			m.add(data.GPUSample{At: noon.Add(time.Duration(i) * 200 * time.Millisecond), Lane: "gpu0", Variant: "v", Method: "zero-shot", Setting: "none", GPUUUID: "a", EnergyMJ: &mj})
		}
	}
	b.ReportMetric(5_000_000*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}
