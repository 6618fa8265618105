package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"perg/harness"
	"perg/harness/prompt"
	"perg/harness/store"
)

func runCommand() *cli.Command {
	d := harness.Defaults()
	return &cli.Command{
		Name:      "run",
		Usage:     "ask models, judge their answers, write the tables",
		ArgsUsage: "MODEL...",
		Description: `Every model answers every item once per setting: "none" states no preference
and is the baseline, "relevant" states the item's own, "mixed" hides it among
five irrelevant ones, "irrelevant" states those five alone. Then the judge model
rates how far each answer follows the preference, where the baseline was right.

Every reply is kept in a store the moment it comes. The same command with the
same --out finishes what is missing; 'perg run --out DIR' alone does so too.

   perg run llama3.1:8b qwen3:8b --judge gemma2:27b
   perg run llama3.1:8b --judge gemma2:27b --data PERG_Data.csv --limit 600
   perg run --out runs/20260102-150405

Exit status: 0 all done, 1 failed, 2 wrong usage, 3 finished with some rows in
error, 130 interrupted (what was answered is kept).`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "config", Usage: "read settings from a YAML `FILE`; flags override it"},
			&cli.StringFlag{Name: "judge", Usage: "`MODEL` that rates answers, and reads those that rules cannot"},
			&cli.BoolFlag{Name: "judge-all", Usage: "also rate items that the baseline got wrong"},
			&cli.StringFlag{Name: "data", Value: d.Data, Usage: "\"sample\" (150 items), or a `FILE`: PERGData as Parquet or as the published CSV"},
			&cli.IntFlag{Name: "limit", Usage: "most items, `N`, spread over the sources; 0 for all"},
			&cli.StringSliceFlag{Name: "settings", Value: cli.NewStringSlice(d.Settings...), Usage: "settings to run besides the baseline, a `LIST` of " + joined(prompt.Settings())},
			&cli.StringSliceFlag{Name: "methods", Value: cli.NewStringSlice(d.Methods...), Usage: "methods to run, a `LIST` of " + joined(prompt.Methods())},
			&cli.StringFlag{Name: "out", Usage: "run directory `DIR`, new or to be finished", DefaultText: "runs/<time>"},
			&cli.StringFlag{Name: "store", Usage: "`FILE` that keeps every reply; runs may share it", DefaultText: defaultStore()},
			&cli.StringFlag{Name: "host", Usage: "`URL` of the Ollama server", DefaultText: "OLLAMA_HOST, or 127.0.0.1:11434"},
			&cli.StringFlag{Name: "parallel", Value: d.Parallel, Usage: "calls in flight: auto or `N`"},
			&cli.IntFlag{Name: "num-ctx", Value: d.NumCtx, Usage: "context in `TOKENS`; a longer prompt is an error, never cut"},
			&cli.IntFlag{Name: "num-predict", Usage: "most new `TOKENS` in an answer", DefaultText: "500; 1024 for models that think"},
			&cli.IntFlag{Name: "repeats", Value: d.Repeats, Usage: "ask everything `N` times"},
			&cli.IntFlag{Name: "seed", Value: d.Seed, Usage: "seed `N` of decoding, and of the draw of irrelevant preferences"},
			&cli.BoolFlag{Name: "json", Usage: "write events and the result to stdout as JSON lines"},
		},
		Action: runAction,
	}
}

func joined[T ~string](all []T) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

// defaultStore is one per user: what one run paid for, another need not.
func defaultStore() string {
	dir := os.Getenv("XDG_DATA_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "perg-store.db"
		}
		dir = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(dir, "perg", "store.db")
}

