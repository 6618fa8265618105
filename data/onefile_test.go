package data

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestATableInOneFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "one.parquet")
	want := map[string]string{"who": "perg", "what": "a \"table\"\n\u202e"}
	write := func(rows int) *FileWriter[Judgment] {
		t.Helper()
		w, err := CreateFile[Judgment](path, want)
		if err != nil {
			t.Fatal(err)
		}
		for range rows {
			if err := w.Write(Judgment{ItemID: "1", Status: StatusOK}); err != nil {
				t.Fatal(err)
			}
		}
		return w
	}
	w := write(3)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file has its name before it is whole: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	got, err := ReadFileMetadata(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	// What is given up leaves the older file, and nothing else.
	write(1).Abort()
	file := openTestPart(t, path)
	n := 0
	if _, err := readPart(file, func(Judgment, error) bool { n++; return true }); err != nil || n != 3 {
		t.Errorf("%d rows, error %v", n, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("files %v, error %v", entries, err)
	}
	if err := os.WriteFile(path, []byte("no Parquet at all"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFileMetadata(path); err == nil {
		t.Error("a file that is none has metadata")
	}
}
