package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness"
	"perg/harness/hint"
	"perg/harness/merge"
	"perg/harness/printable"
	"perg/harness/store"
)

func mergeCommand() *cli.Command {
	return &cli.Command{
		Name:      "merge",
		Usage:     "make one run of the runs of all shards",
		ArgsUsage: "OUT SHARD...",
		Description: `Several machines each ask a part of one task, and know nothing of each other:

   perg run --config paper.yaml --shard 0/2 --out shards/0
   perg run --config paper.yaml --shard 1/2 --out shards/1
   perg merge runs/paper shards/*

The parts are random samples of the items, the same for the same --seed, and
all that is asked about an item is asked in one of them. So each part is a run
to look at by itself, and the merged one is what one machine would have made.

The shards have to be of one version of perg, the same data, prompts, models
by their digests, judges and settings, and of one engine of Ollama. Where one
is missing or unfinished it is listed and nothing is written: over fewer items
every rate would look like one over all. The tables of the shards are enough.
With --store their replies are taken into one store too, from which the merged
run can be rated again ('perg judge'); the shards' stores have to be there.

Run again, it takes the place of what it made before.

Exit status: 0 merged, 1 failed, 2 wrong usage or not of one run, 3 some
shards are missing or unfinished.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "data", Usage: "`FILE` that the shards asked about, where it is not at the path they have it at"},
			&cli.StringFlag{Name: "store", Usage: "take the shards' replies into this `FILE`, too"},
			&cli.BoolFlag{Name: "json", Usage: "one JSON object: out, run_id, shards, counts, missing, warnings"},
		},
		Action: mergeAction,
	}
}

func mergeAction(c *cli.Context) error {
	if c.NArg() < 2 {
		return hint.Usage(fmt.Errorf("merge takes a directory to make and those of the shards, not %d arguments", c.NArg()), "perg merge OUT SHARD...")
	}
	out, dirs := c.Args().First(), c.Args().Tail()
	m, err := merge.Open(dirs)
	if missing, ok := errors.AsType[*merge.IncompleteError](err); ok && c.Bool("json") {
		if err := json.NewEncoder(c.App.Writer).Encode(map[string]any{"out": out, "missing": missing.Missing}); err != nil {
			return err
		}
		return &told{err}
	}
	if err != nil {
		return err
	}
	for _, text := range m.Warnings {
		fmt.Fprintf(c.App.ErrWriter, "perg: warning: %s\n", printable.Text(text))
	}
	cfg := m.Whole.Config
	if c.IsSet("data") {
		if cfg.Data, err = absolute(c.String("data")); err != nil {
			return err
		}
		m.Whole.Config.Data = cfg.Data
	}
	set, err := harness.Items(cfg)
	if err != nil {
		return &hint.Error{Err: err, Hint: "name the file that the shards asked about with --data", Usage: true}
	}
	store, replies := "", 0
	if c.IsSet("store") {
		if store, err = absolute(c.String("store")); err != nil {
			return err
		}
		if replies, err = mergeReplies(c, m, set, store, out); err != nil {
			return err
		}
	}
	done, err := m.Write(c.Context, out, store, set)
	if errors.Is(err, c.Context.Err()) && c.Context.Err() != nil {
		return harness.ErrInterrupted
	}
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(map[string]any{
			"out": out, "run_id": done.RunID, "shards": done.Merged, "counts": done.Counts, "missing": []string{}, "warnings": m.Warnings,
		})
	}
	w := c.App.Writer
	fmt.Fprintf(w, "%s: %s of %s\n", printable.Text(filepath.Clean(out)), counted(done.Counts.Planned, "generation"), counted(len(m.Parts), "shard"))
	if store != "" {
		fmt.Fprintf(w, "%s taken into %s\n", counted(replies, "reply"), printable.Text(c.String("store")))
	}
	fmt.Fprintf(w, "See more: perg report %s\n", quoted(out))
	if done.Counts.Failed+done.Counts.Unjudged > 0 {
		fmt.Fprintf(w, "%s in error\n", counted(done.Counts.Failed+done.Counts.Unjudged, "row"))
	}
	return nil
}

func mergeReplies(c *cli.Context, m merge.Merge, set data.Dataset, path, out string) (n int, err error) {
	s, err := openStore(path)
	if err != nil {
		return 0, err
	}
	defer func() {
		if e := s.Close(); err == nil {
			err = e
		}
	}()
	if n, err = m.Replies(c.Context, set, s); err != nil {
		return n, err
	}
	if out, err = absolute(out); err != nil {
		return n, err
	}
	return n, s.Used(c.Context, store.User{Path: out, ID: m.Whole.RunID, At: time.Now()})
}
