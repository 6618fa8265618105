package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"perg/data"
	"perg/harness/compare"
	"perg/harness/metrics"
	"perg/harness/rundir"
)

// labelled writes a run of the letters that a file of the paper's responses has
// for its items: in the baseline, and under the i-th preference for item i.
func labelled(t *testing.T, dir, file string) {
	t.Helper()
	f, err := os.Open("../../../shared/responses/more/" + file)
	if err != nil {
		t.Skip("waits for shared/responses beside the project: ", err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns := make(map[string]int)
	for i, name := range lines[0] {
		columns[name] = i
	}
	r := newWrittenRun(dir, rundir.ModelInfo{Name: dir, Variant: dir})
	for i, line := range lines[1:] {
		for setting, profile := range map[string]int{"none": 0, "irrelevant": i%11 + 1} {
			answer := line[columns[fmt.Sprintf("profile_%d_answer", profile)]]
			g := data.Generation{ItemID: fmt.Sprintf("item-%03d", i), Question: line[columns["question"]], Gold: line[columns["gold_option"]],
				Setting: setting, Method: "icl", Model: dir, Variant: dir, Status: "ok", Answer: &answer, AnswerFrom: "rule:stated"}
			if setting == "none" {
				g.Method = "zero-shot"
			}
			g.Correct = new(answer == g.Gold)
			r.rows = append(r.rows, g)
		}
	}
	r.write(t)
}

// Two real models: of all of Q* 20.7 and 20.6 % break, so that nothing seems to
// tell them apart; of the 137 questions that both get right it is 9.5 and 16.1 %.
// The figures are those of plain Python over the same letters.
func TestCompareRealModels(t *testing.T) {
	folder := t.TempDir()
	labelled(t, folder+"/llama", "llama-3.1-8b-icl-mmlu.csv")
	labelled(t, folder+"/mistral", "mistral-7b-icl-mmlu.csv")
	status, stdout, stderr := runCompare(t, folder+"/llama,icl,irrelevant,"+folder+"/llama", folder+"/mistral,icl,irrelevant,"+folder+"/mistral", "--json")
	if status != exitDone {
		t.Fatal(stderr)
	}
	var all []compare.Comparison
	if err := json.Unmarshal([]byte(stdout), &all); err != nil || len(all) != 1 {
		t.Fatalf("%d comparisons: %v", len(all), err)
	}
	near := func(got *float64, want float64) bool { return got != nil && math.Abs(*got-want) < 1e-9 }
	for _, r := range all[0].Rows {
		if r.Metric != metrics.BreakageRate {
			continue
		}
		if w := r.Whole; w.OfA != 208 || w.OfB != 175 || !near(w.A, 0.20673076923076922) || !near(w.B, 0.2057142857142857) {
			t.Errorf("whole Q*: %+v", w)
		}
		if r.N != 137 || !near(r.A, 13.0/137) || !near(r.B, 22.0/137) || r.Test.OnlyA != 9 || r.Test.OnlyB != 18 {
			t.Errorf("in both Q*: %+v, %+v", r, r.Test)
		}
	}
}
