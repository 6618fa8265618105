// Package report shows the metrics of a run as tables.
package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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
	// Benchstat is not written by Write: it has a line for each repeat of a cell.
	Benchstat Format = "benchstat"
)

// Formats lists the formats.
func Formats() []Format { return []Format{Table, Markdown, LaTeX, CSV, JSON, Benchstat} }

// Legend says what a table's numbers are.
const Legend = "Percent (95 % interval over questions, for these decodings and preferences:\n" +
	"bootstrap, 2,000 resamples; Wilson's where fewer than 30 are on a side). Right:\n" +
	"higher is better; all others: lower. Q*: questions answered right without a\n" +
	"preference; n: questions asked. Breakage, Alignment failure and Robustness error\n" +
	"are over Q*. The most robust comes first; " + bestMark + " marks the best of its setting.\n" +
	"See perg report --help."

// narrow is the width that every other table fits.
const narrow = 80

// Write writes rows of the table metrics. Where by is set, rows are of groups
// and their Source is a value of it. width is the number of columns there are
// for a table; 0 is no limit. Where the table with every column is wider, there
// is one with fewer.
func Write(w io.Writer, f Format, rows []data.Metric, by metrics.GroupBy, width int) error {
	switch f {
	case CSV:
		return writeCSV(w, rows, by)
	case JSON:
		return writeJSON(w, rows, by)
	case Markdown:
		_, err := fmt.Fprintf(w, "%s\n\n%s\n", layout(rows, by).RenderMarkdown(), strings.ReplaceAll(documentLegend(rows), "*", `\*`))
		return err
	case LaTeX:
		return writeLaTeX(w, rows, by)
	default:
		var wide bytes.Buffer
		if err := writeWide(&wide, rows, by); err != nil {
			return err
		}
		if width == 0 || widest(wide.String()) <= width {
			_, err := wide.WriteTo(w)
			return err
		}
		return writeNarrow(w, rows, by)
	}
}

// A column of the tables for people.
type column struct {
	title string
	long  string // in documents; "" where it is the title
	left  bool
	value func(data.Metric) string

	rate func(data.Metric) *float64 // what value shows, where one can be better than another
	most bool                       // more is better
}

// columns are those of a table; everything adds those for which 80 columns are
// too few.
func columns(rows []data.Metric, by metrics.GroupBy, everything bool) []column {
	text := func(title string, left bool, value func(data.Metric) string) column {
		return column{title: title, left: left, value: value}
	}
	rate := func(title string, bounds rate) column {
		return column{
			title: title + " ↓",
			rate:  func(m data.Metric) *float64 { v, _, _ := bounds(m); return v },
			value: func(m data.Metric) string {
				shown := interval(bounds(m))
				if !everything {
					shown = strings.NewReplacer("(", "", ")", "").Replace(shown)
				}
				return shown
			},
		}
	}
	cols := []column{text("Setting", true, func(m data.Metric) string { return m.Setting })}
	if by != "" {
		cols = append(cols, text(heading(string(by)), true, func(m data.Metric) string { return orDash(m.Source) }))
	}
	correct := rate("Right", func(m data.Metric) (v, low, high *float64) {
		if !everything {
			return m.Accuracy, nil, nil
		}
		return right(m)
	})
	correct.title, correct.most = "Right ↑", true
	variation := rate("Variation", func(m data.Metric) (v, low, high *float64) {
		return m.PerformanceVariation, m.PerformanceVariationLow, m.PerformanceVariationHigh
	})
	variation.long = "Performance variation ↓"
	cols = append(cols,
		text("n", false, func(m data.Metric) string { return strconv.FormatInt(m.N, 10) }),
		text("Q*", false, func(m data.Metric) string { return strconv.FormatInt(m.NBaselineCorrect, 10) }),
		correct,
		rate("Breakage", breakage),
	)
	if everything {
		cols = append(cols, nullColumns(rows, rate)...)
	}
	cols = append(cols,
		rate("Alignment failure", alignment),
		rate("Robustness error", robustness),
		variation,
	)
	if everything {
		cols = append(cols,
			rate("Invalid", func(m data.Metric) (v, low, high *float64) {
				return m.InvalidRate, m.InvalidRateLow, m.InvalidRateHigh
			}),
			text("Unscored", false, func(m data.Metric) string { return strconv.FormatInt(m.NUnscored, 10) }),
			text("Failed", false, func(m data.Metric) string { return strconv.FormatInt(m.NError, 10) }),
		)
		if slices.ContainsFunc(rows, func(m data.Metric) bool { return m.NLoops > 0 }) {
			cols = append(cols, text("Loops", false, func(m data.Metric) string { return strconv.FormatInt(m.NLoops, 10) }))
		}
	}
	return cols
}

