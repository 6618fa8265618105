package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/report"
	"perg/harness/rundir"
)

func publishedFlag() cli.Flag {
	return &cli.BoolFlag{Name: "published", Usage: "set the cells beside the values that the PERG paper published"}
}

// reportPublished shows the rows of a run beside the paper's figures.
func reportPublished(c *cli.Context, format report.Format, m rundir.Manifest, rows []data.Metric) error {
	if !slices.Contains(report.PublishedFormats(), format) {
		return hint.Usage(fmt.Errorf("--published cannot be written as %s", format), "there are: "+joined(report.PublishedFormats()))
	}
	if len(c.StringSlice("by")) > 0 {
		return hint.Usage(errors.New("--by with --published: the paper's values are by source alone"), "leave out --by")
	}
	compared := comparePublished(m, rows)
	w := c.App.Writer
	human := format == report.Table
	if !human || len(compared.Rows) > 0 {
		if err := report.WriteBeside(w, format, compared.Rows); err != nil {
			return err
		}
	}
	if human && len(compared.Rows) > 0 {
		fmt.Fprintf(w, "\n%s\n\n", report.PublishedLegend)
	}
	for _, note := range append(compared.Notes, caveats(m, rows)...) {
		if !human {
			fmt.Fprintln(c.App.ErrWriter, "perg: "+printable.Text(note))
			continue
		}
		if !strings.HasPrefix(note, "caveat: ") {
			note = "note: " + note
		}
		fmt.Fprintln(w, report.Prose(note))
	}
	return nil
}

func comparePublished(m rundir.Manifest, rows []data.Metric) report.Comparison {
	var variants []report.Measured
	for _, v := range m.Models {
		variants = append(variants, report.Measured{
			Variant: v.Variant, Model: v.Name, Family: v.Family, ParameterSize: v.ParameterSize, Quantization: v.Quantization, Think: v.Think,
		})
	}
	return report.ComparePublished(rows, variants, m.PromptSet, m.Dataset.Name, m.Dataset.Items)
}
