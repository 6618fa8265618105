package data

import (
	"fmt"
	"os"
)

// CountRows is the number of rows of the table in dir, as the ends of its files
// have it: a file that was cut is an error, its contents are not looked at. The
// error is ErrNoTable where there is none.
func CountRows(dir string) (int64, error) {
	parts, err := TableParts(dir)
	if err != nil {
		return 0, err
	}
	var n int64
	for _, p := range parts {
		rows, err := countPart(p)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", p, err)
		}
		n += rows
	}
	return n, nil
}

func countPart(path string) (n int64, err error) {
	defer recoverDamage(&err)
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	file, err := openParquet(f, info.Size())
	if err != nil {
		return 0, err
	}
	return file.NumRows(), nil
}
