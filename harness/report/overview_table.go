package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A figure is a column of the overview.
type figure struct {
	title string // its words stand over each other where there is little room
	of    func(line) (value, interval string)
}

func rated(title string, of rate) figure {
	return figure{title, func(l line) (value, interval string) {
		v, low, high := of(l.cell)
		if v == nil {
			return "-", ""
		}
		return percent(v), bounds(low, high)
	}}
}

// ratesShown are the columns that are always there.
func (o Overview) ratesShown() []figure {
	return []figure{
		rated("Right ↑", right), rated("Breakage ↓", breakage), rated("Null ↓", nullBreakage),
		rated("Alignment failure ↓", alignment), rated("Robustness error ↓", robustness),
	}
}

// costsShown are those that are there as far as there is room, the first of them
// first.
func (o Overview) costsShown() []figure {
	plain := func(title string, of func(line) string) figure {
		return figure{title, func(l line) (string, string) { return of(l), "" }}
	}
	return []figure{
		{"tok/s", func(l line) (value, interval string) {
			return quantity(l.cell.OutputTokensPerSecond), speeds(l.cell)
		}},
		plain("GiB", func(l line) string {
			if l.bytes == nil {
				return "-"
			}
			return quantity(new(float64(*l.bytes) / (1 << 30)))
		}),
		plain("time", func(l line) string { return lasted(l.took) }),
		plain("Wh", func(l line) string {
			if l.joules == nil {
				return "-"
			}
			return quantity(new(*l.joules / 3600))
		}),
	}
}

// Write writes the overview's table for a terminal of so many columns; 0 is no limit.
// A wide one has a line for each variant and method. A narrower one has intervals
// below their rates, and of the costs as many as there is room for; the narrowest
// is a list. Left out are the titles of the costs for which there was no room.
func (o Overview) Write(w io.Writer, width int) (leftOut []string, err error) {
	wide := o.wide()
	if width <= 0 || widest(wide) <= width {
		_, err := io.WriteString(w, wide)
		return nil, err
	}
	costs := o.costsShown()
	known := slices.DeleteFunc(slices.Clone(costs), func(f figure) bool {
		return !slices.ContainsFunc(o.lines, func(l line) bool { v, _ := f.of(l); return v != "-" })
	})
	for n := len(known); n >= 0; n-- {
		narrower, ok := o.narrower(known[:n], width)
		if !ok {
			continue
		}
		for _, f := range known[n:] {
			leftOut = append(leftOut, f.title)
		}
		_, err := io.WriteString(w, narrower)
		return leftOut, err
	}
	_, err = io.WriteString(w, o.listed(known, width))
	return nil, err
}

// wide is a table with a line for each of the overview's.
func (o Overview) wide() string {
	titles, words := []string{"Variant"}, 1
	if o.oneMethod() == "" {
		titles, words = append(titles, "Method"), 2
	}
	titles = append(titles, "n", "Q*")
	figures := append(o.ratesShown(), o.costsShown()...)
	for _, f := range figures {
		titles = append(titles, f.title)
	}
	var lines [][]string
	for _, l := range o.lines {
		texts := []string{l.name, l.method}[:words]
		texts = append(texts, thousands(int(l.cell.N)), thousands(int(l.cell.NBaselineCorrect)))
		for _, f := range figures {
			texts = append(texts, within(f.of(l)))
		}
		lines = append(lines, texts)
	}
	var b bytes.Buffer
	writePlain(&b, grid(titles, words, lines))
	return b.String()
}

// least is how much of a name is kept together in a narrow table.
const least = 16

// narrower is a table whose lines have two or more of text, with two costs to a
// column; false where it does not fit.
func (o Overview) narrower(costs []figure, width int) (string, bool) {
	rates := o.ratesShown()
	header := table.Row{"Variant"}
	for _, f := range rates {
		header = append(header, over(f.title))
	}
	pairs := slices.Collect(slices.Chunk(costs, 2))
	for _, pair := range pairs {
		header = append(header, strings.Join(titlesOf(pair), "\n"))
	}
	room, longest := 0, 0
	draw := func() string {
		t := table.NewWriter()
		t.AppendHeader(header)
		configs := []table.ColumnConfig{{Number: 1, VAlignHeader: text.VAlignBottom}}
		for i := range header[1:] {
			configs = append(configs, table.ColumnConfig{Number: i + 2, Align: text.AlignRight, AlignHeader: text.AlignRight, VAlignHeader: text.VAlignBottom})
		}
		t.SetColumnConfigs(configs)
		for _, l := range o.lines {
			row := table.Row{""}
			if room > 0 {
				row[0] = strings.Join(append(broken(cell(l.name), room), o.counts(l)), "\n")
			}
			for _, f := range rates {
				v, interval := f.of(l)
				row = append(row, v+"\n"+interval)
			}
			for _, pair := range pairs {
				var values []string
				for _, f := range pair {
					v, _ := f.of(l)
					values = append(values, v)
				}
				row = append(row, strings.Join(values, "\n"))
			}
			t.AppendRow(row)
		}
		var b bytes.Buffer
		writePlain(&b, t)
		return b.String()
	}
	for _, l := range o.lines {
		longest = max(longest, min(utf8.RuneCountInString(l.name), least), utf8.RuneCountInString(o.counts(l)))
	}
	free := width - widest(draw()) + len("Variant")
	if room = free; room < longest {
		return "", false
	}
	return draw(), true
}

