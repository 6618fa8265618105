package data

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
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

// onlyPart is the path of a table's file, of which there is one.
func onlyPart(tb testing.TB, dir string) string {
	tb.Helper()
	parts, err := TableParts(dir)
	if err != nil || len(parts) != 1 {
		tb.Fatalf("parts %v, error %v; want one", parts, err)
	}
	return parts[0]
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

// Texts of which no two are the same leave their dictionary within a group, and
// long ones end it: what a writer holds is bounded.
func TestATableOfTextsThatDiffer(t *testing.T) {
	const n, long = rowsPerLook + 3000, 2000
	random := make([]byte, 2*n*long)
	rand.NewChaCha8([32]byte{}).Read(random)
	for i := range random {
		random[i] = '0' + random[i]&63
	}
	text := func(i int) string { return string(random[i*long : (i+1)*long]) }
	dir := t.TempDir()
	w, err := CreateTable[Generation](dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		response := text(i + n)
		if err := w.Write(Generation{ItemID: fmt.Sprint(i % 7), UserPrompt: text(i), Response: &response, Options: []string{fmt.Sprint(i), "b"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := openTestPart(t, onlyPart(t, dir))
	if groups := file.Metadata().RowGroups; len(groups) != 2 || groups[0].TotalByteSize > 3*bytesPerGroup/2 {
		t.Errorf("%d groups, the first of %d bytes", len(groups), groups[0].TotalByteSize)
	}
	for i, g := range file.Metadata().RowGroups {
		for _, c := range g.Columns {
			plain := slices.ContainsFunc(c.MetaData.EncodingStats, func(s format.PageEncodingStats) bool {
				return s.PageType != format.DictionaryPage && s.Encoding == format.Plain
			})
			if name := c.MetaData.PathInSchema[0]; i == 0 && plain != (name == "user_prompt") && slices.Contains([]string{"user_prompt", "item_id", "options"}, name) {
				t.Errorf("%s leaves its dictionary: %v", name, plain)
			}
		}
	}
	i := 0
	for g, err := range ReadTable[Generation](dir) {
		if err != nil {
			t.Fatal(err)
		}
		if g.ItemID != fmt.Sprint(i%7) || g.UserPrompt != text(i) || *g.Response != text(i+n) || g.Options[0] != fmt.Sprint(i) {
			t.Fatalf("row %d is of %s: %.20s, %.20s, %s", i, g.ItemID, g.UserPrompt, *g.Response, g.Options)
		}
		i++
	}
	if i != n {
		t.Errorf("%d rows, want %d", i, n)
	}
}

func openTestPart(t *testing.T, path string) *parquet.File {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// An error of the goroutine that encodes comes to its user, be it while there
// are more rows or at the end; and an older table stays.
func TestWriteErrorsAreNotLost(t *testing.T) {
	for name, more := range map[string]int{"at the end": 10, "with the last rows": rowsPerBatch, "before": 40 * rowsPerBatch} {
		dir := t.TempDir()
		writeTable(t, dir, []Judgment{{ItemID: "old"}})
		w, err := CreateTable[Judgment](dir)
		if err != nil {
			t.Fatal(err)
		}
		w.part.file.Close() // as if the disk were gone
		var early error
		for i := range rowsPerGroup + more {
			if early = w.Write(Judgment{ItemID: fmt.Sprint(i), Raw: strings.Repeat("x", 100)}); early != nil {
				break
			}
		}
		err = w.Close()
		if err == nil || !strings.Contains(err.Error(), "part-00000") {
			t.Errorf("%s: Close gives %v", name, err)
		}
		if more > 20*rowsPerBatch && early == nil {
			t.Errorf("%s: rows went on after the error", name)
		}
		w.Abort()
		if got := readTable[Judgment](t, dir); len(got) != 1 || got[0].ItemID != "old" {
			t.Errorf("%s: the older table is now %d rows", name, len(got))
		}
		if files, _ := os.ReadDir(dir); len(files) != 1 {
			t.Errorf("%s: files %v", name, files)
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
	part := onlyPart(t, dir)
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
	whole, err := os.ReadFile(onlyPart(f, dir))
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
