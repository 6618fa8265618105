package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness/advise"
	"perg/harness/hint"
	"perg/harness/metrics"
	"perg/harness/printable"
	"perg/harness/prompt"
	"perg/harness/report"
	"perg/harness/rundir"
	"perg/models"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "show the results of a run",
		ArgsUsage: "RUN...",
		Description: `Rates are in percent, with the 95 % interval they lie in, over Q*: the items that
the model gets right when no preference is stated.

   Right       answers that are correct
   Breakage    of Q*, no longer correct under the setting
   Alignment   of Q*, preference not followed (Alignment Failure)
   Robustness  of Q*, not correct or not followed (Robustness Error)
   Variation   1 - |A n B| / |A u B| of the items answered correctly with (A)
               and without (B) preferences (Performance Variation)

Intervals are over items: other questions of the same kind, answered by these
decodings under these preferences; other preferences would vary more. They are the
percentiles of a bootstrap: 2,000 resamples drawn with the run's seed, the same
items in all cells, all repeats of an item and all items that are one question
together. Where fewer than 30 items are on either side of a rate (broken or not,
followed or not) they are Wilson's, and answers to one question count by how far
they agree (an estimated design effect). Where ratings are missing, those of Q*
that stayed right and are rated stand in the Robustness Error for those that are
not: it is BR + (1 - BR) x the share not followed of them. A terminal that is wide enough, and every
other format, also shows those of Right and Invalid.

In a table for a terminal the most robust variant and method come first, by the
mean Robustness Error of their settings (by the Breakage Rate where nothing was
rated), and • marks the best value of each setting; perg compare says whether a
difference is more than chance. The other formats keep the order of the run and
their columns: markdown and latex have one row a cell in percent, csv and json
every column of the table metrics, rates as fractions, and each source too.

Beside Breakage stands what breaks without any preference, where the baseline was
asked again (perg run --null): Null, of the model as a whole; Net, Breakage less
Null in points, over the items that have both; Rotated, the same with the options
in another order (--rotate-options).

Of a model at several quantizations, types of KV cache or ways of thinking a
sentence says which to take (perg compare --help); of several models, which places
their intervals leave to each. Then the Pareto front of bits per weight, memory,
speed, energy of a right answer, and Breakage: a variant that another is no worse
than in anything, and better in something, is off it. Breakage within intervals is
the same there.

Where a model chooses a letter more or less often than it is right, beyond chance
(Holm over all letters and cells, level 1 %), a table has the shares of the letters
under the setting, without a preference, and of the right answers; csv, json and
the page have them of every cell.

With --repeats a table follows of how much each metric varies between items and
between repeats. Where other methods were run besides zero-shot, one of what
they change against it: paired by item, over the same resamples. Where fewer than
10 items differ the interval is Bonett and Price's for paired proportions. The
last table has what each variant was planned to take in memory beside what the
server said that it took, as estimate and size of a load in run.json.

Of several runs there is one table, one recommendation and one page. A variant that
more than one of them has is named with its run, csv and json have a column run, and
what sets the runs apart (data, prompts, judges, versions) is said first. Answers of
two runs are never counted together.

   perg report runs/20260102-150405
   perg report runs/monday runs/tuesday --html both.html
   perg report runs/20260102-150405 --by source,preference_type
   perg report runs/20260102-150405 --format csv > metrics.csv
   perg report runs/20260102-150405 --html report.html`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: string(report.Table), Usage: "`FORM`at: " + joined(report.Formats())},
			&cli.StringSliceFlag{Name: "by", Usage: "also break down by a `LIST` of " + joined(metrics.GroupBys())},
			publishedFlag(),
			htmlFlag(),
			&cli.BoolFlag{Name: "json", Usage: "the same as --format json"},
		},
		Action: reportAction,
	}
}

