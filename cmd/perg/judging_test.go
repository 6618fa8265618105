package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/rundir"
)

// The report warns of a judge that rates itself, of one of a candidate's family,
// and of one that leaves out half of its scale.
func TestReportWarnsOfJudges(t *testing.T) {
	dir := publishedRun(t, "mmlu")
	m, err := rundir.ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	m.Judges = []rundir.ModelInfo{
		{Name: "gemma2:9b", Variant: "gemma2:9b", Family: "gemma2"}, {Name: "gemma2:27b", Variant: "gemma2:27b", Family: "gemma2"}, {Name: "qwen3:8b", Variant: "qwen3:8b", Family: "qwen3"},
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "run.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	rate := func(low int32) {
		t.Helper()
		var rows []data.Judgment
		for i := range 120 {
			for judge, score := range map[string]int32{"gemma2:9b": 3 + int32(i%3), "gemma2:27b": 1 + int32(i%5), "qwen3:8b": 4} {
				if judge == "gemma2:9b" && i == 60 {
					score = low
				}
				rows = append(rows, data.Judgment{ItemID: fmt.Sprint(i), Setting: "relevant", Method: "zero-shot", Variant: "gemma2:9b", JudgeModel: judge, Score: &score, Status: "ok"})
			}
			// A rating in the other order counts nowhere.
			rows = append(rows, data.Judgment{ItemID: fmt.Sprint(i), JudgeModel: "gemma2:9b", Swapped: true, Score: new(int32(1)), Status: "ok"})
		}
		if err := data.WriteTable(filepath.Join(dir, "judgments"), rows); err != nil {
			t.Fatal(err)
		}
	}
	report := func() string {
		t.Helper()
		var out, errs bytes.Buffer
		if status := run(t.Context(), []string{"perg", "report", dir, "--format", "csv"}, &out, &errs); status != exitDone {
			t.Fatal(status, out.String(), errs.String())
		}
		return errs.String()
	}
	rate(3)
	said := report()
	contains(t, said, "caveat: judge gemma2:9b rates its own answers", "caveat: judge gemma2:27b is of the family of gemma2:9b",
		"caveat: judge gemma2:9b has never given 1 or 2 in 120 ratings", "caveat: judge qwen3:8b has never given 1 or 2")
	if strings.Contains(said, "judge gemma2:27b has never") || strings.Contains(said, "judge qwen3:8b is of") {
		t.Error(said)
	}
	rate(2)
	if said := report(); strings.Contains(said, "judge gemma2:9b has never") {
		t.Error(said)
	}
}
