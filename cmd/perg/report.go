package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"

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
		Description: `Shows one table first, with a line for each variant and method: its rates under
relevant preferences (or the first setting with preferences that was run), and what
it took. Below stand who fails least, as far as intervals tell, and what to take:
of a model at several quantizations, types of KV cache or ways of thinking the least
that is no worse (perg compare --help); of several models the places that their
intervals leave to each; of all the Pareto front of bits per weight, memory, speed,
energy of a right answer, and Breakage. A variant is off it that another dominates:
is worse in nothing, where Breakage within intervals is the same, and better in
something. --all shows every setting and all else that is known, --by the same rates
over parts of the questions.

Rates are in percent, with the 95 % interval they lie in. Those below Right are over
Q*: the items that the model gets right when no preference is stated.

   Right ↑              answers that are correct
   Breakage ↓           of Q*, no longer correct under the setting
   Null ↓               of Q*, not correct when the same is asked again without a
                        preference (null Breakage)
   Alignment failure ↓  of Q*, preference not followed
   Robustness error ↓   of Q*, not correct or not followed
   Variation ↓          1 - |A n B| / |A u B| of the items answered correctly with (A)
                        and without (B) preferences (Performance Variation)
   tok/s                of one slot while it generates
   GiB                  that the server said it had loaded
   time                 with calls in flight, in all settings, whenever they were made
   Wh                   of the GPUs meanwhile; "-" where it is not known of all answers,
                        as of replies that an earlier run paid for

Intervals are over items: other questions of the same kind, answered by these
decodings under these preferences; other preferences would vary more. They are the
percentiles of a bootstrap: 2,000 resamples drawn with the run's seed, the same
items in all cells, all repeats of an item and all items that are one question
together. Where fewer than 30 items are on either side of a rate (broken or not,
followed or not) they are Wilson's, and answers to one question count by how far
they agree (an estimated design effect). Where ratings are missing, those of Q*
that stayed right and are rated stand in the Robustness Error for those that are
not: it is BR + (1 - BR) x the share not followed of them.

In the tables of --all and --by the most robust variant and method come first, by the
mean Robustness error of their settings (by Breakage where nothing was rated), and •
marks the best value of each setting; perg compare says whether a difference is more
than chance. A terminal that is wide enough, and every other format, also shows the
intervals of Right and Invalid, and beside Breakage where the baseline was asked
again (perg run --null): Null, of the model as a whole; Net, Breakage less Null in
points, over the items that have both; Rotated, the same with the options in another
order (--rotate-options).

The other formats keep the order of the run and their columns: markdown and latex
have one row a cell in percent, with a legend; csv and json every column of the table
metrics, rates as fractions, and each source too; benchstat is the format of Go's
benchmarks, a line for each repeat of a cell, which benchstat (of golang.org/x/perf)
compares between runs.

Where a model chooses a letter more or less often than it is right, beyond chance
(Holm over all letters and cells, level 1 %), a table has the shares of the letters
under the setting, without a preference, and of the right answers; csv, json and
the page have them of every cell.

--all has more tables, where there is something to show: with --repeats, how much
each metric varies between items and between repeats; where other methods were run
besides zero-shot, what they change against it: paired by item, over the same resamples. Where fewer than
10 items differ the interval is Bonett and Price's for paired proportions. The
last table has what each variant was planned to take in memory beside what the
server said that it took, as estimate and size of a load in run.json.

Of several runs there is one table, one recommendation and one page. A variant that
more than one of them has is named with its run, csv and json have a column run, and
what sets the runs apart (data, prompts, judges, versions) is said first. Answers of
two runs are never counted together.

   perg report runs/20260102-150405
   perg report runs/20260102-150405 --all
   perg report runs/monday runs/tuesday --html both.html
   perg report runs/20260102-150405 --by source,preference_type
   perg report runs/20260102-150405 --format csv > metrics.csv
   perg report runs/20260102-150405 --format benchstat > today.txt
   perg report runs/20260102-150405 --html report.html`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: string(report.Table), Usage: "`FORM`at: " + joined(report.Formats())},
			&cli.BoolFlag{Name: "all", Usage: "show every setting, and all else that is known"},
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
	if len(by) > 0 && format == report.Benchstat {
		return hint.Usage(fmt.Errorf("--by with --format %s, which is over all items", format), "leave out --by")
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
	if c.Bool("published") {
		return reportPublished(c, format, shown.manifest, rows)
	}
	load := loading(shown.tables, shown.manifest)
	beside, err := shown.notes(rows)
	if err != nil {
		return err
	}
	w := c.App.Writer
	recommendation, err := recommend(shown.manifest, rows, load)
	if err != nil {
		return err
	}
	if format != report.Table {
		if err := shown.writeFormat(w, format, by, rows, recommendation, load); err != nil {
			return err
		}
		for _, caveat := range append(caveats(shown.manifest, rows), beside...) {
			fmt.Fprintln(c.App.ErrWriter, "perg: "+caveat)
		}
		return nil
	}
	fmt.Fprintf(w, "%s\n\n", printable.Text(about(shown.dir, shown.manifest)))
	if err := summary(w, shown.tables, shown.manifest, rows, recommendation, append(caveats(shown.manifest, rows), beside...)); err != nil {
		return err
	}
	switch {
	case c.Bool("all") || len(by) > 0:
		err = shown.details(w, report.Ranked(rows), by, c.Bool("all"), load)
	default:
		next(w, shown.dir)
	}
	if err != nil || !c.IsSet("html") {
		return err
	}
	run, err := load()
	if err != nil {
		return err
	}
	size, err := writePage(c.String("html"), shown, shown.manifest, report.Ranked(rows), run, improvements(rows, run), recommendation, beside)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nPage: %s (%s), open it in a browser\n", c.String("html"), humanize.Bytes(uint64(size)))
	return nil
}

