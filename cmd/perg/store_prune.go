package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/rundir"
	"perg/harness/store"
)

func storePruneCommand() *cli.Command {
	return &cli.Command{
		Name:      "prune",
		Usage:     "remove replies that are no longer needed",
		ArgsUsage: "[DIR...]",
		Description: `Says which replies would go and what that frees, and removes nothing; with --yes
they go. Only those go that meet all that is asked for. A reply is kept where that
is not known of it: its model, or when it was made. What is known of prompts, how
many tokens they have and how servers write them, goes by age alone.

Of runs that are gone nothing is known but what others need: a reply stays where one
of the runs noted in the store takes it, or one in ./runs or in a DIR. Replies from
before the first run was noted stay, too.

What tables of runs need that are there is listed: they stay as they are, but the
same 'perg run' would have to ask again. While a perg has the store open nothing
is removed. The room is given back to the disk, for which twice what stays has to
be free on it.

   perg store prune --older-than 90d
   perg store prune --gone --yes
   perg store prune --model llama3.1:8b --model qwen3:8b --yes`,
		Flags: []cli.Flag{
			storeFlag(),
			&cli.StringFlag{Name: "older-than", Usage: "replies made longer ago than `AGE`: 90d, 12w, 36h"},
			&cli.StringSliceFlag{Name: "model", Usage: "replies of `MODEL`, as perg store names it; repeat the flag for several"},
			&cli.BoolFlag{Name: "uninstalled", Usage: "replies of models that the server does not have any more"},
			&cli.StringSliceFlag{Name: "host", Usage: "`URL` of the Ollama server, for --uninstalled", DefaultText: "OLLAMA_HOST, or 127.0.0.1:11434"},
			headerFlag(),
			&cli.BoolFlag{Name: "gone", Usage: "replies that no run takes which is still there"},
			&cli.BoolFlag{Name: "yes", Usage: "remove them"},
			&cli.BoolFlag{Name: "json", Usage: "write JSON"},
		},
		Action: storePruneAction,
	}
}

// A rule says whether a reply may go; it is a no where that is not known.
type rule func(store.Held) bool

func storePruneAction(c *cli.Context) error {
	if !c.IsSet("older-than") && len(c.StringSlice("model")) == 0 && !c.Bool("uninstalled") && !c.Bool("gone") {
		return hint.Usage(errors.New("store prune: which replies?"), "name them by --older-than, --model, --uninstalled or --gone; see 'perg store prune --help'")
	}
	age, err := ageOf(c.String("older-than"))
	if err != nil {
		return hint.Usage(err, "write a number and d, w or h: --older-than 90d")
	}
	h, err := openHeld(c)
	if err != nil {
		return err
	}
	defer h.file.Close()
	rules, err := rulesOf(c, h, age, time.Now())
	if err != nil {
		return err
	}
	goes := func(r store.Held) bool {
		return !slices.ContainsFunc(rules, func(may rule) bool { return !may(r) })
	}
	p := h.pruned(goes)
	if c.Bool("yes") && p.Replies > 0 {
		if err := h.file.Close(); err != nil {
			return err
		}
		removed, freed, err := store.Prune(c.Context, h.path, goes)
		if err != nil {
			return pruneError(err)
		}
		p.Removed, p.Replies, p.Freed = true, removed, &freed
	}
	if c.Bool("json") {
		return writeJSON(c.App.Writer, p)
	}
	p.show(c.App.Writer, h)
	return nil
}

// ageOf reads an age; 0 where none is given.
func ageOf(said string) (time.Duration, error) {
	if said == "" {
		return 0, nil
	}
	const day = 24 * time.Hour
	units := map[string]time.Duration{"h": time.Hour, "d": day, "w": 7 * day}
	number, unit := said[:len(said)-1], units[said[len(said)-1:]]
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 || unit == 0 {
		return 0, fmt.Errorf("--older-than %s is no age", said)
	}
	return time.Duration(n) * unit, nil
}

func rulesOf(c *cli.Context, h *heldReplies, age time.Duration, now time.Time) (rules []rule, err error) {
	if age > 0 {
		rules = append(rules, func(r store.Held) bool { return !r.At.IsZero() && r.At.Before(now.Add(-age)) })
	}
	if names := c.StringSlice("model"); len(names) > 0 {
		may, err := h.of(names)
		if err != nil {
			return nil, err
		}
		rules = append(rules, may)
	}
	if c.Bool("uninstalled") {
		may, err := uninstalled(c)
		if err != nil {
			return nil, err
		}
		rules = append(rules, may)
	}
	if c.Bool("gone") {
		may, err := h.unused()
		if err != nil {
			return nil, err
		}
		rules = append(rules, may)
	}
	return rules, nil
}

// of are the replies of models that are named; the error is of one that has none.
func (h *heldReplies) of(names []string) (rule, error) {
	has := make(map[string]bool)
	for _, r := range h.all {
		has[r.Model] = true
	}
	delete(has, "")
	wanted := make(map[string]bool)
	for _, name := range names {
		if !strings.Contains(name, ":") {
			name += ":latest" // as Ollama reads it
		}
		if !has[name] {
			todo := "no reply in it says its model"
			if len(has) > 0 {
				todo = "it has those of " + strings.Join(slices.Sorted(maps.Keys(has)), ", ")
			}
			return nil, hint.Usage(fmt.Errorf("the store has no replies of %s", name), todo)
		}
		wanted[name] = true
	}
	return func(r store.Held) bool { return r.Answer && wanted[r.Model] }, nil
}

