package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/rundir"
	"perg/harness/standing"
	"perg/harness/store"
)

func storeFlag() cli.Flag {
	return &cli.StringFlag{Name: "store", Usage: "`FILE` that keeps the replies", DefaultText: fromHome(defaultStore())}
}

func storeCommand() *cli.Command {
	return &cli.Command{
		Name:      "store",
		Usage:     "what the store of replies holds: its size, by model and by run; prune",
		ArgsUsage: "[DIR...]",
		Description: `Runs share one store, so that none pays for what another asked. This says how many
replies it has and how large they are, by the model that gave them and by the
runs that take them: those that were noted in the store, and those in ./runs or
in each DIR. Several runs may take one reply; ALONE is what no other run takes.

A model is unknown where a reply is from before models were kept with it. What a
run takes is "-" where it can no longer be told: its data is another one by now.

   perg store
   perg store --store replies.db /data/sweeps
   perg store prune --older-than 90d`,
		Flags:       []cli.Flag{storeFlag(), &cli.BoolFlag{Name: "json", Usage: "write JSON, null for what is not known"}},
		Action:      storeAction,
		Subcommands: []*cli.Command{storePruneCommand()},
	}
}

// A portion is what some of the replies come to.
type portion struct {
	Replies int        `json:"replies"`
	Bytes   int64      `json:"bytes"`
	First   *time.Time `json:"first"` // call of them that was begun; null: not known
	Last    *time.Time `json:"last"`
}

func (s *portion) add(h store.Held) {
	s.Replies++
	s.Bytes += h.Bytes
	if h.At.IsZero() {
		return
	}
	if s.First == nil || h.At.Before(*s.First) {
		s.First = &h.At
	}
	if s.Last == nil || h.At.After(*s.Last) {
		s.Last = &h.At
	}
}

// A modelPortion is what replies of one model come to.
type modelPortion struct {
	Model  *string `json:"model"`  // null: not known
	Digest *string `json:"digest"` // its beginning
	portion
}

// A runPortion is what a run takes.
type runPortion struct {
	Run   string   `json:"run"`
	State string   `json:"state"` // "gone": it is not there any more
	Takes *portion `json:"takes"` // null: that can't be told, or it is gone
	Alone *portion `json:"alone"` // what no other run takes; null as Takes
	Error string   `json:"error,omitempty"`

	manifest rundir.Manifest
	keys     map[store.Key]bool
}

const stateGone = "gone"

// heldReplies are a store with what is known of its replies.
type heldReplies struct {
	path  string
	file  *store.Store
	size  int64 // of the files
	all   map[store.Key]store.Held
	users []store.User
	runs  []runPortion
}

func openHeld(c *cli.Context) (*heldReplies, error) {
	path, err := rundir.Home(cmp.Or(c.String("store"), defaultStore()))
	if err != nil {
		return nil, err
	}
	s, err := store.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint.Usage(fmt.Errorf("there is no store %s", path), "a first 'perg run' makes it; name another one with --store")
	}
	if err != nil {
		return nil, &hint.Error{Err: err, Hint: storeHint(err)}
	}
	h := &heldReplies{path: path, file: s, all: make(map[store.Key]store.Held)}
	if err := h.read(c); err != nil {
		s.Close()
		return nil, err
	}
	return h, nil
}

func (h *heldReplies) read(c *cli.Context) (err error) {
	if h.size, err = h.file.Size(); err != nil {
		return err
	}
	for r, err := range h.file.All(c.Context) {
		if err != nil {
			return err
		}
		h.all[r.Key] = r
	}
	if h.users, err = h.file.Users(c.Context); err != nil {
		return err
	}
	listed, err := h.listRuns(c.Args().Slice())
	if err != nil {
		return err
	}
	for _, l := range listed {
		h.runs = append(h.runs, h.shareOf(c, l))
	}
	h.alone()
	return nil
}

// listRuns are the runs of the store: of some directories, and those that were noted.
func (h *heldReplies) listRuns(dirs []string) (all []rundir.Listed, err error) {
	named := len(dirs) > 0
	if !named {
		dirs = []string{runsHome}
	}
	seen := make(map[string]bool)
	add := func(found []rundir.Listed) {
		for _, l := range found {
			path, err := filepath.Abs(l.Path)
			if err != nil || seen[path] || l.Err == nil && !sameFile(l.Manifest.Config.Store, h.path) {
				continue
			}
			seen[path] = true
			all = append(all, l)
		}
	}
	for _, dir := range dirs {
		found, err := rundir.List(dir)
		if err != nil && (named || !errors.Is(err, fs.ErrNotExist)) {
			return nil, hint.Usage(fmt.Errorf("runs: %w", err), "name directories of runs, or a run: perg store DIR")
		}
		add(found)
	}
	for _, u := range h.users {
		found, err := rundir.List(u.Path)
		if err == nil && len(found) > 0 {
			add(found)
		} else if !seen[u.Path] {
			seen[u.Path] = true
			all = append(all, rundir.Listed{Path: u.Path, State: stateGone})
		}
	}
	return all, nil
}

