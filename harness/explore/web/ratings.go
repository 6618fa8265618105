package web

import (
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
