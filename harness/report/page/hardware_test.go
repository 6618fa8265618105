package page

import (
	"slices"
	"testing"
	"time"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/results"
)

// The page says whose figure of memory it shows: NVML's peak or, where NVML saw
// none, what the server said it had loaded.
func TestMemoryIsNamed(t *testing.T) {
	row := func(variant string, peak, loaded *int64) data.Metric {
		return data.Metric{
			Variant: variant, Method: "zero-shot", Setting: "relevant", Source: metrics.All,
			OutputTokensPerSecond: new(10.0), PeakVRAMBytes: peak, LoadedVRAMBytes: loaded,
		}
	}
	const peak, loaded = "Peak GPU memory, GiB", "Loaded into GPU memory, GiB"
	gib := func(n int64) *int64 { return new(n << 30) }
	for _, tt := range []struct {
		name   string
		rows   []data.Metric
		column string // "": none
		shown  []string
	}{
		{"NVML", []data.Metric{row("a", gib(6), gib(4)), row("b", gib(7), gib(5))}, peak, []string{"6", "7"}},
		{"NVML saw one", []data.Metric{row("a", nil, gib(4)), row("b", gib(7), gib(5))}, peak, []string{"–", "7"}},
		{"servers on other machines", []data.Metric{row("a", nil, gib(4)), row("b", nil, gib(5))}, loaded, []string{"4", "5"}},
		{"a CPU", []data.Metric{row("a", nil, gib(0))}, "", nil},
		{"a table of before", []data.Metric{row("a", nil, nil)}, "", nil},
	} {
		f, missing := Run{Metrics: tt.rows}.throughput(leading(tt.rows))
		if missing != "" {
			t.Fatal(missing)
		}
		at := slices.IndexFunc(f.Table.Head, func(name string) bool { return name == peak || name == loaded })
		if at < 0 && tt.column == "" {
			continue
		}
		if at < 0 || f.Table.Head[at] != tt.column || f.Chart.Panels[at-1].X != tt.column {
			t.Errorf("%s: columns %q", tt.name, f.Table.Head)
			continue
		}
		for i, want := range tt.shown {
			if got := f.Table.Rows[i][at]; got != want {
				t.Errorf("%s: row %d shows %q, want %q", tt.name, i, got, want)
			}
		}
	}
}

// Samples that energy is counted between are joined by a line, others are not,
// however wide a bucket is.
func TestLinesJoinWhatEnergyCounts(t *testing.T) {
	for _, width := range []time.Duration{time.Second, 4 * time.Second, time.Minute} {
		f, missing := Run{GPUs: []GPU{{Width: width, Buckets: []Bucket{{At: started, Power: Span{1, 5, 5, 5}}}}}}.overTime()
		if missing != "" {
			t.Fatal(missing)
		}
		gap := time.Duration(f.Chart.Gap) * time.Millisecond
		furthest := (results.LongestGap + width - 1) / width * width // that buckets of two such samples may begin apart
		// A line that joins buckets any further apart would join samples that are.
		if nearest := gap - width; furthest >= gap || nearest > results.LongestGap {
			t.Errorf("buckets of %v: no line joins %v", width, gap)
		}
	}
}
