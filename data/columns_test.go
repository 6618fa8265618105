package data

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func readAllColumns(dir string, texts, numbers []string) (all []*Columns, err error) {
	for c, err := range ReadColumns(dir, texts, numbers) {
		if err != nil {
			return all, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Columns hold what rows hold: in several parts and groups, with nulls, and
// with texts that are not in a dictionary or leave it.
func TestReadColumns(t *testing.T) {
	dir := t.TempDir()
	const n = rowsPerGroup + 77
	rows := make([]Generation, n)
	for i := range rows {
		rows[i] = Generation{ItemID: fmt.Sprint("item ", i%1000), Variant: fmt.Sprint("v", i/20000), Repeat: int32(i % 3), RequestHash: fmt.Sprint(i)}
		if i%5 > 0 {
			rows[i].Answer, rows[i].Correct, rows[i].OutputTokens = new("A"), new(i%2 == 0), new(int64(i))
		}
		if i < rowsPerLook+500 {
			rows[i].UserPrompt = strings.Repeat(fmt.Sprintf("%08d ", i), 130) // leaves its dictionary
		}
	}
	writeTable(t, dir, rows[:n-5])
	w, err := AppendTable[Generation](dir) // another part
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows[n-5:] {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	all, err := readAllColumns(dir, []string{"item_id", "variant", "answer", "user_prompt", "request_hash", "colour"}, []string{"repeat", "correct", "output_tokens", "weight"})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 3 {
		t.Errorf("%d groups of rows, want 3", len(all))
	}
	i := 0
	for _, c := range all {
		for row := range c.Rows {
			want := rows[i]
			got := Generation{
				ItemID: c.Texts["item_id"].At(row), Variant: c.Texts["variant"].At(row), UserPrompt: c.Texts["user_prompt"].At(row),
				RequestHash: c.Texts["request_hash"].At(row), Repeat: int32(c.Numbers["repeat"].Values[row]),
			}
			if c.Texts["answer"].Codes[row] >= 0 {
				got.Answer = new(c.Texts["answer"].At(row))
			}
			if correct := c.Numbers["correct"]; correct.Known[row] {
				got.Correct = new(correct.Values[row] == 1)
			}
			if tokens := c.Numbers["output_tokens"]; tokens.Known[row] {
				got.OutputTokens = &tokens.Values[row]
			}
			if fmt.Sprint(got.ItemID, got.Variant, got.UserPrompt, got.RequestHash, got.Repeat, show(got.Answer), show(got.Correct), show(got.OutputTokens)) !=
				fmt.Sprint(want.ItemID, want.Variant, want.UserPrompt, want.RequestHash, want.Repeat, show(want.Answer), show(want.Correct), show(want.OutputTokens)) {
				t.Fatalf("row %d is %+v, want %+v", i, got, want)
			}
			if c.Texts["colour"].Codes[row] >= 0 || c.Numbers["weight"].Known[row] {
				t.Fatalf("row %d has columns that are not in the file", i)
			}
			i++
		}
	}
	if i != n {
		t.Errorf("%d rows, want %d", i, n)
	}
	for range ReadColumns(dir, []string{"item_id"}, nil) {
		break // ends what reads ahead
	}
}

func show[T any](v *T) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(*v)
}

func TestReadColumnsThatAreNone(t *testing.T) {
	dir := t.TempDir()
	if _, err := readAllColumns(dir, []string{"item_id"}, nil); err == nil {
		t.Error("no table is no error")
	}
	writeTable(t, dir, []Generation{{ItemID: "1", Options: []string{"a"}}})
	for what, read := range map[string]func() ([]*Columns, error){
		"a list":             func() ([]*Columns, error) { return readAllColumns(dir, []string{"options"}, nil) },
		"no text":            func() ([]*Columns, error) { return readAllColumns(dir, []string{"repeat"}, nil) },
		"no whole number":    func() ([]*Columns, error) { return readAllColumns(dir, nil, []string{"item_id"}) },
		"part-00000.parquet": func() ([]*Columns, error) { return readAllColumns(dir, nil, []string{"item_id"}) },
	} {
		if _, err := read(); what != "a list" && (err == nil || !strings.Contains(err.Error(), what)) {
			t.Errorf("%s: error %v", what, err)
		}
	}
}

func FuzzReadColumns(f *testing.F) {
	dir := f.TempDir()
	if err := WriteTable(dir, []Judgment{{ItemID: "1", Score: new(int32(3))}, {ItemID: "2"}, {ItemID: "1"}}); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, "part-00000.parquet"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "part-00000.parquet"), content, 0o644); err != nil {
			t.Fatal(err)
		}
		all, err := readAllColumns(dir, []string{"item_id", "raw", "status"}, []string{"score", "swapped", "total_ns"})
		for _, c := range all {
			for row := range c.Rows {
				_ = c.Texts["item_id"].At(row) + c.Texts["raw"].At(row)
				_ = c.Numbers["score"].Known[row] // an error is fine, a panic is not
			}
		}
		_ = err
	})
}
