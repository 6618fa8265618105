package imported

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/results"
	"perg/harness/rundir"
)

// An index is what is kept of all answers before any is written: which questions
// there are, under which preferences, and where which answer stands.
type index struct {
	questions   []*question
	byID        map[string]int32
	preferences map[string]int32 // numbers of them
	cells       map[results.Cell]int32
	names       []results.Cell // by number
	texts       []preference   // by number
	models      []rundir.ModelInfo
	answers     map[key]place
	tables      []*data.Foreign             // to name places in; closed
	longest     int                         // bytes of the longest response
	byWords     map[[sha256.Size]byte]int32 // the number of the first question of these words, from 1
	times       map[key]int32               // of questions asked again, how often
	unasked     int                         // answers that ask again what no other file asks
}

// unknown stands for the number of a preference that is not known.
const unknown = -1

// A key names an answer. A baseline without a preference of its own is that of
// all items of its question.
type key struct {
	question, preference, cell, repeat int32
}

// A place is where an answer stands.
type place struct{ file, row int32 }

// A question is what answers have in common whatever their preference: an item,
// or several.
type question struct {
	id    string
	said  [sha256.Size]byte // of all that rows say of it
	first place
	asks  []ask
	choice
	next int32  // the number of the next of the same words, from 1; 0: there is none
	same string // the id of the first question of the same words; "": there is no other
	seen bool   // written, where it has no asks
}

// A preference is what is known of one: perhaps not even its text.
type preference struct{ text, kind string }

// An ask is a question under one of its preferences: an item.
type ask struct {
	preference int32
	number     int  // that the table gives the preference, or its place among the question's
	seen       bool // written
}

func newIndex() *index {
	return &index{
		byID: make(map[string]int32), byWords: make(map[[sha256.Size]byte]int32), preferences: make(map[string]int32), cells: make(map[results.Cell]int32), answers: make(map[key]place), times: make(map[key]int32),
	}
}

// file goes through a file, the number of which is given.
func (x *index) file(ctx context.Context, number int, r Request) (read, error) {
	file, _, err := r.each(ctx, func(t *data.Foreign, row int, a *answered) error {
		if number == len(x.tables) {
			x.tables = append(x.tables, t)
		}
		if at := (place{int32(number), int32(row)}); !r.again {
			return x.add(at, a)
		} else if k, _, ok := x.keyAgain(a, x.times); ok {
			x.answers[k] = at
		} else if a.setting == prompt.None {
			x.unasked++
		}
		return nil
	})
	if err != nil {
		return file, err
	}
	file.SHA256, file.Path, file.Bytes, err = hashed(file.Path)
	return file, err
}

func (x *index) place(p place) string { return x.tables[p.file].Place(int(p.row)) }

// identity is the id of a question: what tells it apart in the table, or its text
// and its options.
func (a *answered) identity() string {
	if a.id != "" {
		return a.id
	}
	h := data.NewItemHash(1)
	h.Add(data.Item{Question: a.question, Options: a.options})
	return "q-" + h.Sum()[:16]
}

// said is the hash of all that must be the same of a question in all rows.
func (a *answered) said() (sum [sha256.Size]byte) {
	h := data.NewItemHash(1)
	h.Add(data.Item{Source: a.source, Category: a.category, Question: a.question, Options: a.options, Gold: a.gold})
	hex.Decode(sum[:], []byte(h.Sum()))
	return sum
}

// link joins a new question, the last, with the first of the same words.
func (x *index) link(q *question, a *answered) {
	words := sha256.Sum256([]byte(data.QuestionKey(a.question)))
	number := int32(len(x.questions))
	at, ok := x.byWords[words]
	if !ok {
		x.byWords[words] = number
		return
	}
	first := x.questions[at-1]
	q.next, first.next = first.next, number
	first.same, q.same = first.id, first.id
}

// keyOf names an answer, and adds what is new of it.
func (x *index) keyOf(at place, a *answered) (k key, q *question) {
	id := a.identity()
	n, ok := x.byID[id]
	if !ok {
		n = int32(len(x.questions))
		x.byID[id] = n
		x.questions = append(x.questions, &question{id: id, said: a.said(), choice: a.choice(), first: at})
		x.link(x.questions[n], a)
	}
	q = x.questions[n]
	k = key{question: n, preference: unknown, repeat: a.repeat}
	if own := a.own(); own != "" {
		k.preference, ok = x.preferences[own]
		if !ok {
			k.preference = int32(len(x.preferences))
			x.preferences[own] = k.preference
			x.texts = append(x.texts, preference{a.preference, a.kind})
		}
		q.ask(k.preference, a.profile)
	}
	k.cell = x.cell(results.Cell{Variant: a.model.Variant, Method: a.method, Setting: a.setting}, a.model)
	return k, q
}

