package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness"
	"perg/harness/hint"
	"perg/harness/imported"
	"perg/harness/printable"
	"perg/harness/prompt"
	"perg/harness/report"
	"perg/harness/rundir"
)

func importCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "make a run of responses that were collected elsewhere",
		ArgsUsage: "FILE...",
		Description: `Reads a table of responses, CSV with a header, JSON lines or Parquet, and
writes a run that is reported, compared, viewed, exported and judged as
any other. No model is asked, and what the table does not say stays unknown.

A table has one of three forms, told by its columns:

   long      a row is one answer; a column has the setting (none,
             relevant, mixed, irrelevant), or the rows without a
             preference are the baseline
   pairs     a row is an item: a response without its preference, and
             one with it
   profiles  a row is a question: a column for each of several
             preferences, and number 0 without any

Columns are found by perg's names, those of the paper's files (pref_res
beside no_pref_res; profile_0_res, profile_1_res, ...) and those of
lm-evaluation-harness' samples (doc.question, target, resps, ...), or are
named by flags. In names of JSON and Parquet a dot leads into an object.
What is the same in all rows is given with --set, the model at least:

   perg import pairs.csv --set model=mixtral:8x7b --out runs/mixtral
   perg import my.csv --set model=mine --response reply --gold right \
     --options A,B,C,D --out runs/mine
   perg import none=samples_a.jsonl relevant=samples_b.jsonl \
     --set model=mine --set preference="I like tales." --out runs/mine

perg's rules read the responses, as in a run without an extractor. With
--answer the letters of a column are taken as they are: what is none of
its item's options is invalid, and never right.

   perg import pairs.csv --set model=mine --answer pref_ans --out runs/a
   perg import wide.csv --set model=mine --answer profile_N_answer \
     --out runs/b

What breaks without any preference is known where the same questions were
asked again: of again=FILE the answers without a preference are held against
those of the other files, by question and options. Where its options are in
another order that is counted apart.

   perg import pairs.csv again=more.csv --set model=mixtral:8x7b \
     --out runs/mixtral

A question under several preferences is as many items, which share their
baseline and are drawn together where intervals are computed; --assigned
takes the one that the paper gives it. What is answered without a
preference is the baseline, and zero-shot, whatever method is set.

Everything is checked first: rows that lack a baseline, are there twice or
cannot be read are listed, and nothing is written.`,
		Flags: slices.Concat(columnFlags(), []cli.Flag{
			&cli.GenericFlag{Name: "set", Value: new(texts), Usage: "what holds for all rows, in place of a column, `NAME=VALUE`: " + settable()},
			&cli.BoolFlag{Name: "assigned", Usage: "of a question's preferences take one: for row i of a source, from 0, number i mod n + 1, as the paper does"},
			&cli.StringFlag{Name: "preferences", Usage: "`FILE` with the preferences of a wide table, by number, a line each; judges need them"},
			&cli.StringFlag{Name: "out", Usage: "run directory `DIR` to make"},
			&cli.BoolFlag{Name: "json", Usage: "one JSON object: out, run_id, dataset, counts, cells, letters, imported"},
		}),
		Action: importAction,
	}
}

// texts are the values of a flag that is given several times. A list flag would
// divide them at commas, which preferences have.
type texts []string

func (t *texts) String() string { return strings.Join(*t, " ") }

func (t *texts) Set(text string) error {
	*t = append(*t, text)
	return nil
}

// columnFlags name the columns of a table.
func columnFlags() []cli.Flag {
	var flags []cli.Flag
	for _, f := range imported.Fields() {
		about := "`COLUMN` of " + f.About
		if len(f.Names) > 0 {
			about += " (known: " + strings.Join(f.Names, ", ") + ")"
		}
		flags = append(flags, &cli.StringFlag{Name: string(f.Field), Usage: about})
	}
	return flags
}

func settable() string {
	var names []string
	for _, f := range imported.Fields() {
		if f.Value {
			names = append(names, string(f.Field))
		}
	}
	return strings.Join(names, ", ")
}

func importAction(c *cli.Context) error {
	r, err := importRequest(c)
	if err != nil {
		return err
	}
	result, err := imported.Import(c.Context, r)
	switch {
	case errors.Is(err, context.Canceled):
		return harness.ErrInterrupted
	case err != nil:
		if _, ok := errors.AsType[*hint.Error](err); ok {
			return err
		}
		return hint.Usage(err, "nothing was written; see 'perg import --help'")
	}
	if c.Bool("json") {
		return encodeImported(c.App.Writer, r, result)
	}
	printImported(c.App.Writer, r, result)
	return nil
}

