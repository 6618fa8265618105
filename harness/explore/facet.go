package explore

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"perg/harness/prompt"
	"perg/harness/ratings"
	"perg/harness/results"
)

// A Facet is a property that lists are narrowed by.
type Facet string

// The facets.
const (
	ByOutcome        Facet = "outcome"
	ByRight          Facet = "right"   // which of the two that are held against each other is right
	ByBreaks         Facet = "breaks"  // which of the two breaks, of what is in Q* of both
	ByLetter         Facet = "letters" // whether the two answer the same letter
	ByFollowed       Facet = "followed"
	ByRobust         Facet = "robust" // whether an answer of Q* is right and as asked; no is what the Robustness Error counts
	ByJudges         Facet = "judges" // whether several judges agree
	BySetting        Facet = "setting"
	ByPreferenceType Facet = "type"
	ByVariant        Facet = "variant"
	ByMethod         Facet = "method"
	ByChosen         Facet = "letter"
	ByReader         Facet = "reader" // what read the letter
	ByRating         Facet = "rated"  // a person's
	ByThumb          Facet = "thumbed"
	ByNote           Facet = "noted"
	ByControl        Facet = "asked" // for the first time, or again as a control
	BySource         Facet = "source"
	ByCategory       Facet = "category"
)

// Facets lists the facets, the most telling first.
func Facets() []Facet {
	return []Facet{
		ByOutcome, ByRight, ByBreaks, ByLetter, ByFollowed, ByRobust, ByJudges, BySetting, ByPreferenceType, ByVariant, ByMethod,
		ByChosen, ByReader, ByRating, ByThumb, ByNote, ByControl, BySource, ByCategory,
	}
}

// Compares says whether the facet is of what answers are held against.
func (f Facet) Compares() bool { return f.kind() == byBeside }

// kind is that of the numbers that a facet looks at.
func (f Facet) kind() kind {
	switch f {
	case ByOutcome, ByFollowed, ByRobust, ByJudges:
		return byMarks
	case ByRight, ByBreaks, ByLetter:
		return byBeside
	case ByChosen:
		return byChosen
	case ByReader:
		return byReader
	case ByRating, ByThumb, ByNote:
		return byPerson
	case BySource, ByCategory, ByPreferenceType:
		return byItem
	default:
		return byCell
	}
}

// A markedValue is a value of a facet that marks have.
type markedValue struct {
	facet Facet
	value string
	of    func(marks) bool
}

var markedValues = []markedValue{
	outcomeOf(results.Broken), outcomeOf(results.Kept), outcomeOf(results.Mended), outcomeOf(results.WrongTwice),
	outcomeOf(results.NullBroken), outcomeOf(results.NullKept), outcomeOf(results.PlainRight), outcomeOf(results.PlainWrong), {ByOutcome, "unscored", having(unscored)}, outcomeOf(results.Error),
	{ByFollowed, "yes", having(followed)}, {ByFollowed, "no", having(notFollowed)},
	{ByRobust, "yes", func(m marks) bool { return m.outcome() == results.Kept && m&followed != 0 }},
	{ByRobust, "no", func(m marks) bool {
		return m.outcome() == results.Broken || m.outcome() == results.Kept && m&notFollowed != 0
	}},
	{ByJudges, "agree", having(agreed)}, {ByJudges, "disagree", having(disagreed)},
}

func having(bit marks) func(marks) bool { return func(m marks) bool { return m&bit != 0 } }

func outcomeOf(o results.Outcome) markedValue {
	return markedValue{ByOutcome, OutcomeValue(o), having(outcomeMark(o))}
}

// OutcomeValue is an outcome as a value of the facet ByOutcome: "wrong-twice".
func OutcomeValue(o results.Outcome) string { return strings.ReplaceAll(string(o), " ", "-") }

// AskedFirst is the value of ByControl of what is no control.
const AskedFirst = "first"

// NoLetter is the value of ByChosen of what no option could be read from.
const NoLetter = "none"

// Unmarked is the value of ByRating, ByThumb and ByNote of what nobody marked.
const Unmarked = "none"

