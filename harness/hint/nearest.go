package hint

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest is the name that was most likely meant by another; "" where none is
// near: a hand slips once in a short name and three times in a long one.
func Nearest(name string, names []string) string {
	if near := Near(name, names); len(near) > 0 {
		return near[0]
	}
	return ""
}

// Near are the names that Nearest chooses the first of: all are as near.
func Near(name string, names []string) (near []string) {
	name = strings.ToLower(name)
	least := 1 + min(3, max(1, len(name)/4+1))
	if len(name) < 4 {
		least = 2
	}
	for _, n := range names {
		switch d := slips(name, strings.ToLower(n)); {
		case d >= len(n) || d >= len(name):
		case d < least:
			near, least = []string{n}, d
		case d == least && len(near) > 0:
			near = append(near, n)
		}
	}
	alike := func(n string) bool { return n[0] != name[0] } // a slip is rarely in the first letter
	if other := slices.DeleteFunc(slices.Clone(near), alike); len(other) > 0 {
		return other
	}
	return near
}

// slips is how often a hand slips to write one name for another; two letters that
// change places, as in "rnu", are one slip.
func slips(written, meant string) int {
	least := levenshtein.ComputeDistance(written, meant)
	for i := range len(written) - 1 {
		swapped := written[:i] + written[i+1:i+2] + written[i:i+1] + written[i+2:]
		least = min(least, 1+levenshtein.ComputeDistance(swapped, meant))
	}
	return least
}
