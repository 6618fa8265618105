package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/rundir"
)

// answeredRun is the directory of a run in which one of two variants breaks
// every third answer.
func answeredRun(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "first run")
	m := rundir.Manifest{
		RunID: "20260102-150405-abcdef", State: rundir.StateFinished, PergVersion: "v0", Config: rundir.Defaults(),
		Dataset: rundir.DatasetInfo{Name: "sample", Items: 30, SHA256: "0123456789abcdef"}, StartedAt: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
		Models: []rundir.ModelInfo{{Name: "steady", Variant: "steady", Quantization: "F16"}, {Name: "swayed", Variant: "swayed", Quantization: "F16"}},
		Loads:  []rundir.Load{{At: time.Date(2026, 1, 2, 15, 4, 6, 0, time.UTC), Variant: "swayed", Size: 1 << 20}},
		Counts: &rundir.Counts{Planned: 120, OK: 120},
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "run.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	var rows []data.Generation
	for _, v := range m.Models {
		for _, setting := range []string{"none", "relevant"} {
			for i := range 30 {
				right := v.Variant == "steady" || setting == "none" || i%3 != 0
				answer := map[bool]string{true: "B", false: "A"}[right]
				rows = append(rows, data.Generation{
					ItemID: fmt.Sprint("item-", i), Source: "mine", Question: "Which?", Options: []string{"this", "that"}, Gold: "B", Preference: "I like stories.", PreferenceType: "creative",
					Setting: setting, Method: "zero-shot", Model: v.Name, Variant: v.Variant, Quantization: v.Quantization,
					Response: new("It is " + answer), Answer: &answer, Correct: &right, Status: data.StatusOK,
				})
			}
		}
	}
	if err := data.WriteTable(filepath.Join(dir, "generations"), rows); err != nil {
		t.Fatal(err)
	}
	table, err := metrics.Load(dir, m.MetricsOptions())
	if err != nil {
		t.Fatal(err)
	}
	cells, err := table.Records(metrics.BySource)
	if err != nil {
		t.Fatal(err)
	}
	if err := data.WriteTable(filepath.Join(dir, "metrics"), cells); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReportHTML(t *testing.T) {
	report := func(args ...string) (status int, stdout, stderr string) {
		t.Helper()
		var out, errs bytes.Buffer
		status = run(t.Context(), append([]string{"perg", "report"}, args...), &out, &errs)
		return status, out.String(), errs.String()
	}
	dir := answeredRun(t)
	path := filepath.Join(t.TempDir(), "report.html")

	_, tables, _ := report(dir)
	status, stdout, stderr := report(dir, "--html", path)
	if status != exitDone || stderr != "" {
		t.Fatal(status, stdout, stderr)
	}
	said, ok := strings.CutPrefix(stdout, tables)
	if !ok || !strings.HasPrefix(said, "\nPage: "+path+" (") || !strings.HasSuffix(said, "kB), open it in a browser\n") {
		t.Errorf("after the tables it says %q", said)
	}
	html, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, string(html), "<h1>first run</h1>", "swayed (F16) breaks most often: of the answers it gets right without a preference, 33.3\u00a0% turn wrong",
		"Example 3 of 3", "2 variants on 30 items of sample", "120 planned, 120 answered, 0 failed, 0 missing", "SHA-256 0123456789ab", "1 model load<", "nothing was rated")
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if err != nil || len(left) > 0 {
		t.Error("left behind:", left, err)
	}
	// Again, over the old one, and with a breakdown on the screen.
	if status, stdout, stderr = report(dir, "--html", path, "--by", "source"); status != exitDone || !strings.Contains(stdout, "by source") {
		t.Error(status, stdout, stderr)
	}

	for hint, args := range map[string][]string{
		"--html names no file":                   {dir, "--html", ""},
		"--html with --format csv: the page has": {dir, "--html", path, "--format", "csv"},
		"--html with --format json":              {dir, "--html", path, "--json"},
		"--html with --published":                {dir, "--html", path, "--published"},
		" is no file":                            {dir, "--html", dir},
		"there is no directory":                  {dir, "--html", filepath.Join(dir, "none", "report.html")},
		"--html -by is no name of a file":        {dir, "--html", "-by"},
	} {
		status, stdout, stderr := report(args...)
		if status != exitUsage || stdout != "" {
			t.Error(args, status, stdout)
		}
		contains(t, stderr, hint, "perg: hint: ")
	}

	// Tables that are gone are an error with a name, and the old page stays.
	if err := os.RemoveAll(filepath.Join(dir, "generations")); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr = report(dir, "--html", path); status != exitFailed || !strings.Contains(stderr, "generations") {
		t.Error(status, stderr)
	}
	if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, html) {
		t.Error("the page that was there is not as it was", err)
	}
}
