package data

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

type counted struct {
	N int64 `parquet:"n"`
}

func readCounted(t *testing.T, dir string) []int64 {
	t.Helper()
	var all []int64
	for r, err := range ReadTable[counted](dir) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.N)
	}
	return all
}

// Executions add to a table one after the other; one that is killed loses what
// came after its last Rotate, and nothing else.
func TestAppendTable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "table")
	write := func(w *AppendWriter[counted], rows ...int64) {
		t.Helper()
		for _, n := range rows {
			if err := w.Write(counted{n}); err != nil {
				t.Fatal(err)
			}
		}
	}
	open := func() *AppendWriter[counted] {
		t.Helper()
		w, err := AppendTable[counted](dir)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if err := open().Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("a table without rows has a directory: %v", err)
	}
	first := open()
	write(first, 1, 2)
	if err := first.Rotate(); err != nil {
		t.Fatal(err)
	}
	if got := readCounted(t, dir); !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("while it is written to: %v", got)
	}
	write(first, 3)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	killed := open()
	write(killed, 4)
	if err := killed.Rotate(); err != nil {
		t.Fatal(err)
	}
	write(killed, 5)

	last := open()
	if left, err := filepath.Glob(filepath.Join(dir, "*.tmp")); err != nil || len(left) > 0 {
		t.Errorf("of the killed one there is %v, %v", left, err)
	}
	write(last, 6)
	if err := last.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open().Close(); err != nil {
		t.Errorf("an execution without rows: %v", err)
	}
	aborted := open()
	write(aborted, 7)
	aborted.Abort()
	if got := readCounted(t, dir); !slices.Equal(got, []int64{1, 2, 3, 4, 6}) {
		t.Errorf("rows %v", got)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAppendTableThatIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := AppendTable[counted](file)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(counted{1}); err == nil {
		t.Error("a file was taken for a directory")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "part-x.parquet"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := AppendTable[counted](dir); err == nil {
		t.Error("part-x.parquet was taken for a part with a number")
	}
}
