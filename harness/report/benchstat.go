package report

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
)

// A Setup is a line before benchmarks that says under what they ran: benchstat
// compares only what has the same.
type Setup struct{ Key, Value string }

// benchUnits are the rates of a repeat, with what is better.
var benchUnits = []struct {
	metric       metrics.Metric
	unit, better string
}{
	{metrics.Accuracy, "%right", "higher"},
	{metrics.BreakageRate, "%breakage", "lower"},
	{metrics.AlignmentFailure, "%alignment-failure", "lower"},
	{metrics.RobustnessError, "%robustness-error", "lower"},
	{metrics.PerformanceVariation, "%variation", "lower"},
	{metrics.Invalid, "%invalid", "lower"},
}

// The units beside the rates.
const (
	unitSpeed = "tok/s"
	unitNull  = "%null-breakage"
	unitJ     = "J/answer"
	unitRight = "J/right-answer"
)

// WriteBenchstat writes cells over all items in the format of Go's benchmarks
// (golang.org/design/14313-benchmark-format), as benchstat reads it: a line for each
// repeat of a cell, and one for what is known of all its repeats together. The number
// of iterations is that of the answers. rows are those of the table metrics, of the
// same cells. Names are escaped as in a URL.
func WriteBenchstat(w io.Writer, setup []Setup, cells []*metrics.Cell, rows []data.Metric) error {
	var b strings.Builder
	for _, s := range setup {
		fmt.Fprintf(&b, "%s: %s\n", s.Key, cell(s.Value))
	}
	for _, u := range benchUnits {
		fmt.Fprintf(&b, "Unit %s better=%s\n", u.unit, u.better)
	}
	for _, u := range []string{unitNull, unitJ, unitRight} {
		fmt.Fprintf(&b, "Unit %s better=lower\n", u)
	}
	fmt.Fprintf(&b, "Unit %s better=higher\n\n", unitSpeed)
	for _, c := range cells {
		name := benchName(c.Variant, string(c.Method), string(c.Setting))
		for _, r := range c.ByRepeat() {
			l := benchLine{name: name, n: int64(r.Pairs)}
			for _, u := range benchUnits {
				l.percent(r.Rate(u.metric).Value(), u.unit)
			}
			l.add(r.Speed(), unitSpeed)
			l.writeTo(&b)
		}
	}
	for _, m := range Overall(rows) {
		l := benchLine{name: benchName(m.Variant, m.Method, m.Setting), n: m.N}
		if m.Setting == string(prompt.None) {
			l.percent(m.NullBreakage, unitNull)
		}
		l.add(m.JoulesPerAnswer, unitJ)
		l.add(m.JoulesPerRightAnswer, unitRight)
		l.writeTo(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// benchName ends in the setting, which no number ends: benchstat takes one for the
// number of processors.
func benchName(variant, method, setting string) string {
	return "BenchmarkPERG/variant=" + url.PathEscape(variant) + "/method=" + url.PathEscape(method) + "/setting=" + url.PathEscape(setting)
}

// A benchLine is one result: what is not known is not in it.
type benchLine struct {
	name   string
	n      int64
	values []string
}

func (l *benchLine) add(v *float64, unit string) {
	if v != nil {
		l.values = append(l.values, strconv.FormatFloat(*v, 'g', 6, 64)+" "+unit)
	}
}

func (l *benchLine) percent(v *float64, unit string) {
	if v != nil {
		l.add(new(*v*100), unit)
	}
}

func (l *benchLine) writeTo(b *strings.Builder) {
	if l.n > 0 && len(l.values) > 0 {
		fmt.Fprintf(b, "%s\t%d\t%s\n", l.name, l.n, strings.Join(l.values, "\t"))
	}
}
