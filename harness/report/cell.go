package report

import (
	"strings"

	"perg/harness/printable"
)

// cell is text for one cell of a table: one line.
func cell(s string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(printable.Text(s))
}
