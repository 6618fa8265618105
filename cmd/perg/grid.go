package main

import (
	"math"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// A column of a grid. Text columns give way before any column leaves: down to
// least, where that is not 0. Then those with the highest leaves go first.
type column struct {
	head   string
	style  text.Color
	align  text.Align
	middle bool // a long text loses its middle, not its end
	least  int
	leaves int // 0: stays
}

// A share between 0 and 1 is shown as a bar.
type share float64

// The columns of a bar; it takes more where there is room.
const shortBar, longBar = 5, 24

// grid lays cells out, each a string or a share, in lines of at most so many
// columns. A column that is empty takes no room.
func grid(columns []column, rows [][]any, within int, heads bool) []string {
	widths := widthsOf(columns, rows, within, heads)
	var lines []string
	add := func(cell func(i int) string) {
		var cells []string
		for i, c := range columns {
			if widths[i] > 0 {
				cells = append(cells, c.align.Apply(cell(i), widths[i]))
			}
		}
		lines = append(lines, strings.TrimRight(strings.Join(cells, "  "), " "))
	}
	if heads {
		add(func(i int) string { return text.Faint.Sprint(fit(columns[i].head, widths[i])) })
	}
	for _, row := range rows {
		add(func(i int) string { return columns[i].show(row[i], widths[i]) })
	}
	return lines
}

func widthsOf(columns []column, rows [][]any, within int, heads bool) []int {
	widths, bars := make([]int, len(columns)), make([]bool, len(columns))
	for i, c := range columns {
		for _, row := range rows {
			switch cell := row[i].(type) {
			case share:
				bars[i], widths[i] = true, max(widths[i], shortBar)
			case string:
				widths[i] = max(widths[i], measured(cell))
			}
		}
		if widths[i] > 0 && heads {
			widths[i] = max(widths[i], measured(c.head))
		}
	}
	total := func() int {
		sum := -2
		for _, w := range widths {
			if w > 0 {
				sum += w + 2
			}
		}
		return sum
	}
	// most is the column with the most of something; -1: none has any.
	most := func(of func(i int) int) int {
		best := -1
		for i := range columns {
			if widths[i] > 0 && of(i) > 0 && (best < 0 || of(i) > of(best)) {
				best = i
			}
		}
		return best
	}
	gives := func(i int) int {
		if columns[i].least == 0 || widths[i] <= columns[i].least {
			return 0
		}
		return widths[i]
	}
	leaves := func(i int) int { return columns[i].leaves }
	for total() > within {
		if i := most(gives); i >= 0 {
			widths[i]--
		} else if i := most(leaves); i >= 0 {
			widths[i] = 0
		} else {
			widths[most(func(i int) int { return i + 1 })]-- // the last
		}
	}
	for grew := true; grew; {
		grew = false
		for i := range columns {
			if bars[i] && 0 < widths[i] && widths[i] < longBar && total() < within {
				widths[i]++
				grew = true
			}
		}
	}
	return widths
}

// show is a cell in at most so many columns.
func (c column) show(cell any, columns int) string {
	if s, ok := cell.(share); ok {
		return s.bar(c.style, columns)
	}
	s := cell.(string)
	if c.middle {
		s = squeezed(s, columns)
	}
	return styled(fit(s, columns), c.style)
}

func (s share) bar(style text.Color, columns int) string {
	full, empty := "█", "░"
	if text.StringWidth(full) > 1 { // so it is in some East Asian locales
		full, empty = "#", "."
	}
	n := int(math.Round(float64(min(s, 1)) * float64(columns)))
	if n == columns && s < 1 {
		n-- // nearly done is not done
	}
	return styled(strings.Repeat(full, n), style) + text.Faint.Sprint(strings.Repeat(empty, columns-n))
}

// styled is a text in a style; the zero value is none.
func styled(s string, style text.Color) string {
	if style == text.Reset {
		return s
	}
	return style.Sprint(s)
}

// measured is the number of columns that a text takes, whatever its styles.
func measured(s string) int { return text.StringWidthWithoutEscSequences(s) }

// fit is a text of at most so many columns, 0 for any number.
func fit(s string, columns int) string {
	const mark = "…"
	if 0 < columns && columns < measured(mark) { // it takes two in some locales
		return text.Trim(s, columns)
	}
	return text.Snip(s, columns, mark)
}

// squeezed is a text of at most so many columns that ends as the long one does:
// names of variants differ in their ends.
func squeezed(s string, columns int) string {
	if measured(s) <= columns {
		return s
	}
	end := []rune(s)
	for measured(string(end)) > columns/2 {
		end = end[1:]
	}
	return fit(s, columns-measured(string(end))) + string(end)
}
