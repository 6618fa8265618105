package explore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"perg/harness/explore/fulltext"
	"perg/harness/results"
)

// Texts are where words are in the responses of a run, however often its tables
// are opened while it goes on: a response that is known is not read again.
type Texts struct {
	keep     string     // the file that the index is kept in; "" is nowhere
	inMemory int        // up to how many answers it is made anew each time, in memory
	mu       sync.Mutex // held while responses are added
	index    *fulltext.Index
	places   results.Places // by key: the number of its text
	cells    map[results.Cell]int32
	items    map[string]int32
}

// inMemory of a run's answers are indexed in a second or two.
const inMemory = 20_000

// NewTexts makes an index of the texts of a run, as they are in the first tables
// that are opened with it. One of many answers is kept in a file for the next
// time, unless the run goes on, which is "" for a file; it is used again as long
// as the table is the same. Without a file that can be written it is in one that
// is gone with it.
func NewTexts(keep string) *Texts {
	return &Texts{keep: keep, inMemory: inMemory, cells: make(map[results.Cell]int32), items: make(map[string]int32)}
}

// Close gives up what is not kept.
func (t *Texts) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.index == nil {
		return nil
	}
	err := t.index.Close()
	t.index = nil
	return err
}

// An indexed is how much of a run's responses the index knows.
type indexed struct {
	index *fulltext.Index // set before rows is above 0
	rows  atomic.Int64    // those before it are known; then all are
	kept  atomic.Bool     // in a file that the next one to look finds
	row   []int32         // by the number of a text, less one: its row; -1: the tables lack it
	byRow bool            // numbers of texts are those of rows, plus one
	ready chan struct{}   // closed when all responses are known, or err is set
	err   error
}

// take adds the responses of a run that are not known yet.
func (t *Texts) take(ctx context.Context, r *Run, known *indexed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer close(known.ready)
	known.err = t.add(ctx, r, known)
}

func (t *Texts) add(ctx context.Context, r *Run, known *indexed) error {
	rows, id := r.Generations(), r.tables.Generations.ID()
	known.byRow = t.keep != "" && id != "" && rows > t.inMemory
	if known.byRow {
		err := t.kept(id)
		if err == nil {
			known.index = t.index
			known.kept.Store(true)
			known.rows.Store(int64(rows))
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fulltext.ErrStale) {
			return err
		}
	}
	if err := t.make(rows, known.byRow); err != nil {
		return err
	}
	known.index = t.index
	if err := t.read(ctx, r, known); err != nil {
		return err
	}
	if !known.byRow || t.index.Path() != t.keep {
		return nil
	}
	if err := t.index.Finish(id); err != nil {
		return err
	}
	known.kept.Store(true)
	return nil
}

// kept opens the index that was kept of a table.
func (t *Texts) kept(id string) (err error) {
	t.index, err = fulltext.Open(t.keep, id)
	return err
}

// make makes the index where there is none.
func (t *Texts) make(rows int, keep bool) (err error) {
	switch {
	case t.index != nil:
		return nil
	case keep:
		if t.index, err = fulltext.Create(t.keep); err == nil {
			return nil
		}
		fallthrough // as in a directory that cannot be written
	case rows > t.inMemory:
		t.index, err = fulltext.Create(filepath.Join(os.TempDir(), "perg-search.sqlite"))
	default:
		t.index, err = fulltext.Memory()
	}
	return err
}

// perAdd is how many texts go into the index at once: a search waits as long.
const perAdd = 2048

