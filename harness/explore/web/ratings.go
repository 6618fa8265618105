package web

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"perg/data"
	"perg/harness/ratings"
)

// Ratings is the file that a person's ratings are kept in. It is read anew each
// time: a spreadsheet may have changed it meanwhile.
type Ratings struct {
	Path string
	mu   sync.Mutex
	last *readRatings // nil: not read yet
}

// readRatings is the file as it was read last, to look at alone.
type readRatings struct {
	content []byte
	sheet   *ratings.Sheet
	err     error
	version string // another one where the content is
}

// read gives the file as it is now, to look at alone.
func (f *Ratings) read() readRatings {
	content, err := os.ReadFile(f.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return readRatings{err: err, version: "unread"}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil || !bytes.Equal(f.last.content, content) {
		now := readRatings{content: content, version: fmt.Sprintf("%x", sha256.Sum256(content))}
		if now.sheet, now.err = ratings.OpenSheet(content); now.err != nil {
			now.err = fmt.Errorf("%s: %w", f.Path, now.err)
		}
		f.last = &now
	}
	return *f.last
}

// Open reads the file; one that is not there is empty.
func (f *Ratings) Open() (*ratings.Sheet, error) {
	content, err := os.ReadFile(f.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	sheet, err := ratings.OpenSheet(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return sheet, nil
}

// change rewrites the file, whole, with the mark of one row changed.
func (f *Ratings) change(row ratings.Row, change func(*ratings.Mark)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	sheet, err := f.Open()
	if err != nil {
		return err
	}
	m := sheet.Mark(row.Key)
	change(&m)
	if err := sheet.Set(row, m); err != nil {
		return err
	}
	return data.WriteFile(f.Path, sheet.Bytes())
}
