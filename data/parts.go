package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/parquet-go/parquet-go"
)

var (
	// ErrNoTable: a directory holds no part of a table.
	ErrNoTable = errors.New("no table")
	// ErrTorn: the parts in a table's directory are not all those of one
	// table. perg leaves none like that, but copying files may.
	ErrTorn = errors.New("the table is torn")
)

func isPart(name string) bool {
	return strings.HasPrefix(name, "part-") && strings.HasSuffix(name, ".parquet")
}

// TableParts lists the files of the table in dir, in order. The error is
// ErrNoTable where there are none.
func TableParts(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !isMissing(err) {
		return nil, fmt.Errorf("read table: %w", err)
	}
	var parts []string
	for _, e := range entries { // sorted by name
		if isPart(e.Name()) {
			parts = append(parts, filepath.Join(dir, e.Name()))
		}
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNoTable, dir)
	}
	return parts, nil
}

// isMissing says whether an error is that there is no such directory.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// An openPart is a file of a table, open to be read.
type openPart struct {
	*os.File
	parquet *parquet.File
}

func closeParts(parts []openPart) error {
	var err error
	for _, p := range parts {
		err = errors.Join(err, p.Close())
	}
	return err
}

// openParts opens the files of the table in dir, in order, which are those of
// one table also where another takes its place meanwhile. The error is
// ErrNoTable where there are none, ErrTorn where they are not of one table.
func openParts(dir string) ([]openPart, error) {
	for {
		was, err := os.Stat(dir)
		if isMissing(err) {
			return nil, fmt.Errorf("%w in %s", ErrNoTable, dir)
		}
		if err != nil {
			return nil, fmt.Errorf("read table: %w", err)
		}
		parts, err := openListed(dir)
		if now, e := os.Stat(dir); e == nil && os.SameFile(was, now) {
			return parts, err
		}
		// What was opened is of the older table in part, or was being removed.
		closeParts(parts)
	}
}

func openListed(dir string) (parts []openPart, err error) {
	paths, err := TableParts(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			closeParts(parts)
			parts = nil
		}
	}()
	for _, path := range paths {
		f, file, err := openFile(path)
		if err != nil {
			return parts, fmt.Errorf("read %s: %w", path, err)
		}
		parts = append(parts, openPart{f, file})
	}
	if err := oneTable(parts); err != nil {
		return parts, fmt.Errorf("read %s: %w: %w; remove that directory and run the same command again: the table is written anew from the store", dir, ErrTorn, err)
	}
	return parts, nil
}

// What a part says of its table in its key/value metadata. Those of a table
// that is added to (AppendTable) say nothing, nor do those that perg wrote
// before it had tables say so: nobody knows how many they should be.
const (
	keyTable = "perg.table" // a random name of the table, the same in all its parts
	keyPart  = "perg.part"  // its number, from 0
	keyParts = "perg.parts" // in the last part: how many there are
)

// oneTable says what is wrong with parts, sorted by name, that are not all those
// of one table.
func oneTable(parts []openPart) error {
	table, _ := parts[0].parquet.Lookup(keyTable)
	for i, p := range parts {
		name := filepath.Base(p.Name())
		if other, _ := p.parquet.Lookup(keyTable); other != table {
			return fmt.Errorf("%s is of another table than %s", name, filepath.Base(parts[0].Name()))
		}
		if n, _ := p.parquet.Lookup(keyPart); table != "" && n != strconv.Itoa(i) {
			return fmt.Errorf("%s is part %s, and part %d is missing", name, n, i)
		}
	}
	count, _ := parts[len(parts)-1].parquet.Lookup(keyParts)
	if table != "" && count != strconv.Itoa(len(parts)) {
		return fmt.Errorf("its last part is missing, there are %d", len(parts))
	}
	return nil
}
