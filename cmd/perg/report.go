package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness"
	"perg/harness/metrics"
	"perg/harness/report"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "show the results of a run",
		ArgsUsage: "RUN",
		Description: `Rates are in percent, with the 95 % interval they lie in, over Q*: the items that
the model gets right when no preference is stated.

   Right       answers that are correct
   Breakage    of Q*, no longer correct under the setting
   Alignment   of Q*, preference not followed (Alignment Failure)
   Robustness  of Q*, not correct or not followed (Robustness Error)
   Variation   1 - |A n B| / |A u B| of the items answered correctly with (A)
               and without (B) preferences (Performance Variation)

   perg report runs/20260102-150405
   perg report runs/20260102-150405 --by source,preference_type
   perg report runs/20260102-150405 --format csv > metrics.csv`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: string(report.Table), Usage: "`FORM`at: " + joined(report.Formats())},
			&cli.StringSliceFlag{Name: "by", Usage: "also break down by a `LIST` of " + joined(metrics.GroupBys())},
			publishedFlag(),
			&cli.BoolFlag{Name: "json", Usage: "the same as --format json"},
		},
		Action: reportAction,
	}
}

func reportAction(c *cli.Context) error {
	usage := func(err error, hint string) error { return &harness.Problem{Err: err, Hint: hint, Usage: true} }
	if c.NArg() != 1 {
		return usage(fmt.Errorf("report takes one run directory, not %d", c.NArg()), "perg report runs/<time>")
	}
	dir := c.Args().First()
	format := report.Format(c.String("format"))
	if c.Bool("json") {
		format = report.JSON
	}
	if !slices.Contains(report.Formats(), format) {
		return usage(fmt.Errorf("unknown format %q", format), "there are: "+joined(report.Formats()))
	}
	var by []metrics.GroupBy
	for _, name := range c.StringSlice("by") {
		g := metrics.GroupBy(name)
		if !slices.Contains(metrics.GroupBys(), g) {
			return usage(fmt.Errorf("cannot break down by %q", name), "there are: "+joined(metrics.GroupBys()))
		}
		by = append(by, g)
	}
	if len(by) > 1 && (format == report.CSV || format == report.JSON) {
		return usage(fmt.Errorf("--format %s writes one table, --by names %d", format, len(by)), "name one")
	}

	m, err := harness.ReadManifest(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return usage(fmt.Errorf("%s is no run: it has no run.json", dir), "runs are made by 'perg run'; its --out names the directory")
	}
	if err != nil {
		return err
	}
	rows, err := readMetrics(dir)
	if errors.Is(err, data.ErrNoTable) {
		return &harness.Problem{
			Err:  fmt.Errorf("%s has no tables yet: the run is %s", dir, m.State),
			Hint: "they are written when it stops; to finish it: perg run --out " + quoted(dir),
		}
	}
	if err != nil {
		return err
	}
	if c.Bool("published") {
		return reportPublished(c, format, m, rows)
	}

	w := c.App.Writer
	human := format == report.Table
	if human {
		fmt.Fprintf(w, "%s: %s, %d items of %s\n\n", dir, m.State, m.Dataset.Items, report.Printable(m.Dataset.Name))
	}
	if len(by) == 0 || human {
		if err := report.Write(w, format, tableRows(format, rows), "", width(w)); err != nil {
			return err
		}
	}
	for _, g := range by {
		cells, err := metrics.OfRun(dir, g)
		if err != nil {
			return err
		}
		var groups []data.Metric
		for _, cell := range cells {
			if cell.Group != metrics.All {
				groups = append(groups, cell.Record(m.Config.Repeats))
			}
		}
		if human {
			fmt.Fprintf(w, "\nby %s\n\n", g)
		}
		if err := report.Write(w, format, groups, g, width(w)); err != nil {
			return err
		}
	}
	if human {
		fmt.Fprintf(w, "\n%s\n", report.Legend)
	}
	for _, caveat := range caveats(m, rows) {
		if human {
			fmt.Fprintln(w, caveat)
		} else {
			fmt.Fprintln(c.App.ErrWriter, "perg: "+caveat)
		}
	}
	return nil
}

// tableRows are the rows over all items for people, and every row with its
// source for programs.
func tableRows(f report.Format, rows []data.Metric) []data.Metric {
	if f == report.CSV || f == report.JSON {
		return rows
	}
	return report.Overall(rows)
}

func caveats(m harness.Manifest, rows []data.Metric) []string {
	all := report.Caveats(rows)
	if m.Counts != nil && m.Counts.Missing > 0 {
		all = append([]string{fmt.Sprintf("caveat: the run is not finished, %s of %s generations are missing", comma(m.Counts.Missing), comma(m.Counts.Planned))}, all...)
	}
	return all
}