func reportAction(c *cli.Context) error {
	if c.NArg() == 0 {
		return hint.Usage(errors.New("report takes a run directory, or several"), "perg report runs/<time>")
	}
	format := report.Format(c.String("format"))
	if c.Bool("json") {
		format = report.JSON
	}
	if !slices.Contains(report.Formats(), format) {
		return hint.Usage(fmt.Errorf("unknown format %q", format), "there are: "+joined(report.Formats()))
	}
	var by []metrics.GroupBy
	for _, name := range c.StringSlice("by") {
		g := metrics.GroupBy(name)
		if !slices.Contains(metrics.GroupBys(), g) {
			return hint.Usage(fmt.Errorf("cannot break down by %q", name), "there are: "+joined(metrics.GroupBys()))
		}
		by = append(by, g)
	}
	if len(by) > 1 && (format == report.CSV || format == report.JSON) {
		return hint.Usage(fmt.Errorf("--format %s writes one table, --by names %d", format, len(by)), "name one")
	}
	if c.IsSet("html") {
		if err := checkHTML(c, format); err != nil {
			return err
		}
	}

	if c.NArg() > 1 {
		return reportSeveral(c, format, by)
	}
	shown, rows, err := openShown(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	defer shown.Close()
	dir, m := shown.dir, shown.manifest
	if c.Bool("published") {
		return reportPublished(c, format, m, rows)
	}

	w := c.App.Writer
	human := format == report.Table
	if human {
		rows = report.Ranked(rows)
		fmt.Fprintf(w, "%s\n\n", printable.Text(about(dir, m)))
	}
	if human || len(by) == 0 && format != report.JSON {
		if err := report.Write(w, format, tableRows(format, rows), "", width(w)); err != nil {
			return err
		}
	}
	var run *metrics.Table
	others := human && slices.ContainsFunc(rows, func(m data.Metric) bool { return m.Method != string(prompt.ZeroShot) })
	choices := (human || format == report.JSON) && len(advise.Families(variantsOf(m))) > 0
	if len(by) > 0 || others || choices || c.IsSet("html") {
		if run, err = metrics.Load(shown.tables, m.MetricsOptions()); err != nil {
			return err
		}
	}
	var cells []*metrics.Cell
	if choices {
		if cells, err = run.Cells(""); err != nil {
			return err
		}
	}
	recommendation := recommended(variantsOf(m), rows, adviceOf(m, cells))
	if format == report.JSON && len(by) == 0 {
		if err := writeReportJSON(w, rows, "", recommendation); err != nil {
			return err
		}
	}
	for _, g := range by {
		cells, err := run.Records(g)
		if err != nil {
			return err
		}
		if human {
			cells = report.Ranked(cells)
		}
		groups := slices.DeleteFunc(cells, func(m data.Metric) bool { return m.Source == metrics.All })
		if human {
			fmt.Fprintf(w, "\nby %s\n\n", g)
		}
		if format == report.JSON {
			err = writeReportJSON(w, groups, g, recommendation)
		} else {
			err = report.Write(w, format, groups, g, width(w))
		}
		if err != nil {
			return err
		}
		if human {
			fmt.Fprintf(w, "\nWho read the answers, by %s\n\n", g)
			if err := report.Readers(w, groups, g); err != nil {
				return err
			}
		}
	}
	var improvements []metrics.Improvement
	if human && others {
		improvements = run.Improvements()
	}
	if human {
		fmt.Fprintf(w, "\n%s\n\nWho read the answers\n\n", legend(rows))
		if err := report.Readers(w, report.Overall(rows), ""); err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s\n", report.ReadersLegend)
		if leaning := report.Leaning(report.Overall(rows)); len(leaning) > 0 {
			fmt.Fprint(w, "\nWhich letters are chosen\n\n")
			if err := report.Letters(w, leaning); err != nil {
				return err
			}
			fmt.Fprintf(w, "\n%s\n", report.LettersLegend)
		}
		shown.showCells(w)
		if thinking := report.Thinking(report.Overall(rows)); len(thinking) > 0 {
			fmt.Fprint(w, "\nThinking\n\n")
			if err := report.WriteThinking(w, thinking); err != nil {
				return err
			}
			fmt.Fprintf(w, "\n%s\n", report.ThinkingLegend)
		}
		if err := further(w, m, rows, improvements); err != nil {
			return err
		}
		if err := writeRecommendation(w, recommendation); err != nil {
			return err
		}
	}
	notes, err := oneSided(shown.tables, m)
	if err != nil {
		return err
	}
	more, err := reread(shown.tables, m, rows)
	if err != nil {
		return err
	}
	notes = append(append(shown.caveats(), notes...), more...)
	for _, caveat := range append(caveats(m, rows), notes...) {
		if human {
			fmt.Fprintln(w, report.Prose(caveat))
		} else {
			fmt.Fprintln(c.App.ErrWriter, "perg: "+caveat)
		}
	}
	if c.IsSet("html") {
		size, err := writePage(c.String("html"), shown, m, rows, run, improvements, recommendation, notes)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\nPage: %s (%s), open it in a browser\n", c.String("html"), humanize.Bytes(uint64(size)))
	}
	return nil
}

// legend says what the numbers of the table of some rows are.
func legend(rows []data.Metric) string {
	if report.Nulled(rows) {
		return report.Legend + "\n" + report.NullLegend
	}
	return report.Legend
}

// further writes the tables that only some runs have: of repeats, of what methods
// change against zero-shot, and of memory.
func further(w io.Writer, m rundir.Manifest, rows []data.Metric, improvements []metrics.Improvement) error {
	if slices.ContainsFunc(rows, func(m data.Metric) bool { return m.Repeats > 1 }) {
		fmt.Fprint(w, "\nRepeats\n\n")
		if err := report.Repeats(w, report.Overall(rows)); err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s\n", report.RepeatsLegend)
	}
	if len(improvements) > 0 {
		fmt.Fprint(w, "\nImprovement over zero-shot\n\n")
		if err := report.Improvements(w, improvements); err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s\n", report.ImprovementLegend)
	}
	return report.Memory(w, m.Loads)
}

// tableRows are the rows over all items for people, and every row with its
// source for programs.
func tableRows(f report.Format, rows []data.Metric) []data.Metric {
	if f == report.CSV || f == report.JSON {
		return rows
	}
	return report.Overall(rows)
}

func caveats(m rundir.Manifest, rows []data.Metric) []string {
	all := append(report.Caveats(rows), partial(m)...)
	if text := severalPreferences(m); text != "" {
		all = append(all, "caveat: "+text+": intervals draw questions, and are for these preferences")
	}
	if ended(m) && m.Counts != nil && m.Counts.Missing > 0 {
		all = append([]string{fmt.Sprintf("caveat: the run is not finished, %s of %s generations are missing", comma(m.Counts.Missing), comma(m.Counts.Planned))}, all...)
	}
	return all
}

// reread says where prompts that begin alike were read anew each time.
func reread(dir string, m rundir.Manifest, rows []data.Metric) ([]string, error) {
	if !slices.ContainsFunc(rows, func(r data.Metric) bool { return prompt.Method(r.Method).ShowsExamples() }) {
		return nil, nil
	}
	all, err := metrics.LoadReuse(dir)
	if err != nil && !errors.Is(err, data.ErrNoTable) { // metrics may have been copied alone
		return nil, err
	}
	advice := ""
	for _, h := range models.Harms(m.Ollama.Version) {
		if h.Use == models.UsePrefixes {
			advice = fmt.Sprintf("Ollama %s does so, %s", m.Ollama.Version, h.Install())
		}
	}
	return report.Reread(all, advice), nil
}

// severalPreferences says that questions of an imported run are several items
// each; "" where none is.
func severalPreferences(m rundir.Manifest) string {
	if m.Imported == nil || m.Imported.Questions == m.Dataset.Items {
		return ""
	}
	return fmt.Sprintf("the %s items are %s questions, under several preferences each", comma(m.Dataset.Items), comma(m.Imported.Questions))
}
