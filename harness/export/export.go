// Package export writes a run as one flat table for notebooks, with SQL and a
// notebook that draw the main figures from it.
package export

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"perg/data"
	"perg/harness/results"
)

// The files of an export.
const (
	Results  = "results.parquet"
	SQL      = "perg.sql"
	Notebook = "perg.ipynb"
	Readme   = "README.md"
)

//go:embed perg.sql
var sql []byte

//go:embed perg.ipynb
var notebook []byte

// The keys of the metadata of results.parquet. The description of a column has
// the key columnKey + its name.
const (
	keyRunID   = "perg.run_id"
	keyRun     = "perg.run"     // what the run was, in words
	keyRule    = "perg.rule"    // how several judges' ratings become one verdict
	keyCaveats = "perg.caveats" // one a line
	columnKey  = "column."
)

// A Run is what is exported.
type Run struct {
	Dir     string // where the run's tables are
	ID      string
	About   string // what it was, in words: one line
	Panel   results.Panel
	Caveats []string // what a reader must know, one line each
}

// A Done is what an export came to.
type Done struct {
	Rows int64
	Kept []string // files of an earlier export that were changed since, and stay
}

// ErrOther: the directory holds what is no export of the run.
var ErrOther = errors.New("not an export of this run")

// Write exports a run to dir, which it makes where it is missing. An earlier
// export of the same run is replaced, but for SQL and notebook where they were
// changed; a directory that holds anything else is an ErrOther. The error is
// data.ErrNoTable where the run has no generations. progress is told of every
// few thousand rows.
func Write(ctx context.Context, run Run, dir string, progress func(rows int64)) (Done, error) {
	var done Done
	fresh, err := inspect(dir, run.ID)
	if err != nil {
		return done, err
	}
	before, err := state(run.Dir)
	if err != nil {
		return done, err
	}
	j, err := newJoiner(run.Dir, run.Panel)
	if err != nil {
		return done, err
	}
	defer j.close()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return done, err
	}
	if done.Rows, err = writeResults(ctx, j, run, dir, before, progress); err != nil {
		if fresh {
			os.Remove(dir)
		}
		return done, err
	}
	if err := data.WriteFile(filepath.Join(dir, Readme), readme(run, done.Rows)); err != nil {
		return done, err
	}
	for _, f := range []struct {
		name string
		text []byte
	}{{SQL, sql}, {Notebook, notebook}} {
		kept, err := writeUnlessChanged(filepath.Join(dir, f.name), f.text)
		if err != nil {
			return done, err
		}
		if kept {
			done.Kept = append(done.Kept, f.name)
		}
	}
	return done, nil
}

// writeUnlessChanged writes a file, unless one is there that has another text:
// somebody works with it.
func writeUnlessChanged(path string, text []byte) (kept bool, err error) {
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, data.WriteFile(path, text)
	case err != nil:
		return false, err
	default:
		return !bytes.Equal(old, text), nil
	}
}

// inspect says whether a run may be exported to dir, and whether dir is new.
func inspect(dir, runID string) (fresh bool, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	var others []string
	for _, e := range entries {
		switch e.Name() {
		case Results:
			metadata, err := data.ReadFileMetadata(filepath.Join(dir, Results))
			if err != nil {
				return false, fmt.Errorf("%w: %w", ErrOther, err)
			}
			if id := metadata[keyRunID]; id != runID {
				return false, fmt.Errorf("%w: %s is of run %q", ErrOther, Results, id)
			}
			return false, nil
		case Results + ".tmp": // of an export that was killed
		default:
			others = append(others, e.Name())
		}
	}
	if len(others) > 0 {
		return false, fmt.Errorf("%w: it holds %s", ErrOther, some(others))
	}
	return false, nil
}

// some names the first few of many.
func some(names []string) string {
	const few = 3
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

// ErrChanged: another process wrote the run's tables meanwhile.
var ErrChanged = errors.New("the run's tables were written anew meanwhile")

// state tells two writings of a run's tables apart.
func state(dir string) (string, error) {
	var b strings.Builder
	for _, table := range []string{"generations", "judgments"} {
		parts, err := data.TableParts(filepath.Join(dir, table))
		if err != nil && !errors.Is(err, data.ErrNoTable) {
			return "", err
		}
		for _, part := range parts {
			info, err := os.Stat(part)
			if err != nil {
				return "", err
			}
			fmt.Fprintln(&b, part, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String(), nil
}

// progressEvery is the number of rows between two words about progress.
const progressEvery = 5000

func writeResults(ctx context.Context, j *joiner, run Run, dir, before string, progress func(int64)) (rows int64, err error) {
	w, err := data.CreateFile[Row](filepath.Join(dir, Results), metadata(run))
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			w.Abort()
		}
	}()
	for g, err := range data.ReadTable[data.Generation](filepath.Join(run.Dir, "generations")) {
		if err != nil {
			return 0, err
		}
		row, err := j.join(g)
		if err != nil {
			return 0, err
		}
		if err := w.Write(row); err != nil {
			return 0, err
		}
		if rows++; rows%progressEvery == 0 {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			progress(rows)
		}
	}
	after, err := state(run.Dir)
	if err != nil {
		return 0, err
	}
	if after != before {
		return 0, ErrChanged
	}
	return rows, w.Close()
}

func metadata(run Run) map[string]string {
	all := map[string]string{
		keyRunID: run.ID, keyRun: run.About, keyRule: string(run.Panel.Rule), keyCaveats: strings.Join(run.Caveats, "\n"),
	}
	for _, c := range Columns() {
		all[columnKey+c.Name] = c.About
	}
	return all
}
