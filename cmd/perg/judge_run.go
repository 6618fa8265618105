package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness"
	"perg/harness/hint"
	"perg/harness/judge"
	"perg/harness/rundir"
	"perg/harness/task"
)

// judgeFlags say who rates, and with which servers.
func judgeFlags() []cli.Flag {
	d := rundir.Defaults()
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "judge", Usage: "`MODEL` that rates; several each rate alone"},
		&cli.StringFlag{Name: "judge-rule", Value: d.JudgeRule, Usage: "what the ratings of several judges come to, a `RULE`: " + joined(judge.Rules())},
		&cli.BoolFlag{Name: "judge-swap", Usage: "rate again with the two responses in the other order, to measure the judge's position bias"},
		&cli.BoolFlag{Name: "judge-all", Usage: "also rate items that the baseline got wrong"},
		&cli.StringFlag{Name: "store", Usage: "`FILE` that has the run's replies", DefaultText: "the run's own"},
		&cli.StringSliceFlag{Name: "host", Usage: "`URL` of an Ollama server to use as it is", DefaultText: "the run's own"},
		headerFlag(),
		&cli.StringFlag{Name: "lanes", Usage: "start servers of perg's own: auto for one on each GPU, or `N`"},
		&cli.StringSliceFlag{Name: "gpus", Usage: "start servers on these GPUs alone, a `LIST` of UUIDs or indexes"},
		&cli.BoolFlag{Name: "allow-cpu", Usage: "accept that part of a model does not fit and runs on the CPU"},
		allowRemoteFlag(),
		&cli.StringFlag{Name: "parallel", Value: d.Parallel, Usage: "calls in flight on each lane: auto or `N`"},
		&cli.BoolFlag{Name: "json", Usage: "write events and the result to stdout as JSON lines"},
	}
}

// judgeConfig is the config of the run with other judges.
func judgeConfig(c *cli.Context, m rundir.Manifest, out string) (rundir.Config, error) {
	cfg := m.Config
	cfg.Out = out
	cfg.Judge = c.StringSlice("judge")
	// A run that is rated again has its settings of judging anew, not those of
	// its last judges.
	cfg.JudgeRule, cfg.JudgeSwap = c.String("judge-rule"), c.Bool("judge-swap")
	cfg.JudgeAll = cfg.JudgeAll || c.Bool("judge-all")
	cfg.NumCtx, cfg.PruneQuantized = 0, false
	if c.IsSet("host") || c.IsSet("lanes") || c.IsSet("gpus") {
		cfg.Host, cfg.Lanes, cfg.GPUs = c.StringSlice("host"), c.String("lanes"), c.StringSlice("gpus")
	}
	if c.IsSet("header") {
		cfg.Header = c.StringSlice("header")
	}
	if len(cfg.Host) > 0 {
		cfg.KVCache = nil
	}
	if c.IsSet("parallel") {
		cfg.Parallel = c.String("parallel")
	}
	cfg.AllowCPU = cfg.AllowCPU || c.Bool("allow-cpu")
	cfg.AllowRemote = cfg.AllowRemote || c.Bool("allow-remote")
	if c.IsSet("store") {
		var err error
		if cfg.Store, err = filepath.Abs(c.String("store")); err != nil {
			return cfg, err
		}
	}
	return cfg, cfg.Check()
}

func judgeAction(c *cli.Context) error {
	if c.NArg() != 1 {
		return hint.Usage(fmt.Errorf("judge takes one run directory, not %d", c.NArg()), "perg judge RUN --judge MODEL; see 'perg judge --help'")
	}
	if len(c.StringSlice("judge")) == 0 {
		return hint.Usage(errors.New("no judge named"), "perg judge RUN --judge MODEL")
	}
	out := c.Args().First()
	old, err := readRun(out)
	if err != nil {
		return err
	}
	cfg, err := judgeConfig(c, old, out)
	if err != nil {
		return err
	}
	if old.Imported != nil {
		answers, err := importedAnswers(out, old)
		if err != nil {
			return err
		}
		defer answers.Close()
		return rateAnswers(c, cfg, answers.Items, answers.Given, old)
	}
	items, err := harness.Items(cfg)
	if err != nil {
		return err
	}
	return rateAnswers(c, cfg, items, nil, old)
}

// rateAnswers has the judges of a config rate the answers of a run: those that the store
// has, or those that are given.
func rateAnswers(c *cli.Context, cfg rundir.Config, items data.Dataset, given task.Given, old rundir.Manifest) error {
	return execute(c, cfg, items, func(ctx context.Context, w work) (*harness.Plan, error) {
		plan, manifest, err := harness.PrepareRerating(ctx, cfg, w.items, given, old, w.fleet, w.store, w.display.say, w.display.warn)
		if err == nil {
			w.dir.Manifest = manifest
		}
		return plan, err
	})
}
