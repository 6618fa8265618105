package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/rundir"
)

func generateCommand() *cli.Command {
	d := rundir.Defaults()
	return &cli.Command{
		Name:  "generate",
		Usage: "have a model suggest a preference for each question",
		Description: `Shows each question with its options to a model, not saying which is
right, and asks for one preference: about the presentation, of use in other
domains, and such that too much of it could hurt. What it suggests goes to a
file of candidates, equal suggestions for one source as one, to decide on.

Every reply is kept in a store the moment it comes: the same command again
asks for missing ones only. It adds to a file of candidates that is there
already, and changes nothing that you decided or edited in it.

   perg data prefs generate --model llama3.1:8b -o candidates.yaml \
      --data perg.parquet --limit 600

Exit status: 0 all done, 1 failed, 2 wrong usage, 3 some calls failed, 130
interrupted (what was answered is kept).`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "model", Usage: "`MODEL` that suggests"},
			&cli.StringFlag{Name: "data", Value: d.Data, Usage: "\"sample\" (150 items), or a `FILE`: PERGData as Parquet or as the published CSV"},
			&cli.IntFlag{Name: "limit", Usage: "most items, `N`, spread over the sources", DefaultText: "all"},
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "the `FILE` of candidates, new or to be added to"},
			&cli.StringFlag{Name: "store", Usage: "`FILE` that keeps every reply", DefaultText: defaultStore()},
			&cli.StringSliceFlag{Name: "host", Usage: "`URL` of an Ollama server; several share the work", DefaultText: "OLLAMA_HOST, or 127.0.0.1:11434, or a server of perg's own"},
			headerFlag(),
			&cli.BoolFlag{Name: "allow-cpu", Usage: "accept that part of the model does not fit and runs on the CPU"},
			&cli.StringFlag{Name: "parallel", Value: d.Parallel, Usage: "calls in flight: auto or `N`"},
			&cli.IntFlag{Name: "seed", Value: d.Seed, Usage: "seed `N` of decoding"},
			&cli.BoolFlag{Name: "json", Usage: "write events and the result to stdout as JSON lines"},
		},
		Action: generateAction,
	}
}

// generateConfig is what the flags say, checked before any work.
func generateConfig(c *cli.Context) (cfg rundir.Config, out string, err error) {
	wrong := func(err error) (rundir.Config, string, error) {
		return cfg, "", &hint.Error{Err: err, Hint: "see 'perg data prefs generate --help'", Usage: true}
	}
	cfg, out = rundir.Defaults(), c.String("out")
	cfg.Data, cfg.Limit, cfg.Host = c.String("data"), c.Int("limit"), c.StringSlice("host")
	cfg.Header = c.StringSlice("header")
	cfg.Parallel, cfg.Seed, cfg.AllowCPU = c.String("parallel"), c.Int("seed"), c.Bool("allow-cpu")
	if cfg.Store = c.String("store"); cfg.Store == "" {
		cfg.Store = defaultStore()
	}
	switch {
	case c.Args().Present():
		return wrong(fmt.Errorf("data prefs generate takes flags alone, not %q", c.Args().First()))
	case c.String("model") == "":
		return wrong(errors.New("no model: name the one that suggests with --model"))
	case out == "":
		return wrong(errors.New("nowhere to write: name the file of candidates with -o"))
	case sameFile(out, cfg.Data):
		return wrong(fmt.Errorf("-o %s is the dataset to read from; name another file", out))
	}
	cfg.Models = []string{c.String("model")}
	if err := cfg.Check(); err != nil {
		return cfg, "", err
	}
	return cfg, out, writable(out)
}

// candidatesThere are those of a file that is to be added to. One that is
// something else is never written over.
func candidatesThere(out string) ([]data.Candidate, error) {
	there, _, err := readCandidates(out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &hint.Error{Err: err, Hint: "put it right, or choose another file with -o: replies come from the store", Usage: true}
	}
	return there, nil
}

