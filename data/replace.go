package data

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A replacement is the directory of a table while it is written, beside the one
// whose place it takes when it is whole. Its name begins with a dot, so that
// patterns like RUN/*/part-*.parquet pass it by:
//
//	RUN/generations
//	RUN/.generations-ID.tmp    the new table; once it is in place, the older one
//	RUN/.generations-ID.old    the older table, where directories cannot be exchanged
//
// Whatever moment a writer is killed at, RUN/generations is the whole of one
// table, and the next writer removes what else is left. Where directories
// cannot be exchanged there is a moment at which it is missing: then readers
// find no table, and the next writer puts the older one back.
type replacement struct {
	dir      string // of the table
	id       string // of this writing, random
	tmp, old string // as above
	exchange func(a, b string) error
}

const (
	aside    = ".old"
	idDigits = 16
)

// newReplacement makes the directory that is to take the place of dir, and
// clears up after writers that were killed. A table has one writer at a time.
func newReplacement(dir string) (*replacement, error) {
	// A table that somebody moved to another disk stays there.
	if target, err := filepath.EvalSymlinks(dir); err == nil {
		dir = target
	}
	id := make([]byte, idDigits/2)
	rand.Read(id)
	r := &replacement{dir: filepath.Clean(dir), id: hex.EncodeToString(id), exchange: exchange}
	r.tmp, r.old = r.beside()+r.id+unfinished, r.beside()+r.id+aside
	if err := os.MkdirAll(filepath.Dir(r.dir), 0o755); err != nil {
		return nil, err
	}
	if err := r.restore(); err != nil {
		return nil, err
	}
	for _, left := range append(r.leftovers(unfinished), r.leftovers(aside)...) {
		r.remove(left)
	}
	return r, os.Mkdir(r.tmp, 0o755)
}

// beside is how the paths of its directories begin, whatever the writing.
func (r *replacement) beside() string {
	return filepath.Join(filepath.Dir(r.dir), "."+filepath.Base(r.dir)+"-")
}

// leftovers are the directories of other writings, those that end in suffix.
func (r *replacement) leftovers(suffix string) (all []string) {
	parent := filepath.Dir(r.dir)
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil // they stay for the next writer
	}
	for _, e := range entries {
		path := filepath.Join(parent, e.Name())
		id, ok := strings.CutPrefix(path, r.beside())
		if ok {
			id, ok = strings.CutSuffix(id, suffix)
		}
		// What begins alike and has no ID is of a table with a longer name.
		if _, err := hex.DecodeString(id); ok && err == nil && len(id) == idDigits {
			all = append(all, path)
		}
	}
	return all
}

// restore puts back the table that a killed writer had moved aside, if its new
// one did not come to take the place.
func (r *replacement) restore() error {
	if _, err := os.Lstat(r.dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, old := range r.leftovers(aside) {
		if _, err := TableParts(old); err == nil {
			return os.Rename(old, r.dir)
		}
	}
	return nil
}

// commit puts the new table in place, durably, and removes the older one. After
// an error the older one is in its place, but for an error of the disk when the
// change was to be made durable.
func (r *replacement) commit() error {
	if err := SyncDir(r.tmp); err != nil {
		return err
	}
	older := r.tmp
	if r.exchange(r.tmp, r.dir) != nil { // there is no older table, or no such call
		older = r.old
		if err := os.Rename(r.dir, older); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.Rename(r.tmp, r.dir); err != nil {
			return errors.Join(err, r.restore())
		}
	}
	if err := SyncDir(filepath.Dir(r.dir)); err != nil {
		return err
	}
	r.remove(older)
	return nil
}

// remove removes the parts of a table that is none any more. What else is in
// its directory somebody put there: it goes to the table that is. What cannot be
// removed, as a file that a reader on NFS has open, is left to the next writer.
func (r *replacement) remove(old string) {
	entries, _ := os.ReadDir(old)
	for _, e := range entries {
		path := filepath.Join(old, e.Name())
		if isPart(e.Name()) || isPart(strings.TrimSuffix(e.Name(), unfinished)) {
			os.Remove(path)
		} else if to := filepath.Join(r.dir, e.Name()); !exists(to) {
			os.Rename(path, to)
		}
	}
	os.Remove(old)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// abort removes what was written.
func (r *replacement) abort() { r.remove(r.tmp) }
