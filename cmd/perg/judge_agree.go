package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/ratings"
	"perg/harness/report"
)

func judgeAgreeCommand() *cli.Command {
	return &cli.Command{
		Name:      "agree",
		Usage:     "how far judges agree with each other and with people",
		ArgsUsage: "RUN [FILE.csv]",
		Description: `Compares the judges of a run with each other and, where FILE.csv is given,
with people. The file is the one that 'perg judge sample' wrote, filled in,
or any CSV with the columns item_id, variant, method, setting, repeat and
rating, and rater where several people rated. It may use
commas, semicolons or tabs. Rows without a rating are passed over and counted. A sample holds
more of what is rare than the run does: what a person rated is weighted back
to the run.

   same      ratings that are equal
   verdict   both 3 or more (followed), or both less
   kappa     Cohen's, quadratic weights: 1 perfect, 0 as by chance
   alpha     Krippendorff's, ordinal, of several raters, on the same scale

Where the column letter is filled in, how answers are read is shown as well:

   same      read as the person does, or by neither
   read      of the answers in which the person finds a letter
   false     of the answers read: another letter than the person's, or none
   unread    answers in which the person finds a letter and the run does not

Where a judge also rated with the two responses in the other order, its
position bias is shown. Intervals are 95 %, by bootstrap over items.

   perg judge agree runs/20260102-150405 ratings.csv
   perg judge agree runs/20260102-150405 --json`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "one JSON object, shares as fractions, null where undefined"}},
		Action: judgeAgreeAction,
	}
}

func judgeAgreeAction(c *cli.Context) error {
	if c.NArg() < 1 || c.NArg() > 2 {
		return hint.Usage(fmt.Errorf("judge agree takes a run directory and perhaps one CSV file, not %d arguments", c.NArg()), "perg judge agree runs/<time> ratings.csv")
	}
	name := c.Args().Get(1)
	dir, judged, err := judgedRun(c.Args().First())
	if err != nil {
		return err
	}
	var filled ratings.Filled
	if name != "" {
		if filled, err = readFilled(name, judged); err != nil {
			return hint.Usage(err, "")
		}
		if len(filled.People) == 0 {
			return hint.Usage(fmt.Errorf("%s has no rating: all of its %s rows are blank", name, comma(filled.Blank)), "fill in its column rating, 1 to 5, and save it as CSV")
		}
	}
	a := ratings.Agree(judged, filled)
	if !a.Comparable() {
		return hint.Usage(fmt.Errorf("%s has one judge, %s, and there is nothing to compare it with", dir, judged.Judges[0].Name),
			"let a person rate too: perg judge sample "+quoted(dir)+" -o ratings.csv; or give the run a second --judge")
	}
	if c.Bool("json") {
		enc := json.NewEncoder(c.App.Writer)
		enc.SetIndent("", "  ")
		return enc.Encode(struct {
			Run string `json:"run"`
			ratings.Agreement
		}{dir, a})
	}
	fmt.Fprintf(c.App.Writer, "%s: %s judged answers\n", printable.Text(dir), comma(a.Generations))
	showAgreement(c.App.Writer, a)
	return nil
}

func readFilled(name string, judged ratings.Judged) (ratings.Filled, error) {
	f, err := os.Open(name)
	if err != nil {
		return ratings.Filled{}, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return ratings.Filled{}, errors.New(name + " is a directory, not a CSV file")
	}
	return ratings.Read(name, f, judged.Keys)
}

func showAgreement(w io.Writer, a ratings.Agreement) {
	line := func(format string, args ...any) { fmt.Fprintln(w, printable.Text(fmt.Sprintf(format, args...))) }
	fmt.Fprintln(w)
	for _, j := range a.Judges {
		said := fmt.Sprintf("%s rated, %s unscored, %s failed", comma(j.Rated), comma(j.Unscored), comma(j.Failed))
		if j.Swapped > 0 {
			said += fmt.Sprintf(", %s in the other order", comma(j.Swapped))
		}
		line("%s: %s", j.Rater, said)
	}
	for _, p := range a.People {
		line("%s: %s rated", p.Rater, comma(p.Rated))
	}
	if a.Blank > 0 {
		line("%s rows of the file have no rating", comma(a.Blank))
	}
	if len(a.Pairs) > 0 {
		fmt.Fprintf(w, "\n%9s  %7s  %7s  %s\n", "n", "same", "verdict", "kappa")
		for _, p := range a.Pairs {
			names := fmt.Sprintf("%s, %s", p.A, p.B)
			if p.StandsFor > p.N {
				names += fmt.Sprintf("; weighted to the %s that they stand for", comma(p.StandsFor))
			}
			line("%s", names)
			line("%9s  %7s  %7s  %s", comma(p.N), percentOrDash(p.Exact), percentOrDash(p.Followed), estimate(p.Kappa, p.KappaInterval, "%.2f"))
		}
	}
	if len(a.Reading) > 0 {
		fmt.Fprintf(w, "\nhow answers are read\n\n%9s  %7s  %7s  %7s  %7s\n", "n", "same", "read", "false", "unread")
		for _, r := range a.Reading {
			line("run, %s; weighted to the %s that they stand for", r.Rater, comma(r.StandsFor))
			line("%9s  %7s  %7s  %7s  %7s", comma(r.N), percentOrDash(r.Same), percentOrDash(r.Read), percentOrDash(r.False), percentOrDash(r.Unread))
		}
	}
	if len(a.Groups) > 0 {
		fmt.Fprintf(w, "\n%9s  %7s  %s\n", "n", "raters", "alpha")
		for _, g := range a.Groups {
			line("%s", g.Raters)
			line("%9s  %7d  %s", comma(g.N), g.NRaters, estimate(g.Alpha, g.AlphaInterval, "%.2f"))
		}
	}
	if len(a.Bias) > 0 {
		fmt.Fprintf(w, "\nposition bias: the rating in the other order less that in the usual one\n\n%9s  %7s  %s\n", "n", "flips", "difference")
		for _, b := range a.Bias {
			line("%s", b.Judge)
			line("%9s  %7s  %s", comma(b.N), percentOrDash(b.Flips), estimate(b.Difference, b.DifferenceInterval, "%+.2f"))
		}
	}
	fmt.Fprintln(w, "\nPercent, and 95 % intervals. See perg judge agree --help.")
	for _, caveat := range a.Caveats {
		fmt.Fprintln(w, report.Prose(caveat))
	}
}

func percentOrDash(share *float64) string {
	if share == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", *share*100)
}

// estimate is a value with its interval, for people.
func estimate(v *float64, i *ratings.Interval, format string) string {
	switch {
	case v == nil:
		return "- (undefined: no variation, or nothing in common)"
	case i == nil:
		return fmt.Sprintf(format, *v) + " (too little data for an interval)"
	default:
		return fmt.Sprintf(strings.ReplaceAll("F (F to F)", "F", format), *v, i.Low, i.High)
	}
}
