package data

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Problem is something about a dataset that makes its results wrong or, for
// a warning, harder to read.
type Problem struct {
	Index   int         `json:"index"`   // of the item, from 0; -1: the dataset as a whole
	ItemID  string      `json:"item_id"` // may be empty, or not unique: see Kind
	Kind    ProblemKind `json:"kind"`
	Detail  string      `json:"detail"`  // what, with the values, and what to do
	Warning bool        `json:"warning"` // the dataset can be used all the same
}

// A ProblemKind says what is wrong, for counting and filtering.
type ProblemKind string

// The kinds of problem. Those of the last group are warnings: PERGData itself
// has them.
const (
	NoItems               ProblemKind = "no_items"
	EmptyField            ProblemKind = "empty_field"
	BadText               ProblemKind = "bad_text" // not UTF-8, or holds NUL
	DuplicateID           ProblemKind = "duplicate_id"
	OptionCount           ProblemKind = "option_count"
	GoldOutOfRange        ProblemKind = "gold_out_of_range"
	UnknownPreferenceType ProblemKind = "unknown_preference_type"

	DuplicateQuestion ProblemKind = "duplicate_question"
	EqualOptions      ProblemKind = "equal_options"
)

// Check lists what is wrong with a dataset, in the order of its items.
//
// Questions asked twice and options of the same text are warnings, as PERGData
// has both: questions of MMLU such as "Which of the following is true?" recur
// with other options, and 28 items of CommonsenseQA and MMLU have two options
// of the same text, 6 of them the right one.
func Check(d Dataset) []Problem {
	if len(d.Items) == 0 {
		return []Problem{{Index: -1, Kind: NoItems, Detail: "there are no items; choose a dataset that has some"}}
	}
	var problems []Problem
	byID := make(map[string]int, len(d.Items))
	byQuestion := make(map[string]int, len(d.Items))
	for i, it := range d.Items {
		add := func(kind ProblemKind, format string, args ...any) {
			problems = append(problems, Problem{
				Index:   i,
				ItemID:  it.ID,
				Kind:    kind,
				Detail:  fmt.Sprintf(format, args...),
				Warning: kind == DuplicateQuestion || kind == EqualOptions,
			})
		}
		it.check(add)
		if it.ID != "" {
			if first, dup := byID[it.ID]; dup {
				add(DuplicateID, "the id is also that of the item that asks %q; give each item an id of its own", shorten(d.Items[first].Question))
			} else {
				byID[it.ID] = i
			}
		}
		if q := strings.TrimSpace(it.Question); q != "" {
			if first, dup := byQuestion[q]; dup {
				options := "other options"
				if slices.Equal(d.Items[first].Options, it.Options) {
					options = "the same options"
				}
				add(DuplicateQuestion, "the question is also that of item %q, which has %s", d.Items[first].ID, options)
			} else {
				byQuestion[q] = i
			}
		}
	}
	return problems
}

// check reports what an item shows by itself.
func (it Item) check(add func(kind ProblemKind, format string, args ...any)) {
	for name, text := range it.texts() {
		switch {
		case !utf8.ValidString(text):
			add(BadText, "%s is not UTF-8 text (at byte %d); save it as UTF-8", name, invalidByte(text))
		case strings.Contains(text, "\x00"):
			add(BadText, "%s holds a NUL character (at byte %d); remove it", name, strings.IndexByte(text, 0))
		case name == "the category":
		case strings.TrimSpace(text) == "":
			add(EmptyField, "%s is empty; fill it in or leave the item out", name)
		case Missing(text) && !strings.HasPrefix(name, "option "):
			add(EmptyField, "%s is empty: %q stands for no value; fill it in or leave the item out", name, strings.TrimSpace(text))
		}
	}
	n := len(it.Options)
	if n < 2 || n > MaxOptions {
		add(OptionCount, "number of options: %d; an item needs 2 to %d", n, MaxOptions)
	}
	if n > 0 && (it.Gold < 0 || it.Gold >= n) {
		add(GoldOutOfRange, "the gold option is number %d (from 0) of %d; name one of the options", it.Gold, n)
	}
	it.checkEqualOptions(add)
	if it.PreferenceType != "" && !slices.Contains(PreferenceTypes(), it.PreferenceType) {
		add(UnknownPreferenceType, "the preference type is %q; it is one of %s, or empty where it is not known",
			shorten(string(it.PreferenceType)), strings.Join(names(PreferenceTypes()), ", "))
	}
}

// checkEqualOptions compares without surrounding blanks and by case: in MMLU
// "Aa" and "aa" are different answers.
func (it Item) checkEqualOptions(add func(kind ProblemKind, format string, args ...any)) {
	if len(it.Options) > MaxOptions {
		return // no letters to name them by
	}
	seen := make(map[string]int, len(it.Options))
	for i, o := range it.Options {
		o = strings.TrimSpace(o)
		first, dup := seen[o]
		if !dup {
			seen[o] = i
			continue
		}
		if o == "" {
			continue // an empty field, and reported as one
		}
		gold := ""
		if it.Gold == first || it.Gold == i {
			gold = ", and one of them is the gold option: a model that picks the other is counted wrong"
		}
		add(EqualOptions, "options %s and %s are both %q%s", Letter(first), Letter(i), shorten(o), gold)
	}
}

// texts yields the texts of an item by the name a message gives them.
func (it Item) texts() iter.Seq2[string, string] {
	return func(yield func(name, text string) bool) {
		if !yield("the id", it.ID) || !yield("the source", it.Source) || !yield("the category", it.Category) || !yield("the question", it.Question) {
			return
		}
		for i, o := range it.Options {
			name := fmt.Sprintf("option %d", i+1)
			if i < MaxOptions {
				name = "option " + Letter(i)
			}
			if !yield(name, o) {
				return
			}
		}
		yield("the preference", it.Preference)
	}
}

// invalidByte is the offset of the first byte that is not part of UTF-8 text.
func invalidByte(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return len(s)
}

func names[S ~string](values []S) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// shownFaults is how many faults of one dataset an error lists.
const shownFaults = 20

// faults collects what is wrong with a dataset, so that all of it can be put
// right at once.
type faults []fault

type fault struct {
	at  int // by which faults are listed: a line, a row
	err error
}

func (f *faults) add(at int, format string, args ...any) {
	*f = append(*f, fault{at, fmt.Errorf(format, args...)})
}

// check adds the problems of d that are no warnings; place says where the
// item of an index is to be found, as a number to order by and in words.
func (f *faults) check(d Dataset, place func(index int) (at int, words string)) {
	for _, p := range Check(d) {
		if p.Warning {
			continue
		}
		at, words := 0, d.Name
		if p.Index >= 0 {
			at, words = place(p.Index)
		}
		if p.ItemID != "" {
			words += fmt.Sprintf(": item %q", shorten(p.ItemID))
		}
		f.add(at, "%s: %s", words, p.Detail)
	}
}

// err joins the first faults and the number of the others; it is nil where
// there are none.
func (f faults) err() error {
	slices.SortStableFunc(f, func(a, b fault) int { return cmp.Compare(a.at, b.at) })
	var list []error
	for _, one := range f[:min(len(f), shownFaults)] {
		list = append(list, one.err)
	}
	if more := len(f) - len(list); more > 0 {
		list = append(list, fmt.Errorf("and %d more; put these right first", more))
	}
	return errors.Join(list...)
}
