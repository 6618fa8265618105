package compare_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"perg/data"
	"perg/harness/compare"
	"perg/harness/metrics"
)

// Ten items that only A gets right speak for it ten times over, p 1/1024; where
// they are one question in the data ten times they speak once, p 1/2.
func TestDuplicatesCountOnce(t *testing.T) {
	for question, want := range map[string]float64{"": 1.0 / 1024, "the same": 0.5} {
		var rows []data.Generation
		for i := range 40 {
			for _, variant := range []string{"a", "b"} {
				g := data.Generation{ItemID: fmt.Sprintf("%02d", i), Variant: variant, Method: "zero-shot", Setting: "none", Answer: new("A"), Correct: new(i >= 10 || variant == "a")}
				if i < 10 {
					g.QuestionID = question
				}
				rows = append(rows, g)
			}
		}
		dir := t.TempDir()
		if err := data.WriteTable(filepath.Join(dir, "generations"), rows); err != nil {
			t.Fatal(err)
		}
		table, err := metrics.Load(dir, metrics.Options{})
		if err != nil {
			t.Fatal(err)
		}
		cells, err := table.Cells("")
		if err != nil {
			t.Fatal(err)
		}
		got := compared(compare.Options{Detect: 0.1}, compare.Pair{A: cells[0], B: cells[1]})[0]
		if r := row(t, got, metrics.Accuracy); !near(r.Test.P, want) || r.Test.OnlyA != 10 {
			t.Errorf("question %q: %+v, want p %v", question, r.Test, want)
		}
	}
}
