package data

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// DefaultSeed is the seed of the shuffle where the user names none.
const DefaultSeed = 42

// Sources names the public datasets that PERGData is made of, each in a form
// that people have it in: see the parameters of Build. One that is empty is
// left out.
type Sources struct {
	TruthfulQA    string // a file
	CommonsenseQA string // a file
	MMLU          string // a directory, or one file of all subjects
}

// A publicSource is a source of PERGData with its size there (paper, section 3).
type publicSource struct {
	name  string
	path  string
	items int
	read  func(path string) (questions []question, notes []string, bad faults)
}

// A question is an item as its source has it, yet without preference, and the
// place it was read from.
type question struct {
	item  Item
	place string
}

// Build makes PERGData from the public sources (paper, section 3): TruthfulQA,
// the 817 questions of its multiple-choice task in JSON or Parquet;
// CommonsenseQA, the 1,221 of its dev split as JSON lines or Parquet; MMLU, the
// 5,170 test questions of the 21 subjects as CSV, JSON lines or Parquet. The items
// come in the paper's order, and item i (from 0) of a source gets preference i
// mod n of the source's list in p: of the whole of a source each item has the
// preference number that it has in the paper.
//
// In TruthfulQA the right choice stands first; its options are shuffled, each
// question's by the seed and its text alone, so that what else is in the file
// changes nothing. Other options keep their order, and all texts are as the
// source has them.
//
// The notes say in words what of PERGData is not in the dataset and what of the
// sources is not. An error lists up to 20 faults of all sources, each with file
// and line or row, and counts the others.
func Build(s Sources, p Preferences, seed uint64) (d Dataset, notes []string, err error) {
	var (
		bad    faults
		items  []Item
		places []string
	)
	for _, source := range []publicSource{
		{"truthfulqa", s.TruthfulQA, 817, func(path string) ([]question, []string, faults) { return readTruthfulQA(path, seed) }},
		{"commonsenseqa", s.CommonsenseQA, 1221, readCommonsenseQA},
		{"mmlu", s.MMLU, 5170, readMMLU},
	} {
		if source.path == "" {
			notes = append(notes, fmt.Sprintf("%s: not given, so not in the dataset", source.name))
			continue
		}
		questions, more, faults := source.read(source.path)
		bad.append(faults)
		notes = append(notes, more...)
		if n := len(questions); n != source.items {
			notes = append(notes, fmt.Sprintf("%s: %d questions, where PERGData has %d, so that preferences, which go by place, are not all the paper's", source.name, n, source.items))
		}
		for i, q := range questions {
			q.item.Source = source.name
			if q.item.ID == "" {
				q.item.ID = fmt.Sprintf("%s-%04d", source.name, i+1)
			}
			items = append(items, q.item)
			places = append(places, q.place)
		}
	}
	if err := p.assign(items); err != nil {
		return Dataset{}, nil, err
	}
	d = newDataset("PERGData", items)
	if len(items) > 0 || len(bad) == 0 {
		first := len(bad)
		bad.check(d, func(i int) (int, string) { return first + i, places[i] })
	}
	if err := bad.err(); err != nil {
		return Dataset{}, nil, err
	}
	return d, notes, nil
}

// append adds the faults of one file, in their order, after those there are.
func (f *faults) append(file faults) {
	slices.SortStableFunc(file, func(a, b fault) int { return cmp.Compare(a.at, b.at) })
	for _, one := range file {
		*f = append(*f, fault{len(*f), one.err})
	}
}

// errLeftOut: a question is no part of PERGData.
var errLeftOut = errors.New("no part of PERGData")

// readQuestions reads the records of a file and counts those that are left
// out. A file none of whose many records can be read is of another form, which
// is one fault.
func readQuestions(records []record, read func(text []byte) (Item, error)) (questions []question, leftOut int, bad faults) {
	for i, r := range records {
		err := r.err
		if err == nil {
			var it Item
			it, err = read(r.text)
			switch {
			case err == nil:
				questions = append(questions, question{it, r.place})
				continue
			case errors.Is(err, errLeftOut):
				leftOut++
				continue
			}
		}
		bad.add(i, "%s: %w%s", r.place, err, unreadColumns(r.unread))
	}
	if others := len(bad) - 1; len(questions) == 0 && len(bad) > shownFaults {
		bad = bad[:1]
		bad.add(len(records), "and %d other records cannot be read; put the first right, or choose another file", others)
	}
	return questions, leftOut, bad
}

// missing says which field a record lacks, which it has, and what was expected.
func missing(field string, found []string, form string) error {
	return fmt.Errorf("there is no %s (found %s); %s", field, shorten(strings.Join(found, ", ")), form)
}