// read adds the responses that the index lacks, in the order of rows.
func (t *Texts) read(ctx context.Context, r *Run, known *indexed) error {
	x := r.index
	number := t.numbers(x)
	if !known.byRow {
		known.row = slices.Repeat([]int32{-1}, t.index.Last()+len(x.item))
		for row := range x.item {
			if n, ok := number(row); ok {
				known.row[n-1] = int32(row)
			}
		}
	}
	var some []fulltext.Text
	missing := func(row int) bool {
		_, ok := number(row)
		return !ok
	}
	last := t.index.Last()
	flush := func(next int) error {
		if err := t.index.Add(ctx, some); err != nil {
			return err
		}
		if !known.byRow {
			for _, text := range some {
				t.put(x, int(known.row[text.Number-1]), text.Number)
			}
		}
		some = some[:0]
		known.rows.Store(int64(next))
		return nil
	}
	for from := 0; ; {
		for from < len(x.item) && !missing(from) {
			from++
		}
		if from == len(x.item) {
			break
		}
		at := from
		for texts, err := range r.tables.Generations.Texts("response", from) {
			if err != nil {
				return err
			}
			for i, text := range texts.Texts {
				if at = texts.Row + i + 1; text == nil || !missing(at-1) {
					continue
				}
				last++
				if known.byRow {
					last = at
				} else {
					known.row[last-1] = int32(at - 1)
				}
				some = append(some, fulltext.Text{Number: last, Text: string(text)})
				if len(some) == perAdd {
					if err := flush(at); err != nil {
						return err
					}
				}
			}
			next := at
			for next < len(x.item) && !missing(next) {
				next++
			}
			if next-at > far || next == len(x.item) {
				at = next
				break
			}
		}
		from = at
	}
	return flush(len(x.item))
}

// numbers gives a function that gives the number of a row's text, which is not
// known where its generation was not seen before. It has the cells and items
// of the tables numbered as they were first seen.
func (t *Texts) numbers(x *index) func(row int) (number int32, ok bool) {
	cells, items := make([]int32, len(x.cells)), make([]int32, len(x.items))
	for i, c := range x.cells {
		cells[i] = numberOf(t.cells, c)
	}
	for i := range x.items {
		items[i] = numberOf(t.items, x.items[i].ID)
	}
	return func(row int) (int32, bool) {
		return t.places.Find(cells[x.cell[row]], items[x.item[row]], x.repeat[row])
	}
}

func (t *Texts) put(x *index, row, number int) {
	t.places.Set(t.cells[x.cells[x.cell[row]]], t.items[x.items[x.item[row]].ID], x.repeat[row], int32(number))
}

func numberOf[K comparable](known map[K]int32, k K) int32 {
	n, ok := known[k]
	if !ok {
		n = int32(len(known))
		known[k] = n
	}
	return n
}

// find gives the rows whose responses match, of those that the index knows, and
// how many rows from the first on these are.
func (k *indexed) find(ctx context.Context, q fulltext.Query, rows int) (found rowSet, known int, err error) {
	known = int(k.rows.Load())
	if known == 0 || !q.Indexed() {
		return nil, 0, nil
	}
	found = newRowSet(rows)
	last := known
	if !k.byRow {
		last = k.index.Last()
	}
	err = k.index.Find(ctx, q, last, func(numbers []int32) {
		for _, n := range numbers {
			if k.byRow {
				found.add(int(n - 1))
			} else if int(n) <= len(k.row) && k.row[n-1] >= 0 { // else it is of later tables
				found.add(int(k.row[n-1]))
			}
		}
	})
	return found, known, err
}

// A rowSet is rows, a bit each.
type rowSet []uint64

func newRowSet(rows int) rowSet { return make(rowSet, (rows+63)/64) }

func (s rowSet) add(row int)      { s[row/64] |= 1 << (row % 64) }
func (s rowSet) has(row int) bool { return s[row/64]&(1<<(row%64)) != 0 }

// TextIndex says what the index of texts is: how much of it there is, what it
// takes in bytes, where it is kept ("": it is not), and why there is none.
type TextIndex struct {
	Part float64
	Size int64
	Path string
	Err  error
}

// TextIndex says how the index of texts stands.
func (r *Run) TextIndex() TextIndex {
	k := r.texts
	is := TextIndex{Part: float64(k.rows.Load()) / float64(max(r.Generations(), 1))}
	select {
	case <-k.ready:
		if is.Err = k.err; is.Err != nil {
			return is
		}
		is.Part, is.Size = 1, k.index.Size()
		if k.kept.Load() {
			is.Path = k.index.Path()
		}
	default:
	}
	return is
}
