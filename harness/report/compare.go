package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"perg/harness/compare"
	"perg/harness/metrics"
	"perg/harness/printable"
)

// ComparisonFormats lists the formats of comparisons.
func ComparisonFormats() []Format { return []Format{Table, CSV, JSON, Markdown} }

var metricTitles = map[metrics.Metric]string{
	metrics.Accuracy: "Right", metrics.BreakageRate: "Breakage", metrics.AlignmentFailure: "Alignment failure",
	metrics.RobustnessError: "Robustness error", metrics.PerformanceVariation: "Variation",
}

// abridged is a metric's title where there is no room for all of it.
func abridged(title string) string {
	return strings.NewReplacer("Alignment", "Align.", "Robustness", "Robust.").Replace(title)
}

// WriteComparisons writes comparisons as CSV or JSON, for programs, or as one
// Markdown table. For people in 80 columns there are WritePairs and WriteSweep.
func WriteComparisons(w io.Writer, f Format, all []compare.Comparison) error {
	switch f {
	case JSON:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(all)
	case CSV:
		return writeComparisonCSV(w, all)
	default:
		t := comparisonTable([]string{"A", "B", "Metric", "n", "A %", "B %", "A - B", "95 % interval", "p", "Holm p", "Needed", "A % of its Q*", "B % of its Q*"}, 0, 1, 2)
		for _, c := range all {
			for _, r := range c.Rows {
				line := append(table.Row{sideName(c.A), sideName(c.B)}, rowCells(r)...)
				whole := table.Row{"-", "-"}
				if r.Whole != nil {
					whole = table.Row{percent(r.Whole.A), percent(r.Whole.B)}
				}
				t.AppendRow(append(line, whole...))
			}
		}
		_, err := fmt.Fprintln(w, t.RenderMarkdown())
		return err
	}
}

// WritePairs writes each comparison under the names of its two sides.
func WritePairs(w io.Writer, all []compare.Comparison) error {
	for i, c := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		runA, runB := "", ""
		if c.A.Run != c.B.Run {
			runA, runB = " of "+c.A.Run, " of "+c.B.Run
		}
		fmt.Fprintf(w, "A  %s\nB  %s\n", cell(sideName(c.A)+runA), cell(sideName(c.B)+runB))
		fmt.Fprintf(w, "%s items; right: both %s, A alone %s, B alone %s, neither %s\n",
			thousands(c.N), thousands(c.Counts.Both), thousands(c.Counts.OnlyA), thousands(c.Counts.OnlyB), thousands(c.Counts.Neither))
		titles := []string{"", "n", "A", "B", "A - B", "95 % interval", "p", "Holm p", "Needed"}
		if !compare.Needs(c.Rows) {
			titles = titles[:len(titles)-1]
		}
		t := comparisonTable(titles, 0)
		for _, r := range c.Rows {
			cells := rowCells(r)[:len(titles)]
			cells[0] = abridged(metricTitles[r.Metric])
			t.AppendRow(cells)
		}
		if err := writePlain(w, t); err != nil {
			return err
		}
		if text := wholes(c); text != "" {
			fmt.Fprintln(w, Prose(text))
		}
	}
	return nil
}

// wholes says what the metrics are over all of Q* of either side; "" where none is
// over Q*.
func wholes(c compare.Comparison) string {
	var parts []string
	for _, r := range c.Rows {
		if r.Whole != nil {
			parts = append(parts, fmt.Sprintf("%s %s and %s", metricTitles[r.Metric], percent(r.Whole.A), percent(r.Whole.B)))
		}
	}
	if parts == nil {
		return ""
	}
	return "Over the whole Q* of each side, which may be other items: " + strings.Join(parts, ", ") + "."
}

// WriteSweep writes comparisons of variants with their siblings: for each two
// variants and method one table with a row a setting, of differences over
// their intervals over the adjusted p-values.
func WriteSweep(w io.Writer, all []compare.Comparison) error {
	heading := func(c compare.Comparison) string {
		return quantized(c.A) + "\n  against " + quantized(c.B) + ", " + string(c.A.Method)
	}
	for i := 0; i < len(all); {
		if i > 0 {
			fmt.Fprintln(w)
		}
		h := heading(all[i])
		fmt.Fprintln(w, printable.Text(h))
		titles := []string{"Setting"}
		for _, m := range compare.Metrics() {
			titles = append(titles, strings.Replace(metricTitles[m], " ", "\n", 1))
		}
		t := comparisonTable(titles, 0)
		for ; i < len(all) && heading(all[i]) == h; i++ {
			appendSweep(t, all[i])
		}
		if err := writePlain(w, t); err != nil {
			return err
		}
	}
	return nil
}

func appendSweep(t table.Writer, c compare.Comparison) {
	values, intervals, tests := table.Row{cell(string(c.A.Setting))}, table.Row{"n " + thousands(c.N)}, table.Row{"Q* " + thousands(c.QStar)}
	for _, m := range compare.Metrics() {
		value, interval, test := "-", "", ""
		for _, r := range c.Rows {
			if r.Metric != m {
				continue
			}
			value = points(r.Difference)
			if r.Low != nil && r.High != nil {
				interval = points(r.Low) + ", " + points(r.High)
			}
			if r.Test != nil {
				test = "p " + pValue(r.Test.Holm)
			}
		}
		values, intervals, tests = append(values, value), append(intervals, interval), append(tests, test)
	}
	t.AppendRow(values)
	t.AppendRow(intervals)
	t.AppendRow(tests)
}

