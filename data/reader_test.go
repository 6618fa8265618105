package data

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"
)

// columnRows are more rows than a row group holds, with nulls, empty texts and
// one text that is longer than a page.
func columnRows(t *testing.T) (string, []Generation) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	var rows []Generation
	for i := range 20_000 {
		g := Generation{ItemID: fmt.Sprint("item-", i%7000), Question: fmt.Sprint("question ", i%7000), Variant: "m", Repeat: int32(i), Status: StatusOK, RequestHash: fmt.Sprint(i)}
		switch rng.IntN(4) {
		case 0:
		case 1:
			g.Response = new("")
		default:
			g.Response = new(strings.Repeat(fmt.Sprint("response ", i, " "), 1+rng.IntN(60)))
			g.Answer, g.Correct, g.Category = new("B"), new(i%2 == 0), "some"
		}
		if i == 9000 {
			g.Response = new(strings.Repeat("long ", 200_000))
		}
		rows = append(rows, g)
	}
	dir := filepath.Join(t.TempDir(), "generations")
	if err := WriteTable(dir, rows); err != nil {
		t.Fatal(err)
	}
	return dir, rows
}

func openTable(t *testing.T, dir string) *TableReader {
	t.Helper()
	c, err := OpenTable(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestColumnsGiveWhatRowsHave(t *testing.T) {
	dir, rows := columnRows(t)
	c := openTable(t, dir)
	if c.Rows() != len(rows) {
		t.Fatalf("%d rows", c.Rows())
	}
	for column, of := range map[string]func(Generation) *string{
		"item_id":  func(g Generation) *string { return &g.ItemID },
		"answer":   func(g Generation) *string { return g.Answer },
		"response": func(g Generation) *string { return g.Response }, // not dictionary-coded
		"category": func(g Generation) *string {
			if g.Category == "" {
				return nil
			}
			return &g.Category
		},
	} {
		at := 0
		for codes, err := range c.Codes(column) {
			if err != nil || codes.Row != at {
				t.Fatalf("%s: row %d, want %d, error %v", column, codes.Row, at, err)
			}
			for _, code := range codes.Codes {
				var got *string
				if code >= 0 {
					got = &codes.Dict[code]
				}
				if diff := cmp.Diff(of(rows[at]), got); diff != "" {
					t.Fatalf("%s of row %d: %s", column, at, diff)
				}
				at++
			}
		}
		if at != len(rows) {
			t.Errorf("%s: %d rows", column, at)
		}
	}
	at := 0
	for ints, err := range c.Ints("correct") {
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range ints.Values {
			want := int32(Null)
			if rows[at].Correct != nil {
				want = map[bool]int32{true: 1}[*rows[at].Correct]
			}
			if got != want {
				t.Fatalf("correct of row %d: %d, want %d", at, got, want)
			}
			at++
		}
	}
	at = 0
	for ints, err := range c.Ints("repeat") {
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range ints.Values {
			if got != rows[at].Repeat {
				t.Fatalf("repeat of row %d: %d", at, got)
			}
			at++
		}
	}
	if at != len(rows) {
		t.Errorf("%d repeats", at)
	}
}

func TestTextsFromARowOn(t *testing.T) {
	dir, rows := columnRows(t)
	c := openTable(t, dir)
	for _, from := range []int{0, 1, 8191, 8192, 9001, len(rows) - 1, len(rows)} {
		at := from
		for some, err := range c.Texts("response", from) {
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
	for range c.Texts("question", 0) { // dictionary-coded, and left early
		break
	}
}

func TestReadRowsInTheOrderAsked(t *testing.T) {
	dir, rows := columnRows(t)
	c := openTable(t, dir)
	numbers := []int{19_999, 0, 8192, 8191, 9000, 9000, 3}
	got, err := ReadRows[Generation](c, numbers)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range numbers {
		if diff := cmp.Diff(rows[n], got[i], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("row %d: %s", n, diff)
		}
	}
	// Some columns alone.
	some, err := ReadRows[struct {
		Response *string `parquet:"response"`
	}](c, []int{9000})
	if err != nil || *some[0].Response != *rows[9000].Response {
		t.Error(err)
	}
	for _, n := range []int{-1, len(rows)} {
		if _, err := ReadRows[Generation](c, []int{n}); err == nil {
			t.Errorf("row %d is read", n)
		}
	}
}

// Where a run goes on, its tables are replaced; what is open stays whole.
func TestColumnsOutliveTheirTable(t *testing.T) {
	dir, rows := columnRows(t)
	c := openTable(t, dir)
	if c.Replaced() {
		t.Error("replaced")
	}
	if err := WriteTable(dir, rows[:3]); err != nil {
		t.Fatal(err)
	}
	if !c.Replaced() {
		t.Error("not replaced")
	}
	got, err := ReadRows[Generation](c, []int{15_000})
	if err != nil || got[0].RequestHash != "15000" {
		t.Error(got, err)
	}
}

func TestColumnsOfBadTables(t *testing.T) {
	if _, err := OpenTable(t.TempDir()); !errors.Is(err, ErrNoTable) {
		t.Errorf("no table: %v", err)
	}
	dir, _ := columnRows(t)
	part := filepath.Join(dir, "part-00000.parquet")
	whole, err := os.ReadFile(part)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := WriteTable(other, []GPUSample{{GPUUUID: "x"}}); err != nil {
		t.Fatal(err)
	}
	for _, err := range openTable(t, other).Codes("question") {
		if err == nil || !strings.Contains(err.Error(), "column question: there is none: the file is of another kind") {
			t.Errorf("another table: %v", err)
		}
	}
	// Whatever is broken is an error or reads as something, and never a panic.
	rng := rand.New(rand.NewPCG(3, 4))
	failed := 0
	for range 60 {
		broken := append([]byte(nil), whole...)
		for range 1 + rng.IntN(200) {
			broken[rng.IntN(len(broken))] ^= byte(1 + rng.IntN(255))
		}
		if err := os.WriteFile(part, broken, 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := OpenTable(dir)
		if err != nil {
			failed++
			continue
		}
		for _, column := range []string{"item_id", "answer", "response"} {
			for _, e := range c.Codes(column) {
				err = errors.Join(err, e)
			}
			for _, e := range c.Texts(column, 10) {
				err = errors.Join(err, e)
			}
		}
		for _, e := range c.Ints("correct") {
			err = errors.Join(err, e)
		}
		_, e := ReadRows[Generation](c, []int{0, 100, c.Rows() - 1})
		if errors.Join(err, e) != nil {
			failed++
		}
		c.Close()
	}
	if failed < 30 {
		t.Errorf("%d of 60 broken files were found to be", failed)
	}
}

// A dictionary that grows too large is left by parquet writers midway through a
// column: such pages are read too.
func TestCodesOfMixedPages(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "part-00000.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Text string `parquet:"text,dict"`
	}
	w := parquet.NewGenericWriter[row](f, parquet.DictionaryMaxBytes(2000), parquet.PageBufferSize(4000))
	var want []string
	for i := range 3000 {
		want = append(want, fmt.Sprint("text ", i%900))
		if _, err := w.Write([]row{{want[i]}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for codes, err := range openTable(t, dir).Codes("text") {
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range codes.Codes {
			got = append(got, codes.Dict[code])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
