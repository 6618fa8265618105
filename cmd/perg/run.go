package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/rundir"
	"perg/harness/store"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "ask models, judge their answers, write the tables",
		ArgsUsage: "MODEL...",
		Description: `Every model answers every item once per setting: "none" states no
preference and is the baseline, "relevant" states the item's own, "mixed"
hides it among five irrelevant ones, "irrelevant" states those five alone.
Then the judge model rates how far each answer follows the preference,
where the baseline was right.

The methods are ways to ask: "zero-shot" asks once, "cot" to think step by
step, "icl" after worked examples, "self-critic" has the model revise its
answer, and "pref-aligner" has it re-style the baseline's.

The prompts are perg's own, which ask for the letter of an option, and to leave
preferences aside that are not relevant. --prompts paper asks as the paper's
code does, in other words: no letter is asked for, "irrelevant" tailors to all
five, the second call of a method sees the item's own preference alone in every
setting, and the judge compares with the answer that knows none. What the paper
did beside its prompts stays perg's way: how letters are read, that a rating
which nobody can read is left out, greedy decoding, 1,024 tokens for "cot" (500
in the paper: --num-predict), and the examples of "icl" (--icl).

Every reply is kept in a store the moment it comes. The same command with
the same --out finishes what is missing; 'perg run --out DIR' does so too.

On a terminal a live display shows lanes, GPUs, errors and the time left; in a
pipe, in CI, with NO_COLOR or TERM=dumb there are plain lines instead. A
screen that is not read (Ctrl-S, a pager, a pipe) holds nothing up; where it
is read again, some of the progress is left out.

   perg run llama3.1:8b qwen3:8b --judge gemma2:27b
   perg run llama3.1:8b --judge gemma2:27b --data PERG_Data.csv --limit 600
   perg run --out runs/20260102-150405

Exit status: 0 all done, 1 failed, 2 wrong usage, 3 finished with some rows
in error, 130 interrupted (what was answered is kept).`,
		Flags: slices.Concat(configFlags(), grouped("input and output",
			&cli.BoolFlag{Name: "prune-quantized", Usage: "remove what --quantize made, once the run is finished"},
			&cli.StringFlag{Name: "on-end", Usage: "`COMMAND` for the shell when the run ends, however it does: PERG_STATE (finished, interrupted, failed), PERG_RUN (its directory), PERG_EXIT and PERG_ERROR are in its environment"},
			&cli.BoolFlag{Name: "json", Usage: "write events and the result to stdout as JSON lines"},
		), profileFlags()),
		Action: profiled(runAction),
	}
}