// runConfig is what the user asked for: flags over a config file, or over
// what the run in --out was begun with, or over the defaults.
func runConfig(c *cli.Context) (harness.Config, error) {
	cfg := harness.Defaults()
	var err error
	if c.IsSet("config") {
		if cfg, err = harness.ReadConfig(c.String("config")); err != nil {
			return cfg, err
		}
	}
	if c.IsSet("out") {
		cfg.Out = c.String("out")
	}
	if cfg.Out == "" {
		cfg.Out = filepath.Join("runs", time.Now().Format("20060102-150405"))
	}
	if !c.IsSet("config") {
		m, err := harness.ReadManifest(cfg.Out)
		switch {
		case err == nil:
			out := cfg.Out
			cfg = m.Config
			cfg.Out = out
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return cfg, &harness.Problem{Err: err, Hint: "its replies are in the store: choose another --out, and they are used again"}
		}
	}
	if c.Args().Present() {
		cfg.Models = c.Args().Slice()
	}
	for name, to := range map[string]*string{
		"judge": &cfg.Judge, "data": &cfg.Data, "host": &cfg.Host, "store": &cfg.Store, "parallel": &cfg.Parallel,
	} {
		if c.IsSet(name) {
			*to = c.String(name)
		}
	}
	for name, to := range map[string]*int{
		"limit": &cfg.Limit, "num-ctx": &cfg.NumCtx, "num-predict": &cfg.NumPredict, "repeats": &cfg.Repeats, "seed": &cfg.Seed,
	} {
		if c.IsSet(name) {
			*to = c.Int(name)
		}
	}
	for name, to := range map[string]*[]string{"settings": &cfg.Settings, "methods": &cfg.Methods} {
		if c.IsSet(name) {
			*to = c.StringSlice(name)
		}
	}
	if c.IsSet("judge-all") {
		cfg.JudgeAll = c.Bool("judge-all")
	}
	if cfg.Store == "" {
		cfg.Store = defaultStore()
	}
	// A run may be finished from another directory than it was begun in.
	if cfg.Store, err = filepath.Abs(cfg.Store); err != nil {
		return cfg, err
	}
	if cfg.Data != "sample" {
		if cfg.Data, err = filepath.Abs(cfg.Data); err != nil {
			return cfg, err
		}
	}
	return cfg, cfg.Check()
}

func runAction(c *cli.Context) (err error) {
	cfg, err := runConfig(c)
	if err != nil {
		return err
	}
	items, err := harness.Items(cfg)
	if err != nil {
		return err
	}
	ctx := c.Context
	view := newView(c.App.Writer, c.App.ErrWriter, c.Bool("json"))
	defer view.close()

	client, stop, err := harness.Connect(ctx, cfg, filepath.Join(cfg.Out, "ollama.log"), view.say)
	if err != nil {
		return err
	}
	defer func() {
		if e := stop(); err == nil {
			err = e
		}
	}()
	client.Report = view.warn
	plan, manifest, err := harness.Prepare(ctx, cfg, items, client)
	if err != nil {
		return err
	}
	if plan.Judge == nil {
		view.warn("no judge: Alignment Failure and Robustness Error will be missing; name one with --judge")
	}
	dir, err := harness.OpenDir(cfg.Out, manifest)
	if err != nil {
		return err
	}
	defer dir.Close()
	replies, err := openStore(cfg.Store)
	if err != nil {
		return err
	}
	defer func() {
		if e := replies.Close(); err == nil {
			err = e
		}
	}()
	inFlight, err := cfg.InFlight()
	if err != nil {
		return err
	}
	r := &harness.Run{Plan: plan, Dir: dir, Store: replies, Server: client, InFlight: inFlight, Warn: view.warn}
	view.begin(dir, plan)
	view.follow(ctx, r.Progress)
	result, err := r.Execute(ctx)
	view.close()
	if e := view.result(cfg, result, dir); err == nil {
		err = e
	}
	if err == nil && result.Failed+result.Unjudged > 0 {
		err = errRowsInError
	}
	return err
}

func openStore(path string) (*store.Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, &harness.Problem{Err: fmt.Errorf("store: %w", err), Hint: "choose a file you may write to with --store"}
	}
	s, err := store.Open(path)
	if err != nil {
		return nil, &harness.Problem{Err: err, Hint: "another file can be named with --store"}
	}
	return s, nil
}
