package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/ratings"
	"perg/harness/rundir"
)

func judgeSampleCommand() *cli.Command {
	return &cli.Command{
		Name:      "sample",
		Usage:     "draw rated answers for a person to rate too",
		ArgsUsage: "RUN",
		Description: `Writes a CSV file to fill in with a spreadsheet: one answer a row, with the
preference, the question, and the answer without the preference beside it.
Put into the column rating how far the response follows the preference,
whether it is right or not:

   1  not at all
   2  hardly
   3  in part
   4  mostly
   5  fully

To check how answers are read too, put into the column letter the one that
the response chooses, A, B and so on, or none where it chooses no single one.

Leave blank what you cannot say; the column note is yours. What the judge
said and what was read is not in the file. The draw is random and stratified:
each variant, method and setting, followed and not followed according to the
judge, read by rules, by the model and by nobody, gets its share of rows and
at least one.

   perg judge sample runs/20260102-150405 -o ratings.csv
   perg judge agree runs/20260102-150405 ratings.csv

Cells that a spreadsheet would take for a formula have an apostrophe in
front. A file with ratings or notes in it is never replaced.`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "n", Value: 200, Usage: "number of answers, `N`"},
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "the CSV `FILE` to write"},
			&cli.Uint64Flag{Name: "seed", Value: uint64(rundir.Defaults().Seed), Usage: "seed `N` of the draw"},
		},
		Action: judgeSampleAction,
	}
}

func judgeSampleAction(c *cli.Context) error {
	out, n := c.String("out"), c.Int("n")
	switch {
	case c.NArg() != 1:
		return hint.Usage(fmt.Errorf("judge sample takes one run directory, not %d", c.NArg()), "perg judge sample runs/<time> -o ratings.csv")
	case n < 1:
		return hint.Usage(fmt.Errorf("--n %d: at least 1", n), "")
	case out == "":
		return hint.Usage(errors.New("nowhere to write: name the file with -o"), "perg judge sample "+quoted(c.Args().First())+" -o ratings.csv")
	}
	dir, judged, err := judgedRun(c.Args().First())
	if err != nil {
		return err
	}
	keys, of := judged.Draw(n, c.Uint64("seed"))
	if of == 0 {
		return fmt.Errorf("%s: none of its %s judged answers has a rating that can be read", dir, comma(len(judged.Keys)))
	}
	rows, err := ratings.ReadRows(dir, keys)
	if err != nil {
		return err
	}
	form := ratings.Form(rows)
	old, err := os.ReadFile(out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return hint.Usage(err, "choose another file with -o")
	case !bytes.Equal(old, form) && !ratings.Untouched(old):
		return hint.Usage(fmt.Errorf("%s is no blank form, and is not replaced", out), "choose another file with -o")
	}
	if err := data.WriteFile(out, form); err != nil {
		return hint.Usage(err, "choose a file you may write to with -o")
	}
	w := c.App.Writer
	fmt.Fprintf(w, "%s of %s rated answers written to %s\n", comma(len(rows)), comma(of), printable.Text(out))
	if len(rows) < n {
		fmt.Fprintf(w, "these are all that have a rating: %s were asked for\n", comma(n))
	}
	if unread := len(judged.Keys) - of; unread > 0 {
		fmt.Fprintf(w, "left out, as no judge's rating of them can be read: %s\n", comma(unread))
	}
	fmt.Fprintf(w, "fill in the column rating, 1 (not at all) to 5 (fully); then:\n  perg judge agree %s %s\n", printable.Text(quoted(dir)), printable.Text(quoted(out)))
	return nil
}
