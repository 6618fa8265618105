package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness/hint"
	"perg/harness/printable"
)

func buildCommand() *cli.Command {
	return &cli.Command{
		Name:  "build",
		Usage: "make PERGData from the public sources",
		Description: `Reads the public datasets that PERGData is made of, gives each question its
preference, and writes a Parquet file for "perg run --data". A source that is
not named is left out. Each may be JSON lines, a JSON list or Parquet:

- TruthfulQA: the multiple-choice task, mc_task.json, or the export of its
  configuration multiple_choice;
- CommonsenseQA: the dev split, dev_rand_split.jsonl, or the export of its
  split validation;
- MMLU: a directory with the test questions of 21 subjects, also as CSV
  (anatomy_test.csv), or one file of all subjects.

Items come in the paper's order, whatever the order of the files is, so that
each has the preference number that it has in the paper.

   perg data build --truthfulqa mc_task.json -o perg.parquet \
      --commonsenseqa dev_rand_split.jsonl --mmlu mmlu/test
   perg run llama3.1:8b --data perg.parquet`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "truthfulqa", Usage: "TruthfulQA, a `FILE`"},
			&cli.StringFlag{Name: "commonsenseqa", Usage: "CommonsenseQA, a `FILE`"},
			&cli.StringFlag{Name: "mmlu", Usage: "MMLU, a `DIR` or one file"},
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "the Parquet `FILE` to write; an older one is replaced"},
			&cli.StringFlag{Name: "preferences", Usage: "preferences by source, a YAML `FILE`"},
			&cli.Uint64Flag{Name: "seed", Value: data.DefaultSeed, Usage: "seed `N` by which TruthfulQA is shuffled"},
		},
		Action: buildAction,
	}
}

func buildAction(c *cli.Context) error {
	wrong := func(err error) error {
		return &hint.Error{Err: err, Hint: "see 'perg data build --help'", Usage: true}
	}
	s := data.Sources{TruthfulQA: c.String("truthfulqa"), CommonsenseQA: c.String("commonsenseqa"), MMLU: c.String("mmlu")}
	out := c.String("out")
	switch {
	case c.Args().Present():
		return wrong(fmt.Errorf("data build takes flags alone, not %q", c.Args().First()))
	case s == data.Sources{}:
		return wrong(errors.New("no source: name one or more of --truthfulqa, --commonsenseqa and --mmlu"))
	case out == "":
		return wrong(errors.New("nowhere to write: name the file with -o"))
	}
	for _, source := range []string{s.TruthfulQA, s.CommonsenseQA, s.MMLU, c.String("preferences")} {
		if sameFile(out, source) {
			return wrong(fmt.Errorf("-o %s is a file to read from; name another", out))
		}
	}
	preferences, err := data.DefaultPreferences()
	if name := c.String("preferences"); name != "" {
		preferences, err = readPreferences(name)
	}
	if err != nil {
		return wrong(err)
	}
	d, notes, err := data.Build(s, preferences, c.Uint64("seed"))
	if err != nil {
		return wrong(fmt.Errorf("nothing was written:\n%w", err))
	}
	if err := data.WriteParquet(out, d); err != nil {
		return &hint.Error{Err: err, Hint: "choose another place with -o"}
	}
	d.Name = out
	w := c.App.Writer
	showCounts(w, d)
	if len(notes) > 0 {
		fmt.Fprintln(w)
	}
	for _, n := range notes {
		fmt.Fprintln(w, "note: "+printable.Text(n))
	}
	showWarningCounts(w, data.Check(d), out)
	fmt.Fprintf(w, "\nwritten to %s; use it with 'perg run MODEL --data %s'\n", printable.Text(out), printable.Text(out))
	return nil
}

func readPreferences(name string) (data.Preferences, error) {
	text, err := data.ReadText(name)
	if err != nil {
		return data.Preferences{}, fmt.Errorf("read preferences: %w", err)
	}
	return data.ParsePreferences(name, text)
}

// sameFile says whether both are there and one.
func sameFile(a, b string) bool {
	at, err := os.Stat(a)
	if err != nil {
		return false
	}
	bt, err := os.Stat(b)
	return err == nil && os.SameFile(at, bt)
}

// showWarningCounts sums warnings up: PERGData has more than a screen of them.
func showWarningCounts(w io.Writer, problems []data.Problem, name string) {
	counts := make(map[data.ProblemKind]int)
	for _, p := range problems {
		counts[p.Kind]++
	}
	fmt.Fprintf(w, "\nno errors, %d warnings", len(problems))
	if len(problems) > 0 {
		fmt.Fprintf(w, " (duplicate questions: %s, equal options: %s)\n'perg data check %s' lists them",
			comma(counts[data.DuplicateQuestion]), comma(counts[data.EqualOptions]), printable.Text(name))
	}
	fmt.Fprintln(w)
}