// encodeImported is what was imported for programs; letters are null where none
// were taken from the file.
func encodeImported(w io.Writer, r imported.Request, done imported.Result) error {
	cells := []map[string]any{}
	for _, c := range done.Cells {
		cells = append(cells, map[string]any{"variant": c.Variant, "method": c.Method, "setting": c.Setting, "control": c.Control, "n": c.N})
	}
	var letters any
	if l := done.Letters; l != nil {
		letters = map[string]int{"options": l.Options, "none": l.None, "missing": l.Missing}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{
		"out": r.Out, "run_id": done.RunID, "dataset": done.Dataset, "counts": done.Counts, "cells": cells, "imported": done.Imported,
		"letters": letters, "read_by_rules": done.Read, "unread": done.Unread, "alike": done.Alike, "unasked": done.Unasked,
	})
}

// importRequest is what a user asked for.
func importRequest(c *cli.Context) (imported.Request, error) {
	const example = "perg import FILE --set model=NAME --out runs/NAME"
	r := imported.Request{
		Columns: make(map[imported.Field]string), Values: make(map[imported.Field]string), Assigned: c.Bool("assigned"), Out: c.String("out"),
	}
	if !c.Args().Present() {
		return r, hint.Usage(errors.New("import what? no file is named"), example)
	}
	if r.Out == "" {
		return r, hint.Usage(errors.New("import where to? no --out"), example)
	}
	for _, arg := range c.Args().Slice() {
		f, err := importFile(arg)
		if err != nil {
			return r, err
		}
		r.Files = append(r.Files, f)
	}
	for _, f := range imported.Fields() {
		if column := c.String(string(f.Field)); column != "" {
			r.Columns[f.Field] = column
		} else if c.IsSet(string(f.Field)) {
			return r, hint.Usage(fmt.Errorf("--%s names no column", f.Field), "")
		}
	}
	for _, text := range *c.Generic("set").(*texts) {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return r, hint.Usage(fmt.Errorf("--set %s: NAME=VALUE", text), "the names are: "+settable())
		}
		if r.Columns[imported.Field(name)] != "" {
			return r, hint.Usage(fmt.Errorf("--set %s and --%s: it is either the same in all rows or has a column", name, name), "leave one out")
		}
		if r.Values[imported.Field(name)] != "" {
			return r, hint.Usage(fmt.Errorf("--set %s is given twice", name), "")
		}
		r.Values[imported.Field(name)] = value
	}
	if path := c.String("preferences"); path != "" {
		text, err := data.ReadText(path)
		if err != nil {
			return r, hint.Usage(fmt.Errorf("--preferences: %w", err), "")
		}
		for line := range strings.Lines(strings.TrimRight(string(text), "\r\n \t")) {
			r.Preferences = append(r.Preferences, strings.TrimSpace(line))
		}
		if i := slices.Index(r.Preferences, ""); i >= 0 || len(r.Preferences) == 0 {
			return r, hint.Usage(fmt.Errorf("--preferences: %s:%d is empty", path, i+1), "line N is the preference of the columns with the number N")
		}
	}
	var err error
	r.Store, err = filepath.Abs(defaultStore())
	return r, err
}

// againFile stands in the place of a setting before a file that asks again what
// the others ask.
const againFile = "again"

// importFile is a file as it is named: FILE, SETTING=FILE or again=FILE.
func importFile(arg string) (imported.File, error) {
	f := imported.File{Path: arg}
	name, path, ok := strings.Cut(arg, "=")
	if _, err := os.Stat(arg); ok && errors.Is(err, fs.ErrNotExist) && name == againFile {
		f = imported.File{Path: path, Again: true}
	} else if ok && errors.Is(err, fs.ErrNotExist) {
		setting, err := prompt.ParseSetting(name)
		if err != nil {
			return f, hint.Usage(fmt.Errorf("%s: %w", arg, err), "a file is named as FILE, SETTING=FILE or "+againFile+"=FILE")
		}
		f = imported.File{Path: path, Setting: setting}
	}
	if _, err := os.Stat(f.Path); err != nil {
		return f, hint.Usage(err, "")
	}
	return f, nil
}

