package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness"
	"perg/harness/extract"
	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/stats"
)

func extractCommand() *cli.Command {
	return &cli.Command{
		Name:      "extract",
		Usage:     "check the readers of answers on responses of your own",
		ArgsUsage: "FILE.csv",
		Description: `Reads a response and its item's options from each row, and counts how many
the rules answer, and by which of them. A run scores answers by the same
rules. With --label it also counts how often they find the letter that you,
or another extractor, gave the response, and lists where the two differ.

With --extractor a model reads what the rules leave, as it does in a run,
and its answers are counted in the same way: how many it gives, how often
it agrees with the labels, and how many are false because they differ from
the label or because the label names no option. It is asked about --sample
of them, and without it no model is asked at all.

   perg extract my.csv --response answer --options options
   perg extract my.csv --response answer --options options --label letter
   perg extract my.csv --response answer --options options --label letter \
      --extractor llama3.1:8b --sample 200

In a run an answer that nobody reads counts as not correct.

Options are a list as Python or NumPy prints it, ['a', 'b'] or ['a' 'b'].
A label is a letter, also as "b", "(B)" or "B."; one that is none of its
item's letters is counted and not compared. Intervals are Wilson's, 95 %.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "response", Usage: "`COLUMN` of the responses"},
			&cli.StringFlag{Name: "options", Usage: "`COLUMN` of the options"},
			&cli.StringFlag{Name: "label", Usage: "`COLUMN` of letters to compare with"},
			&cli.IntFlag{Name: "show", Value: 5, Usage: "list the first `N` differences from the labels; 0 for none"},
			&cli.StringFlag{Name: "extractor", Usage: "`MODEL` that reads what the rules leave"},
			&cli.StringFlag{Name: "host", Usage: "`URL` of its Ollama server", DefaultText: "OLLAMA_HOST, or 127.0.0.1:11434"},
			&cli.IntFlag{Name: "sample", Value: 200, Usage: "ask it about `N` of them, drawn at random; 0 for all"},
			&cli.IntFlag{Name: "seed", Value: 1, Usage: "seed `N` of the sample and of decoding"},
			&cli.BoolFlag{Name: "json", Usage: "one JSON object, rates as fractions"},
		},
		Action: extractAction,
	}
}

func extractAction(c *cli.Context) error {
	if c.NArg() != 1 {
		return hint.Usage(fmt.Errorf("extract takes one CSV file, not %d", c.NArg()), "perg extract FILE.csv --response COLUMN --options COLUMN")
	}
	shown := c.Int("show")
	switch {
	case shown < 0:
		return hint.Usage(fmt.Errorf("--show %d: at least 0", shown), "")
	case c.IsSet("show") && c.String("label") == "":
		return hint.Usage(errors.New("--show without --label: there is nothing to differ from"), "")
	case c.Int("sample") < 0:
		return hint.Usage(fmt.Errorf("--sample %d: at least 0", c.Int("sample")), "")
	case c.String("extractor") == "" && (c.IsSet("host") || c.IsSet("sample") || c.IsSet("seed")):
		return hint.Usage(errors.New("--host, --sample and --seed are of a second reader: name it with --extractor"), "")
	}
	name := c.Args().First()
	f, err := os.Open(name)
	if err != nil {
		return hint.Usage(err, "")
	}
	defer f.Close()
	rows, err := data.NewResponses(name, f, c.String("response"), c.String("options"), c.String("label"))
	if err != nil {
		return hint.Usage(err, "")
	}
	left := &drawing{most: c.Int("sample"), random: rand.New(rand.NewPCG(uint64(c.Int("seed")), 0))}
	if c.String("extractor") == "" {
		left = nil
	}
	s, err := score(c.Context, rows, shown, left)
	if err != nil {
		return hint.Usage(err, "")
	}
	if left != nil {
		if s.second, err = readBy(c, left); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		enc := json.NewEncoder(c.App.Writer)
		enc.SetIndent("", "  ")
		return enc.Encode(s.fields(name, rows))
	}
	s.print(c.App.Writer, name, rows)
	return nil
}

// A scoring is what the rules make of a file of responses.
type scoring struct {
	extract.Agreement
	differences []extract.Difference // the first ones
	second      *secondReading       // nil: nobody was asked
}

// shownRowErrors is how many errors of rows are listed; the others are counted.
const shownRowErrors = 20

// score runs the rules over all rows and keeps the first differences, and of
// the rows that they leave those that left draws, if it is not nil. Rows in
// error make it fail, after all were read.
func score(ctx context.Context, rows *data.Responses, shown int, left *drawing) (scoring, error) {
	var s scoring
	var wrong []error
	more := 0
	for {
		if ctx.Err() != nil {
			return scoring{}, harness.ErrInterrupted
		}
		row, err := rows.Next()
		if err == io.EOF {
			break
		}
		_, goesOn := errors.AsType[data.RowError](err)
		switch {
		case err == nil:
			answered, conflicts := s.All().N, s.Conflicts
			if d, differs := s.Add(row); differs && len(s.differences) < shown {
				s.differences = append(s.differences, d)
			}
			if left != nil && s.All().N == answered && s.Conflicts == conflicts {
				left.offer(row)
			}
		case goesOn && len(wrong) == shownRowErrors:
			more++
		default:
			wrong = append(wrong, err)
		}
		if err != nil && !goesOn {
			break
		}
	}
	if more > 0 {
		wrong = append(wrong, fmt.Errorf("and %d more; put these right first", more))
	}
	if wrong != nil {
		return scoring{}, errors.Join(wrong...)
	}
	if s.Rows == 0 {
		return scoring{}, fmt.Errorf("%s has no rows below its header", rows.Name)
	}
	return s, nil
}

func (s scoring) print(w io.Writer, name string, rows *data.Responses) {
	all := s.All()
	response, _, label := rows.Columns()
	count := func(n int, what string) { fmt.Fprintf(w, "%9s  %s\n", comma(n), printable.Text(what)) }
	fmt.Fprintf(w, "%s, column %s\n", printable.Text(name), printable.Text(response))
	count(s.Rows, "rows read")
	count(all.N, "answered by rules: "+percentOf(all.N, s.Rows))
	count(s.Rows-all.N, fmt.Sprintf("abstained, %s of them because the response is empty, %s because a letter has another option's text",
		comma(s.Empty), comma(s.Conflicts)))

	fmt.Fprintf(w, "\nby rule\n")
	for _, rule := range extract.RuleNames() {
		of, what := s.ByRule[rule], rule
		if of.Labelled > 0 {
			what = fmt.Sprintf("%-20s  agrees with %s of %s labels", rule, comma(of.Agreed), comma(of.Labelled))
		}
		count(of.N, what)
	}
	if s.second != nil {
		s.second.print(w, label != "")
	}
	if label == "" {
		return
	}

	fmt.Fprintf(w, "\nlabels, column %s\n", printable.Text(label))
	count(s.Labels, "name an option of their item")
	count(all.Labelled, "of those answered by rules: "+percentOf(all.Labelled, s.Labels))
	count(all.Agreed, "of those with the label's letter: "+percentOf(all.Agreed, all.Labelled))
	count(s.NoOption, "name no option, and are not compared")
	if s.NoLabel > 0 {
		count(s.NoLabel, "rows have no label")
	}
	if s.Labels == 0 {
		fmt.Fprintln(w, "caveat: no label is a letter of its item's options; is this the column of letters?")
	}
	if len(s.differences) == 0 {
		return
	}
	fmt.Fprintf(w, "\nthe rules and the label differ in %s rows", comma(all.Labelled-all.Agreed))
	if len(s.differences) < all.Labelled-all.Agreed {
		fmt.Fprintf(w, ", first in (--show %d for all)", all.Labelled-all.Agreed)
	}
	fmt.Fprintln(w)
	for _, d := range s.differences {
		fmt.Fprintf(w, "  %s:%d: %s says %s, the label %s\n", printable.Text(name), d.Line, d.Rule, d.Answer, d.Label)
	}
}

// percentOf is a share with its interval, for people.
func percentOf(n, of int) string {
	rate := stats.Rate{Count: n, Of: of}
	if of == 0 {
		return "no share, there are none"
	}
	low, high := stats.Wilson(rate, 1)
	return fmt.Sprintf("%.1f %% (95 %% interval %.1f-%.1f)", *rate.Value()*100, *low*100, *high*100)
}

// fields is a scoring for programs; what is unknown is null.
func (s scoring) fields(name string, rows *data.Responses) map[string]any {
	all := s.All()
	response, options, label := rows.Columns()
	share := func(n, of int) map[string]any {
		rate := stats.Rate{Count: n, Of: of}
		low, high := stats.Wilson(rate, 1)
		return map[string]any{"n": n, "of": of, "rate": rate.Value(), "rate_low": low, "rate_high": high}
	}
	var byRule []map[string]any
	for _, rule := range extract.RuleNames() {
		of := s.ByRule[rule]
		fields := map[string]any{"rule": rule, "answered": of.N, "labelled": nil, "agreed": nil}
		if label != "" {
			fields["labelled"], fields["agreed"] = of.Labelled, of.Agreed
		}
		byRule = append(byRule, fields)
	}
	columns := map[string]any{"response": response, "options": options, "label": nil}
	fields := map[string]any{
		"file": name, "columns": columns,
		"rows": s.Rows, "answered": share(all.N, s.Rows), "abstained": s.Rows - all.N, "empty": s.Empty, "conflicts": s.Conflicts,
		"rules": byRule, "labels": nil, "extractor": nil,
	}
	if s.second != nil {
		fields["extractor"] = s.second.fields(share)
	}
	if label != "" {
		columns["label"] = label
		fields["labels"] = map[string]any{
			"naming_an_option": s.Labels, "answered": share(all.Labelled, s.Labels), "agreed": share(all.Agreed, all.Labelled),
			"naming_no_option": s.NoOption, "empty": s.NoLabel,
			"differing": all.Labelled - all.Agreed, "differences": append([]extract.Difference{}, s.differences...),
		}
	}
	return fields
}
