package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness/hint"
	"perg/harness/printable"
)

func dataCommand() *cli.Command {
	return &cli.Command{
		Name:            "data",
		HideHelpCommand: true,
		Usage:           "make PERGData, look at it, and check it",
		Description: `DATA is "sample", the 150 items that come with perg, or a file: PERGData as
Parquet or as the published CSV (PERG_Data.csv).`,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{
				Name:      "show",
				Usage:     "show items with their options and preference",
				ArgsUsage: "[DATA]",
				Description: `The right option is marked with *.

   perg data show --limit 3
   perg data show sample --source misconceptions
   perg data show PERG_Data.csv --id mmlu-0017`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "id", Usage: "only the item `ID`"},
					&cli.StringFlag{Name: "source", Usage: "only items of `SOURCE`"},
					&cli.IntFlag{Name: "limit", Usage: "most items, `N`, spread over the sources; 0 for all"},
					&cli.BoolFlag{Name: "json", Usage: "one JSON object a line"},
				},
				Action: showAction,
			},
			{
				Name:      "check",
				Usage:     "find what is wrong with a dataset",
				ArgsUsage: "[DATA]",
				Description: `Reads the dataset, counts its items, and lists what is wrong: duplicate ids, a
gold letter out of range, equal options, empty texts. Exit status 1 where
something is; warnings alone are no failure.

   perg data check PERG_Data.csv`,
				Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "counts and problems as JSON"}},
				Action: checkAction,
			},
			buildCommand(),
			prefsCommand(),
		},
	}
}

func dataArg(c *cli.Context) (string, error) {
	switch c.NArg() {
	case 0:
		return "sample", nil
	case 1:
		return c.Args().First(), nil
	default:
		return "", &hint.Error{Err: fmt.Errorf("%s takes one dataset, not %d", c.Command.HelpName, c.NArg()), Usage: true}
	}
}

func showAction(c *cli.Context) error {
	name, err := dataArg(c)
	if err != nil {
		return err
	}
	d, err := data.Load(name)
	if err != nil {
		return &hint.Error{Err: err, Usage: true}
	}
	d.Items = slices.DeleteFunc(d.Items, func(it data.Item) bool {
		return c.IsSet("id") && it.ID != c.String("id") || c.IsSet("source") && it.Source != c.String("source")
	})
	if len(d.Items) == 0 {
		return &hint.Error{Err: fmt.Errorf("%s has no such item", name), Hint: "'perg data check " + name + "' lists its sources", Usage: true}
	}
	w := c.App.Writer
	enc := json.NewEncoder(w)
	columns := width(w)
	if columns == 0 || columns > 100 {
		columns = 100
	}
	for i, it := range d.Limit(c.Int("limit")).Items {
		if c.Bool("json") {
			if err := enc.Encode(itemFields(it)); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(w)
		}
		showItem(w, it, columns)
	}
	return nil
}

func itemFields(it data.Item) map[string]any {
	orNull := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	return map[string]any{
		"id": it.ID, "source": it.Source, "category": orNull(it.Category), "question": it.Question, "options": it.Options,
		"gold": it.GoldLetter(), "preference": it.Preference, "preference_type": orNull(string(it.PreferenceType)),
	}
}

func showItem(w io.Writer, it data.Item, columns int) {
	head := it.ID + "  " + it.Source
	if it.Category != "" && it.Category != it.Source {
		head += ", " + it.Category
	}
	fmt.Fprintln(w, printable.Text(head))
	fmt.Fprintln(w, text.WrapSoft(printable.Text(it.Question), columns))
	for i, o := range it.Options {
		mark := " "
		if i == it.Gold {
			mark = "*"
		}
		lines := strings.Split(text.WrapSoft(printable.Text(o), columns-5), "\n")
		fmt.Fprintf(w, "%s %s. %s\n", mark, data.Letter(i), strings.Join(lines, "\n     "))
	}
	kind := ""
	if it.PreferenceType != "" {
		kind = " (" + string(it.PreferenceType) + ")"
	}
	fmt.Fprintln(w, text.WrapSoft("Preference"+kind+": "+printable.Text(it.Preference), columns))
}

func checkAction(c *cli.Context) error {
	name, err := dataArg(c)
	if err != nil {
		return err
	}
	d, err := data.Load(name)
	if err != nil {
		return fmt.Errorf("%s cannot be used:\n%w", name, err)
	}
	problems := data.Check(d)
	w := c.App.Writer
	if c.Bool("json") {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"name": d.Name, "sha256": d.SHA256, "items": len(d.Items), "counts": data.Counts(d), "problems": problems})
	}
	showCounts(w, d)
	if len(problems) > 0 {
		fmt.Fprintln(w)
	}
	for _, p := range problems {
		fmt.Fprintf(w, "warning: item %s: %s\n", printable.Text(p.ItemID), printable.Text(p.Detail))
	}
	fmt.Fprintf(w, "\nno errors, %d warnings\n", len(problems))
	return nil
}

// showCounts says what a dataset is made of.
func showCounts(w io.Writer, d data.Dataset) {
	counts := data.Counts(d)
	fmt.Fprintf(w, "%s: %s items, sha256 %.12s\n", printable.Text(d.Name), comma(len(d.Items)), d.SHA256)
	for _, part := range []struct {
		property string
		counts   []data.Count
	}{{"source", counts.Sources}, {"category", counts.Categories}, {"preference type", counts.PreferenceTypes}, {"gold letter", counts.GoldLetters}} {
		fmt.Fprintf(w, "\n%s\n", part.property)
		for _, n := range part.counts {
			value := printable.Text(n.Value)
			if value == "" {
				value = "(none)"
			}
			fmt.Fprintf(w, "  %7s  %s\n", comma(n.N), value)
		}
	}
}