// values hands out the values of a facet with the numbers that have them; a number
// may have several.
func (x *rows) values(f Facet, yield func(n int, value string)) {
	switch f.kind() {
	case byMarks:
		for _, v := range markedValues {
			if v.facet != f {
				continue
			}
			for _, m := range x.alike {
				if v.of(m) {
					yield(int(m), v.value)
				}
			}
		}
	case byItem:
		for i := range x.items {
			yield(i, x.items[i].value(f))
		}
	case byCell:
		for i := range x.cells {
			yield(i, cellValue(x.cells[i], f))
		}
	case byChosen:
		for i, letter := range x.answers.texts {
			yield(i, cmp.Or(letter, NoLetter))
		}
	case byReader:
		for i, from := range x.readers.texts {
			yield(i, readerOf(from))
		}
	case byPerson:
		for n := range allPersonMarks {
			if x.person != nil && personMark(n).possible() {
				yield(n, personMark(n).value(f))
			}
		}
	case byBeside:
		for n := range allBeside {
			if value := besideMark(n).value(f); x.beside != nil && value != "" {
				yield(n, value)
			}
		}
	}
}

// has says whether a number has a value of a facet.
func (x *rows) has(f Facet, n int, value string) bool {
	switch f.kind() {
	case byMarks:
		return slices.ContainsFunc(markedValues, func(v markedValue) bool {
			return v.facet == f && v.value == value && v.of(marks(n))
		})
	case byItem:
		return x.items[n].value(f) == value
	case byCell:
		return cellValue(x.cells[n], f) == value
	case byChosen:
		return cmp.Or(x.answers.texts[n], NoLetter) == value
	case byReader:
		return readerOf(x.readers.texts[n]) == value
	case byPerson:
		return personMark(n).value(f) == value
	default:
		return besideMark(n).value(f) == value
	}
}

// compareValues orders the values of a facet.
func compareValues(f Facet, a, b string) int {
	return cmp.Or(cmp.Compare(rank(f, a), rank(f, b)), cmp.Compare(a, b))
}

// rank is the place of a value in its facet, where that is not the alphabet's.
func rank(f Facet, value string) int {
	switch f {
	case ByOutcome, ByFollowed, ByRobust, ByJudges:
		return slices.IndexFunc(markedValues, func(v markedValue) bool { return v.facet == f && v.value == value })
	case BySetting:
		return slices.Index(prompt.Settings(), prompt.Setting(value))
	case ByMethod:
		return slices.Index(prompt.Methods(), prompt.Method(value))
	case ByRight, ByBreaks, ByLetter:
		return slices.Index([]string{Here, There, Both, Neither, Same, Other}, value)
	case ByChosen, ByRating, ByThumb, ByNote:
		if value == Unmarked || value == NoLetter {
			return 1
		}
	}
	return 0
}

// personMarks are what a person said of rows.
type personMarks struct {
	version string // of what they were read from
	rows    []uint8
}

// A personMark is what a person said of a row: its rating, 0 to 5; its thumb; and
// whether it has a note.
type personMark uint8

const (
	ratingBits            = 7
	thumbUp    personMark = 8
	thumbDown  personMark = 16
	noted      personMark = 32

	allPersonMarks = 64
)

func personMarkOf(m ratings.Mark) personMark {
	p := personMark(m.Rating)
	switch m.Thumb {
	case ratings.ThumbUp:
		p |= thumbUp
	case ratings.ThumbDown:
		p |= thumbDown
	}
	if m.Note != "" {
		p |= noted
	}
	return p
}

func (p personMark) rating() int { return int(p & ratingBits) }

func (p personMark) possible() bool {
	return p.rating() <= ratings.Categories && p&(thumbUp|thumbDown) != thumbUp|thumbDown
}

func (p personMark) value(f Facet) string {
	switch {
	case f == ByRating && p.rating() > 0:
		return strconv.Itoa(p.rating())
	case f == ByThumb && p&thumbUp != 0:
		return ratings.ThumbUp
	case f == ByThumb && p&thumbDown != 0:
		return ratings.ThumbDown
	case f == ByNote && p&noted != 0:
		return "yes"
	}
	return Unmarked
}

// Mark has lists know what a person said of generations; version is another one
// where that has changed. Wait comes first.
func (r *Run) Mark(version string, all func() map[results.Key]ratings.Mark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.marks.version == version {
		return
	}
	r.marks = personMarks{version: version}
	r.hits = nil
	for k, m := range all() {
		row, err := r.row(k)
		if err != nil || m == (ratings.Mark{}) {
			continue // of another run
		}
		if r.marks.rows == nil {
			r.marks.rows = make([]uint8, len(r.index.item))
		}
		r.marks.rows[row] = uint8(personMarkOf(m))
	}
}
