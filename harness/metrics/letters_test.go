package metrics

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"perg/data"
)

// By hand: of four items whose right letters are A, B, C and A, the baseline
// answers A, B, C and nothing, and under the preference all are A but the second,
// which nobody could read.
func TestLettersOfACell(t *testing.T) {
	dir := t.TempDir()
	var rows []data.Generation
	for i, it := range [][3]string{{"A", "A", "A"}, {"B", "B", ""}, {"C", "C", "A"}, {"A", "", "A"}} {
		for s, setting := range []string{"none", "relevant"} {
			g := data.Generation{ItemID: fmt.Sprint(i), Variant: "v", Method: "zero-shot", Setting: setting, Gold: it[0], Correct: new(it[0] == it[1+s])}
			if letter := it[1+s]; letter != "" {
				g.Answer = &letter
			}
			rows = append(rows, g)
		}
	}
	if err := data.WriteTable(filepath.Join(dir, "generations"), rows); err != nil {
		t.Fatal(err)
	}
	table, err := Load(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	records, err := table.Records(BySource)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range records {
		if m.Source != All {
			if m.Letters != nil {
				t.Errorf("source %q: %v", m.Source, m.Letters)
			}
			continue
		}
		third := 1.0 / 3
		want := [3][]float64{{third, third, third}, {third, third, third}, {third, third, third}}
		if m.Setting == "relevant" {
			want = [3][]float64{{1, 0, 0}, {third, third, third}, {2 * third, 0, third}}
		}
		for i, got := range [][]float64{m.Letters, m.LettersBaseline, m.LettersGold} {
			if !slices.Equal(got, want[i]) {
				t.Errorf("%s, list %d: %v, want %v", m.Setting, i, got, want[i])
			}
		}
	}
}
