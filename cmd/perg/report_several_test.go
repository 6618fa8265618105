package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"html"
	"os"
	"strings"
	"testing"

	"perg/harness/rundir"
)

// Several runs are one report: variants of one name are named with their runs, each
// row stays of its run, and what sets the runs apart is said first.
func TestReportOfSeveralRuns(t *testing.T) {
	t.Chdir(t.TempDir())
	info := func(name string) rundir.ModelInfo { return rundir.ModelInfo{Name: name, Variant: name, Digest: name} }
	x := newWrittenRun("runs/x", info("steady:8b"), info("swayed:8b"))
	x.cell("steady:8b", "zero-shot", "none", "100r")
	x.cell("steady:8b", "zero-shot", "relevant", "90r 10w")
	x.cell("swayed:8b", "zero-shot", "none", "100r")
	x.cell("swayed:8b", "zero-shot", "relevant", "40r 60w")
	x.writeWithMetrics(t)
	y := newWrittenRun("runs/y", info("steady:8b"), info("other:8b"))
	y.manifest.Dataset = rundir.DatasetInfo{Name: "foot", SHA256: "2", Items: 60}
	y.manifest.Prompts, y.manifest.PergVersion = map[string]string{"zero-shot": "1"}, "v2"
	y.cell("steady:8b", "zero-shot", "none", "60r")
	y.cell("steady:8b", "zero-shot", "relevant", "30r 30w")
	y.cell("other:8b", "zero-shot", "none", "60r")
	y.cell("other:8b", "zero-shot", "relevant", "58r 2w")
	y.writeWithMetrics(t)

	report := func(args ...string) (status int, stdout, stderr string) {
		t.Helper()
		var out, errs bytes.Buffer
		status = run(t.Context(), append([]string{"perg", "report"}, args...), &out, &errs)
		return status, out.String(), errs.String()
	}
	warnings := []string{
		"runs x and y: the runs are over different data (hand 1, foot 2): a difference may be between the questions",
		"runs x and y: the runs have different prompt templates", "runs x and y: the runs are of different versions of perg (unknown, v2)",
	}
	names := []string{"steady:8b in x", "steady:8b in y", "swayed:8b", "other:8b"}

	status, screen := onTerminal(t, 80, "report", "runs/x", "runs/y")
	if status != exitDone {
		t.Fatal(status, screen)
	}
	text := strings.Join(strings.Fields(screen), " ")
	contains(t, text, append(names, warnings...)...)
	contains(t, text, "runs/x: finished, 100 items of hand", "runs/y: finished, 60 items of foot", "1 to 2 other:8b 3.3 (1-11); 1 to 2 steady:8b in x 10.0 (6-17); 3 to 4 steady:8b in y 50.0")
	if first, table := strings.Index(text, "different data"), strings.Index(text, "Under relevant preferences, zero-shot"); first > table {
		t.Error("the table comes before what sets the runs apart")
	}
	if strings.Contains(text, "swayed:8b in") || strings.Contains(text, "other:8b in") {
		t.Error("a variant of one run alone is named with it")
	}

	status, stdout, stderr := report("runs/x", "runs/y", "--format", "csv")
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil || status != exitDone {
		t.Fatal(status, err)
	}
	contains(t, stderr, warnings...)
	column := func(name string) int {
		for i, n := range rows[0] {
			if n == name {
				return i
			}
		}
		t.Fatalf("no column %s in %q", name, rows[0])
		return 0
	}
	n := make(map[string]string)
	for _, row := range rows[1:] {
		if row[column("source")] == "all" && row[column("setting")] == "relevant" {
			n[row[column("run")]+"/"+row[column("variant")]] = row[column("n")]
		}
	}
	for name, want := range map[string]string{"x/steady:8b in x": "100", "y/steady:8b in y": "60", "x/swayed:8b": "100", "y/other:8b": "60"} {
		if n[name] != want {
			t.Errorf("%s has %q items, want %s: %v", name, n[name], want, n)
		}
	}

	var got struct {
		Runs    []struct{ Run, Dir string }
		Metrics []map[string]any
		Ranking map[string]any
	}
	if _, stdout, _ = report("runs/x", "runs/y", "--json"); json.Unmarshal([]byte(stdout), &got) != nil || len(got.Runs) != 2 || got.Runs[1].Dir != "runs/y" || got.Ranking == nil {
		t.Errorf("%+v of %.300s", got, stdout)
	}
	for _, m := range got.Metrics {
		if m["run"] != "x" && m["run"] != "y" {
			t.Errorf("of no run: %v", m)
		}
	}
	if _, stdout, _ = report("runs/x", "runs/y", "--format", "markdown"); !strings.Contains(stdout, "| steady:8b in y |") {
		t.Error(stdout)
	}
	if status, stdout, stderr = report("runs/x", "runs/y", "--by", "preference_type"); status != exitDone || !strings.Contains(stdout, "by preference_type") {
		t.Error(status, stdout, stderr)
	}

	if status, stdout, stderr = report("runs/x", "runs/y", "--html", "both.html"); status != exitDone {
		t.Fatal(stdout, stderr)
	}
	page, err := os.ReadFile("both.html")
	if err != nil {
		t.Fatal(err)
	}
	shown, _, _ := strings.Cut(html.UnescapeString(string(page)), "<script")
	contains(t, shown, "<h1>x, y</h1>", "4 variants on 100 items of hand, 60 items of foot",
		"With zero-shot under relevant preferences no variant clearly breaks most often: of the answers that are right without a preference swayed:8b 60.0\u00a0% and steady:8b in y 50.0\u00a0% turn wrong",
		"Runs x and y: the runs are over different data", "Runs x, y: the baseline was not asked again", "<dt>y: Dataset</dt>")

	for want, args := range map[string][]string{
		"runs/x is named twice":     {"runs/x", "runs/y", "runs/x"},
		"--published is of one run": {"runs/x", "runs/y", "--published"},
		"runs/none is no run":       {"runs/x", "runs/none"},
	} {
		if status, stdout, stderr := report(args...); status != exitUsage || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%v: %d, %s, %s", args, status, stdout, stderr)
		}
	}
}
