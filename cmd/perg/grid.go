package main

import (
	"math"
	"strings"

	"github.com/mattn/go-runewidth"
)

// The styles of a span: what follows ESC [ and precedes m.
const (
	plain  = ""
	faint  = "2"
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// A span is text of one style, a line some of them.
type span struct{ text, style string }

type line []span

// width is the columns that a line takes.
func (l line) width() (n int) {
	for _, s := range l {
		n += runewidth.StringWidth(s.text)
	}
	return n
}

// String is a line as a terminal takes it.
func (l line) String() string {
	var b strings.Builder
	for _, s := range l {
		if s.style == plain {
			b.WriteString(s.text)
		} else {
			b.WriteString("\x1b[" + s.style + "m" + s.text + "\x1b[0m")
		}
	}
	return b.String()
}

// cut is a line of at most so many columns.
func (l line) cut(columns int) line {
	if l.width() <= columns {
		return l
	}
	var short line
	for _, s := range l {
		w := runewidth.StringWidth(s.text)
		if w > columns {
			return append(short, span{truncated(s.text, columns), s.style})
		}
		short, columns = append(short, s), columns-w
	}
	return short
}

// A cell of a grid has text, or shows a share between 0 and 1 as a bar; a
// negative share is not known.
type cell struct {
	span
	share float64
}

func words(s string) cell          { return cell{span: span{text: s}} }
func styled(s, style string) cell  { return cell{span: span{s, style}} }
func bar(f float64, s string) cell { return cell{span: span{style: s}, share: f} }

// A column of a grid. Text columns give way before any column leaves: down to
// least, where that is not 0. Then those with the highest leaves go first.
type column struct {
	head   string
	bar    bool
	right  bool
	middle bool // a long text loses its middle, not its end
	least  int
	leaves int // 0: stays
}

// The columns of a bar; it takes more where there is room.
const shortBar, longBar = 5, 24

// grid lays cells out in lines of at most so many columns. A column that is
// empty takes no room.
func grid(columns []column, rows [][]cell, within int, heads bool) []line {
	widths := widthsOf(columns, rows, within, heads)
	lines := make([]line, 0, len(rows)+1)
	add := func(at func(i int) cell) {
		var l line
		first := true
		for i, c := range columns {
			if widths[i] == 0 {
				continue
			}
			if !first {
				l = append(l, span{text: "  "})
			}
			first = false
			l = append(l, at(i).laid(c, widths[i])...)
		}
		lines = append(lines, l.trimmed().cut(within))
	}
	if heads {
		add(func(i int) cell { return styled(columns[i].head, faint) })
	}
	for _, r := range rows {
		add(func(i int) cell { return r[i] })
	}
	return lines
}

// trimmed has no blanks at its end.
func (l line) trimmed() line {
	for len(l) > 0 {
		last := &l[len(l)-1]
		if last.text = strings.TrimRight(last.text, " "); last.text != "" {
			break
		}
		l = l[:len(l)-1]
	}
	return l
}

func widthsOf(columns []column, rows [][]cell, within int, heads bool) []int {
	widths := make([]int, len(columns))
	total := -2
	for i, c := range columns {
		for _, r := range rows {
			widths[i] = max(widths[i], runewidth.StringWidth(r[i].text))
			if c.bar && r[i].share >= 0 {
				widths[i] = shortBar
			}
		}
		if widths[i] > 0 && heads {
			widths[i] = max(widths[i], runewidth.StringWidth(c.head))
		}
		if widths[i] > 0 {
			total += widths[i] + 2
		}
	}
	for total > within {
		widest, leaving := -1, -1
		for i, c := range columns {
			if c.least > 0 && widths[i] > c.least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
			if c.leaves > 0 && widths[i] > 0 && (leaving < 0 || c.leaves > columns[leaving].leaves) {
				leaving = i
			}
		}
		switch {
		case widest >= 0:
			widths[widest]--
			total--
		case leaving >= 0:
			total -= widths[leaving] + 2
			widths[leaving] = 0
		default:
			return widths
		}
	}
	for grew := true; grew; {
		grew = false
		for i, c := range columns {
			if c.bar && widths[i] > 0 && widths[i] < longBar && total < within {
				widths[i]++
				total++
				grew = true
			}
		}
	}
	return widths
}

// laid is a cell in its column.
func (c cell) laid(in column, columns int) line {
	if in.bar && c.text == "" {
		return barOf(c, columns)
	}
	s := truncated(c.text, columns)
	if in.middle {
		s = squeezed(c.text, columns)
	}
	blanks := strings.Repeat(" ", columns-runewidth.StringWidth(s))
	if in.right {
		return line{{text: blanks}, {s, c.style}}
	}
	return line{{s, c.style}, {text: blanks}}
}

// squeezed is a text of at most so many columns that ends as the long one does:
// names of variants differ in their ends.
func squeezed(s string, columns int) string {
	over := runewidth.StringWidth(s) - columns
	if over <= 0 {
		return s
	}
	half := columns / 2
	end := runewidth.TruncateLeft(s, runewidth.StringWidth(s)-half, "")
	return truncated(s, columns-runewidth.StringWidth(end)) + end
}

func barOf(c cell, columns int) line {
	if c.share < 0 {
		return line{{text: strings.Repeat(" ", columns)}}
	}
	full, empty := "█", "░"
	if runewidth.StringWidth(full) > 1 { // so it is in some East Asian locales
		full, empty = "#", "."
	}
	n := int(math.Round(min(c.share, 1) * float64(columns)))
	if n == columns && c.share < 1 {
		n-- // nearly done is not done
	}
	return line{{strings.Repeat(full, n), c.style}, {strings.Repeat(empty, columns-n), faint}}
}
