package hint

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest is the name that was most likely meant by another; "" where none is
// near: a hand slips once in a short name and three times in a long one.
func Nearest(name string, names []string) string {
	name = strings.ToLower(name)
	best, least := "", 1+min(3, max(1, len(name)/4+1))
	if len(name) < 4 {
		least = 2
	}
	for _, n := range names {
		if d := levenshtein.ComputeDistance(name, strings.ToLower(n)); d < least && d < len(n) && d < len(name) {
			best, least = n, d
		}
	}
	return best
}
