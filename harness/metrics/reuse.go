package metrics

import (
	"cmp"
	"path/filepath"
	"slices"

	"perg/data"
	"perg/harness/prompt"
)

// A Reuse says what it took to read prompts that begin like one that was read
// before: far less than to read the first where the server keeps what it has
// read, as much where it does not.
type Reuse struct {
	Variant string
	Method  string
	Firsts  int     // prompts that began as none before
	Later   int     // those that began as one before
	Ratio   float64 // median time a token of the later ones, over that of the first
}

const (
	fewestFirsts = 3
	fewestLater  = 10
	// spared is the Ratio over which later prompts were not spared the reading of
	// their beginning. That of a prompt with examples is most of it: spared, a
	// ratio of 0.05 to 0.4 is left, whatever else the server does meanwhile.
	spared = 0.7
)

// Lost says whether the server read the beginnings of prompts again.
func (r Reuse) Lost() bool { return r.Ratio > spared }

// A reading is a call's prompt being read.
type reading struct {
	group       int
	began, done int64 // Unix time, microseconds
	perToken    float64
}

// A beginning is what prompts of a variant have in common: the system text. A
// variant without a system role has it in the user's text, where the setting and
// the preference stand for it.
type beginning struct{ host, system, setting, preference string }

// LoadReuse reads off a run's table generations how far prompts with worked
// examples shared the reading of these, by variant. A variant for which too few
// were read to tell is left out. The error is data.ErrNoTable where the run has no
// generations.
//
// Which prompt is the first to begin so is told by the times at which the calls
// were made, on each server for itself: all that began before the first was done
// count as first, since none of them can have found it read. Which slot a prompt
// was read in is not known, so that some that a slot of its own has read for the
// first time are among the later ones; medians do without them. Times are those
// for each token of the prompt as the server counts it, which v0.30.0 alone does
// without those that it had kept, and it keeps none.
func LoadReuse(dir string) ([]Reuse, error) {
	table, err := data.OpenTable(filepath.Join(dir, "generations"))
	if err != nil {
		return nil, err
	}
	defer table.Close()
	type subject struct{ variant, method string }
	var subjects []subject
	readings := make(map[subject][]reading)
	groups := make(map[beginning]int)
	texts := []string{"variant", "method", "setting", "preference", "host", "system_prompt"}
	numbers := []string{"prompt_tokens", "prompt_eval_ns", "total_ns", "started_at"}
	for c, err := range table.Columns(texts, numbers) {
		if err != nil {
			return nil, err
		}
		tokens, read, total, started := c.Numbers["prompt_tokens"], c.Numbers["prompt_eval_ns"], c.Numbers["total_ns"], c.Numbers["started_at"]
		for row := range c.Rows {
			method := c.Texts["method"].At(row)
			if !prompt.Method(method).ShowsExamples() || tokens.Values[row] <= 0 || read.Values[row] <= 0 || !started.Known[row] {
				continue
			}
			b := beginning{host: c.Texts["host"].At(row), system: c.Texts["system_prompt"].At(row)}
			if b.system == "" {
				b.setting, b.preference = c.Texts["setting"].At(row), c.Texts["preference"].At(row)
			}
			if _, ok := groups[b]; !ok {
				groups[b] = len(groups)
			}
			s := subject{c.Texts["variant"].At(row), method}
			if readings[s] == nil {
				subjects = append(subjects, s)
			}
			began := started.Values[row]
			readings[s] = append(readings[s], reading{groups[b], began, began + total.Values[row]/1000, float64(read.Values[row]) / float64(tokens.Values[row])})
		}
	}
	var all []Reuse
	for _, s := range subjects {
		if r, ok := reuseOf(readings[s]); ok {
			r.Variant, r.Method = s.variant, s.method
			all = append(all, r)
		}
	}
	return all, nil
}

// reuseOf is what readings come to; false where they are too few.
func reuseOf(all []reading) (r Reuse, ok bool) {
	slices.SortFunc(all, func(a, b reading) int { return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.began, b.began)) })
	var firsts, later []float64
	for i, first := 0, 0; i < len(all); i++ {
		if all[i].group != all[first].group {
			first = i
		}
		if i == first || all[i].began < all[first].done {
			firsts = append(firsts, all[i].perToken)
		} else {
			later = append(later, all[i].perToken)
		}
	}
	if len(firsts) < fewestFirsts || len(later) < fewestLater {
		return Reuse{}, false
	}
	return Reuse{Firsts: len(firsts), Later: len(later), Ratio: median(later) / median(firsts)}, true
}

// median is that of some values, which it sorts.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
