package gpu

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Select picks GPUs by UUID or by index, in the order they are wanted. An
// unknown one, one named twice and one that cannot be used is an error that
// lists what there is.
func (inv Inventory) Select(wanted []string) ([]GPU, error) {
	var chosen []GPU
	for _, w := range wanted {
		i := slices.IndexFunc(inv.GPUs, func(g GPU) bool {
			return w == strconv.Itoa(g.Index) || g.UUID != "" && strings.EqualFold(w, g.UUID)
		})
		switch {
		case i < 0:
			return nil, fmt.Errorf("there is no GPU %q; there %s", w, inv.list())
		case inv.GPUs[i].Error != "":
			return nil, fmt.Errorf("GPU %s cannot be used: %s", w, inv.GPUs[i].Error)
		case slices.ContainsFunc(chosen, func(g GPU) bool { return g.Index == inv.GPUs[i].Index }):
			return nil, fmt.Errorf("GPU %s is named twice", w)
		}
		chosen = append(chosen, inv.GPUs[i])
	}
	return chosen, nil
}

func (inv Inventory) list() string {
	if len(inv.GPUs) == 0 {
		return "are none"
	}
	names := make([]string, len(inv.GPUs))
	for i, g := range inv.GPUs {
		names[i] = fmt.Sprintf("%d (%s, %s)", g.Index, g.UUID, g.Name)
	}
	return "are " + strings.Join(names, ", ")
}
