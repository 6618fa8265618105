package data

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// twoParts are a table of two parts, the first of two row groups, with nulls,
// empty texts, one text that is longer than a page, and a column whose texts
// leave their dictionary.
func twoParts(t *testing.T) (dir string, rows []Generation) {
	t.Helper()
	const n = rowsPerGroup + 377
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		g := Generation{ItemID: fmt.Sprint("item-", i%7000), Variant: fmt.Sprint("v", i/20_000), Repeat: int32(i % 3), SystemPrompt: new(""), Status: StatusOK, RequestHash: fmt.Sprint(i)}
		switch rng.IntN(4) {
		case 0:
		case 1:
			g.Response = new("")
		default:
			g.Response = new(strings.Repeat(fmt.Sprint("response ", i, " "), 1+rng.IntN(20)))
			g.Answer, g.Correct, g.OutputTokens, g.Category = new("B"), new(i%2 == 0), new(int64(i)), "some"
		}
		if i < rowsPerLook+500 {
			g.UserPrompt = strings.Repeat(fmt.Sprintf("%08d ", i), 130) // leaves its dictionary
		}
		if i == 9000 {
			g.Response = new(strings.Repeat("long ", 200_000))
		}
		rows = append(rows, g)
	}
	dir = filepath.Join(t.TempDir(), "generations")
	w, err := AppendTable[Generation](dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if i == n-5 {
			err = w.Rotate()
		}
		if err := errors.Join(err, w.Write(r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, rows
}

func openTable(t *testing.T, dir string) *Table {
	t.Helper()
	table, err := OpenTable(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

// optional is a text as the writer has it in an optional column.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func TestColumnsHoldWhatRowsHold(t *testing.T) {
	dir, rows := twoParts(t)
	table := openTable(t, dir)
	if table.Rows() != len(rows) {
		t.Fatalf("%d rows, want %d", table.Rows(), len(rows))
	}
	texts := map[string]func(Generation) *string{
		"item_id":     func(g Generation) *string { return &g.ItemID },
		"variant":     func(g Generation) *string { return &g.Variant },
		"category":    func(g Generation) *string { return optional(g.Category) },
		"answer":      func(g Generation) *string { return g.Answer },
		"response":    func(g Generation) *string { return g.Response }, // in no dictionary
		"user_prompt": func(g Generation) *string { return optional(g.UserPrompt) },
		"colour":      func(Generation) *string { return nil },
	}
	numbers := map[string]func(Generation) *int64{
		"repeat": func(g Generation) *int64 { return new(int64(g.Repeat)) },
		"correct": func(g Generation) *int64 {
			if g.Correct == nil {
				return nil
			}
			return new(map[bool]int64{true: 1}[*g.Correct])
		},
		"output_tokens": func(g Generation) *int64 { return g.OutputTokens },
		"weight":        func(Generation) *int64 { return nil },
	}
	groups, at := 0, 0
	for c, err := range table.Columns([]string{"item_id", "variant", "category", "answer", "response", "user_prompt", "colour"}, []string{"repeat", "correct", "output_tokens", "weight"}) {
		if err != nil || c.Row != at {
			t.Fatalf("row %d, want %d, error %v", c.Row, at, err)
		}
		groups++
		for i := range c.Rows {
			for name, of := range texts {
				var got *string
				if c.Texts[name].Codes[i] >= 0 {
					got = new(c.Texts[name].At(i))
				}
				if want := of(rows[at]); (got == nil) != (want == nil) || got != nil && *got != *want {
					t.Fatalf("%s of row %d: %s", name, at, cmp.Diff(want, got))
				}
			}
			for name, of := range numbers {
				var got *int64
				if c.Numbers[name].Known[i] {
					got = &c.Numbers[name].Values[i]
				}
				if want := of(rows[at]); (got == nil) != (want == nil) || got != nil && *got != *want {
					t.Fatalf("%s of row %d: %s", name, at, cmp.Diff(want, got))
				}
			}
			at++
		}
	}
	if at != len(rows) || groups != 3 {
		t.Errorf("%d rows in %d groups, want %d in 3", at, groups, len(rows))
	}
	for range table.Columns([]string{"item_id"}, nil) {
		break // ends what reads ahead
	}
}

func TestTextsFromARowOn(t *testing.T) {
	dir, rows := twoParts(t)
	table := openTable(t, dir)
	for _, from := range []int{0, 1, 9001, rowsPerGroup - 1, rowsPerGroup, len(rows) - 6, len(rows) - 1, len(rows)} {
		at := from
		for some, err := range table.Texts("response", from) {
			if err != nil || some.Row != at {
				t.Fatalf("from %d: row %d, want %d, error %v", from, some.Row, at, err)
			}
			for _, text := range some.Texts {
				want := rows[at].Response
				if (want == nil) != (text == nil) || want != nil && *want != string(text) {
					t.Fatalf("from %d: row %d is %.40q", from, at, text)
				}
				at++
			}
		}
		if at != len(rows) {
			t.Errorf("from %d: to %d", from, at)
		}
	}
	for some, err := range table.Texts("system_prompt", 0) { // empty in all rows, and in a dictionary
		if err != nil || slices.ContainsFunc(some.Texts, func(text []byte) bool { return text == nil }) {
			t.Errorf("an empty text is none; error %v", err)
		}
	}
	for some, err := range table.Texts("variant", 0) { // in a dictionary, and left early
		if err != nil || string(some.Texts[0]) != "v0" {
			t.Errorf("%q, error %v", some.Texts[0], err)
		}
		break
	}
}

// Rows are the same in any order, over row groups and over parts.
func TestRowsByNumber(t *testing.T) {
	dir, rows := twoParts(t)
	table := openTable(t, dir)
	type narrow struct {
		Answer      *string `parquet:"answer"`
		RequestHash string  `parquet:"request_hash"`
	}
	r := NewRowReader[narrow](table)
	defer r.Close()
	check := func(i int) {
		t.Helper()
		row, err := r.At(i)
		if err != nil || row.RequestHash != rows[i].RequestHash || (row.Answer == nil) != (rows[i].Answer == nil) {
			t.Fatalf("row %d is %+v, error %v", i, row, err)
		}
	}
	for i := range rows {
		check(i)
	}
	for i := range rows {
		check(len(rows) - 1 - i)
	}
	random := rand.New(rand.NewPCG(1, 2))
	numbers := []int{9000, 9000, len(rows) - 1, 0}
	for range 50 {
		numbers = append(numbers, random.IntN(len(rows)))
		check(numbers[len(numbers)-1])
	}
	for _, beyond := range []int{-1, len(rows)} {
		if row, err := r.At(beyond); err == nil {
			t.Errorf("row %d is %+v", beyond, row)
		}
		if _, err := ReadRows[narrow](table, []int{0, beyond}); err == nil {
			t.Errorf("row %d is read", beyond)
		}
	}
	check(len(rows) - 1)
	got, err := ReadRows[Generation](table, numbers)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range numbers {
		if diff := cmp.Diff(rows[n], got[i], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("row %d: %s", n, diff)
		}
	}
}

// Where a run goes on, its tables are replaced; what is open stays whole.
func TestAnOpenTableOutlivesItsFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(hashes ...string) {
		var rows []Generation
		for _, h := range hashes {
			rows = append(rows, Generation{RequestHash: h})
		}
		if err := WriteTable(dir, rows); err != nil {
			t.Fatal(err)
		}
	}
	write("a", "b")
	table := openTable(t, dir)
	if table.Replaced() {
		t.Error("replaced")
	}
	write("c")
	if !table.Replaced() {
		t.Error("not replaced")
	}
	got, err := ReadRows[Generation](table, []int{1})
	if err != nil || got[0].RequestHash != "b" {
		t.Error(got, err)
	}
}

func TestColumnsThatAreNone(t *testing.T) {
	if _, err := OpenTable(t.TempDir()); !errors.Is(err, ErrNoTable) {
		t.Errorf("no table: %v", err)
	}
	dir := t.TempDir()
	type row struct {
		ItemID string   `parquet:"item_id"`
		Repeat int32    `parquet:"repeat"`
		Tags   []string `parquet:"tags"`
	}
	if err := WriteTable(dir, []row{{"1", 0, []string{"a"}}}); err != nil {
		t.Fatal(err)
	}
	table := openTable(t, dir)
	for _, test := range []struct {
		texts, numbers []string
		want           string
	}{
		{[]string{"tags"}, nil, "column tags: it is a list"},
		{[]string{"repeat"}, nil, "column repeat: it is no text"},
		{nil, []string{"item_id"}, "column item_id: it is no whole number"},
		{[]string{"colour", "item_id"}, nil, "column colour: there is none: the file is of another kind"},
	} {
		want := fmt.Sprintf("read %s: %s", onlyPart(t, dir), test.want)
		for _, err := range table.Columns(test.texts, test.numbers) {
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %v, want %s", err, want)
			}
		}
		if len(test.texts) == 0 {
			continue
		}
		for _, err := range table.Texts(test.texts[0], 0) {
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("texts: error %v, want %s", err, want)
			}
		}
	}
}

