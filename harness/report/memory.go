package report

import (
	"fmt"
	"io"
	"strconv"

	"github.com/dustin/go-humanize"

	"perg/harness/rundir"
)

// memoryLegend says what the numbers of Memory are.
const memoryLegend = "Planned: the estimate for these slots and this context. Held: what the server\n" +
	"said after the load, on GPUs and beside them."

// Memory writes a table, with its heading and legend, of what each variant was
// planned to take in memory beside what the server said that it took; it writes
// nothing where no load has both. Loads that are alike, as a run that is resumed
// has them, are one line.
func Memory(w io.Writer, loads []rundir.Load) error {
	var lines [][]string
	type kind struct {
		variant        string
		slots, context int
		estimate, size int64
	}
	seen := make(map[kind]bool)
	for _, l := range loads {
		if l.Estimate == nil || l.Size <= 0 {
			continue
		}
		k := kind{variant: l.Variant, context: l.NumCtx, estimate: *l.Estimate, size: l.Size}
		slots := "-"
		if l.Slots != nil {
			k.slots, slots = *l.Slots, strconv.Itoa(*l.Slots)
		}
		if seen[k] {
			continue
		}
		seen[k] = true
		lines = append(lines, []string{
			l.Variant, slots, strconv.Itoa(l.NumCtx), humanize.IBytes(uint64(max(*l.Estimate, 0))), humanize.IBytes(uint64(l.Size)),
			fmt.Sprintf("%+.1f %%", (float64(*l.Estimate)/float64(l.Size)-1)*100),
		})
	}
	if len(lines) == 0 {
		return nil
	}
	fmt.Fprint(w, "\nMemory\n\n")
	if err := writePlain(w, grid([]string{"Variant", "Slots", "Context", "Planned", "Held", "Off by"}, 1, lines)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", memoryLegend)
	return err
}
