package page

import (
	"fmt"
	"strings"

	"perg/data"
	"perg/harness/report"
)

// letters is the table of the letters that answers choose, of all cells, and in
// how many of these some letter is preferred.
func (r Run) letters(l lead) (table, string) {
	t := table{Words: 3, Head: []string{"Variant", "Method", "Setting", "Chosen", "without a preference", "right"}}
	ranked := r.ranked(l)
	for _, m := range ranked {
		if m.Letters == nil {
			continue
		}
		t.Rows = append(t.Rows, []string{r.label(m.Variant), m.Method, m.Setting, lettered(m.Letters), lettered(m.LettersBaseline), lettered(m.LettersGold)})
	}
	lean := ""
	if n := len(report.Leaning(ranked)); n > 0 {
		lean = fmt.Sprintf("in %s some are chosen more or less often than they are right, by more than chance", plural(n, "cell", "cells"))
	}
	return t, lean
}

// lettered shows shares by letter: "A 25 % B 31 % ...".
func lettered(shares []float64) string {
	if shares == nil {
		return "–"
	}
	parts := make([]string, len(shares))
	for i, s := range shares {
		parts[i] = data.Letter(i) + " " + rate(&s)
	}
	return strings.Join(parts, ", ")
}