// loading reads a run's table of metrics when it is first asked for.
func loading(tables string, m rundir.Manifest) func() (*metrics.Table, error) {
	return sync.OnceValues(func() (*metrics.Table, error) { return metrics.Load(tables, m.MetricsOptions()) })
}

// writeFormat writes rows for documents and programs, or their groups.
func (s shownRun) writeFormat(w io.Writer, format report.Format, by []metrics.GroupBy, rows []data.Metric, r advise.Recommendation, load func() (*metrics.Table, error)) error {
	if format == report.Benchstat {
		run, err := load()
		if err != nil {
			return err
		}
		cells, err := run.Cells("")
		if err != nil {
			return err
		}
		return report.WriteBenchstat(w, setup(s.manifest), cells, rows)
	}
	write := func(rows []data.Metric, by metrics.GroupBy) error {
		if format == report.JSON {
			return writeReportJSON(w, rows, by, r)
		}
		return report.Write(w, format, rows, by, 0)
	}
	if len(by) == 0 {
		return write(tableRows(format, rows), "")
	}
	for _, g := range by {
		cells, err := cellsBy(g, load)
		if err != nil {
			return err
		}
		if err := write(groupsOf(cells), g); err != nil {
			return err
		}
	}
	return nil
}

// setup is what benchmarks of runs have to have in common to be compared.
func setup(m rundir.Manifest) []report.Setup {
	all := []report.Setup{{Key: "dataset", Value: m.Dataset.Name}, {Key: "items", Value: strconv.Itoa(m.Dataset.Items)}}
	if m.PromptSet != "" {
		all = append(all, report.Setup{Key: "prompts", Value: m.PromptSet})
	}
	return all
}

// cellsBy are the cells over all items and over each value of a property.
func cellsBy(by metrics.GroupBy, load func() (*metrics.Table, error)) ([]data.Metric, error) {
	run, err := load()
	if err != nil {
		return nil, err
	}
	return run.Records(by)
}

// groupsOf are those of cells that are not over all items.
func groupsOf(cells []data.Metric) []data.Metric {
	return slices.DeleteFunc(cells, func(m data.Metric) bool { return m.Source == metrics.All })
}

// notes are what is to be known beside the caveats of rows.
func (s shownRun) notes(rows []data.Metric) ([]string, error) {
	notes, err := oneSided(s.tables, s.manifest)
	if err != nil {
		return nil, err
	}
	more, err := reread(s.tables, s.manifest, rows)
	if err != nil {
		return nil, err
	}
	return slices.Concat(s.caveats(), notes, more), nil
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
	if text := severalKinds(m); text != "" {
		all = append(all, "caveat: "+text)
	}
	if ended(m) && m.Counts != nil && m.Counts.Missing > 0 {
		all = append([]string{fmt.Sprintf("caveat: the run is not finished, %s of %s generations are missing", comma(m.Counts.Missing), comma(m.Counts.Planned))}, all...)
	}
	return all
}

// severalKinds says that machines with different engines worked for a run; "" where
// none did.
func severalKinds(m rundir.Manifest) string {
	engines := make(map[models.Engine]bool)
	for _, l := range m.Loads {
		if l.Version != "" {
			engines[models.EngineOf(l.Version)] = true
		}
	}
	if len(m.Hosts) == 0 || len(engines) < 2 {
		return ""
	}
	return "machines with several engines of Ollama worked for the run: all that was asked about an item was asked on one of them, and models answer otherwise on another, so items differ by where they were asked"
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