// uninstalled are the replies of models that a server does not have. One that was made
// anew under its name is another model.
func uninstalled(c *cli.Context) (rule, error) {
	client, catalogue, end, err := fleet.Look(c.Context, fleet.Options{Hosts: c.StringSlice("host"), Headers: c.StringSlice("header"), Say: func(string) {}}, false)
	if err != nil {
		return nil, err
	}
	defer end()
	if client == nil {
		return nil, &hint.Error{Err: errors.New("no Ollama server answers, so what is installed is not known"), Hint: "start it (ollama serve), or name one with --host"}
	}
	var there []string
	for _, m := range catalogue {
		there = append(there, strings.TrimPrefix(m.Digest, "sha256:"))
	}
	return func(r store.Held) bool {
		return r.Answer && r.Digest != "" && !slices.ContainsFunc(there, func(d string) bool { return strings.HasPrefix(d, r.Digest) })
	}, nil
}

// unused are the replies that no run takes which is there. The error is of a run of
// which that can't be told.
func (h *heldReplies) unused() (rule, error) {
	if len(h.users) == 0 {
		return nil, hint.Usage(errors.New("no run is noted in the store: all of its replies are from before runs were"), "use --older-than")
	}
	used := make(map[store.Key]bool)
	for _, r := range h.runs {
		if r.Error != "" {
			return nil, &hint.Error{Err: fmt.Errorf("what %s takes can't be told: %s", r.Run, r.Error), Hint: "move that run away if it is not needed any more, or use --older-than"}
		}
		if r.State == rundir.StateStarting {
			return nil, &hint.Error{Err: fmt.Errorf("%s is starting, and what it takes is not known yet", r.Run), Hint: "wait for it to end"}
		}
		for k := range r.keys {
			used[k] = true
		}
	}
	since := h.users[0].At
	return func(r store.Held) bool { return r.Answer && !used[r.Key] && !r.At.IsZero() && !r.At.Before(since) }, nil
}

// A pruning is what goes, or went.
type pruning struct {
	Store   string `json:"store"`
	Removed bool   `json:"removed"` // false: it was only looked
	portion
	Freed  *int64         `json:"freed_bytes"` // of disk; null: nothing was removed
	Models []modelPortion `json:"models"`
	Needed []needing      `json:"needed_by"` // runs that are there, and take of what goes
	Kept   int            `json:"kept"`
}

// A needing is a run with how many of its replies go.
type needing struct {
	Run     string `json:"run"`
	Replies int    `json:"replies"`
}

func (h *heldReplies) pruned(goes rule) pruning {
	p := pruning{Store: h.path, Models: []modelPortion{}, Needed: []needing{}}
	var going []store.Held
	for _, r := range h.all {
		if goes(r) {
			going = append(going, r)
			p.add(r)
		}
	}
	p.Kept = len(h.all) - len(going)
	if len(going) > 0 {
		p.Models = byModel(going)
	}
	for _, run := range h.runs {
		n := needing{Run: run.Run}
		for _, r := range going {
			if run.keys[r.Key] {
				n.Replies++
			}
		}
		if n.Replies > 0 {
			p.Needed = append(p.Needed, n)
		}
	}
	return p
}

func (p pruning) show(w io.Writer, h *heldReplies) {
	store := printable.Text(fromHome(p.Store))
	if p.Replies == 0 {
		fmt.Fprintf(w, "%s: nothing to remove, %s stay\n", store, counted2(p.Kept, "reply", "replies"))
		return
	}
	fmt.Fprintf(w, "%s: %s of %s, %s%s\n", store, comma(p.Replies), counted2(p.Replies+p.Kept, "reply", "replies"), onDisk(p.Bytes), between(p.portion))
	for _, m := range p.Models {
		fmt.Fprintf(w, "  %s of %s, %s\n", comma(m.Replies), printable.Text(orUnknown(orEmpty(m.Model))), onDisk(m.Bytes))
	}
	for _, n := range p.Needed {
		fmt.Fprintf(w, "needed by %s, which would ask again: %s\n", oneLine(n.Run), comma(n.Replies))
	}
	if p.Removed {
		fmt.Fprintf(w, "removed; %s of disk are free again\n", onDisk(max(0, *p.Freed)))
		return
	}
	fmt.Fprintln(w, "nothing was removed: with --yes they are")
}

// pruneError says what to do where a store could not be pruned.
func pruneError(err error) error {
	var space *store.SpaceError
	switch {
	case errors.Is(err, store.ErrInUse):
		return &hint.Error{Err: err, Hint: "wait for the run to end, or stop it: perg runs, perg ctl RUN stop; nothing was removed"}
	case errors.As(err, &space):
		return &hint.Error{Err: err, Hint: "free that much, or move the store to a larger disk; nothing was removed"}
	default:
		return &hint.Error{Err: err, Hint: storeHint(err)}
	}
}
