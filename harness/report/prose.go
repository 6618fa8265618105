package report

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"perg/harness/printable"
)

// Prose is text that may have come from outside as lines of 80 columns that are
// safe to show, without blanks at their ends and without a last line end.
func Prose(s string) string { return ProseIn(s, narrow) }

// ProseIn is Prose in as many columns as there are, or 80 where there are more; 0 is
// no limit.
func ProseIn(s string, width int) string {
	if width <= 0 || width > narrow {
		width = narrow
	}
	lines := strings.Split(text.WrapSoft(printable.Text(s), width), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}
