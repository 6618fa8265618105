package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"perg/data"
	"perg/harness"
	"perg/harness/hint"
	"perg/harness/printable"
)

func reviewCommand() *cli.Command {
	return &cli.Command{
		Name:      "review",
		Usage:     "keep, edit or drop each suggestion",
		ArgsUsage: "CANDIDATES",
		Description: `Shows the undecided candidates one by one, with the question that each came
from. Type a letter and Enter:

   k  keep it
   d  drop it
   e  edit its text
   t  change its type
   b  back to the one before
   s  skip it, and stay undecided
   q  save and quit; so does the end of input
   ?  list these

Keep a preference that makes sense in other domains too, that is about how
answers are presented and no constraint on the method, and that could hurt
when followed too far. It must not change which option is right.

Every decision is in the file at once; the same command goes on where the last
one ended. At the end those that are kept are written to -o, by source, as
'perg data build --preferences' takes them: with no list of irrelevant
preferences, of which build needs none. A file there is replaced only if this
command wrote it and nobody changed it since.

   perg data prefs review candidates.yaml -o preferences.yaml`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "the `FILE` of preferences to write"},
		},
		Action: reviewAction,
	}
}

func reviewAction(c *cli.Context) error {
	const example = "perg data prefs review candidates.yaml -o preferences.yaml"
	out := c.String("out")
	switch {
	case c.NArg() != 1:
		return hint.Usage(fmt.Errorf("data prefs review takes one file of candidates, not %d", c.NArg()), example)
	case out == "":
		return hint.Usage(errors.New("nowhere to write: name the file of preferences with -o"), example)
	}
	name := c.Args().First()
	list, text, err := readCandidates(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return hint.Usage(fmt.Errorf("there is no file %s", name), "'perg data prefs generate' makes one")
	case err != nil:
		return hint.Usage(err, "")
	case len(list) == 0:
		return hint.Usage(fmt.Errorf("%s has no candidates", name), "'perg data prefs generate' adds some")
	case sameFile(out, name):
		return hint.Usage(fmt.Errorf("-o %s is the file of candidates; name another", out), example)
	}
	if err := writable(out); err != nil {
		return err
	}
	if err := replaceable(out); err != nil {
		return err
	}
	r := &reviewer{
		name: name, list: list, onDisk: text,
		out: c.App.Writer, columns: 80, lines: readLines(bufio.NewReader(c.App.Reader)), done: c.Context.Done(),
	}
	if in, ok := c.App.Reader.(*os.File); !ok || !term.IsTerminal(int(in.Fd())) {
		r.echo = true
	}
	if columns := width(c.App.Writer); columns > 0 {
		r.clear = os.Getenv("TERM") != "dumb"
		r.columns = min(columns, 100)
	}
	if err := r.review(); err != nil {
		return err
	}
	fmt.Fprintln(c.App.Writer)
	if c.Context.Err() != nil {
		fmt.Fprintf(c.App.ErrWriter, "perg: every decision is in %s; %s was not written\n", printable.Text(name), printable.Text(out))
		return harness.ErrInterrupted
	}
	return writeKept(c, name, out, r.list)
}

// replaceable says whether the preferences may be written to a file: it is not
// there, or this command's own.
func replaceable(out string) error {
	text, err := os.ReadFile(out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = data.ReplaceableKept(text)
	}
	if err != nil {
		return &hint.Error{Err: fmt.Errorf("-o %s is not replaced: %w", out, err), Hint: "name another file, or move that one away", Usage: true}
	}
	return nil
}

// writeKept writes the preferences that are kept and says how many.
func writeKept(c *cli.Context, name, out string, list []data.Candidate) error {
	w := c.App.Writer
	again := "perg data prefs review " + quoted(name) + " -o " + quoted(out)
	kept, err := data.Kept(list)
	if err != nil {
		return &hint.Error{Err: fmt.Errorf("%s was not written:\n%w", out, err), Hint: "change one's type in " + name + " and give the same command again"}
	}
	left := undecided(list)
	status := fmt.Sprintf("%s of %s candidates decided", comma(len(list)-left), comma(len(list)))
	if left > 0 {
		status += "; to go on: " + again
	}
	if len(kept) == 0 {
		fmt.Fprintf(w, "%s\nno preference is kept, so %s was not written\n", status, printable.Text(out))
		return nil
	}
	if err := replaceable(out); err != nil {
		return err // made while the person decided
	}
	if err := data.WriteFile(out, data.FormatKept(kept)); err != nil {
		return &hint.Error{Err: fmt.Errorf("write preferences: %w", err), Hint: "choose another place with -o; the decisions are in " + name}
	}
	fmt.Fprintln(w, status)
	fmt.Fprintf(w, "\n%s\n", printable.Text(out))
	for _, source := range slices.Sorted(maps.Keys(kept)) {
		fmt.Fprintf(w, "  %7s  %s\n", comma(len(kept[source])), printable.Text(source))
	}
	fmt.Fprintf(w, "\nuse it: perg data build --preferences %s ...\n", quoted(out))
	var none []string
	for _, one := range list {
		if kept[one.Source] == nil && !slices.Contains(none, one.Source) {
			none = append(none, one.Source)
		}
	}
	for _, source := range none {
		fmt.Fprintf(c.App.ErrWriter, "perg: warning: no preference is kept for %s, so build cannot make it\n", printable.Text(source))
	}
	return nil
}
