package page

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"perg/data"
	"perg/harness/results"
)

// throughput shows what each variant's answers took, with the lead's method
// under its setting.
func (r Run) throughput(l lead) (figure, string) {
	f := figure{ID: "throughput", Chart: chart{Kind: "dots"}}
	cells := l.cells(r.Metrics)
	gib := func(v *int64) *float64 {
		if v == nil || *v == 0 { // Ollama says that it loaded 0 where it is on a CPU
			return nil
		}
		return new(float64(*v) / (1 << 30))
	}
	columns := []struct {
		name, unit string
		of         func(data.Metric) *float64
	}{
		{"Output tokens per second of one slot", "tokens/s", func(m data.Metric) *float64 { return m.OutputTokensPerSecond }},
		{"Peak GPU memory, GiB", "GiB", func(m data.Metric) *float64 { return gib(m.PeakVRAMBytes) }},
		{"Output tokens per joule", "tokens/J", func(m data.Metric) *float64 { return m.TokensPerJoule }},
	}
	if !slices.ContainsFunc(cells, func(m data.Metric) bool { return gib(m.PeakVRAMBytes) != nil }) { // no NVML: what the servers said
		columns[1].name, columns[1].of = "Loaded into GPU memory, GiB", func(m data.Metric) *float64 { return gib(m.LoadedVRAMBytes) }
	}
	f.Table = table{Head: []string{"Variant"}, Words: 1}
	for _, m := range cells {
		f.Chart.Rows = append(f.Chart.Rows, r.label(m.Variant))
		f.Table.Rows = append(f.Table.Rows, []string{r.label(m.Variant)})
	}
	for _, c := range columns {
		p := panel{X: c.name, Unit: c.unit, Bars: true}
		for i, m := range cells {
			if v := c.of(m); v != nil {
				p.Points = append(p.Points, point{Row: i, X: rounded(*v), Says: number(*v) + " " + c.unit})
			}
		}
		if len(p.Points) == 0 {
			continue
		}
		f.Chart.Panels = append(f.Chart.Panels, p)
		f.Table.Head = append(f.Table.Head, c.name)
		for i, m := range cells {
			text := "–"
			if v := c.of(m); v != nil {
				text = number(*v)
			}
			f.Table.Rows[i] = append(f.Table.Rows[i], text)
		}
	}
	if len(f.Chart.Panels) == 0 {
		return f, "Throughput is left out: no call has a known duration."
	}
	f.Title, f.At = "What answers take", l.at()
	f.Lead = fmt.Sprintf("Method %s, setting %s. The speed is that of one slot; a server with several answers as many prompts at once. Each bar is one measurement, which has no interval: what else the machine did is in it.", l.Method, l.Setting)
	return f, ""
}

// overTime shows what the GPUs did during the run, with the model loads.
func (r Run) overTime() (figure, string) {
	f := figure{ID: "gpus", Chart: chart{Kind: "time"}}
	if len(r.GPUs) == 0 {
		return f, "GPU memory, utilization and power are left out: the run has no GPU samples (no NVIDIA GPU on the machine, or servers on others)."
	}
	quantities := []struct {
		name, unit string
		scale      float64
		of         func(Bucket) Span
	}{
		{"Memory in use, GiB", "GiB", 1 << 30, func(b Bucket) Span { return b.Memory }},
		{"Utilization, %", "%", 0.01, func(b Bucket) Span { return b.Utilization }},
		{"Power, W", "W", 1, func(b Bucket) Span { return b.Power }},
	}
	f.Table = table{Head: []string{"GPU"}, Words: 1}
	for k, g := range r.GPUs {
		f.Keys = append(f.Keys, key{clean(fmt.Sprintf("GPU %d %s %s", g.Index, g.Name, g.Host)), k % palette})
		f.Table.Rows = append(f.Table.Rows, []string{f.Keys[k].Name})
		f.Chart.Gap = max(f.Chart.Gap, (g.Width + results.LongestGap).Milliseconds())
	}
	var peak, busy Span
	for n, q := range quantities {
		p := panel{Y: q.name, Unit: q.unit}
		if q.unit == "%" {
			p.Top = 100
		}
		totals := make([]Span, len(r.GPUs))
		for k, g := range r.GPUs {
			for _, b := range g.Buckets {
				s := q.of(b)
				if s.N == 0 {
					continue
				}
				totals[k].join(s)
				p.Points = append(p.Points, point{
					Key: k, X: float64(b.At.UnixMilli()), Y: short(s.Mean() / q.scale), YLow: new(short(s.Low / q.scale)), YHigh: new(short(s.High / q.scale)),
				})
			}
		}
		if len(p.Points) == 0 {
			continue
		}
		f.Chart.Panels = append(f.Chart.Panels, p)
		f.Table.Head = append(f.Table.Head, q.name+": mean (least to most)")
		for k, t := range totals {
			text := "–"
			if t.N > 0 {
				text = fmt.Sprintf("%s (%s to %s)", number(t.Mean()/q.scale), number(t.Low/q.scale), number(t.High/q.scale))
			}
			f.Table.Rows[k] = append(f.Table.Rows[k], text)
			if n == 0 {
				peak.join(t)
			}
			if n == 1 {
				busy.join(t)
			}
		}
	}
	if len(f.Chart.Panels) == 0 {
		return f, "GPU memory, utilization and power are left out: the GPUs told none of them."
	}
	for _, l := range r.Loads {
		f.Chart.Marks = append(f.Chart.Marks, mark{l.At.UnixMilli(), r.label(l.Variant)})
	}
	var parts []string
	if busy.N > 0 {
		parts = append(parts, fmt.Sprintf("%s %s busy %.0f"+blank+"%% of the time", gpus(len(r.GPUs)), was(len(r.GPUs)), busy.Mean()*100))
	}
	if peak.N > 0 {
		parts = append(parts, fmt.Sprintf("at most %s"+blank+"GiB in use on one", number(peak.High/(1<<30))))
	}
	f.Title = strings.Join(parts, ", ")
	if f.Title == "" {
		f.Title = "Power of " + gpus(len(r.GPUs))
	}
	f.Title = title(f.Title)
	f.Lead = fmt.Sprintf("Times are UTC. Each line is the mean over spans of %s, its band the least and the greatest sample.", lasting(r.GPUs[0].Width))
	if len(r.Loads) > 0 {
		f.Lead += " Vertical lines are model loads."
	}
	return f, ""
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

func gpus(n int) string {
	if n == 1 {
		return "the GPU"
	}
	return fmt.Sprintf("the %d GPUs", n)
}

// short keeps the digits that a screen shows of a value over time, of which
// there are thousands.
func short(v float64) float64 { return math.Round(v*10) / 10 }

// loads are the model loads as a table.
func (r Run) loads() table {
	t := table{Head: []string{"At (UTC)", "Variant", "Lane", "Took", "Size", "of it on GPUs", "Planned size"}, Words: 3}
	for _, l := range r.Loads {
		t.Rows = append(t.Rows, []string{
			l.At.UTC().Format(time.DateTime), r.label(l.Variant), clean(l.Lane), lasting(l.Took), humanSize(l.Size), humanSize(l.VRAM), l.planned(),
		})
	}
	return t
}

// planned is the estimate and how far it was off.
func (l Load) planned() string {
	switch {
	case l.Estimate == nil:
		return "–"
	case l.Size <= 0:
		return humanSize(*l.Estimate)
	}
	return fmt.Sprintf("%s (%+.1f"+blank+"%%)", humanSize(*l.Estimate), (float64(*l.Estimate)/float64(l.Size)-1)*100)
}
