package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"perg/harness/rundir"
)

func someRuns(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	day := time.Date(2026, 1, 2, 12, 0, 0, 0, time.Local)
	for i, name := range []string{"runs/20260102-a", "runs/20260102-b", "runs/night"} {
		r := newWrittenRun(name, rundir.ModelInfo{Name: "steady:8b", Variant: "steady:8b", Quantization: "F16"}, rundir.ModelInfo{Name: "steady:8b-q4", Variant: "steady:8b-q4", Quantization: "Q4_K_M"})
		r.manifest.StartedAt = day.Add(time.Duration(i) * time.Hour)
		r.manifest.Config = rundir.Defaults()
		r.manifest.Config.Data = "nothere.parquet"
		r.manifest.Worked, r.manifest.Energy = rundir.Duration(90*time.Minute), new(3600.0*123.4)
		r.manifest.Counts = &rundir.Counts{Planned: 800, Missing: 200 * i}
		for _, v := range []string{"steady:8b", "steady:8b-q4"} {
			r.cell(v, "zero-shot", "none", "70r 30w")
			r.cell(v, "zero-shot", "relevant", "60r 40w")
		}
		r.writeWithMetrics(t)
	}
}

func TestRuns(t *testing.T) {
	someRuns(t)
	perg := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		status := run(t.Context(), append([]string{"perg"}, args...), &out, &errs)
		return status, out.String(), errs.String()
	}
	_, text, _ := perg("runs")
	want := `RUN              STATE     BEGUN               TIME  ITEMS   DONE  ENERGY  MODELS
runs/night       finished  2026-01-02 14:00  90 min    100   50 %  123 Wh  steady:8b, steady:8b-q4
runs/20260102-b  finished  2026-01-02 13:00  90 min    100   75 %  123 Wh  steady:8b, steady:8b-q4
runs/20260102-a  finished  2026-01-02 12:00  90 min    100  100 %  123 Wh  steady:8b, steady:8b-q4
`
	if text != want {
		t.Errorf("perg runs shows\n%s\nwant\n%s", text, want)
	}
	if _, screen := onTerminal(t, 60, "runs"); !strings.Contains(screen, "runs/night") || !strings.Contains(screen, "finished") {
		t.Errorf("at 60 columns:\n%s", screen)
	} else {
		for line := range strings.Lines(screen) {
			if measured(strings.TrimRight(line, "\n")) > 60 {
				t.Errorf("a line of more than 60 columns: %s", line)
			}
		}
	}
	var records []struct {
		Run    string
		Energy *float64 `json:"energy_wh"`
	}
	if _, text, _ := perg("runs", "--json"); json.Unmarshal([]byte(text), &records) != nil || len(records) != 3 || records[0].Energy == nil {
		t.Errorf("as JSON: %s", text)
	}
	if status, text, errs := perg("runs", "nothere"); status != exitUsage || text != "" || !strings.Contains(errs, "perg runs DIR") {
		t.Errorf("of a directory that is not there: %d %s%s", status, text, errs)
	}
	t.Chdir(t.TempDir())
	if status, text, errs := perg("runs"); status != exitDone || text != "no runs in runs\n" || !strings.Contains(errs, "perg run MODEL") {
		t.Errorf("where there is none: %d %s%s", status, text, errs)
	}
}

// Wherever a run is named, "last" and a beginning do.
func TestRunsByName(t *testing.T) {
	someRuns(t)
	if err := os.Mkdir("last-one", 0o755); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"report last":                          "runs/night: finished",
		"report ni":                            "runs/night: finished",
		"report runs/ni":                       "runs/night: finished",
		"report runs/20260102-a":               "runs/20260102-a: finished",
		"export last -o out":                   "runs/night: finished",
		"compare last":                         "steady:8b-q4",
		"compare night,steady:8b-q4 steady:8b": "steady:8b-q4",
		"compare last 20260102-a":              "runs/20260102-a",
		"judge agree last":                     "runs/night has one judge",
		"judge sample last -o x.csv":           "runs/night: a generation that was judged has no response",
		"run --out last":                       "nothere.parquet",
		"report 2026":                          "error: 2026 could be one of several runs\nperg: hint: write more of its name: runs/20260102-b, runs/20260102-a\n",
		"run --out 2026":                       "2026 could be one of several runs",
		"report nothere":                       "error: nothere is no run: it has no run.json\nperg: hint: runs are made by 'perg run'; its --out names the directory; there are: runs/night, runs/20260102-b, runs/20260102-a\n",
		"report runs":                          "runs is no run: it has no run.json\nperg: hint: runs are made by 'perg run'; its --out names the directory; there are: runs/night,",
	} {
		var out bytes.Buffer
		run(t.Context(), append([]string{"perg"}, strings.Fields(args)...), &out, &out)
		if !strings.Contains(out.String(), want) {
			t.Errorf("perg %s says\n%s\nand not %q", args, out.String(), want)
		}
	}
}