func generateAction(c *cli.Context) (err error) {
	cfg, out, err := generateConfig(c)
	if err != nil {
		return err
	}
	if _, err := candidatesThere(out); err != nil {
		return err
	}
	items, err := harness.Items(cfg)
	if err != nil {
		return err
	}
	closing := func(close func() error) {
		if e := close(); err == nil {
			err = e
		}
	}
	display := newDisplay(c.App.Writer, c.App.ErrWriter, c.Bool("json"))
	outliveReaders()
	defer func() { err = display.end(err) }()
	replies, err := openStore(cfg.Store)
	if err != nil {
		return err
	}
	defer closing(replies.Close)
	logs, err := os.MkdirTemp("", "perg-prefs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(logs)
	servers, err := fleet.Open(c.Context, harness.FleetOptions(cfg, logs, display.say, display.warn))
	if err != nil {
		return err
	}
	defer closing(servers.Close)

	g := &harness.Suggesting{Config: cfg, Dataset: items, Store: replies, Fleet: servers, Say: display.say, Warn: display.warn}
	display.follow(c.Context, out, g)
	found, err := g.Suggest(c.Context)
	display.close()
	if found.Items == 0 {
		return err
	}
	if e := addCandidates(display, items, out, found); err == nil {
		err = e
	}
	if err == nil && len(found.Failed) > 0 {
		err = errRowsInError
	}
	return err
}

// addCandidates writes what was found to the file and tells what it came to.
// The file is read again: a person may have decided on some meanwhile.
func addCandidates(d *display, items data.Dataset, out string, found harness.Suggestions) error {
	there, err := candidatesThere(out)
	if err != nil {
		return err
	}
	all := data.MergeCandidates(there, found.Candidates)
	if len(all) > 0 {
		if err := data.WriteFile(out, data.FormatCandidates(all)); err != nil {
			return &hint.Error{Err: fmt.Errorf("write candidates: %w", err), Hint: "choose another place with -o: replies come from the store"}
		}
	}
	s := generated{Suggestions: found, out: out, data: items, all: all, added: all[len(there):]}
	if d.json {
		err = d.lastEvent(s.fields())
	} else {
		err = unlessGone(s.print(d))
	}
	if err == nil && found.Missing == 0 && len(found.Candidates) == 0 && len(found.Failed) == 0 {
		err = &hint.Error{Err: fmt.Errorf("no reply of %s held a suggestion", found.Model), Hint: "another model may do better; those of 7B parameters and more follow the schema"}
	}
	return err
}

// A generated is what a pass came to, as it is shown.
type generated struct {
	harness.Suggestions
	out        string
	data       data.Dataset
	all, added []data.Candidate
}

// A sourceCount says what became of one source: suggestions read, how many of
// them differ, how many are new in the file.
type sourceCount struct {
	Source    string `json:"source"`
	Items     int    `json:"items"`
	Suggested int    `json:"suggested"`
	Different int    `json:"different"`
	New       int    `json:"new"`
}

func (g generated) bySource() []sourceCount {
	var counts []sourceCount
	for _, n := range data.Counts(g.data).Sources {
		s := sourceCount{Source: n.Value, Items: n.N}
		for _, c := range g.Candidates {
			if c.Source == s.Source {
				s.Suggested += c.Times
				s.Different++
			}
		}
		for _, c := range g.added {
			if c.Source == s.Source {
				s.New++
			}
		}
		counts = append(counts, s)
	}
	return counts
}

func (g generated) fields() map[string]any {
	return map[string]any{
		"out": g.out, "model": g.Model, "data": g.data.Name, "items": g.Items, "read": g.Read, "unreadable": g.Unreadable, "failed": g.Failed, "missing": g.Missing,
		"calls": g.Calls, "known": g.Known, "elapsed_s": g.Elapsed.Seconds(),
		"candidates": len(g.all), "new": len(g.added), "undecided": undecided(g.all), "sources": g.bySource(),
	}
}

func (g generated) print(d *display) error {
	w := d.stdout
	fmt.Fprintf(w, "%s items of %s: %s suggestions read", comma(g.Items), printable.Text(g.data.Name), comma(g.Read))
	total := func(reasons map[string]int) (n int) {
		for _, k := range reasons {
			n += k
		}
		return n
	}
	for _, part := range []struct {
		n    int
		what string
	}{{total(g.Unreadable), "replies that hold none"}, {total(g.Failed), "calls failed"}, {g.Missing, "not asked yet"}} {
		if part.n > 0 {
			fmt.Fprintf(w, ", %s %s", comma(part.n), part.what)
		}
	}
	fmt.Fprintln(w)
	for _, reasons := range []map[string]int{g.Unreadable, g.Failed} {
		for _, reason := range slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
			return cmp.Or(reasons[b]-reasons[a], cmp.Compare(a, b))
		}) {
			fmt.Fprintf(w, "  %s x %s\n", comma(reasons[reason]), printable.Text(reason))
		}
	}
	if g.Calls == 0 && g.Missing == 0 {
		fmt.Fprintf(w, "no call was made: every reply came from the store (%s)\n", elapsed(g.Elapsed))
	} else {
		fmt.Fprintf(w, "%s calls made, %s replies already in the store, in %s\n", comma(g.Calls), comma(g.Known), elapsed(g.Elapsed))
	}
	if len(g.all) == 0 {
		fmt.Fprintf(w, "%s was not written: there are no candidates\n", printable.Text(g.out))
		return nil
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "%9s %10s %10s %9s  %s\n", "items", "suggested", "different", "new", "source")
	for _, s := range g.bySource() {
		fmt.Fprintf(w, "%9s %10s %10s %9s  %s\n", comma(s.Items), comma(s.Suggested), comma(s.Different), comma(s.New), printable.Text(s.Source))
	}
	fmt.Fprintf(w, "\n%s: %s candidates, %s of them undecided\n", printable.Text(g.out), comma(len(g.all)), comma(undecided(g.all)))
	switch {
	case g.Missing > 0:
		fmt.Fprintln(w, "for the missing ones give the same command again")
	case len(g.Failed) > 0:
		fmt.Fprintln(w, "to try the failed ones again give the same command")
	}
	_, err := fmt.Fprintf(w, "decide on them: perg data prefs review %s -o preferences.yaml\n", quoted(g.out))
	return err
}

func undecided(all []data.Candidate) (n int) {
	for _, c := range all {
		if c.Decision == data.Undecided {
			n++
		}
	}
	return n
}
