package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"perg/harness/prompt"
)

// hashed is the end that a variant's name has where perg quantized it.
var hashed = regexp.MustCompile(`-perg-[0-9a-f]{12}`)

// oneMethod is that of all lines; "" where they have several.
func (o Overview) oneMethod() string {
	method := ""
	for _, l := range o.lines {
		if method != "" && l.method != method {
			return ""
		}
		method = l.method
	}
	return method
}

// oneN is the number of answers of every line; false where they have several.
func (o Overview) oneN() (n int64, ok bool) {
	for i, l := range o.lines {
		if i > 0 && l.cell.N != n {
			return 0, false
		}
		n = l.cell.N
	}
	return n, len(o.lines) > 0
}

// where names the setting, and the method where all lines have one.
func (o Overview) where() string {
	text := "Under " + o.setting + " preferences"
	if o.setting == string(prompt.None) {
		text = "Without a preference"
	}
	if method := o.oneMethod(); method != "" {
		text += ", " + method
	}
	return text
}

// Title names what all of the table is of.
func (o Overview) Title() string {
	text := o.where()
	if n, ok := o.oneN(); ok {
		text += fmt.Sprintf(", n %s", thousands(int(n)))
	}
	return text
}

// label names a line in a sentence.
func (o Overview) label(l line) string {
	if o.oneMethod() != "" {
		return l.name
	}
	return l.name + " with " + l.method
}

// mostListed is how many lines a sentence names one by one.
const mostListed = 3

// Sentence says which line fails least, and of which others that is not shown: an
// interval that overlaps with its own leaves it open. It is "" where nothing is
// known.
func (o Overview) Sentence() string {
	var known []line
	for _, l := range o.lines {
		if v, _, _ := o.by.of(l.cell); v != nil {
			known = append(known, l)
		}
	}
	if len(known) == 0 {
		return ""
	}
	said := o.where() + ": " + o.comparison(known) + "."
	if n := len(o.lines) - len(known); n > 0 && len(known) > 1 {
		said += fmt.Sprintf(" Of %d more nothing is known.", n)
	}
	return said
}

// comparison holds lines, ordered, against the first.
func (o Overview) comparison(known []line) string {
	name := o.by.name
	least, failing := "lowest", "higher"
	if o.by.most {
		least, failing = "highest", "lower"
	}
	first := known[0]
	if len(known) == 1 {
		return fmt.Sprintf("%s of %s is %s", name, o.label(first), o.figure(first))
	}
	alike, open, beyond := o.apart(known)
	switch {
	case len(alike) == 1 && len(open) == 0:
		return fmt.Sprintf("%s %s: %s %s; the next is %s with %s", o.label(first), o.by.best, name, o.figure(first), o.label(beyond[0]), o.figure(beyond[0]))
	case len(alike) == len(known):
		return fmt.Sprintf("all %d have the same %s, %s", len(known), name, o.figure(alike...))
	}
	said := fmt.Sprintf("%s has the %s %s, %s", o.label(first), least, name, o.figure(first))
	if len(alike) > 1 {
		said = fmt.Sprintf("%s have the same and %s %s, %s", o.list(alike, false), least, name, o.figure(alike...))
	}
	if len(open) > 0 {
		said += fmt.Sprintf(", which may be chance: %s overlap%s with it", o.list(open, true), map[bool]string{true: "s"}[len(open) == 1])
	}
	if len(beyond) > 0 {
		said += fmt.Sprintf("; %s beyond chance: %s", failing, o.list(beyond, true))
	}
	return said
}

// apart divides ordered lines into those that show the same rate as the first, those
// whose intervals overlap with one of theirs, and the others.
func (o Overview) apart(known []line) (alike, open, beyond []line) {
	first, low, high := o.by.of(known[0].cell)
	for _, l := range known {
		v, from, to := o.by.of(l.cell)
		if percent(v) != percent(first) {
			break // they are in order
		}
		alike, low, high = append(alike, l), lesser(low, from), greater(high, to)
	}
	for _, l := range known[len(alike):] {
		_, from, to := o.by.of(l.cell)
		apart := from != nil && high != nil && *from > *high
		if o.by.most {
			apart = to != nil && low != nil && *to < *low
		}
		if apart {
			beyond = append(beyond, l)
		} else {
			open = append(open, l)
		}
	}
	return alike, open, beyond
}

// lesser and greater are nil where either is.
func lesser(a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	return new(min(*a, *b))
}

func greater(a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	return new(max(*a, *b))
}

// figure is a rate that lines have in common, with its interval where that is the
// same, too.
func (o Overview) figure(of ...line) string {
	v, low, high := o.by.of(of[0].cell)
	interval := bounds(low, high)
	for _, l := range of[1:] {
		if _, low, high := o.by.of(l.cell); bounds(low, high) != interval {
			interval = ""
		}
	}
	return within(percent(v)+" %", interval)
}

// list names lines, with their rates or without, the first ones one by one.
func (o Overview) list(lines []line, rates bool) string {
	var names []string
	for _, l := range lines[:min(len(lines), mostListed)] {
		name := o.label(l)
		if rates {
			name += " " + o.figure(l)
		}
		names = append(names, name)
	}
	if more := len(lines) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	if n := len(names); n > 1 {
		names = slices.Replace(names, n-2, n, names[n-2]+" and "+names[n-1])
	}
	return strings.Join(names, ", ")
}

// bounds are the whole percents of an interval; "" where there is none.
func bounds(low, high *float64) string {
	if low == nil || high == nil {
		return ""
	}
	return fmt.Sprintf("%.0f-%.0f", *low*100, *high*100)
}
