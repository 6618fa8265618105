package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"perg/harness/advise"
)

// FrontLegend says what the last column of Front is, which costs nobody knows, and
// which columns are left out for want of room.
func FrontLegend(unknown, leftOut []string) string {
	said := "Front: * is on it; else the number of one that dominates: " + FrontRule(unknown)
	if len(leftOut) > 0 {
		said += " A wider terminal shows " + strings.Join(leftOut, ", ") + ", too."
	}
	return said
}

// FrontRule says what it is to dominate.
func FrontRule(unknown []string) string {
	said := "worse in nothing, better in something. Breakage within intervals is the same, the rest is as measured."
	if len(unknown) > 0 {
		said += " Not known of any, and left out: " + strings.Join(unknown, ", ") + "."
	}
	return said
}

// shortest is how much of a name is kept in the table of the front.
const shortest = 14

// Front writes the Pareto front as a table that fits so many columns, 0 for no limit,
// and gives the titles of columns that it has left out for that. A name that is too
// long loses its middle first. What is not known of any has no column.
func Front(w io.Writer, all []advise.Standing, width int) (leftOut []string, err error) {
	names := make([]string, len(all))
	longest := 0
	for i, s := range all {
		names[i] = s.Variant
	}
	names = Shorts(names)
	for _, name := range names {
		longest = max(longest, utf8.RuneCountInString(name))
	}
	costs := frontCosts(all)
	draw := func(longest int) string {
		titles := []string{"", "Variant"}
		for _, c := range costs {
			titles = append(titles, c.title)
		}
		titles = append(titles, "Breakage", "Front")
		var lines [][]string
		for i, s := range all {
			line := []string{strconv.Itoa(i + 1), shorter(names[i], longest)}
			for _, c := range costs {
				line = append(line, orNone(c.of(s.Point), c.format))
			}
			lines = append(lines, append(line, interval(s.Breakage, s.BreakageLow, s.BreakageHigh), frontOf(all, s)))
		}
		var b bytes.Buffer
		writePlain(&b, grid(titles, 2, lines))
		return b.String()
	}
	text := draw(longest)
	for width > 0 && widest(text) > width {
		if room := longest - (widest(text) - width); room >= min(shortest, longest) || len(costs) == 0 {
			text = draw(max(room, 3))
			break
		}
		leftOut, costs = append(leftOut, costs[0].title), costs[1:]
		text = draw(longest)
	}
	_, err = io.WriteString(w, text)
	return leftOut, err
}

type frontCost struct {
	title, format string
	of            func(advise.Point) *float64
}

// frontCosts are those of which some point is known, the first to be left out first.
func frontCosts(all []advise.Standing) []frontCost {
	return slices.DeleteFunc([]frontCost{
		{"Bits", "%.2f", func(p advise.Point) *float64 { return p.Bits }},
		{"J/right", "%.1f", func(p advise.Point) *float64 { return p.Joules }},
		{"tok/s", "%.1f", func(p advise.Point) *float64 { return p.TokensPerSecond }},
		{"GiB", "%.1f", func(p advise.Point) *float64 {
			if p.Bytes == nil {
				return nil
			}
			return new(float64(*p.Bytes) / (1 << 30))
		}},
	}, func(c frontCost) bool {
		return !slices.ContainsFunc(all, func(s advise.Standing) bool { return c.of(s.Point) != nil })
	})
}

// frontOf is a point's last column.
func frontOf(all []advise.Standing, s advise.Standing) string {
	if s.Front {
		return "*"
	}
	return strconv.Itoa(1 + slices.IndexFunc(all, func(o advise.Standing) bool { return o.Variant == s.DominatedBy[0] }))
}

func orNone(v *float64, format string) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf(format, *v)
}

// shorter is a text of at most so many characters, without its middle.
func shorter(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	head := (most - 1) * 2 / 5 // what tells names apart is at their ends
	return string(r[:head]) + "…" + string(r[len(r)-(most-1-head):])
}
