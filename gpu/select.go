package gpu

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Select picks of the GPUs that are used by UUID or by number, in the order they
// are wanted: 0 is a GPU, or all instances of one that is split, 0.1 one of
// them. An unknown one, one named twice and one that is not used is an error
// that lists what there is, or says why.
func (c Choice) Select(wanted []string) ([]GPU, error) {
	var chosen []GPU
	for _, w := range wanted {
		found := false
		for _, g := range c.GPUs {
			if !g.answersTo(w) {
				continue
			}
			found = true
			if slices.ContainsFunc(chosen, func(other GPU) bool { return other.ID() == g.ID() }) {
				return nil, fmt.Errorf("GPU %s is named twice", w)
			}
			chosen = append(chosen, g)
		}
		if found {
			continue
		}
		i := slices.IndexFunc(c.of.GPUs, func(g GPU) bool { return g.answersTo(w) })
		switch {
		case i < 0:
			return nil, fmt.Errorf("there is no GPU %q; there %s", w, list(c.of.GPUs))
		case c.of.GPUs[i].Error != "":
			return nil, fmt.Errorf("GPU %s cannot be used: %s", w, c.of.GPUs[i].Error)
		default:
			return nil, fmt.Errorf("GPU %s is not used: %s", w, strings.Join(c.Notes, "; "))
		}
	}
	return chosen, nil
}

// answersTo says whether a user's word for a GPU is this one's: its number, that
// of the GPU that it is an instance of, or its UUID.
func (g GPU) answersTo(word string) bool {
	return word == g.number() || word == strconv.Itoa(g.Index) || g.UUID != "" && strings.EqualFold(word, g.UUID)
}

func list(gpus []GPU) string {
	if len(gpus) == 0 {
		return "are none"
	}
	names := make([]string, len(gpus))
	for i, g := range gpus {
		names[i] = fmt.Sprintf("%s (%s, %s)", g.number(), g.UUID, g.Name)
	}
	return "are " + strings.Join(names, ", ")
}