// useTable reads a table in every way, and uses what it gives.
func useTable(dir string) error {
	table, err := OpenTable(dir)
	if err != nil {
		return err
	}
	defer table.Close()
	var all []error
	for c, err := range table.Columns([]string{"item_id", "raw", "status"}, []string{"score", "swapped", "total_ns"}) {
		all = append(all, err)
		for i := 0; err == nil && i < c.Rows; i++ {
			_ = c.Texts["item_id"].At(i) + c.Texts["raw"].At(i) + c.Texts["status"].At(i)
			_, _, _ = c.Numbers["score"].Known[i], c.Numbers["swapped"].Values[i], c.Numbers["total_ns"].Known[i]
		}
	}
	for _, name := range []string{"item_id", "explanation"} {
		for some, err := range table.Texts(name, 1) {
			all = append(all, err)
			for _, text := range some.Texts {
				_ = string(text)
			}
		}
	}
	_, err = ReadRows[Judgment](table, []int{0, table.Rows() - 1})
	return errors.Join(append(all, err)...)
}

// writeJudgments writes a table and gives the contents of its only file.
func writeJudgments(tb testing.TB, rows int) []byte {
	tb.Helper()
	dir := tb.TempDir()
	var all []Judgment
	for i := range rows {
		all = append(all, Judgment{ItemID: fmt.Sprint(i % 700), Score: new(int32(i % 5)), Explanation: fmt.Sprint("because of ", i), Status: StatusOK})
	}
	if err := WriteTable(dir, all); err != nil {
		tb.Fatal(err)
	}
	content, err := os.ReadFile(onlyPart(tb, dir))
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

// Whatever is broken is an error or reads as something, and never a panic.
func TestBrokenTables(t *testing.T) {
	whole := writeJudgments(t, 2000)
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(3, 4))
	failed := 0
	for range 60 {
		broken := slices.Clone(whole)
		for range 1 + rng.IntN(200) {
			broken[rng.IntN(len(broken))] ^= byte(1 + rng.IntN(255))
		}
		if err := os.WriteFile(filepath.Join(dir, "part-00000.parquet"), broken, 0o644); err != nil {
			t.Fatal(err)
		}
		if useTable(dir) != nil {
			failed++
		}
	}
	if failed < 30 {
		t.Errorf("%d of 60 broken files were found to be", failed)
	}
}

func FuzzTable(f *testing.F) {
	f.Add(writeJudgments(f, 3))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "part-00000.parquet"), content, 0o644); err != nil {
			t.Fatal(err)
		}
		_ = useTable(dir) // an error is fine, a panic is not
	})
}