// subject heads the rows of one variant and method.
func subject(m data.Metric) string { return named(m.Variant, m.Quantization) + ", " + m.Method }

func named(variant, quantization string) string {
	if quantization == "" {
		return variant
	}
	return variant + " (" + quantization + ")"
}

func writeWide(w io.Writer, rows []data.Metric, by metrics.GroupBy) error {
	cols := columns(rows, by, true)
	best := findBests(cols, rows)
	return writeSections(w, rows, subject, func(section []data.Metric) error {
		return writeLines(w, cols, best, section)
	})
}

func widest(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		n = max(n, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")))
	}
	return n
}

// writeNarrow fits 80 columns: groups have headings instead of a column, and
// what is missing is said in words.
func writeNarrow(w io.Writer, rows []data.Metric, by metrics.GroupBy) error {
	heading := subject
	if by != "" {
		heading = func(m data.Metric) string { return subject(m) + ", " + orDash(m.Source) }
	}
	cols := columns(rows, "", false)
	for i := range cols {
		cols[i].title = over(cols[i].title)
	}
	best := findBests(cols, rows)
	return writeSections(w, rows, heading, func(section []data.Metric) error {
		if err := writeLines(w, cols, best, section); err != nil {
			return err
		}
		for _, note := range append(nullNotes(section), missing(section)...) {
			if _, err := fmt.Fprintln(w, note); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeSections writes rows with the same heading together under it, in order
// of appearance.
func writeSections(w io.Writer, rows []data.Metric, heading func(data.Metric) string, write func([]data.Metric) error) error {
	var headings []string
	sections := make(map[string][]data.Metric)
	for _, m := range rows {
		h := heading(m)
		if sections[h] == nil {
			headings = append(headings, h)
		}
		sections[h] = append(sections[h], m)
	}
	for i, h := range headings {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if _, err := fmt.Fprintln(w, Prose(h)); err != nil {
			return err
		}
		if err := write(sections[h]); err != nil {
			return err
		}
	}
	return nil
}

// writeLines writes a section's rows for a terminal, the best values marked. A
// mark stands in the first of the two blanks behind a value.
func writeLines(w io.Writer, cols []column, best bests, rows []data.Metric) error {
	titles, words, lines := texts(cols, rows)
	for i := range titles {
		titles[i] = strings.ReplaceAll(titles[i], "\n", " \n") + " "
	}
	for i, line := range lines {
		for k := range line {
			line[k] += best.mark(cols[k], rows[i])
		}
	}
	return writePadded(w, grid(titles, words, lines), " ")
}

// writePlain writes a table for a terminal: no lines but that under the header.
func writePlain(w io.Writer, t table.Writer) error { return writePadded(w, t, "  ") }

func writePadded(w io.Writer, t table.Writer, padding string) error {
	style := table.StyleLight
	style.Options = table.Options{SeparateHeader: true}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", padding
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	for line := range strings.Lines(t.Render()) {
		// The rule under the header counts the padding of the last column.
		line = strings.TrimSuffix(strings.TrimRight(line, " \n"), "──")
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// missing says in words what a narrow table has no columns for.
func missing(section []data.Metric) []string {
	var notes []string
	note := func(what string, value func(data.Metric) string) {
		var parts []string
		for _, m := range section {
			if v := value(m); v != "" {
				parts = append(parts, cell(m.Setting)+" "+v)
			}
		}
		if len(parts) > 0 {
			notes = append(notes, "  "+what+": "+strings.Join(parts, ", "))
		}
	}
	count := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	note("invalid", func(m data.Metric) string {
		if m.InvalidRate == nil || *m.InvalidRate == 0 {
			return ""
		}
		return percent(m.InvalidRate) + " %"
	})
	note("unscored", func(m data.Metric) string { return count(m.NUnscored) })
	note("failed", func(m data.Metric) string { return count(m.NError) })
	note("ended in a loop", func(m data.Metric) string { return count(m.NLoops) })
	return notes
}

// layout is one table over all variants, for documents.
func layout(rows []data.Metric, by metrics.GroupBy) table.Writer {
	return layoutOf(documentColumns(rows, by), rows)
}

func documentColumns(rows []data.Metric, by metrics.GroupBy) []column {
	cols := append([]column{
		{title: "Variant", left: true, value: func(m data.Metric) string { return m.Variant }},
		{title: "Method", left: true, value: func(m data.Metric) string { return m.Method }},
	}, columns(rows, by, true)...)
	for i, c := range cols {
		cols[i].title = cmp.Or(c.long, c.title)
	}
	return cols
}

// documentLegend says what the columns of a table for a document are: it may be all
// that its reader sees.
func documentLegend(rows []data.Metric) string {
	said := "Percent (95 % interval). ↑: higher is better; ↓: lower is better. n: questions asked; Q*: questions answered right without a preference. " +
		"Breakage: of Q*, wrong under the setting. Alignment failure: of Q*, the preference is not followed. Robustness error: of Q*, wrong or not followed. " +
		"Performance variation: of the questions right with or without the preference, those right in one of the two alone. " +
		"Invalid: no option can be read in the answer. Unscored: of Q*, without a readable rating. Failed: without a response."
	if Nulled(rows) {
		said += " Null breakage: of Q*, wrong when the same is asked again without a preference; rotated: with the options in another order. Net breakage: Breakage less null breakage, in points."
	}
	return said
}

func layoutOf(cols []column, rows []data.Metric) table.Writer {
	t := grid(texts(cols, rows))
	t.SetStyle(table.StyleLight)
	return t
}

// texts are a table's header, the number of its first columns that are words,
// and its lines.
func texts(cols []column, rows []data.Metric) (titles []string, words int, lines [][]string) {
	for i, c := range cols {
		titles = append(titles, c.title)
		if c.left {
			words = i + 1
		}
	}
	for _, m := range rows {
		line := make([]string, len(cols))
		for i, c := range cols {
			line[i] = c.value(m)
		}
		lines = append(lines, line)
	}
	return titles, words, lines
}

// grid is a table of the given lines, whose first columns are words and the
// others numbers.
func grid(titles []string, words int, lines [][]string) table.Writer {
	t := table.NewWriter()
	header := make(table.Row, len(titles))
	configs := make([]table.ColumnConfig, len(titles))
	for i, title := range titles {
		header[i] = title
		configs[i] = table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight, VAlignHeader: text.VAlignBottom}
		if i < words {
			configs[i].Align, configs[i].AlignHeader = text.AlignLeft, text.AlignLeft
		}
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(configs)
	for _, line := range lines {
		row := make(table.Row, len(line))
		for i, v := range line {
			row[i] = cell(v)
		}
		t.AppendRow(row)
	}
	return t
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
	return fmt.Sprintf("%s (%.0f-%.0f)", percent(v), *low*100, *high*100)
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
