package metrics

import (
	"path/filepath"
	"time"

	"perg/data"
)

// A Work is a variant asked by a method, in all settings.
type Work struct{ Variant, Method string }

// pause is the longest between two calls that is work still: perg's own, and a
// server's beside its calls.
const pause = time.Second

// LoadTimes gives how long the calls of a run's table generations took together, by
// variant and method: from the first to the last of them, without the pauses of more
// than a second in which none was in flight. Calls that an earlier run made count,
// whenever they were; those that ask again, as controls, do not. Where no times are
// known, as of answers that were imported, there is no entry. The error is
// data.ErrNoTable where the run has no generations.
func LoadTimes(dir string) (map[Work]time.Duration, error) {
	table, err := data.OpenTable(filepath.Join(dir, "generations"))
	if err != nil {
		return nil, err
	}
	defer table.Close()
	all := make(map[Work]*spans)
	for c, err := range table.Columns([]string{"variant", "method", "control"}, []string{"started_at", "total_ns"}) {
		if err != nil {
			return nil, err
		}
		variants, methods, controls := c.Texts["variant"], c.Texts["method"], c.Texts["control"]
		started, total := c.Numbers["started_at"], c.Numbers["total_ns"]
		var work *spans
		var last [2]int32 // the rows of a work stand together
		for row := range c.Rows {
			if !started.Known[row] || !total.Known[row] || controls.At(row) != "" {
				continue
			}
			if codes := [2]int32{variants.Codes[row], methods.Codes[row]}; work == nil || codes != last {
				w := Work{variants.At(row), methods.At(row)}
				if work, last = all[w], codes; work == nil {
					work = new(spans)
					all[w] = work
				}
			}
			from := started.Values[row]
			*work = work.with(span{from, from + max(total.Values[row], 0)/1000}, pause)
		}
	}
	times := make(map[Work]time.Duration, len(all))
	for w, s := range all {
		times[w] = s.length()
	}
	return times, nil
}
