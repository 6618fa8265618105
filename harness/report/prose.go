package report

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"perg/harness/printable"
)

// Prose is text that may have come from outside as lines of 80 columns that are
// safe to show, without blanks at their ends and without a last line end.
func Prose(s string) string {
	lines := strings.Split(text.WrapSoft(printable.Text(s), narrow), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}
