package data

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// copyPart copies a file of a table, by its number, into a directory, and gives
// its path there.
func copyPart(t *testing.T, from string, number int, to string) string {
	t.Helper()
	parts, err := TableParts(from)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(parts[number])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(to, filepath.Base(parts[number]))
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A table whose files are not those of one writing is refused by every reader,
// before it gives a row, and the error says which directory and what to do.
func TestATornTableIsRefused(t *testing.T) {
	one, other, older := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "other"), filepath.Join(t.TempDir(), "older")
	writeVersion(t, one, 3) // of four parts
	writeVersion(t, other, 7)
	writeUnnamed(t, older, versionRow{9, 0})
	all := func(t *testing.T, dir string, numbers ...int) {
		for _, n := range numbers {
			copyPart(t, one, n, dir)
		}
	}
	for name, test := range map[string]struct {
		make func(t *testing.T, dir string)
		want string
	}{
		"without its last part":  {func(t *testing.T, dir string) { all(t, dir, 0, 1, 2) }, "its last part is missing, there are 3"},
		"without its first part": {func(t *testing.T, dir string) { all(t, dir, 1, 2, 3) }, "is part 1, and part 0 is missing"},
		"without one in between": {func(t *testing.T, dir string) { all(t, dir, 0, 1, 3) }, "is part 3, and part 2 is missing"},
		"with one twice": {func(t *testing.T, dir string) {
			all(t, dir, 0, 1, 2, 3)
			path := copyPart(t, one, 3, dir)
			if err := os.Rename(path, strings.Replace(path, "part-00003", "part-00004", 1)); err != nil {
				t.Fatal(err)
			}
			copyPart(t, one, 3, dir)
		}, "is part 3, and part 4 is missing"},
		"with a part of another beside its own": {func(t *testing.T, dir string) {
			all(t, dir, 0, 1, 2, 3)
			copyPart(t, other, 1, dir)
		}, "is of another table than"},
		"with a part of another for its own": {func(t *testing.T, dir string) {
			all(t, dir, 0, 1, 3)
			copyPart(t, other, 2, dir)
		}, "is of another table than"},
		"with a part of an older perg": {func(t *testing.T, dir string) {
			all(t, dir, 0, 1, 2, 3)
			copyPart(t, older, 0, dir)
		}, "is of another table than"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			test.make(t, dir)
			check := func(err error) {
				t.Helper()
				if !errors.Is(err, ErrTorn) {
					t.Errorf("error %v, want %q", err, ErrTorn)
					return
				}
				for _, part := range []string{dir, test.want, "run the same command again"} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("error %q does not say %q", err, part)
					}
				}
			}
			rows := 0
			var failed error
			for _, err := range ReadTable[versionRow](dir) {
				if failed = err; err == nil {
					rows++
				}
			}
			check(failed)
			if rows > 0 {
				t.Errorf("%d rows were read of it", rows)
			}
			table, err := OpenTable(dir)
			if err == nil {
				table.Close()
			}
			check(err)
			// The advice holds: what writes the table next makes it whole.
			writeVersion(t, dir, 5)
			if version, err := readVersion(dir); version != 5 || err != nil {
				t.Errorf("written anew: version %d, error %v", version, err)
			}
		})
	}
}

// writeUnnamed writes a table as perg did before it gave tables a name: a part
// for each row.
func writeUnnamed(t *testing.T, dir string, rows ...versionRow) {
	t.Helper()
	w, err := AppendTable[versionRow](dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := errors.Join(w.Write(r), w.Rotate()); err != nil {
			t.Fatal(err)
		}
	}
}

// Tables of perg before it gave them a name stay readable, and are replaced.
func TestATableWithoutAName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "table")
	writeUnnamed(t, dir, versionRow{1, 0}, versionRow{1, 1}, versionRow{1, 2})
	if got := readTable[versionRow](t, dir); len(got) != 3 || got[2] != (versionRow{1, 2}) {
		t.Errorf("rows %v", got)
	}
	table := openTable(t, dir)
	if table.Rows() != 3 {
		t.Errorf("%d rows", table.Rows())
	}
	writeVersion(t, dir, 2)
	if version, err := readVersion(dir); version != 2 || err != nil {
		t.Errorf("version %d, error %v", version, err)
	}
	if !table.Replaced() {
		t.Error("the older table does not know that it was replaced")
	}
}

// What is read goes on where another table takes the place of the one that
// reading began with.
func TestATableReplacedWhileItIsRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "table")
	writeVersion(t, dir, 3)
	var rows []versionRow
	for r, err := range ReadTable[versionRow](dir) {
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			writeVersion(t, dir, 2)
		}
		rows = append(rows, r)
	}
	if version, err := wholeVersion(rows); version != 3 || err != nil {
		t.Errorf("version %d, error %v", version, err)
	}
}

// A reader that opened some files of a table when another takes its place begins
// again. The older table has a pipe for a file, at which the reader waits.
func TestATableReplacedWhileItIsOpened(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "table")
	writeUnnamed(t, dir, versionRow{1, 0})
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Skip(err)
	}
	if err := os.Link(pipe, filepath.Join(dir, "part-00001.parquet")); err != nil {
		t.Fatal(err)
	}
	type result struct {
		version int64
		err     error
	}
	read := make(chan result, 1)
	go func() {
		version, err := readVersion(dir)
		read <- result{version, err}
	}()
	time.Sleep(50 * time.Millisecond) // a reader that is late reads the new table at once
	writeVersion(t, dir, 2)
	end, err := os.OpenFile(pipe, os.O_RDWR, 0) // does not wait for a reader
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	if got := <-read; got.version != 2 || got.err != nil {
		t.Errorf("version %d, error %v; want the new table", got.version, got.err)
	}
}

// A path is a path, whatever it would mean as a pattern.
func TestATableWhosePathLooksLikeAPattern(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run [a-b]*", "table?")
	writeVersion(t, dir, 1)
	writeVersion(t, dir, 2)
	if version, err := readVersion(dir); version != 2 || err != nil {
		t.Errorf("version %d, error %v", version, err)
	}
	wantAlone(t, dir)
}

// The name of a table is in all its parts, and the number of parts in the last,
// for whoever reads them by other means.
func TestWhatPartsSayOfTheirTable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "table")
	writeVersion(t, dir, 2)
	parts, err := TableParts(dir)
	if err != nil || len(parts) != 3 {
		t.Fatalf("parts %v, error %v; want 3", parts, err)
	}
	names := make(map[string]bool)
	for i, path := range parts {
		says, err := ReadFileMetadata(path)
		if err != nil {
			t.Fatal(err)
		}
		names[says["perg.table"]] = true
		if want := map[bool]string{true: "3"}[i == 2]; says["perg.part"] != string(rune('0'+i)) || says["perg.parts"] != want {
			t.Errorf("part %d says %v", i, says)
		}
	}
	if len(names) != 1 || names[""] {
		t.Errorf("the parts are of tables %v", names)
	}
}