func comparisonTable(titles []string, left ...int) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	header := make(table.Row, len(titles))
	configs := make([]table.ColumnConfig, len(titles))
	for i, title := range titles {
		header[i] = title
		configs[i] = table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight, VAlignHeader: text.VAlignBottom}
	}
	for _, i := range left {
		configs[i].Align, configs[i].AlignHeader = text.AlignLeft, text.AlignLeft
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(configs)
	return t
}

// rowCells are a metric's: items, both values, difference, interval and test.
func rowCells(r compare.Row) table.Row {
	interval, p, holm, needed := "-", "-", "-", "-"
	if r.Low != nil && r.High != nil {
		interval = points(r.Low) + " to " + points(r.High)
	}
	if r.Test != nil {
		p, holm = pValue(r.Test.P), pValue(r.Test.Holm)
		if r.Test.Needed != nil {
			needed = thousands(*r.Test.Needed)
		}
	}
	return table.Row{metricTitles[r.Metric], thousands(r.N), percent(r.A), percent(r.B), points(r.Difference), interval, p, holm, needed}
}

func sideName(s compare.Side) string {
	return cell(fmt.Sprintf("%s, %s, %s", s.Variant, s.Method, s.Setting))
}

func quantized(s compare.Side) string {
	if s.Quantization == "" {
		return cell(s.Variant)
	}
	return cell(fmt.Sprintf("%s (%s)", s.Variant, s.Quantization))
}

// points shows a difference of fractions in percentage points.
func points(v *float64) string {
	if v == nil {
		return "-"
	}
	s := strconv.FormatFloat(*v*100, 'f', 1, 64)
	switch {
	case s == "-0.0" || s == "0.0":
		return "0.0"
	case *v > 0:
		return "+" + s
	default:
		return s
	}
}

// pValue shows a p-value as journals do.
func pValue(p float64) string {
	switch {
	case p < 0.001:
		return "<0.001"
	case p >= 0.9995:
		return "1"
	default:
		return strconv.FormatFloat(p, 'f', 3, 64)
	}
}

func thousands(n int) string { return humanize.Comma(int64(n)) }

var comparisonColumns = []string{
	"run_a", "variant_a", "quantization_a", "method_a", "setting_a", "items_a", "failed_a", "unscored_a",
	"run_b", "variant_b", "quantization_b", "method_b", "setting_b", "items_b", "failed_b", "unscored_b",
	"n_common", "n", "right_both", "right_only_a", "right_only_b", "right_neither",
	"metric", "value_a", "value_b", "of_a", "of_b", "difference", "difference_low", "difference_high",
	"test_both", "test_only_a", "test_only_b", "test_neither", "p", "p_holm", "items_needed",
	"n_qstar", "n_metric", "whole_a", "whole_b", "whole_of_a", "whole_of_b",
}

// writeComparisonCSV writes a line for each metric of each comparison.
func writeComparisonCSV(w io.Writer, all []compare.Comparison) error {
	out := csv.NewWriter(w)
	if err := out.Write(comparisonColumns); err != nil {
		return err
	}
	float := func(v *float64) string {
		if v == nil {
			return ""
		}
		return fmt.Sprint(*v)
	}
	side := func(s compare.Side) []string {
		return []string{s.Run, s.Variant, s.Quantization, string(s.Method), string(s.Setting), strconv.Itoa(s.Items), strconv.Itoa(s.Failed), strconv.Itoa(s.Unscored)}
	}
	split := func(s compare.Split) []string {
		return []string{strconv.Itoa(s.Both), strconv.Itoa(s.OnlyA), strconv.Itoa(s.OnlyB), strconv.Itoa(s.Neither)}
	}
	for _, c := range all {
		of := append(side(c.A), side(c.B)...)
		of = append(of, strconv.Itoa(c.Common), strconv.Itoa(c.N))
		of = append(of, split(c.Counts)...)
		for _, r := range c.Rows {
			line := append(slices.Clone(of), string(r.Metric), float(r.A), float(r.B), strconv.Itoa(r.OfA), strconv.Itoa(r.OfB), float(r.Difference), float(r.Low), float(r.High))
			if r.Test == nil {
				line = append(line, make([]string, 7)...)
			} else {
				line = append(append(line, split(r.Test.Split)...), float(&r.Test.P), float(&r.Test.Holm))
				if r.Test.Needed == nil {
					line = append(line, "")
				} else {
					line = append(line, strconv.Itoa(*r.Test.Needed))
				}
			}
			line = append(line, strconv.Itoa(c.QStar), strconv.Itoa(r.N))
			if q := r.Whole; q == nil {
				line = append(line, make([]string, 4)...)
			} else {
				line = append(line, float(q.A), float(q.B), strconv.Itoa(q.OfA), strconv.Itoa(q.OfB))
			}
			if err := out.Write(line); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}
