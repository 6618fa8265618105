package main

import (
	"errors"
	"fmt"
	"io"

	"perg/data"
	"perg/harness/advise"
	"perg/harness/metrics"
	"perg/harness/report"
	"perg/harness/rundir"
)

// summary writes what a run comes to: one table, who fails least, what to take, and what is to be known beside.
func summary(w io.Writer, tables string, m rundir.Manifest, rows []data.Metric, r advise.Recommendation, beside []string) error {
	times, err := metrics.LoadTimes(tables)
	if err != nil && !errors.Is(err, data.ErrNoTable) { // metrics may have been copied alone
		return err
	}
	if err := writeOverview(w, report.OverviewOf(rows, report.Costs{Bytes: loadedBytes(m), Times: times})); err != nil {
		return err
	}
	if err := writeRecommendation(w, r); err != nil {
		return err
	}
	if len(beside) > 0 {
		fmt.Fprintln(w)
	}
	for _, note := range beside {
		fmt.Fprintln(w, report.ProseIn(note, width(w)))
	}
	return nil
}

// writeOverview writes the table, and who fails least.
func writeOverview(w io.Writer, overview report.Overview) error {
	columns := width(w)
	fmt.Fprintf(w, "%s\n\n", report.ProseIn(overview.Title(), columns))
	leftOut, err := overview.Write(w, columns)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", overview.Legend(leftOut, columns))
	if said := overview.Sentence(); said != "" {
		fmt.Fprintf(w, "\n%s\n", report.ProseIn(said, columns))
	}
	return nil
}

// loadedBytes are what a server said a variant took in memory, at the most.
func loadedBytes(m rundir.Manifest) map[string]int64 {
	all := make(map[string]int64)
	for _, l := range m.Loads {
		all[l.Variant] = max(all[l.Variant], l.Size)
	}
	return all
}

// next says how to look further at a run.
func next(w io.Writer, dir string) {
	run := quoted(dir)
	fmt.Fprintf(w, "\nSee more:\n  perg report %s --all\n  perg view %s\n  perg report %s --html report.html\n", run, run, run)
}
