// Package report shows the metrics of a run as tables.
package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"perg/data"
	"perg/harness/metrics"
)

// A Format is a way to write a table.
type Format string

// The formats. Table, markdown and latex are for people and give percent; csv
// and json are for programs and give every column of the table metrics, rates
// as fractions.
const (
	Table    Format = "table"
	Markdown Format = "markdown"
	LaTeX    Format = "latex"
	CSV      Format = "csv"
	JSON     Format = "json"
)

// Formats lists the formats.
func Formats() []Format { return []Format{Table, Markdown, LaTeX, CSV, JSON} }

// wide is the width from which the columns of invalid and missing rows fit.
const wide = 110

// Write writes rows of the table metrics. Where by is set, rows are of groups
// and their Source is a value of it. width is the number of columns there are
// for a table; 0 is no limit.
func Write(w io.Writer, f Format, rows []data.Metric, by metrics.GroupBy, width int) error {
	switch f {
	case CSV:
		return writeCSV(w, rows, by)
	case JSON:
		return writeJSON(w, rows, by)
	case Markdown:
		_, err := fmt.Fprintln(w, layout(rows, by, true).RenderMarkdown())
		return err
	case LaTeX:
		return writeLaTeX(w, rows, by)
	default:
		return writeTable(w, rows, by, width == 0 || width >= wide)
	}
}

// A column of the tables for people.
type column struct {
	title string
	left  bool
	value func(data.Metric) string
}

func columns(rows []data.Metric, by metrics.GroupBy, everything bool) []column {
	cols := []column{{"Setting", true, func(m data.Metric) string { return m.Setting }}}
	if by != "" {
		cols = append(cols, column{heading(string(by)), true, func(m data.Metric) string { return orDash(m.Source) }})
	}
	cols = append(cols,
		column{"n", false, func(m data.Metric) string { return strconv.FormatInt(m.N, 10) }},
		column{"Q*", false, func(m data.Metric) string { return strconv.FormatInt(m.NBaselineCorrect, 10) }},
		column{"Right", false, func(m data.Metric) string { return percent(m.Accuracy) }},
		column{"Breakage", false, func(m data.Metric) string {
			return interval(m.BreakageRate, m.BreakageRateLow, m.BreakageRateHigh)
		}},
		column{"Alignment", false, func(m data.Metric) string {
			return interval(m.AlignmentFailure, m.AlignmentFailureLow, m.AlignmentFailureHigh)
		}},
		column{"Robustness", false, func(m data.Metric) string {
			return interval(m.RobustnessError, m.RobustnessErrorLow, m.RobustnessErrorHigh)
		}},
		column{"Variation", false, func(m data.Metric) string {
			return interval(m.PerformanceVariation, m.PerformanceVariationLow, m.PerformanceVariationHigh)
		}},
	)
	if everything {
		cols = append(cols,
			column{"Invalid", false, func(m data.Metric) string { return percent(m.InvalidRate) }},
			column{"Unscored", false, func(m data.Metric) string { return strconv.FormatInt(m.NUnscored, 10) }},
			column{"Failed", false, func(m data.Metric) string { return strconv.FormatInt(m.NError, 10) }},
		)
	}
	return cols
}

// subject heads the rows of one variant and method.
func subject(m data.Metric) string {
	s := m.Variant
	if m.Quantization != "" {
		s += " (" + m.Quantization + ")"
	}
	return s + ", " + m.Method
}

// sections splits rows by variant and method. A baseline joins the first
// section of its variant.
func sections(rows []data.Metric) [][]data.Metric {
	var all [][]data.Metric
	for _, m := range rows {
		i := slices.IndexFunc(all, func(s []data.Metric) bool { return subject(s[0]) == subject(m) })
		if i < 0 {
			all = append(all, []data.Metric{m})
		} else {
			all[i] = append(all[i], m)
		}
	}
	return all
}

func writeTable(w io.Writer, rows []data.Metric, by metrics.GroupBy, everything bool) error {
	for i, section := range sections(rows) {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, clean(subject(section[0])))
		t := layoutOf(columns(section, by, everything), section)
		style := table.StyleLight
		style.Options = table.Options{SeparateHeader: true}
		style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
		style.Format.Header = text.FormatDefault
		t.SetStyle(style)
		for line := range strings.Lines(t.Render()) {
			if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
				return err
			}
		}
		if everything {
			continue
		}
		for _, m := range section {
			if note := missing(m, by); note != "" {
				fmt.Fprintln(w, note)
			}
		}
	}
	return nil
}

// missing says in words what a narrow table has no columns for.
func missing(m data.Metric, by metrics.GroupBy) string {
	var parts []string
	if m.InvalidRate != nil && *m.InvalidRate > 0 {
		parts = append(parts, percent(m.InvalidRate)+" % gave no answer that could be read")
	}
	if m.NUnscored > 0 {
		parts = append(parts, fmt.Sprintf("%d unscored", m.NUnscored))
	}
	if m.NError > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", m.NError))
	}
	if len(parts) == 0 {
		return ""
	}
	where := m.Setting
	if by != "" {
		where += " " + orDash(m.Source)
	}
	return "  " + clean(where) + ": " + strings.Join(parts, ", ")
}

