package results

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/data"
)

func write[T any](t *testing.T, dir string, rows []T) {
	t.Helper()
	if err := data.WriteTable(dir, rows); err != nil {
		t.Fatal(err)
	}
}

// rows are those of tables in no order, with names that are not known.
func rows(rng *rand.Rand, n int) (generations []data.Generation, judgments []data.Judgment) {
	pick := func(of ...string) string { return of[rng.IntN(len(of))] }
	for i := range n {
		g := data.Generation{
			ItemID: fmt.Sprint("item ", rng.IntN(40)), Variant: pick("v", "w"), Method: pick("zero-shot", "cot"), Setting: pick("none", "relevant"),
			Model: fmt.Sprint("model ", i), Repeat: rng.Int32N(3), Source: "s", Category: pick("", "c"), Preference: "p", PreferenceType: "clarity",
		}
		if rng.IntN(4) > 0 {
			g.Correct = new(rng.IntN(2) > 0)
			if *g.Correct || rng.IntN(2) > 0 {
				g.Answer = new("A")
			}
		}
		generations = append(generations, g)
		j := data.Judgment{
			ItemID: fmt.Sprint("item ", rng.IntN(50)), Variant: pick("v", "w", "x"), Method: "cot", Setting: "relevant", Repeat: rng.Int32N(3),
			JudgeModel: pick("a", "b", ""), Swapped: rng.IntN(3) == 0,
		}
		if rng.IntN(3) > 0 {
			j.Score = new(1 + rng.Int32N(5))
		}
		judgments = append(judgments, j)
	}
	return generations, judgments
}

// What a reader says of each row, by its numbers, is what the row says.
func TestReader(t *testing.T) {
	generations, judgments := rows(rand.New(rand.NewPCG(3, 5)), 500)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "generations"), generations)
	write(t, filepath.Join(dir, "judgments"), judgments)
	tables, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	panel := Panel{Judges: []string{"a"}}
	r := NewReader(tables, panel)
	n := 0
	for g, err := range r.Generations([]string{"model"}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		for row := range g.Rows {
			want := generations[g.Row+row]
			key := Key{CellOf(want.Variant, want.Method, want.Setting, ""), want.ItemID, want.Repeat}
			got := Key{r.Cells[g.Cell[row]], r.Items[g.Item[row]].ID, g.Repeat[row]}
			if got != key || g.Texts["model"].At(row) != want.Model || g.Result(row) != ResultOf(want.Correct, want.Answer) {
				t.Fatalf("row %d is %s, %+v, want %s, %+v", g.Row+row, got, g.Result(row), key, want)
			}
			if cell, item := r.Find(key); cell != g.Cell[row] || item != g.Item[row] {
				t.Fatalf("%s is found at %d, %d", key, cell, item)
			}
			n++
		}
	}
	if n != len(generations) || len(r.Cells) != 8 || len(r.Items) != 40 {
		t.Fatalf("%d generations, %d cells, %d items", n, len(r.Cells), len(r.Items))
	}
	seen := make(map[string]bool)
	for i, g := range generations {
		if seen[g.ItemID] {
			continue
		}
		if it := r.Items[len(seen)]; it != (Item{ID: g.ItemID, Source: g.Source, Category: g.Category, Preference: g.Preference, PreferenceType: g.PreferenceType}) {
			t.Errorf("item %d is %+v, want that of row %d", len(seen), it, i)
		}
		seen[g.ItemID] = true
	}
	for cell, c := range r.Cells {
		if base := r.Baseline(int32(cell)); r.Cells[base] != c.Baseline() {
			t.Errorf("the baselines of %v are in %v", c, r.Cells[base])
		}
	}
	if cell, item := r.Find(Key{CellOf("x", "cot", "none", ""), "item 99", 0}); cell != -1 || item != -1 {
		t.Errorf("what is not there is at %d, %d", cell, item)
	}

	n = 0
	for j, err := range r.Judgments() {
		if err != nil {
			t.Fatal(err)
		}
		for row := range j.Rows {
			want := judgments[j.Row+row]
			cell, item := r.Find(Key{CellOf(want.Variant, want.Method, want.Setting, ""), want.ItemID, want.Repeat})
			score, known := j.Score(row)
			if j.Cell[row] != cell || j.Item[row] != item || j.Repeat[row] != want.Repeat || r.Judges[j.Judge[row]] != want.JudgeModel ||
				j.Swapped(row) != want.Swapped || j.Counts(row) != panel.Counts(want.JudgeModel, want.Swapped) || known != (want.Score != nil) || known && score != *want.Score {
				t.Fatalf("judgment %d: cell %d, item %d, counts %v, score %d, %v; want %+v", j.Row+row, j.Cell[row], j.Item[row], j.Counts(row), score, known, want)
			}
			n++
		}
	}
	if n != len(judgments) || !r.Judged || len(r.Judges) != 3 {
		t.Errorf("%d judgments by %q, judged %v", n, r.Judges, r.Judged)
	}
}

