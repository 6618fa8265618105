package main

import (
	"bytes"
	"strings"
	"testing"

	"perg/harness/rundir"
)

// Benchmarks are of one run over all items, and read like those of Go; what they
// cannot be of is said before anything is written.
func TestReportAsBenchmarks(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"runs/x", "runs/y"} {
		r := newWrittenRun(dir, rundir.ModelInfo{Name: "swayed:8b", Variant: "swayed:8b"})
		r.cell("swayed:8b", "zero-shot", "none", "10r")
		r.cell("swayed:8b", "zero-shot", "relevant", "4r 6w")
		r.timed(t)
		r.writeWithMetrics(t)
	}
	report := func(args ...string) (status int, stdout, stderr string) {
		t.Helper()
		var out, errs bytes.Buffer
		status = run(t.Context(), append([]string{"perg", "report"}, args...), &out, &errs)
		return status, out.String(), errs.String()
	}
	status, stdout, stderr := report("runs/x", "--format", "benchstat")
	if status != exitDone {
		t.Fatal(status, stderr)
	}
	contains(t, stdout, "dataset: hand\nitems: 100\n", "Unit %right better=higher\n",
		"\nBenchmarkPERG/variant=swayed:8b/method=zero-shot/setting=relevant\t10\t40 %right\t60 %breakage\t", " tok/s\n", "\t13.5 J/answer\t33.75 J/right-answer\n")
	for want, args := range map[string][]string{
		"--by with --format benchstat":               {"runs/x", "--format", "benchstat", "--by", "source"},
		"--format benchstat is of one run, not of 2": {"runs/x", "runs/y", "--format", "benchstat"},
	} {
		if status, stdout, stderr := report(args...); status != exitUsage || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%v: %d, %s, %s", args, status, stdout, stderr)
		}
	}
}