// layout is one table over all variants, for documents.
func layout(rows []data.Metric, by metrics.GroupBy, everything bool) table.Writer {
	cols := append([]column{
		{"Variant", true, func(m data.Metric) string { return m.Variant }},
		{"Method", true, func(m data.Metric) string { return m.Method }},
	}, columns(rows, by, everything)...)
	return layoutOf(cols, rows)
}

func layoutOf(cols []column, rows []data.Metric) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	header := make(table.Row, len(cols))
	configs := make([]table.ColumnConfig, len(cols))
	for i, c := range cols {
		header[i] = c.title
		configs[i] = table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight}
		if c.left {
			configs[i].Align, configs[i].AlignHeader = text.AlignLeft, text.AlignLeft
		}
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(configs)
	for _, m := range rows {
		row := make(table.Row, len(cols))
		for i, c := range cols {
			row[i] = clean(c.value(m))
		}
		t.AppendRow(row)
	}
	return t
}

func writeLaTeX(w io.Writer, rows []data.Metric, by metrics.GroupBy) error {
	cols := append([]column{
		{"Variant", true, func(m data.Metric) string { return m.Variant }},
		{"Method", true, func(m data.Metric) string { return m.Method }},
	}, columns(rows, by, true)...)
	var b strings.Builder
	b.WriteString("% needs \\usepackage{booktabs}; rates in percent with 95\\,\\% intervals\n\\begin{tabular}{")
	for _, c := range cols {
		if c.left {
			b.WriteByte('l')
		} else {
			b.WriteByte('r')
		}
	}
	b.WriteString("}\n\\toprule\n")
	line := func(cell func(column) string) {
		for i, c := range cols {
			if i > 0 {
				b.WriteString(" & ")
			}
			b.WriteString(latexEscape.Replace(clean(cell(c))))
		}
		b.WriteString(" \\\\\n")
	}
	line(func(c column) string { return c.title })
	b.WriteString("\\midrule\n")
	for _, m := range rows {
		line(func(c column) string { return c.value(m) })
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

var latexEscape = strings.NewReplacer(`\`, `\textbackslash{}`, "&", `\&`, "%", `\%`, "$", `\$`, "#", `\#`,
	"_", `\_`, "{", `\{`, "}", `\}`, "~", `\textasciitilde{}`, "^", `\textasciicircum{}`)

// fields gives a row's columns by the names they have in Parquet; the group's
// column bears the name of the property.
func fields(m data.Metric, by metrics.GroupBy) (names []string, values []any) {
	v := reflect.ValueOf(m)
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("json")
		if name == "source" && by != "" {
			name = string(by)
		}
		names = append(names, name)
		f := v.Field(i)
		switch {
		case f.Kind() == reflect.Pointer && f.IsNil():
			values = append(values, nil)
		case f.Kind() == reflect.Pointer:
			values = append(values, f.Elem().Interface())
		default:
			values = append(values, f.Interface())
		}
	}
	return names, values
}

func writeCSV(w io.Writer, rows []data.Metric, by metrics.GroupBy) error {
	out := csv.NewWriter(w)
	names, _ := fields(data.Metric{}, by)
	if err := out.Write(names); err != nil {
		return err
	}
	for _, m := range rows {
		_, values := fields(m, by)
		record := make([]string, len(values))
		for i, v := range values {
			if v != nil {
				record[i] = fmt.Sprint(v)
			}
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// Records gives rows as JSON objects with the columns' names in Parquet.
func Records(rows []data.Metric, by metrics.GroupBy) []map[string]any {
	all := make([]map[string]any, len(rows))
	for i, m := range rows {
		names, values := fields(m, by)
		all[i] = make(map[string]any, len(names))
		for j, n := range names {
			all[i][n] = values[j]
		}
	}
	return all
}

func writeJSON(w io.Writer, rows []data.Metric, by metrics.GroupBy) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(Records(rows, by))
}

// percent shows a fraction with one decimal, or a dash where it is undefined.
func percent(v *float64) string {
	if v == nil {
		return "-"
	}
	if *v == 1 {
		return "100"
	}
	return strconv.FormatFloat(*v*100, 'f', 1, 64)
}

// interval shows a rate and the whole percents its 95 % interval lies in.
func interval(v, low, high *float64) string {
	if v == nil || low == nil || high == nil {
		return percent(v)
	}
	return fmt.Sprintf("%s %.0f-%.0f", percent(v), *low*100, *high*100)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func heading(column string) string {
	return strings.ToUpper(column[:1]) + strings.ReplaceAll(column[1:], "_", " ")
}

// clean keeps names that came from outside from steering a terminal.
func clean(s string) string { return text.StripEscape(strings.Map(printable, s)) }

func printable(r rune) rune {
	if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 {
		return -1
	}
	return r
}
