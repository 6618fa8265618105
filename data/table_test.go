package data

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func writeTable[T any](t *testing.T, dir string, rows []T) {
	t.Helper()
	if err := WriteTable(dir, rows); err != nil {
		t.Fatal(err)
	}
}

func readTable[T any](t *testing.T, dir string) []T {
	t.Helper()
	var rows []T
	for r, err := range ReadTable[T](dir) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

func TestTablesRoundTrip(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC)
	want := []Generation{
		{
			RunID: "r", ItemID: "1", Source: "s", Category: "c", Question: "q\x00\x1b[2J\u202e", Options: []string{"a", "b"}, Gold: "A",
			Preference: "p", PreferenceType: "clarity", Preferences: []string{"p"}, Setting: "relevant", Method: "zero-shot",
			Model: "m", Variant: "m", Digest: "d", Think: new(false), Repeat: 1, Response: new(""), Thinking: new("hm"),
			Answer: new("A"), AnswerFrom: "rule", Correct: new(true), Status: StatusOK, DoneReason: "stop",
			PromptTokens: new(int64(0)), OutputTokens: new(int64(2)), StartedAt: &at, GPUUUIDs: []string{"GPU-1"}, VRAMBytes: new(int64(0)), RequestHash: "h",
		},
		{RunID: "r", ItemID: "2", Options: []string{"a", "b", "c"}, Preferences: []string{}, Status: StatusError, Error: "no"},
		{RunID: "r", ItemID: "3", Options: []string{"a"}, Preferences: []string{}, Response: new(strings.Repeat("x", 1<<20))},
	}
	dir := filepath.Join(t.TempDir(), "generations")
	writeTable(t, dir, want)
	if diff := cmp.Diff(want, readTable[Generation](t, dir)); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
}

func TestATableOfSeveralRowGroups(t *testing.T) {
	dir := t.TempDir()
	const n = 2*rowsPerGroup + 17
	rows := make([]Judgment, n)
	for i := range rows {
		rows[i] = Judgment{ItemID: fmt.Sprint(i), Status: StatusOK}
		if i%2 == 0 {
			rows[i].Score = new(int32(i % 5))
		}
	}
	writeTable(t, dir, rows)
	got := readTable[Judgment](t, dir)
	if len(got) != n {
		t.Fatalf("%d rows, want %d", len(got), n)
	}
	for i, r := range got {
		if r.ItemID != fmt.Sprint(i) || (r.Score == nil) != (i%2 == 1) {
			t.Fatalf("row %d is %+v", i, r)
		}
	}
}

func TestATableIsWholeOrAbsent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t")
	parts := func() []string {
		p, err := TableParts(dir)
		if err != nil && !errors.Is(err, ErrNoTable) {
			t.Fatal(err)
		}
		return p
	}
	w, err := CreateTable[Judgment](dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(Judgment{ItemID: "1"}); err != nil {
		t.Fatal(err)
	}
	if len(parts()) != 0 {
		t.Error("a table that is being written has parts")
	}
	w.Abort()
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("an abandoned table left %v", left)
	}

	writeTable(t, dir, []Judgment{{ItemID: "1"}})
	// A process killed while it wrote leaves a temporary file; parts of an
	// older, longer table go when the new one is whole.
	for _, name := range []string{"part-00007.parquet" + unfinished, "part-00001.parquet"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	writeTable(t, dir, []Judgment{{ItemID: "2"}, {ItemID: "3"}})
	if got := readTable[Judgment](t, dir); len(got) != 2 || got[0].ItemID != "2" {
		t.Errorf("rows %+v", got)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("files %v", files)
	}
}

func TestDamagedPartsAreErrors(t *testing.T) {
	dir := t.TempDir()
	writeTable(t, dir, make([]Judgment, 100))
	part := filepath.Join(dir, "part-00000.parquet")
	whole, err := os.ReadFile(part)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty": nil, "cut": whole[:len(whole)/2], "not Parquet": []byte("hello"),
		"footer": append(append([]byte{}, whole[:len(whole)-20]...), whole[len(whole)-8:]...),
	} {
		if err := os.WriteFile(part, content, 0o644); err != nil {
			t.Fatal(err)
		}
		var failed error
		for _, err := range ReadTable[Judgment](dir) {
			failed = err
		}
		if failed == nil || !strings.Contains(failed.Error(), part) {
			t.Errorf("%s: error %v does not name the file", name, failed)
		}
	}
}

func TestWriteFileIsWholeOrAbsent(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "run.json")
	for _, content := range []string{"one", "another"} {
		if err := WriteFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != content {
			t.Errorf("read %q, want %q", got, content)
		}
	}
	if err := WriteFile(filepath.Join(dir, "no", "run.json"), nil); err == nil {
		t.Error("wrote into a directory that is not there")
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("files %v", files)
	}
}

func FuzzReadTable(f *testing.F) {
	dir := f.TempDir()
	if err := WriteTable(dir, []Judgment{{ItemID: "1", Score: new(int32(3))}}); err != nil {
		f.Fatal(err)
	}
	part := filepath.Join(dir, "part-00000.parquet")
	whole, err := os.ReadFile(part)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "part-00000.parquet"), content, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, err := range ReadTable[Judgment](dir) {
			_ = err // an error is fine, a panic is not
		}
	})
}

// A length of the footer that cannot be is found before it is allocated.
func TestAFooterThatLies(t *testing.T) {
	dir := t.TempDir()
	content := "PAR1" + strings.Repeat("x", 10) + "\xff\xff\xff\x7fPAR1"
	if err := os.WriteFile(filepath.Join(dir, "part-00000.parquet"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, err := range ReadTable[Judgment](dir) {
		if err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("error %v", err)
		}
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d MiB were allocated for a file of %d bytes", grown>>20, len(content))
	}
}
