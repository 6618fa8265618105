package imported

import (
	"crypto/sha256"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/results"
)

// lettersKnown are the names of columns of letters, which a file that asks again
// may have where the others have another one.
var lettersKnown = []string{"profile_N_answer", "pref_ans", "answer"}

// forAgain is the request for a table that asks again, with these columns: of those that
// were named it has some, and others by the names that are known.
func (r Request) forAgain(columns []string) Request {
	has := func(c string) bool {
		return slices.Contains(columns, c) || strings.Contains(c, "N") && len(numbered(c, columns)) > 0
	}
	named := make(map[Field]string)
	for f, c := range r.Columns {
		switch {
		case f == Options && !slices.ContainsFunc(strings.Split(c, ","), func(c string) bool { return !has(strings.TrimSpace(c)) }), has(c):
			named[f] = c
		case f == Answer:
			if i := slices.IndexFunc(lettersKnown, has); i >= 0 {
				named[f] = lettersKnown[i]
			}
		}
	}
	r.Columns, r.Assigned, r.Preferences = named, false, nil
	return r
}

// A choice is what a question offers: the hash of its options with the right one,
// as they are ordered and in any order.
type choice struct{ ordered, sorted [16]byte }

func (a *answered) choice() choice {
	hash := func(options []string) [16]byte {
		h := data.NewItemHash(1)
		h.Add(data.Item{Options: options, Category: a.options[a.gold]})
		sum := sha256.Sum256([]byte(h.Sum()))
		return [16]byte(sum[:16])
	}
	return choice{hash(a.options), hash(slices.Sorted(slices.Values(a.options)))}
}

// repeated finds the question that an answer is to once more, and as which
// control; false where no other file asks it.
func (x *index) repeated(a *answered) (question int32, as prompt.Control, ok bool) {
	c := a.choice()
	words := sha256.Sum256([]byte(data.QuestionKey(a.question)))
	for n := x.byWords[words]; n > 0; n = x.questions[n-1].next {
		if of := x.questions[n-1].choice; of.sorted == c.sorted {
			if of.ordered == c.ordered {
				return n - 1, prompt.Again, true
			}
			return n - 1, prompt.Rotated, true
		}
	}
	return 0, prompt.NoControl, false
}

// keyAgain names an answer that asks again: it is of a control, and the next of its
// question there.
func (x *index) keyAgain(a *answered, times map[key]int32) (k key, q *question, ok bool) {
	n, as, ok := x.repeated(a)
	if !ok || a.setting != prompt.None {
		return k, nil, false
	}
	if _, known := x.cells[results.Cell{Variant: a.model.Variant}.Baseline()]; !known {
		return k, nil, false
	}
	cell := results.Cell{Variant: a.model.Variant, Method: prompt.ZeroShot, Setting: prompt.None, Control: as}
	k = key{question: n, preference: unknown, cell: x.cell(cell, a.model)}
	time := times[k]
	times[k]++
	k.repeat = time
	return k, x.questions[n], true
}

// controls are those of an import, and how often they ask.
func (x *index) controls() (null int, rotated bool) {
	for k := range x.answers {
		if c := x.names[k.cell].Control; c != prompt.NoControl {
			null = max(null, 1+int(k.repeat))
			rotated = rotated || c == prompt.Rotated
		}
	}
	return null, rotated
}