// configFlags say what to run; 'perg plan' takes the same ones.
func configFlags() []cli.Flag {
	d := rundir.Defaults()
	return slices.Concat(
		grouped("which models",
			&cli.StringSliceFlag{Name: "think", Value: cli.NewStringSlice(d.Think...), Usage: "for models that can think: a variant for each of a `LIST` of on, off, low, medium, high, max, as far as each takes them"},
			&cli.StringFlag{Name: "think-budget", Value: d.Thought, Usage: "longest thought, in `TOKENS`, beside those of its answer; paper: the protocol's one limit for both"},
			&cli.StringSliceFlag{Name: "quantize", Usage: "make and run these quantizations of each F16 model, a `LIST`: q8_0, q4_K_M, ..."},
			&cli.StringSliceFlag{Name: "kv-cache", Usage: "run every model once per KV-cache type, a `LIST` of f16, q8_0, q4_0"},
		),
		grouped("what to ask",
			&cli.StringFlag{Name: "data", Value: d.Data, Usage: "\"sample\" (150 items), or a `FILE`: PERGData as Parquet or as the published CSV"},
			&cli.IntFlag{Name: "limit", Usage: "use at most `N` items, evenly from all sources; 0 for all"},
			&cli.StringSliceFlag{Name: "settings", Value: cli.NewStringSlice(d.Settings...), Usage: "which preferences to state, a `LIST` of " + joined(prompt.Settings()) + "; none, the baseline, is always run"},
			&cli.StringSliceFlag{Name: "methods", Value: cli.NewStringSlice(d.Methods...), Usage: "ways to ask, a `LIST` of " + joined(prompt.Methods()) + ", all"},
			&cli.GenericFlag{Name: "icl", Value: new(wholeValues), Usage: "your worked examples for the method icl, `SOURCE=FILE`, or one FILE for every source; README.md has its form"},
			&cli.StringFlag{Name: "prompts", Usage: "perg, or paper for a set that is the paper's in substance, or a `DIR` of templates that replace perg's own, NAME.tmpl", DefaultText: "perg"},
			&cli.IntFlag{Name: "repeats", Value: d.Repeats, Usage: "ask everything `N` times"},
			&cli.Float64Flag{Name: "temperature", Usage: "draw answers at a temperature `T`, each repeat with a seed of its own, for models whose makers advise against the likeliest answer", DefaultText: "0"},
			&cli.IntFlag{Name: "null", Value: d.Null, Usage: "ask each question `N` times more without a preference, to see what breaks by chance; 0 to leave that out"},
			&cli.BoolFlag{Name: "rotate-options", Usage: "and as often with its options in another order"},
			&cli.IntFlag{Name: "num-predict", Usage: "longest answer, in `TOKENS`", DefaultText: "500; 1000 for second calls; 1024 for cot"},
			&cli.IntFlag{Name: "seed", Value: d.Seed, Usage: "seed `N` of decoding, and of the draw of irrelevant preferences"},
			&cli.StringFlag{Name: "shard", Usage: "ask one part alone, `i/n` with i from 0: for several machines that know nothing of each other; 'perg merge' makes one run of their runs"},
			&cli.StringFlag{Name: "shard-by", Usage: "what the parts share out, `WHAT`: item, or variant where loading takes longer than asking", DefaultText: "item"},
		),
		grouped("judge",
			&cli.StringSliceFlag{Name: "judge", Usage: "`MODEL` that rates answers, and reads those that rules cannot; give it again for several judges"},
			&cli.StringFlag{Name: "judge-rule", Value: d.JudgeRule, Usage: "how the ratings of several judges are combined, a `RULE`: " + joined(judge.Rules())},
			&cli.BoolFlag{Name: "judge-swap", Usage: "rate again with the two responses in the other order, to measure the judge's position bias"},
			&cli.BoolFlag{Name: "judge-all", Usage: "also rate items that the baseline got wrong"},
			&cli.StringFlag{Name: "extractor", Usage: "`MODEL` that reads answers which rules cannot", DefaultText: "the first judge; none: rules alone"},
		),
		grouped("where it runs",
			&cli.StringSliceFlag{Name: "host", Usage: "`URL` of an Ollama server to use as it is; give it again to use several at once", DefaultText: "OLLAMA_HOST, or 127.0.0.1:11434, or servers of perg's own"},
			headerFlag(),
			&cli.StringSliceFlag{Name: "gpus", Usage: "start servers on these GPUs alone, a `LIST` of UUIDs or indexes"},
			&cli.StringFlag{Name: "lanes", Usage: "start servers of perg's own: auto for one on each GPU, or `N`"},
			&cli.StringFlag{Name: "parallel", Value: d.Parallel, Usage: "calls at once on each server: auto or `N`"},
			listenFlag(),
			natsFlag(),
			&cli.BoolFlag{Name: "no-local", Usage: "leave the work to the machines that join"},
			&cli.IntFlag{Name: "await", Usage: "wait for `N` machines before the run is planned", DefaultText: "0; 1 with --no-local"},
			&cli.IntFlag{Name: "num-ctx", Usage: "context in `TOKENS`", DefaultText: "what the longest prompt and its answer need"},
			&cli.BoolFlag{Name: "allow-cpu", Usage: "accept that part of a model does not fit and runs on the CPU"},
			allowRemoteFlag(),
			&cli.BoolFlag{Name: "pull", Usage: "fetch models that are not installed, once it is said how large each is; a machine that joins gets them from one that has them"},
			&cli.DurationFlag{Name: "gpu-interval", Value: time.Duration(d.GPUInterval), Usage: "`TIME` between GPU samples"},
		),
		grouped("input and output",
			&cli.StringFlag{Name: "config", Usage: "read these options from a YAML `FILE`; those of the command line go first"},
			&cli.StringFlag{Name: "out", Usage: "run directory `DIR`, new or to be finished", DefaultText: "runs/<time>"},
			&cli.StringFlag{Name: "store", Usage: "`FILE` that keeps every reply; runs may share it", DefaultText: fromHome(defaultStore())},
		),
	)
}

