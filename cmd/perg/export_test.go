package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/export"
	"perg/harness/rundir"
)

// What export says of a run that is not finished, in every case of the
// directory that it is to write.
func TestExportSays(t *testing.T) {
	t.Chdir(t.TempDir())
	r := newWrittenRun("runs/x", rundir.ModelInfo{Name: "swayed", Variant: "swayed"})
	r.cell("swayed", "zero-shot", "none", "12r 3w")
	r.cell("swayed", "zero-shot", "relevant", "6r 4R 2w 2W")
	r.manifest.State = rundir.StateInterrupted
	r.manifest.Counts = &rundir.Counts{Planned: 30, OK: 29, Missing: 1}
	r.writeWithMetrics(t)
	perg := func(args ...string) (status int, stdout, stderr string) {
		var out, errs bytes.Buffer
		status = run(t.Context(), append([]string{"perg", "export"}, args...), &out, &errs)
		return status, regexp.MustCompile(`[0-9.]+ KiB`).ReplaceAllString(out.String(), "N KiB"), errs.String()
	}
	const first = `runs/x: interrupted, 100 items of hand
written to out of/x:
  results.parquet  29 generations, 61 columns, N KiB
  perg.sql         the main figures in SQL
  perg.ipynb       the same in Python, drawn
  README.md        what each column is
caveat: the run is not finished, 1 of 30 generations are missing
caveat: in 2 of the cells fewer than 30 items have responses: every interval is
wide
caveat: the baseline was not asked again, so that how much breaks without any
preference is not known: in the paper's data 3 to 5 % do
`
	const next = `next, where DuckDB or Jupyter is:
  cd 'out of/x' && duckdb < perg.sql
  cd 'out of/x' && jupyter notebook perg.ipynb
`
	status, stdout, stderr := perg("runs/x", "-o", "out of/x")
	if diff := cmp.Diff(first+next, stdout); status != exitDone || stderr != "" || diff != "" {
		t.Errorf("exit status %d, stderr %q, stdout (-want +got):\n%s", status, stderr, diff)
	}
	if err := os.WriteFile("out of/x/perg.sql", []byte("select 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	status, stdout, _ = perg("runs/x", "-o", "out of/x")
	const kept = "note: perg.sql stays as it is, because it was changed; for a fresh one export to\na new directory\n"
	if diff := cmp.Diff(first+kept+next, stdout); status != exitDone || diff != "" {
		t.Errorf("again: exit status %d, stdout (-want +got):\n%s", status, diff)
	}
	status, stdout, stderr = perg("runs/x", "-o", "out of/x", "--json")
	var object map[string]any
	if err := json.Unmarshal([]byte(stdout), &object); err != nil || status != exitDone || stderr != "" {
		t.Fatal(status, err, stdout, stderr)
	}
	if object["rows"] != 29.0 || object["bytes"].(float64) < 1000 || len(object["caveats"].([]any)) != 3 || fmt.Sprint(object["kept"]) != "[perg.sql]" {
		t.Errorf("object %v", object)
	}
	for _, tt := range []struct{ name, out, want string }{
		{"the run itself", "runs/x", "perg: error: runs/x: not an export of this run: it holds generations, judgments, metrics and 1 more\n"},
		{"a file", "runs/x/run.json", "perg: error: export runs/x: open runs/x/run.json: not a directory\nperg: hint: choose a directory that you may write to with --out\n"},
	} {
		if status, _, stderr := perg("runs/x", "-o", tt.out); status == exitDone || !strings.HasPrefix(stderr, tt.want) {
			t.Errorf("%s: exit status %d\n%s", tt.name, status, stderr)
		}
	}
	r.manifest.RunID = "another"
	r.write(t)
	status, _, stderr = perg("runs/x", "-o", "out of/x")
	const other = `perg: error: out of/x: not an export of this run: results.parquet is of run "runs/x"
perg: hint: choose another --out: a new directory, or that of an earlier export of this run
`
	if diff := cmp.Diff(other, stderr); status != exitUsage || diff != "" {
		t.Errorf("another run's export: exit status %d, stderr (-want +got):\n%s", status, diff)
	}
}

// checkExport exports a run of a real server and holds the metrics that its
// SQL computes against the run's own.
func checkExport(t *testing.T, b bench, run string) {
	t.Helper()
	out := filepath.Join(b.dir, "export")
	if status, stdout, stderr := b.perg(t.Context(), "export", run, "-o", out); status != exitDone || stderr != "" {
		t.Errorf("exit status %d\n%s\n%s", status, stdout, stderr)
	}
	text, err := os.ReadFile(filepath.Join(out, export.SQL))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("../../.duckdb/node_modules/@duckdb/node-api"); err != nil {
		t.Log("the export is not read back with DuckDB; `make duckdb` gets it where npm is")
		return
	}
	program, err := filepath.Abs("../../harness/export/testdata/duckdb.mjs")
	if err != nil {
		t.Fatal(err)
	}
	duckdb := exec.Command("node", program, "-json", "-c", string(text))
	duckdb.Dir = out
	result, err := duckdb.Output()
	if err != nil {
		t.Fatal(err, string(result))
	}
	var rows []struct {
		Variant, Method, Setting, Source string
		N                                int64
		Q                                int64    `json:"n_baseline_correct"`
		BreakageRate                     *float64 `json:"breakage_rate"`
		AlignmentFailure                 *float64 `json:"alignment_failure"`
		RobustnessError                  *float64 `json:"robustness_error"`
		PerformanceVariation             *float64 `json:"performance_variation"`
	}
	if err := json.NewDecoder(bytes.NewReader(result)).Decode(&rows); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, r := range rows {
		got[strings.Join([]string{r.Variant, r.Method, r.Setting, r.Source}, " ")] = fmt.Sprint(r.N, r.Q, " ", show64(r.BreakageRate), show64(r.AlignmentFailure), show64(r.RobustnessError), show64(r.PerformanceVariation))
	}
	want := make(map[string]string)
	for _, m := range table[data.Metric](t, run, "metrics") {
		want[strings.Join([]string{m.Variant, m.Method, m.Setting, m.Source}, " ")] = fmt.Sprint(m.N, m.NBaselineCorrect, " ", show64(m.BreakageRate), show64(m.AlignmentFailure), show64(m.RobustnessError), show64(m.PerformanceVariation))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics by SQL (-of the run +of SQL):\n%s", diff)
	}
}