func (h *heldReplies) shareOf(c *cli.Context, l rundir.Listed) runPortion {
	r := runPortion{Run: filepath.Clean(l.Path), State: l.State, manifest: l.Manifest}
	if l.State == stateGone {
		return r
	}
	err := l.Err
	if err == nil {
		r.keys = make(map[store.Key]bool)
		err = standing.Uses(c.Context, l.Path, l.Manifest, h.file, func(k store.Key) { r.keys[k] = true })
	}
	if err != nil {
		r.keys, r.Error = nil, err.Error()
		return r
	}
	r.Takes = &portion{}
	for k := range r.keys {
		r.Takes.add(h.all[k])
	}
	return r
}

func (h *heldReplies) alone() {
	users := make(map[store.Key]int)
	for _, r := range h.runs {
		for k := range r.keys {
			users[k]++
		}
	}
	for i := range h.runs {
		r := &h.runs[i]
		if r.keys == nil {
			continue
		}
		r.Alone = &portion{}
		for k := range r.keys {
			if users[k] == 1 {
				r.Alone.add(h.all[k])
			}
		}
	}
}

// byModel are shares of replies by model, the largest first.
func byModel(replies []store.Held) []modelPortion {
	type id struct{ model, digest string }
	shares := make(map[id]*modelPortion)
	for _, r := range replies {
		of := id{r.Model, r.Digest}
		if shares[of] == nil {
			shares[of] = &modelPortion{Model: orNull(r.Model), Digest: orNull(r.Digest)}
		}
		shares[of].add(r)
	}
	var all []modelPortion
	for _, s := range shares {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b modelPortion) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(orEmpty(a.Model), orEmpty(b.Model)), cmp.Compare(orEmpty(a.Digest), orEmpty(b.Digest)))
	})
	return all
}

func orNull(name string) *string {
	if name == "" {
		return nil
	}
	return &name
}

func orEmpty(name *string) string {
	if name == nil {
		return ""
	}
	return *name
}

func storeAction(c *cli.Context) error {
	h, err := openHeld(c)
	if err != nil {
		return err
	}
	defer h.file.Close()
	total, prompts := portion{}, portion{}
	var answers []store.Held
	for _, r := range h.all {
		total.add(r)
		if r.Answer {
			answers = append(answers, r)
		} else {
			prompts.add(r)
		}
	}
	models := byModel(answers)
	if c.Bool("json") {
		return writeJSON(c.App.Writer, struct {
			Store string `json:"store"`
			Disk  int64  `json:"disk_bytes"`
			portion
			Prompts portion        `json:"prompts"` // how many tokens some have, and what servers make of some
			Models  []modelPortion `json:"models"`
			Runs    []runPortion   `json:"runs"`
		}{h.path, h.size, total, prompts, models, h.runs})
	}
	w := c.App.Writer
	fmt.Fprintf(w, "%s: %s, %s on disk%s\n", printable.Text(fromHome(h.path)), counted2(total.Replies, "reply", "replies"), onDisk(h.size), between(total))
	if len(models) > 0 {
		fmt.Fprintln(w)
		t := newColumns(w)
		fmt.Fprintln(t, "MODEL\tDIGEST\tREPLIES\tSIZE\tFIRST\tLAST")
		for _, m := range models {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", printable.Text(orUnknown(orEmpty(m.Model))), orUnknown(orEmpty(m.Digest)), comma(m.Replies), onDisk(m.Bytes), day(m.First), day(m.Last))
		}
		t.Flush()
	}
	if prompts.Replies > 0 {
		fmt.Fprintf(w, "and %s are of how prompts are counted and written, %s\n", comma(prompts.Replies), onDisk(prompts.Bytes))
	}
	showShares(w, h.runs)
	fmt.Fprintln(c.App.ErrWriter, "perg: to make it smaller: perg store prune --help")
	return nil
}

func showShares(w io.Writer, runs []runPortion) {
	if len(runs) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := newColumns(w)
	fmt.Fprintln(t, "RUN\tSTATE\tREPLIES\tSIZE\tALONE")
	for _, r := range runs {
		replies, size, alone := "-", "-", "-"
		if r.Takes != nil {
			replies, size, alone = comma(r.Takes.Replies), onDisk(r.Takes.Bytes), onDisk(r.Alone.Bytes)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", oneLine(r.Run), r.State, replies, size, alone)
	}
	t.Flush()
	for _, r := range runs {
		if r.Error != "" {
			fmt.Fprintf(w, "%s: %s\n", oneLine(r.Run), printable.Text(r.Error))
		}
	}
}

func onDisk(n int64) string { return humanize.IBytes(uint64(n)) }

func day(at *time.Time) string {
	if at == nil {
		return "unknown"
	}
	return at.Local().Format("2006-01-02")
}

func between(s portion) string {
	if s.First == nil {
		return ""
	}
	return fmt.Sprintf(", from %s to %s", day(s.First), day(s.Last))
}

// counted2 counts what has a plural of its own.
func counted2(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return comma(n) + " " + several
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
