package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"perg/data"
	"perg/harness/rundir"
)

// publishedRun is the directory of a run over so many items of each source of
// PERGData, with one model that the paper has and one that it has not.
func publishedRun(t *testing.T, sources ...string) string {
	t.Helper()
	dir := t.TempDir()
	m := rundir.Manifest{
		RunID: "r", State: rundir.StateFinished, Config: rundir.Defaults(),
		Dataset: rundir.DatasetInfo{Name: "my.parquet", Items: 40 * len(sources)},
		Models: []rundir.ModelInfo{
			{Name: "gemma2:9b", Variant: "gemma2:9b", Family: "gemma2", ParameterSize: "9.2B", Quantization: "Q4_0"},
			{Name: "odd\x1b[31m:1b", Variant: "odd\x1b[31m:1b", Family: "llama", ParameterSize: "1.0B"},
		},
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "run.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	var rows []data.Metric
	for _, v := range m.Models {
		for _, source := range append(sources, "all") {
			n := int64(40)
			if source == "all" {
				n *= int64(len(sources))
			}
			rows = append(rows, data.Metric{
				Variant: v.Variant, Model: v.Name, Quantization: v.Quantization, Setting: "relevant", Method: "zero-shot", Source: source, Repeats: 1, N: n, NBaselineCorrect: 38,
				BreakageRate: new(0.1), BreakageRateLow: new(0.05), BreakageRateHigh: new(0.15), RobustnessError: new(0.2), RobustnessErrorLow: new(0.15), RobustnessErrorHigh: new(0.25),
				AlignmentFailure: new(0.1), AlignmentFailureLow: new(0.05), AlignmentFailureHigh: new(0.15),
				PerformanceVariation: new(0.3), PerformanceVariationLow: new(0.2), PerformanceVariationHigh: new(0.4),
			})
		}
	}
	if err := data.WriteTable(filepath.Join(dir, "metrics"), rows); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReportPublished(t *testing.T) {
	report := func(args ...string) (status int, stdout, stderr string) {
		t.Helper()
		var out, errs bytes.Buffer
		status = run(t.Context(), append([]string{"perg", "report"}, args...), &out, &errs)
		return status, out.String(), errs.String()
	}
	dir := publishedRun(t, "truthfulqa", "commonsenseqa", "mmlu")
	status, stdout, stderr := report(dir, "--published")
	if status != exitDone || stderr != "" {
		t.Fatal(status, stdout, stderr)
	}
	contains(t, stdout, "gemma2:9b (Q4_0), zero-shot, beside the paper's Gemma-2-9B\n",
		"relevant    truthfulqa      Breakage         10.0 (5-15)    14.5    -4.5     yes\n",
		"            all             Breakage         10.0 (5-15)    10.8    -0.8     yes\n",
		"Inside: whether the paper's value is in our interval",
		"note: over fewer items than the paper's: truthfulqa 40 of 817, commonsenseqa 40\nof 1221, mmlu 40 of 5170\n",
		"note: odd\uFFFD[31m:1b has no counterpart: the paper has no model of that name\n", "note: the paper has Llama 3 (8B, 70B), ")
	for line := range strings.Lines(stdout) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}

	// To a program goes the table alone; what a person must know to stderr.
	status, stdout, stderr = report(dir, "--published", "--format", "csv")
	records, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if status != exitDone || err != nil || len(records) != 1+4*4 {
		t.Error(status, err, stdout)
	}
	contains(t, stderr, "perg: over fewer items than the paper's", "perg: odd\uFFFD[31m:1b has no counterpart")
	if status, stdout, _ = report(dir, "--published", "--json"); status != exitDone || !json.Valid([]byte(stdout)) {
		t.Error(status, stdout)
	}
	if status, stdout, _ = report(dir, "--published", "--format", "markdown"); status != exitDone || !strings.HasPrefix(stdout, "| Variant | Quantization | Paper's model |") {
		t.Error(status, stdout)
	}

	// Data of one's own: the row over all is there, and marked.
	status, stdout, stderr = report(publishedRun(t, "mine"), "--published")
	if status != exitDone || stderr != "" {
		t.Fatal(status, stdout, stderr)
	}
	contains(t, stdout, "relevant    all*            Breakage         10.0 (5-15)    10.8    -0.8       -\n",
		"note: not comparable, marked *: source all is over 40 items of my.parquet, not\n", "note: no figures in the paper for the sources mine\n")

	for _, wrong := range [][]string{{"--format", "latex"}, {"--by", "source"}} {
		status, stdout, stderr = report(append([]string{dir, "--published"}, wrong...)...)
		if status != exitUsage || stdout != "" {
			t.Error(wrong, status, stdout, stderr)
		}
		contains(t, stderr, "perg: error: --", "perg: hint: ")
	}
}
