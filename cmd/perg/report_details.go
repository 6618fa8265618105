package main

import (
	"fmt"
	"io"
	"slices"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/report"
)

// details writes what comes behind the summary: everything that is known, breakdowns,
// or both.
func (s shownRun) details(w io.Writer, rows []data.Metric, by []metrics.GroupBy, all bool, load func() (*metrics.Table, error)) error {
	if all {
		fmt.Fprint(w, "\nEvery setting\n\n")
		if err := report.Write(w, report.Table, report.Overall(rows), "", width(w)); err != nil {
			return err
		}
	}
	for _, g := range by {
		if err := breakdown(w, g, load); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\n%s\n", legend(rows))
	if !all {
		return nil
	}
	overall := report.Overall(rows)
	fmt.Fprint(w, "\nWho read the answers\n\n")
	if err := report.Readers(w, overall, ""); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", report.ReadersLegend)
	if leaning := report.Leaning(overall); len(leaning) > 0 {
		fmt.Fprint(w, "\nWhich letters are chosen\n\n")
		if err := report.Letters(w, leaning); err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s\n", report.LettersLegend)
	}
	s.showCells(w)
	if thinking := report.Thinking(overall); len(thinking) > 0 {
		fmt.Fprint(w, "\nThinking\n\n")
		if err := report.WriteThinking(w, thinking); err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s\n", report.ThinkingLegend)
	}
	if slices.ContainsFunc(rows, func(m data.Metric) bool { return m.Repeats > 1 }) {
		fmt.Fprint(w, "\nRepeats\n\n")
		if err := report.Repeats(w, overall); err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s\n", report.RepeatsLegend)
	}
	if err := improvement(w, rows, load); err != nil {
		return err
	}
	if speeds := report.Timed(overall); len(speeds) > 0 {
		fmt.Fprint(w, "\nSpeed and energy\n\n")
		if err := report.Speeds(w, speeds); err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s\n", report.SpeedsLegend)
	}
	return report.Memory(w, s.manifest.Loads)
}

// breakdown writes the cells over each value of a property, and who read the answers.
func breakdown(w io.Writer, by metrics.GroupBy, load func() (*metrics.Table, error)) error {
	cells, err := cellsBy(by, load)
	if err != nil {
		return err
	}
	groups := groupsOf(report.Ranked(cells))
	fmt.Fprintf(w, "\nby %s\n\n", by)
	if err := report.Write(w, report.Table, groups, by, width(w)); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nWho read the answers, by %s\n\n", by)
	return report.Readers(w, groups, by)
}

// improvement writes what methods change against zero-shot, where there are others.
func improvement(w io.Writer, rows []data.Metric, load func() (*metrics.Table, error)) error {
	if !otherMethods(rows) {
		return nil
	}
	run, err := load()
	if err != nil {
		return err
	}
	all := improvements(rows, run)
	if len(all) == 0 {
		return nil
	}
	fmt.Fprint(w, "\nImprovement over zero-shot\n\n")
	if err := report.Improvements(w, all); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\n%s\n", report.ImprovementLegend)
	return err
}

// improvements are what methods change against zero-shot.
func improvements(rows []data.Metric, run *metrics.Table) []metrics.Improvement {
	if !otherMethods(rows) {
		return nil
	}
	return run.Improvements()
}

func otherMethods(rows []data.Metric) bool {
	return slices.ContainsFunc(rows, func(m data.Metric) bool { return m.Method != string(prompt.ZeroShot) })
}

// legend says what the numbers of the table of some rows are.
func legend(rows []data.Metric) string {
	if report.Nulled(rows) {
		return report.Legend + "\n" + report.NullLegend
	}
	return report.Legend
}
