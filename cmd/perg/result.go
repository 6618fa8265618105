package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"perg/data"
	"perg/harness"
	"perg/harness/printable"
	"perg/harness/report"
	"perg/harness/rundir"
)

// result shows what a run came to: the table, what is missing and why, and
// what to do next.
func (d *display) result(cfg rundir.Config, r harness.Result, dir *rundir.Dir) error {
	var rows []data.Metric
	if r.Written {
		var err error
		if rows, err = readMetrics(cfg.Out); err != nil && !errors.Is(err, data.ErrNoTable) {
			return err
		}
	}
	resume := "perg run --out " + quoted(cfg.Out)
	if d.json {
		var durable any
		if r.Durable != nil {
			durable = r.Durable.Seconds()
		}
		return d.lastEvent(map[string]any{
			"out": cfg.Out, "run_id": dir.Manifest.RunID, "state": dir.Manifest.State, "counts": r.Counts,
			"calls": r.Calls, "known": r.Known, "elapsed_s": r.Elapsed.Seconds(), "durable_p99_s": durable, "resume": resume,
			"metrics": report.Records(rows, ""),
		})
	}
	w := d.stdout
	if len(rows) > 0 {
		recommendation, err := recommend(dir.Manifest, rows, loading(cfg.Out, dir.Manifest))
		if err != nil {
			return err
		}
		if err := summary(w, cfg.Out, dir.Manifest, rows, recommendation, report.Caveats(rows)); err != nil {
			return unlessGone(err)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s of %s generations done", comma(r.OK), comma(r.Planned))
	for _, part := range []struct {
		n    int
		what string
	}{{r.Failed, "failed"}, {r.Missing, "not finished"}, {r.FellBack, "fell back to the draft"}, {r.Unscored, "unscored"}, {r.Unjudged, "ratings failed"}} {
		if part.n > 0 {
			fmt.Fprintf(w, ", %s %s", comma(part.n), part.what)
		}
	}
	fmt.Fprintln(w)
	for _, reason := range slices.SortedFunc(maps.Keys(r.Reasons), func(a, b string) int {
		return cmp.Or(r.Reasons[b]-r.Reasons[a], strings.Compare(a, b))
	}) {
		fmt.Fprintf(w, "  %s x %s\n", comma(r.Reasons[reason]), printable.Text(reason))
	}
	if n := withoutBaseline(rows, r); n > 0 {
		fmt.Fprintf(w, "the rates leave out %s more, whose baseline failed: the table counts those as failed, too\n", comma(n))
	}
	switch {
	case r.Done:
		fmt.Fprintln(w, "nothing to do, no call was made: the run is finished")
	case r.Calls == 0 && r.Missing == 0:
		fmt.Fprintf(w, "no call was made: every reply came from the store (%s)\n", elapsed(r.Elapsed))
	default:
		fmt.Fprintf(w, "%s calls made, %s replies already in the store, in %s\n", comma(r.Calls), comma(r.Known), elapsed(r.Elapsed))
	}
	if !r.Written {
		return nil
	}
	fmt.Fprintf(w, "Parquet: %s\n", filepath.Join(cfg.Out, "{generations,judgments,metrics}", "part-*.parquet"))
	switch {
	case r.Missing > 0:
		fmt.Fprintln(w, "to finish it: "+resume)
	case r.Failed+r.Unjudged > 0:
		fmt.Fprintln(w, "to try the failed ones again: "+resume)
	}
	if len(rows) > 0 {
		next(w, cfg.Out)
	}
	return nil
}

// withoutBaseline are the generations that the metrics count as failed though
// they did not: there is nothing to compare them with. Where some are missing
// the metrics count those, too, and it cannot be told.
func withoutBaseline(rows []data.Metric, r harness.Result) (n int) {
	if r.Missing > 0 {
		return 0
	}
	for _, m := range report.Overall(rows) {
		n += int(m.NError)
	}
	return n - r.Failed
}

func readMetrics(dir string) ([]data.Metric, error) {
	var rows []data.Metric
	for m, err := range data.ReadTable[data.Metric](filepath.Join(dir, "metrics")) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, m)
	}
	return rows, nil
}

func comma(n int) string { return humanize.Comma(int64(n)) }

func elapsed(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return !strings.ContainsRune("/._-+:=@%,", r) && !isAlphanumeric(r) }) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

func isAlphanumeric(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}