// headerFlag is for servers behind a proxy that wants a key.
func headerFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "header", Usage: "header to send to the servers, `NAME=VARIABLE`: its value is that of the environment variable, and is written nowhere"}
}

func listenFlag() cli.Flag {
	return &cli.StringFlag{Name: "listen", Usage: "let other machines join at `[HOST]:PORT`: 'perg agent' there, as it is printed"}
}

func natsFlag() cli.Flag {
	return &cli.StringFlag{Name: "nats", Usage: "let them join over a NATS server with JetStream at this `URL`, in place of one of perg's own"}
}

func allowRemoteFlag() cli.Flag {
	return &cli.BoolFlag{Name: "allow-remote", Usage: "accept cloud models, which run elsewhere: their memory, energy and digest are not known, and their replies serve this run alone"}
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

// fromHome is a path as a person writes it, from ~ on.
func fromHome(path string) string {
	home, err := os.UserHomeDir()
	if rest, ok := strings.CutPrefix(path, home+string(filepath.Separator)); ok && err == nil {
		return filepath.Join("~", rest)
	}
	return path
}

func runAction(c *cli.Context) (err error) {
	cfg, err := runConfig(c)
	if err != nil {
		return err
	}
	defer func() { onEnd(c.Context, c.String("on-end"), cfg.Out, err, c.App.ErrWriter) }()
	items, err := harness.Items(cfg)
	if err != nil {
		return err
	}
	if c.NArg() == 0 && !c.IsSet("config") || !fleet.Patterned(cfg.Models) {
		if done, err := showFinished(c, cfg, items); done || err != nil {
			return err
		}
	}
	return execute(c, cfg, items, func(ctx context.Context, w work) (*harness.Plan, error) {
		idle := w.idle(ctx, cfg.Out)
		plan, manifest, err := harness.Prepare(ctx, cfg, w.items, w.fleet, w.store, w.display.say, w.display.warn)
		if err != nil {
			return nil, err
		}
		manifest.Idle = idle
		if len(plan.Judges) == 0 {
			w.display.warn("no judge: Alignment Failure and Robustness Error will be missing; name one with --judge")
		}
		return plan, w.dir.Adopt(manifest, w.display.warn)
	})
}

// showFinished shows what a run came to that is finished already, for which no
// server is needed; done says whether it is.
func showFinished(c *cli.Context, cfg rundir.Config, items data.Dataset) (done bool, err error) {
	if _, err := rundir.ReadManifest(cfg.Out); err != nil {
		return false, nil // a new run
	}
	dir, err := rundir.Hold(cfg.Out)
	if err != nil {
		return false, err
	}
	defer dir.Close()
	if finished, err := harness.Finished(dir, cfg, items); !finished || err != nil {
		return false, err
	}
	d := newDisplay(c.App.Writer, c.App.ErrWriter, c.Bool("json"))
	defer func() { err = d.end(err) }()
	return true, d.result(cfg, harness.Result{Counts: *dir.Manifest.Counts, Written: true, Done: true}, dir)
}

// work is what a plan is made with.
type work struct {
	items   data.Dataset
	dir     *rundir.Dir
	store   *store.Store
	fleet   *fleet.Fleet
	display *display
}

// idle is what the GPUs draw at rest, in watts by UUID: of a run that was begun before, as
// it was then; nil where there are none.
func (w work) idle(ctx context.Context, out string) map[string]float64 {
	if old, err := rundir.ReadManifest(out); err == nil && old.Idle != nil || !w.fleet.SeesGPUs() {
		return old.Idle
	}
	w.display.say("measuring what the GPUs draw at rest: until it is steady, half a minute at most")
	return w.fleet.Idle(ctx)
}

// execute makes a plan in the run directory of a config and carries it out.
func execute(c *cli.Context, cfg rundir.Config, items data.Dataset, prepare func(context.Context, work) (*harness.Plan, error)) (err error) {
	w := work{items: items, display: newDisplay(c.App.Writer, c.App.ErrWriter, c.Bool("json"))}
	ctx, stop := context.WithCancel(c.Context)
	defer stop()
	outliveReaders()
	defer func() { err = w.display.end(err) }()

	if w.dir, err = rundir.Hold(cfg.Out); err != nil {
		return err
	}
	defer w.dir.Close()
	h := &helm{ctx: ctx, stop: stop}
	defer h.listen(cfg.Out, w.display.warn)()
	if w.store, err = openStore(cfg.Store); err != nil {
		return err
	}
	if doubt := store.Doubt(cfg.Store); doubt != "" {
		w.display.warn(doubt)
	}
	defer func() {
		if e := w.store.Close(); err == nil {
			err = e
		}
	}()
	if w.fleet, err = fleet.Open(ctx, harness.FleetOptions(cfg, cfg.Out, w.display.say, w.display.warn)); err != nil {
		return err
	}
	defer func() {
		if e := w.fleet.Close(); err == nil {
			err = e
		}
	}()
	members, err := listen(ctx, cfg, w)
	if err != nil {
		return err
	}
	defer members.close()
	if err := members.await(ctx); err != nil {
		return err
	}
	plan, err := prepare(ctx, w)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return harness.ErrInterrupted
	}
	if err != nil {
		return err
	}
	r := &harness.Run{Plan: plan, Config: cfg, Dir: w.dir, Store: w.store, Fleet: w.fleet, Warn: w.display.warn}
	if out, err := filepath.Abs(cfg.Out); err == nil {
		// What is not noted is what 'perg store prune --gone' keeps.
		if err := w.store.Used(ctx, store.User{ID: w.dir.Manifest.RunID, Path: out, At: time.Now()}); err != nil {
			w.display.warn(err.Error())
		}
	}
	h.begins(r)
	w.display.begin(w.dir, plan)
	w.display.follow(ctx, cfg.Out, r)
	members.begin(ctx, r)
	result, err := r.Execute(ctx)
	defer members.end(err)
	w.display.close()
	if e := w.display.result(cfg, result, w.dir); err == nil {
		err = e
	}
	if err == nil && cfg.PruneQuantized {
		err = plan.PruneQuantized(context.WithoutCancel(ctx), w.fleet)
	}
	if err == nil && result.Failed+result.Unjudged > 0 {
		err = errRowsInError
	}
	return err
}

func openStore(path string) (*store.Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, &hint.Error{Err: fmt.Errorf("store: %w", err), Hint: "choose a file you may write to with --store"}
	}
	s, err := store.Open(path)
	if err != nil {
		return nil, &hint.Error{Err: err, Hint: storeHint(err)}
	}
	return s, nil
}

// earlierStore is the store of earlier runs; nil where there is none.
func earlierStore(path string) (*store.Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, nil
	}
	return openStore(path)
}

// storeHint says what to do where a store cannot be used.
func storeHint(err error) string {
	const another = "name another file with --store"
	switch {
	case errors.Is(err, store.ErrNewer):
		return "use the perg that made it, or " + another
	case errors.Is(err, store.ErrCorrupt):
		return "move it away, or " + another
	case errors.Is(err, store.ErrNotWritable):
		return "change the permissions, or " + another
	case errors.Is(err, store.ErrShared):
		return "name a file on a disk of this machine with --store: runs on several machines have a store each"
	case errors.Is(err, store.ErrBusy):
		return "wait for that process to end, or " + another
	}
	return another
}