// cell is the number of a cell, of a model.
func (x *index) cell(name results.Cell, of rundir.ModelInfo) int32 {
	n, ok := x.cells[name]
	if !ok {
		n = int32(len(x.names))
		x.cells[name] = n
		x.names = append(x.names, name)
		if !slices.ContainsFunc(x.models, func(m rundir.ModelInfo) bool { return m.Variant == of.Variant }) {
			x.models = append(x.models, of)
		}
	}
	return n
}

// own tells the preference of an answer from others: its number, or its text.
func (a *answered) own() string {
	if a.profile > 0 {
		return "\x00" + strconv.Itoa(a.profile)
	}
	return a.preference
}

// ask is the item of a question under a preference.
func (q *question) ask(preference int32, number int) *ask {
	for i := range q.asks {
		if q.asks[i].preference == preference {
			return &q.asks[i]
		}
	}
	if number == 0 {
		number = len(q.asks) + 1
	}
	q.asks = append(q.asks, ask{preference: preference, number: number})
	return &q.asks[len(q.asks)-1]
}

func (x *index) add(at place, a *answered) error {
	k, q := x.keyOf(at, a)
	if q.said != a.said() {
		return fmt.Errorf("%s: question %s has another text, options, right option, source or category than at %s; give each question an id of its own (--item COLUMN)", x.place(at), q.id, x.place(q.first))
	}
	if before, twice := x.answers[k]; twice {
		return fmt.Errorf("%s: the same answer is at %s already: %s, and the same preference; leave one out; questions that are alike are told apart by --item COLUMN, repeats of an answer by --repeat COLUMN", x.place(at), x.place(before), x.describe(k))
	}
	x.answers[k] = at
	if a.response != nil {
		x.longest = max(x.longest, len(*a.response))
	}
	return nil
}

// describe names an answer in words.
func (x *index) describe(k key) string {
	c := x.names[k.cell]
	return fmt.Sprintf("question %s, %s, %s, %s, repeat %d", x.questions[k.question].id, c.Variant, c.Method, c.Setting, k.repeat)
}

// inOrder are the keys of the answers in the order of their places.
func (x *index) inOrder() []key {
	return slices.SortedFunc(maps.Keys(x.answers), func(a, b key) int {
		p, q := x.answers[a], x.answers[b]
		return cmp.Or(cmp.Compare(p.file, q.file), cmp.Compare(p.row, q.row), cmp.Compare(a.preference, b.preference), cmp.Compare(a.cell, b.cell))
	})
}

// check makes sure that each answer is of one item, and has its baseline.
func (x *index) check() error {
	var bad faults
	for _, k := range x.inOrder() {
		at, c, q := x.answers[k], x.names[k.cell], x.questions[k.question]
		if other, twice := x.own(k); twice {
			bad.add(fmt.Errorf("%s: the same answer is at %s, too: %s; here no preference is named", x.place(at), x.place(other), x.describe(k)))
			continue
		}
		if c.Setting == prompt.None {
			continue
		}
		if k.preference == unknown && len(q.asks) > 1 {
			bad.add(fmt.Errorf("%s: nothing says which of the %d preferences of question %s the answer is under", x.place(at), len(q.asks), q.id))
			continue
		}
		base, ok := x.cells[c.Baseline()]
		if ok {
			_, own := x.answers[key{k.question, x.item(k).preference, base, k.repeat}]
			_, shared := x.answers[key{k.question, unknown, base, k.repeat}]
			ok = own || shared
		}
		if !ok {
			bad.add(fmt.Errorf("%s: no baseline (setting none): %s", x.place(at), x.describe(k)))
		}
	}
	if err := bad.err(); err != nil {
		return fmt.Errorf("%w\nan answer under a preference counts beside that without one to the same question of the same model; what tells questions apart is named with --item, settings with --setting", err)
	}
	return nil
}

// own finds the answer under a preference of its question that one without any
// would be taken for.
func (x *index) own(k key) (place, bool) {
	q, setting := x.questions[k.question], x.names[k.cell].Setting
	if k.preference != unknown || setting != prompt.None && len(q.asks) != 1 {
		return place{}, false
	}
	for _, of := range q.asks {
		k.preference = of.preference
		if at, ok := x.answers[k]; ok {
			return at, true
		}
	}
	return place{}, false
}

// item is the key of an answer with the preference of its item, where the
// question has one alone.
func (x *index) item(k key) key {
	if q := x.questions[k.question]; k.preference == unknown && len(q.asks) == 1 {
		k.preference = q.asks[0].preference
	}
	return k
}
