package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness"
	"perg/harness/export"
	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/report"
	"perg/harness/rundir"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write a run as one flat table, with SQL and a notebook",
		ArgsUsage: "RUN",
		Description: `Writes a directory of four files:

   results.parquet  one generation a row, with its judgments, the baseline's
                    response to the same item, and what became of it: kept,
                    broken, mended, wrong twice, plain right or wrong, error
   perg.sql         named queries for the main figures, for DuckDB
   perg.ipynb       a notebook in Python (pandas, DuckDB, matplotlib) that
                    runs the queries and draws the figures
   README.md        what each column is; the metadata of results.parquet
                    says it too

   perg export runs/20260102-150405 -o results
   cd results && duckdb < perg.sql
   cd results && jupyter notebook perg.ipynb

A run that is not finished is exported as far as it came. Exported again to
the same directory, a run's results are written anew; SQL and notebook stay
as they are where you changed them. A directory that holds anything else is
refused.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "directory to write, `DIR`: new, or of an earlier export"},
			&cli.BoolFlag{Name: "json", Usage: "one JSON object: out, rows, bytes, caveats, kept"},
		},
		Action: exportAction,
	}
}

func exportAction(c *cli.Context) error {
	const example = "perg export runs/<time> -o DIR"
	if c.NArg() != 1 {
		return hint.Usage(fmt.Errorf("export takes one run directory, not %d", c.NArg()), example)
	}
	out := c.String("out")
	if out == "" {
		return hint.Usage(errors.New("say where to write: -o DIR"), example)
	}
	shown, rows, err := openShown(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	defer shown.Close()
	dir, m := shown.dir, shown.manifest
	run := export.Run{
		Dir: shown.tables, ID: m.RunID, About: about(dir, m), Panel: m.MetricsOptions().Panel(), Caveats: append(shown.caveats(), caveats(m, rows)...),
	}
	progress, wipe := exportProgress(c, m)
	done, err := export.Write(c.Context, run, out, progress)
	wipe()
	switch {
	case errors.Is(err, context.Canceled):
		return harness.ErrInterrupted
	case errors.Is(err, data.ErrNoTable):
		return noTables(dir, m)
	case errors.Is(err, export.ErrOther):
		return hint.Usage(fmt.Errorf("%s: %w", out, err), "choose another --out: a new directory, or that of an earlier export of this run")
	case errors.Is(err, export.ErrChanged):
		return &hint.Error{Err: fmt.Errorf("%s: %w", dir, err), Hint: "when the run has stopped: perg export " + quoted(dir) + " -o " + quoted(out)}
	case err != nil:
		p := &hint.Error{Err: fmt.Errorf("export %s: %w", dir, err)}
		if path, ok := errors.AsType[*fs.PathError](err); ok && strings.HasPrefix(path.Path, filepath.Clean(out)) {
			p.Hint = "choose a directory that you may write to with --out"
		}
		return p
	}
	return exported(c, run, out, done)
}

// about says what a run is, in one line.
func about(dir string, m rundir.Manifest) string {
	text := fmt.Sprintf("%s: %s, %d items of %s", dir, m.How(), m.Dataset.Items, m.Dataset.Name)
	if m.PromptSet != "" {
		text += ", prompts: " + m.PromptSet
	}
	return text
}

// exportProgress tells a person at a terminal how far a long export is; wipe
// takes it off the screen.
func exportProgress(c *cli.Context, m rundir.Manifest) (progress func(int64), wipe func()) {
	w := c.App.ErrWriter
	if width(w) == 0 || m.Counts == nil || c.Bool("json") {
		return func(int64) {}, func() {}
	}
	total := comma(m.Counts.Planned - m.Counts.Missing)
	return func(rows int64) { fmt.Fprintf(w, "\rperg: %s of %s rows", comma(int(rows)), total) },
		func() { fmt.Fprint(w, "\r\x1b[K") }
}

func exported(c *cli.Context, run export.Run, out string, done export.Done) error {
	info, err := os.Stat(filepath.Join(out, export.Results))
	if err != nil {
		return err
	}
	w := c.App.Writer
	if c.Bool("json") {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{
			"out": out, "rows": done.Rows, "bytes": info.Size(),
			"caveats": append([]string{}, run.Caveats...), "kept": append([]string{}, done.Kept...),
		})
	}
	file := func(name, what string) { fmt.Fprintf(w, "  %-15s  %s\n", name, what) }
	fmt.Fprintf(w, "%s\nwritten to %s:\n", printable.Text(run.About), printable.Text(out))
	file(export.Results, fmt.Sprintf("%s generations, %d columns, %s", comma(int(done.Rows)), len(export.Columns()), humanize.IBytes(uint64(info.Size()))))
	file(export.SQL, "the main figures in SQL")
	file(export.Notebook, "the same in Python, drawn")
	file(export.Readme, "what each column is")
	for _, caveat := range run.Caveats {
		fmt.Fprintln(w, report.Prose(caveat))
	}
	for _, name := range done.Kept {
		fmt.Fprintln(w, report.Prose(fmt.Sprintf("note: %s stays as it is, because it was changed; for a fresh one export to a new directory", name)))
	}
	fmt.Fprintf(w, "next, where DuckDB or Jupyter is:\n  cd %s && duckdb < %s\n  cd %s && jupyter notebook %s\n", quoted(out), export.SQL, quoted(out), export.Notebook)
	return nil
}