// A run is judged by judgments that count, and by no others.
func TestJudged(t *testing.T) {
	generations, _ := rows(rand.New(rand.NewPCG(3, 5)), 5)
	for _, tt := range []struct {
		name      string
		judgments []data.Judgment
		want      bool
	}{
		{"no table", nil, false},
		{"another judge's", []data.Judgment{{JudgeModel: "old", Score: new(int32(5))}}, false},
		{"swapped", []data.Judgment{{JudgeModel: "a", Swapped: true, Score: new(int32(5))}}, false},
		{"unreadable", []data.Judgment{{JudgeModel: "a"}}, true},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "generations"), generations)
		if tt.judgments != nil {
			write(t, filepath.Join(dir, "judgments"), tt.judgments)
		}
		tables, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(tables, Panel{Judges: []string{"a"}})
		for _, err := range r.Generations(nil, nil) {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, err := range r.Judgments() {
			if err != nil {
				t.Fatal(err)
			}
		}
		if r.Judged != tt.want {
			t.Errorf("%s: judged %v", tt.name, r.Judged)
		}
		if err := tables.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A run without a baseline has none, and a table of another kind is an error.
func TestWhatIsMissing(t *testing.T) {
	if _, err := Open(t.TempDir()); !errors.Is(err, data.ErrNoTable) {
		t.Errorf("without tables: %v", err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "generations"), []data.Generation{{Variant: "v", Method: "cot", Setting: "none"}})
	tables, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	r := NewReader(tables, Panel{})
	for g, err := range r.Generations(nil, nil) {
		if err != nil || g.Rows != 1 {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]Cell{CellOf("v", "cot", "none", "")}, r.Cells); diff != "" || r.Baseline(0) != -1 {
		t.Errorf("its baseline is %d\n%s", r.Baseline(0), diff)
	}
	other := t.TempDir()
	write(t, filepath.Join(other, "generations"), []data.GPUSample{{GPUUUID: "x"}})
	if tables, err = Open(other); err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	for g, err := range NewReader(tables, Panel{}).Generations(nil, nil) {
		if err == nil {
			t.Errorf("a table of GPUs has %d generations", g.Rows)
		}
	}
}

// tear puts the part of another table beside the one in dir.
func tear(t *testing.T, dir string) {
	t.Helper()
	other := t.TempDir()
	write(t, other, []data.Judgment{{}})
	parts, err := data.TableParts(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(parts[0], filepath.Join(dir, filepath.Base(parts[0]))); err != nil {
		t.Fatal(err)
	}
}

func TestTornTables(t *testing.T) {
	for _, table := range []string{"generations", "judgments"} {
		generations, judgments := rows(rand.New(rand.NewPCG(3, 5)), 5)
		dir := t.TempDir()
		write(t, filepath.Join(dir, "generations"), generations)
		write(t, filepath.Join(dir, "judgments"), judgments)
		tear(t, filepath.Join(dir, table))
		if _, err := Open(dir); !errors.Is(err, data.ErrTorn) {
			t.Errorf("torn %s: %v", table, err)
		}
	}
}
