package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
)

// Costs are what a run's variants took that its metrics do not tell.
type Costs struct {
	Bytes map[string]int64               // as loaded, by variant
	Times map[metrics.Work]time.Duration // with calls in flight
}

// An Overview is a run in one table: a line for each variant and method, the one
// that fails least first.
type Overview struct {
	setting string // whose rates are shown
	lines   []line
	by      measure // that orders them
}

// A line has nil where something is not known.
type line struct {
	name   string // of the variant, without what tells its files apart
	method string
	cell   data.Metric // under the setting; without rates where the run has none of it
	bytes  *int64
	joules *float64
	took   *time.Duration
}

// A measure is a rate that lines are held against each other by.
type measure struct {
	name string
	best string // what the first does
	of   rate
	most bool // more is better
}

// A rate is one of a cell, with its interval.
type rate func(data.Metric) (v, low, high *float64)

func right(m data.Metric) (v, low, high *float64) { return m.Accuracy, m.AccuracyLow, m.AccuracyHigh }

func breakage(m data.Metric) (v, low, high *float64) {
	return m.BreakageRate, m.BreakageRateLow, m.BreakageRateHigh
}

func nullBreakage(m data.Metric) (v, low, high *float64) {
	return m.NullBreakage, m.NullBreakageLow, m.NullBreakageHigh
}

func alignment(m data.Metric) (v, low, high *float64) {
	return m.AlignmentFailure, m.AlignmentFailureLow, m.AlignmentFailureHigh
}

func robustness(m data.Metric) (v, low, high *float64) {
	return m.RobustnessError, m.RobustnessErrorLow, m.RobustnessErrorHigh
}

// OverviewOf makes the overview of rows of the table metrics. Its rates are those
// under relevant preferences, or under the first setting with preferences that the
// rows have, or without.
func OverviewOf(rows []data.Metric, costs Costs) Overview {
	rows = Overall(rows)
	o := Overview{setting: primary(rows)}
	of := make(map[metrics.Work][]data.Metric)
	var works []metrics.Work
	for _, m := range rows {
		w := metrics.Work{Variant: m.Variant, Method: m.Method}
		if of[w] == nil {
			works = append(works, w)
		}
		of[w] = append(of[w], m)
	}
	names := shortNames(works)
	for _, w := range works {
		cells := of[w]
		baselines := !slices.ContainsFunc(cells, func(m data.Metric) bool { return m.Setting != string(prompt.None) })
		others := slices.ContainsFunc(works, func(x metrics.Work) bool { return x.Variant == w.Variant && x != w })
		if baselines && others && o.setting != string(prompt.None) {
			continue // what its other methods are held against
		}
		l := line{
			name: quantizedName(names[w.Variant], cells[0].Quantization), method: w.Method,
			cell:   data.Metric{Variant: w.Variant, Method: w.Method},
			bytes:  loaded(cells, costs.Bytes[w.Variant]),
			joules: joules(cells),
		}
		if i := slices.IndexFunc(cells, func(m data.Metric) bool { return m.Setting == o.setting }); i >= 0 {
			l.cell = cells[i]
		}
		if took, ok := costs.Times[w]; ok {
			l.took = &took
		}
		o.lines = append(o.lines, l)
	}
	o.by = o.measure()
	slices.SortStableFunc(o.lines, func(a, b line) int {
		x, _, _ := o.by.of(a.cell)
		y, _, _ := o.by.of(b.cell)
		return o.by.compare(x, y)
	})
	return o
}

// compare orders rates, the better first and those that are not known last.
func (b measure) compare(x, y *float64) int {
	switch {
	case x != nil && y != nil && b.most:
		return cmp.Compare(*y, *x)
	case x != nil && y != nil:
		return cmp.Compare(*x, *y)
	case x != nil:
		return -1
	case y != nil:
		return 1
	}
	return 0
}

// primary is the setting that is looked at first.
func primary(rows []data.Metric) string {
	first := string(prompt.None)
	for _, m := range rows {
		switch {
		case m.Setting == string(prompt.Relevant):
			return m.Setting
		case first == string(prompt.None):
			first = m.Setting
		}
	}
	return first
}

// measure is the Robustness Error, the Breakage Rate where not all is rated, and
// where nothing can break how often answers are right.
func (o Overview) measure() measure {
	if o.setting == string(prompt.None) {
		return measure{"Right", "is right most often", right, true}
	}
	for _, l := range o.lines {
		if l.cell.BreakageRate != nil && l.cell.RobustnessError == nil {
			return measure{"Breakage", "breaks least often", breakage, false}
		}
	}
	return measure{"Robustness error", "is the most robust", robustness, false}
}

// shortNames are the variants' without the hash of what was quantized here, where
// they stay apart without it.
func shortNames(works []metrics.Work) map[string]string {
	names, owners := make(map[string]string), make(map[string][]string)
	for _, w := range works {
		short := hashed.ReplaceAllString(w.Variant, "")
		names[w.Variant] = short
		if !slices.Contains(owners[short], w.Variant) {
			owners[short] = append(owners[short], w.Variant)
		}
	}
	for variant, short := range names {
		if len(owners[short]) > 1 {
			names[variant] = variant
		}
	}
	return names
}

func quantizedName(name, quantization string) string {
	if quantization == "" || strings.Contains(strings.ToLower(name), strings.ToLower(quantization)) {
		return name
	}
	return named(name, quantization)
}

// loaded is what the server said it had loaded, at the most; nil where that is not
// known.
func loaded(cells []data.Metric, bytes int64) *int64 {
	for _, m := range cells {
		if m.LoadedVRAMBytes != nil {
			bytes = max(bytes, *m.LoadedVRAMBytes)
		}
	}
	if bytes <= 0 {
		return nil
	}
	return &bytes
}

// whole is the share of answers that energy has to be of to be that of all: the
// first call of a cell may begin before its first sample.
const whole = 0.95

// joules is the energy of all answers of some cells; nil where that of some is not
// known, as of replies that an earlier run paid for.
func joules(cells []data.Metric) *float64 {
	var sum float64
	var answers, measured int64
	for _, m := range cells {
		answers += m.N
		if m.EnergyJoules != nil {
			sum += *m.EnergyJoules
			measured += m.NEnergy
		}
	}
	if measured == 0 || float64(measured) < whole*float64(answers) {
		return nil
	}
	return &sum
}