// printImported says what was read as what, and what became of it.
func printImported(w io.Writer, r imported.Request, done imported.Result) {
	m := done.Imported
	for i, f := range m.Files {
		form := m.Form
		if f.Again {
			form = "asked again without a preference"
		}
		fmt.Fprintf(w, "%s: %s, %s, %s", printable.Text(r.Files[i].Path), counted(f.Rows, "row"), form, humanize.Bytes(uint64(f.Bytes)))
		if f.Setting != "" {
			fmt.Fprintf(w, ", setting %s", f.Setting)
		}
		fmt.Fprintln(w)
	}
	var unknown []string
	for _, f := range imported.Fields() {
		column, value := m.Columns[string(f.Field)], m.Values[string(f.Field)]
		said := ""
		switch {
		case value != "":
			said = value + ", in all rows"
		case column != "":
			said = "column " + column
		case f.Field == imported.Setting && m.Form == string(imported.Long) && r.Files[0].Setting == "":
			said = "none where there is no preference, relevant elsewhere"
		case f.Field == imported.Method:
			said = string(prompt.ZeroShot) + ", as nothing else is said"
		case f.Field == imported.Preference && len(r.Preferences) > 0:
			said = "by number, of the list"
		case f.Field == imported.Preference, f.Field == imported.Source, f.Field == imported.Category:
			unknown = append(unknown, string(f.Field))
		}
		if said != "" {
			fmt.Fprintf(w, "  %-15s  %s\n", f.Field, printable.Text(said))
		}
	}
	if unknown != nil {
		fmt.Fprintf(w, "  not known        %s\n", strings.Join(unknown, ", "))
	}
	fmt.Fprintf(w, "\n%s: %s, %s", printable.Text(r.Out), counted(done.Counts.Planned, "generation"), counted(done.Dataset.Items, "item"))
	if m.Questions < done.Dataset.Items {
		fmt.Fprintf(w, " of %s", counted(m.Questions, "question"))
	}
	fmt.Fprintln(w)
	for _, cell := range done.Cells {
		fmt.Fprintf(w, "  %9s  %s, %s, %s%s\n", comma(cell.N), printable.Text(cell.Variant), cell.Method, cell.Setting, map[prompt.Control]string{
			prompt.Again: ", asked again", prompt.Rotated: ", asked again with the options in another order",
		}[cell.Control])
	}
	if done.Unasked > 0 {
		fmt.Fprintf(w, "left out: %s to questions that no other file asks\n", counted(done.Unasked, "answer"))
	}
	if l := done.Letters; l != nil {
		fmt.Fprintf(w, "letters: %s name an option, %s do not and are invalid", comma(l.Options), comma(l.None))
		if l.Missing > 0 {
			fmt.Fprintf(w, ", %s are missing and the answers invalid", comma(l.Missing))
		}
		fmt.Fprintln(w)
		if l.Options == 0 {
			fmt.Fprintln(w, "caveat: no letter is one of its item's options; is this the column of letters?")
		}
	}
	if n := done.Read + done.Unread; n > 0 {
		fmt.Fprintf(w, "rules read %s of %s responses, the others are invalid\n", comma(done.Read), comma(n))
	}
	if m.Answers == rundir.AnsweredByLikelihood {
		fmt.Fprintln(w, "an answer is the option with the greatest likelihood in the file")
	}
	if done.Alike > 0 {
		fmt.Fprintln(w, report.Prose(fmt.Sprintf("caveat: %s rows have the question and the options of a row before, and other answers: each counts as a question of its own", comma(done.Alike))))
	}
	if m.LeftOut > 0 {
		fmt.Fprintf(w, "left out: %s answers under preferences that the paper does not give the question\n", comma(m.LeftOut))
	}
	if n := done.Counts.Failed; n > 0 {
		fmt.Fprintln(w, report.Prose(fmt.Sprintf("caveat: %s answers have no response in the file: they are rows in error, and their items are left out of every rate", comma(n))))
	}
	fmt.Fprintf(w, "next: perg report %s%s\n", quoted(r.Out), map[bool]string{true: " --by source"}[m.Columns[string(imported.Source)] != ""])
}

func counted(n int, what string) string { return comma(n) + " " + plural(n, what) }

// importedAnswers are the answers of an imported run, to be rated.
func importedAnswers(dir string, m rundir.Manifest) (*imported.Answers, error) {
	if m.Imported.LongestResponse == 0 {
		return nil, hint.Usage(fmt.Errorf("%s was imported with letters alone: there is no response to rate", dir), "import a table that has the responses, too")
	}
	answers, err := imported.Open(dir, m)
	if errors.Is(err, data.ErrNoTable) {
		return nil, noTables(dir, m)
	}
	if err != nil {
		return nil, err
	}
	if n := answers.Unnamed(); n > 0 {
		answers.Close()
		return nil, hint.Usage(
			fmt.Errorf("%s: of %s of %s items the preference is not known: nobody can say whether it was followed", dir, comma(n), comma(len(answers.Items.Items))),
			"import the file again and name its preferences: --preference COLUMN, or of a wide table --preferences FILE",
		)
	}
	return answers, nil
}