// listed is the overview with a line for each figure.
func (o Overview) listed(costs []figure, width int) string {
	var b strings.Builder
	for _, l := range o.lines {
		fmt.Fprintf(&b, "%s\n  %s\n", strings.Join(broken(cell(l.name), width), "\n"), o.counts(l))
		for _, f := range o.ratesShown() {
			fmt.Fprintf(&b, "  %-19s %s\n", f.title, within(f.of(l)))
		}
		for _, f := range costs {
			v, _ := f.of(l)
			fmt.Fprintf(&b, "  %-19s %s\n", f.title, v)
		}
	}
	return b.String()
}

// counts are what stands below a variant's name: the method and the numbers that are
// not the same in all lines, and so in the title.
func (o Overview) counts(l line) string {
	var parts []string
	if o.oneMethod() == "" {
		parts = append(parts, l.method)
	}
	if _, ok := o.oneN(); !ok {
		parts = append(parts, "n "+thousands(int(l.cell.N)))
	}
	return strings.Join(append(parts, "Q* "+thousands(int(l.cell.NBaselineCorrect))), ", ")
}

// within is a value with its interval, where it has one.
func within(value, interval string) string {
	if interval == "" {
		return value
	}
	return value + " (" + interval + ")"
}

// over puts a title's arrow, or its last two words, below the rest.
func over(title string) string {
	first, rest, _ := strings.Cut(title, " ")
	return first + "\n" + rest
}

func titlesOf(figures []figure) (titles []string) {
	for _, f := range figures {
		titles = append(titles, f.title)
	}
	return titles
}

// broken is a name in lines of so many columns, which end behind a mark that parts
// it where there is one.
func broken(name string, room int) (lines []string) {
	rest := []rune(name)
	for len(rest) > room {
		at := room
		if i := strings.LastIndex(string(rest[:room]), " "); i >= 0 {
			at = utf8.RuneCountInString(string(rest[:room])[:i+1])
		} else if i := strings.LastIndexAny(string(rest[:room]), "-_:/@"); i > room/2 {
			at = utf8.RuneCountInString(string(rest[:room])[:i+1])
		}
		lines = append(lines, strings.TrimRight(string(rest[:at]), " "))
		rest = rest[at:]
	}
	return append(lines, string(rest))
}

// quantity shows a number with two digits or more, and all those before its point.
func quantity(v *float64) string {
	switch {
	case v == nil:
		return "-"
	case *v >= 99.95:
		return humanize.Comma(int64(*v + 0.5))
	case *v >= 0.995:
		return fmt.Sprintf("%.1f", *v)
	case *v >= 0.0095 || *v == 0:
		return fmt.Sprintf("%.2f", *v)
	default:
		return "<0.01"
	}
}

// lasted shows a time in its largest unit of which there are two or more.
func lasted(d *time.Duration) string {
	switch {
	case d == nil:
		return "-"
	case *d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case *d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case *d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	default:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
}

// Legend says what the overview's columns are, for a terminal of so many columns.
// leftOut are the titles for which there was no room.
func (o Overview) Legend(leftOut []string, width int) string {
	said := "Percent (95 % interval). Right: higher is better; all others: lower. "
	if len(leftOut) > 0 {
		said += "A wider terminal shows " + strings.Join(leftOut, " and ") + ", too. "
	}
	return ProseIn(said+overviewWords, width)
}

const overviewWords = "Q*: questions answered right without a preference; n: questions asked. " +
	"Of Q*, Breakage is what is wrong under the preference, Null what is wrong when asked again without one, " +
	"Alignment failure where the preference is not followed, Robustness error either. " +
	"tok/s: of one slot; GiB: as loaded; time and Wh: of all settings, without judging."
