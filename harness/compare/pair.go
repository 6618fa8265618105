package compare

import (
	"fmt"

	"perg/harness/metrics"
)

// A Pair is two cells to compare.
type Pair struct{ A, B *metrics.Cell }

// Pairs are the cells of a and b that are compared: of variant, method and
// setting each is either fixed by both selectors or the same in both cells.
// They are in the order of a. Without any the error says what each side has.
func Pairs(a, b []*metrics.Cell, ofA, ofB Selector) ([]Pair, error) {
	var pairs []Pair
	as, bs := ofA.among(a), ofB.among(b)
	for _, x := range as {
		for _, y := range bs {
			if ofA.together(ofB, x, y) {
				pairs = append(pairs, Pair{x, y})
			}
		}
	}
	if len(pairs) == 0 {
		return nil, fmt.Errorf("no two cells belong together:\n  A has %s\n  B has %s", has(as), has(bs))
	}
	return pairs, nil
}

func (s Selector) among(cells []*metrics.Cell) []*metrics.Cell {
	var kept []*metrics.Cell
	for _, c := range cells {
		if (s.Variant == "" || s.Variant == c.Variant) && (s.Method == "" || s.Method == c.Method) && (s.Setting == "" || s.Setting == c.Setting) {
			kept = append(kept, c)
		}
	}
	return kept
}

// together is for cells that are among those of their selectors.
func (s Selector) together(other Selector, a, b *metrics.Cell) bool {
	return (a.Variant == b.Variant || s.Variant != "" && other.Variant != "") &&
		(a.Method == b.Method || s.Method != "" && other.Method != "") &&
		(a.Setting == b.Setting || s.Setting != "" && other.Setting != "")
}

// has says in words what cells there are, by each of their properties.
func has(cells []*metrics.Cell) string {
	if len(cells) == 0 {
		return "no cell"
	}
	return there(names(cells))
}
