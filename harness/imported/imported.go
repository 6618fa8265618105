// Package imported makes runs of responses that other programs collected: a
// table of them, in whatever columns, becomes a run's tables and manifest. Nothing
// is asked of a model, and what the table does not say stays unknown. It also
// hands the answers of such a run to judges.
package imported

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/results"
	"perg/harness/rundir"
)

// A Request says what to import, and how to read it.
type Request struct {
	Files       []File
	Columns     map[Field]string // named by the user; others are looked for
	Values      map[Field]string // the same in all rows, for what has no column
	Assigned    bool             // of several preferences of a question take one: row i of a source (from 0) that of number i mod n + 1, as the paper has it
	Preferences []string         // those of a wide table, by number; none: not known
	Out         string           // directory of the run
	Store       string           // that keeps the replies of judges

	setting prompt.Setting // of the file at hand; "": its rows say
	again   bool           // so, too
}

// A File is a table, and the setting that its answers are under; "" where its
// rows say that, or its columns.
type File struct {
	Path    string
	Setting prompt.Setting
	Again   bool // its answers without a preference are controls: the questions of the other files asked again
}

// A Result is what was imported.
type Result struct {
	rundir.Manifest
	Cells   []Cell   // in order of appearance
	Letters *Letters // nil: none were taken from the file
	Read    int      // answers that perg's rules read
	Unread  int      // and could not
	Alike   int      // rows of a table of items that have a question of a row before
	Unasked int      // answers that ask again what no other file asks
}

// A Cell is a cell of the run, with the number of its generations.
type Cell struct {
	results.Cell
	N int
}

// Letters count the letters that the table has.
type Letters struct {
	Options int // name an option of their item
	None    int // name none: the answer is invalid
	Missing int // answers without a letter: invalid, too
}

// Import makes a run. Everything is checked before any of it is written: what is
// wrong with rows is listed, the first of it, and nothing is left behind.
func Import(ctx context.Context, r Request) (Result, error) {
	if err := checkValues(r.Values); err != nil {
		return Result{}, err
	}
	x := newIndex()
	var m rundir.Import
	m.Columns, m.Values = make(map[string]string), make(map[string]string)
	for f, v := range r.Values {
		m.Values[string(f)] = v
	}
	for i, f := range r.Files {
		file, err := x.file(ctx, i, r.of(f))
		if err != nil {
			return Result{}, err
		}
		if f.Again {
			m.Files = append(m.Files, file.ImportFile)
			continue
		}
		if m.Form, err = oneForm(m.Form, file.layout.form, r.Files); err != nil {
			return Result{}, err
		}
		for f, columns := range file.columns {
			m.Columns[string(f)] = joined(columns)
		}
		m.Files = append(m.Files, file.ImportFile)
	}
	if err := x.check(); err != nil {
		return Result{}, err
	}
	m.Questions, m.LongestResponse = len(x.questions), x.longest
	return write(ctx, r, x, m)
}

// of is the request for one of its files.
func (r Request) of(f File) Request {
	r.Files, r.setting, r.again = []File{f}, f.Setting, f.Again
	return r
}

func oneForm(was string, is Form, files []File) (string, error) {
	if was != "" && was != string(is) {
		return was, fmt.Errorf("%s is %s and %s is %s: tables of different forms are imported one by one", files[0].Path, was, files[len(files)-1].Path, is)
	}
	return string(is), nil
}

// A read is a file that was gone through.
type read struct {
	layout
	rundir.ImportFile
	repeated int // rows with a question that was there before
}

// each goes through the answers of a file, with the number of each one's row.
// Errors of rows are collected, and given at the end.
func (r Request) each(ctx context.Context, do func(table *data.Foreign, row int, a *answered) error) (file read, left int, err error) {
	path := r.Files[0].Path
	table, err := data.OpenForeign(path)
	if err != nil {
		return file, 0, err
	}
	defer table.Close()
	if r.again {
		r = r.forAgain(table.Columns())
	}
	if file.layout, err = arrange(path, table.Columns(), r); err != nil {
		return file, 0, fmt.Errorf("%w%s", err, table.UnreadNote())
	}
	rows := newRowReader(file.layout, r)
	var bad faults
	for {
		if err := ctx.Err(); err != nil {
			return file, left, err
		}
		row, err := table.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			bad.add(err)
			if _, goesOn := errors.AsType[data.RowError](err); goesOn {
				continue
			}
			break
		}
		file.Rows++
		all, n, err := rows.read(row)
		left += n
		if err != nil {
			bad.add(fmt.Errorf("%s: %w", table.Place(row.Number), err))
			continue
		}
		for i := range all {
			if err := do(table, row.Number, &all[i]); err != nil {
				var fatal fatalError
				if errors.As(err, &fatal) {
					return file, left, fatal.error
				}
				bad.add(err)
			}
		}
	}
	if err := bad.err(); err != nil {
		return file, left, err
	}
	if file.Rows == 0 {
		return file, left, fmt.Errorf("%s has no rows", path)
	}
	file.Path, file.Setting, file.repeated = path, string(r.setting), rows.repeated
	file.Again = r.again
	return file, left, nil
}

// A fatalError is none of a row: nothing more is read.
type fatalError struct{ error }

// faults are what is wrong with rows: the first of them, and how many more.
type faults struct {
	first []error
	more  int
}

func (f *faults) add(err error) {
	const most = 20
	if len(f.first) == most {
		f.more++
		return
	}
	f.first = append(f.first, err)
}

func (f *faults) err() error {
	if f.more > 0 {
		return errors.Join(append(f.first, fmt.Errorf("and %d more; put these right first", f.more))...)
	}
	return errors.Join(f.first...)
}

// hashed gives the SHA-256 of a file, in hex, and its absolute path.
func hashed(path string) (sum, absolute string, size int64, err error) {
	if absolute, err = filepath.Abs(path); err != nil {
		return "", "", 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", "", 0, fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), absolute, size, nil
}
