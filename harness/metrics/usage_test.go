package metrics

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"perg/data"
	"perg/harness/results"
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
		if u := m.cells[results.CellOf("v", "zero-shot", setting, "")]; u != nil {
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

// What NVML saw and what the server said are two facts: the one is known of a
// whole cell, the other of each source too.
func TestPeakAndLoadedMemory(t *testing.T) {
	dir := t.TempDir()
	row := func(item, source string, vram *int64) data.Generation {
		return data.Generation{ItemID: item, Source: source, Setting: "none", Method: "zero-shot", Variant: "v", Answer: new("A"), Correct: new(true), VRAMBytes: vram}
	}
	write(t, filepath.Join(dir, "generations"), []data.Generation{
		row("1", "s", new(int64(5))), row("2", "s", new(int64(4))), row("3", "u", new(int64(7))), row("4", "w", nil),
	})
	memory := func(t *testing.T) (said string) {
		t.Helper()
		table, err := Load(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := table.Records(BySource)
		if err != nil {
			t.Fatal(err)
		}
		show := func(n *int64) string {
			if n == nil {
				return "-"
			}
			return fmt.Sprint(*n)
		}
		for _, m := range rows {
			said += m.Source + " " + show(m.PeakVRAMBytes) + " " + show(m.LoadedVRAMBytes) + "; "
		}
		return said
	}
	if got, want := memory(t), "all - 7; s - 5; u - 7; w - -; "; got != want {
		t.Errorf("without samples: peak and loaded are %q, want %q", got, want)
	}
	write(t, filepath.Join(dir, "gpu_samples"), []data.GPUSample{
		sample("a", 0, "none", func(s *data.GPUSample) { s.ProcessMemory = new(int64(9)) }),
		sample("a", 1, "none", func(s *data.GPUSample) { s.ProcessMemory = new(int64(6)) }),
	})
	if got, want := memory(t), "all 9 7; s - 5; u - 7; w - -; "; got != want {
		t.Errorf("peak and loaded are %q, want %q", got, want)
	}
}

// Energy is that of the answers that were made for it: not of those that were in the
// store, of another day.
func TestJoulesAreOfTheAnswersMadeForThem(t *testing.T) {
	dir := t.TempDir()
	row := func(item string, second float64, right bool, tokens int64) data.Generation {
		at := noon.Add(time.Duration(second * float64(time.Second)))
		return data.Generation{ItemID: item, Source: "s", Setting: "none", Method: "zero-shot", Variant: "v", Answer: new("A"), Correct: &right, StartedAt: &at, OutputTokens: &tokens, EvalNS: new(int64(1e9))}
	}
	write(t, filepath.Join(dir, "generations"), []data.Generation{
		row("1", 0.1, true, 10), row("2", 1, false, 20), row("3", 1.5, true, 30), row("4", -5000, true, 40), row("5", 700, true, 50),
	})
	records := func() data.Metric {
		t.Helper()
		table, err := Load(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := table.Records("")
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		return rows[0]
	}
	if m := records(); m.NEnergy != 0 || m.JoulesPerAnswer != nil || m.JoulesPerRightAnswer != nil || m.TokensPerJoule != nil {
		t.Errorf("without samples: %+v", m)
	}
	write(t, filepath.Join(dir, "gpu_samples"), []data.GPUSample{sample("a", 0, "none", counter(1000)), sample("a", 2, "none", counter(31_000))})
	m := records()
	if m.NEnergy != 3 || !near(m.JoulesPerAnswer, 10, 1e-9) || !near(m.JoulesPerRightAnswer, 15, 1e-9) || !near(m.TokensPerJoule, 2, 1e-9) {
		t.Errorf("%d answers, %v J an answer, %v a right one, %v tokens a joule; want 3, 10, 15 and 2", m.NEnergy, show(m.JoulesPerAnswer), show(m.JoulesPerRightAnswer), show(m.TokensPerJoule))
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

// What a cell's GPUs draw at rest is that of those which worked for it, and is not known
// where that of one of them is not.
func TestIdleWattsAreOfTheCellsGPUs(t *testing.T) {
	of := used(sample("a", 0, "none", nil), sample("a", 1, "relevant", nil), sample("b", 1, "relevant", nil), sample("b", 2, "", nil))
	none, relevant := of("none"), of("relevant")
	idle := map[string]float64{"a": 70, "b": 31}
	if one, both := none.rests(idle), relevant.rests(idle); !near(one, 70, 0) || !near(both, 101, 0) {
		t.Errorf("%v and %v watts", one, both)
	}
	if watts := relevant.rests(map[string]float64{"a": 70}); watts != nil {
		t.Errorf("%v watts, and one is not known", *watts)
	}
}
