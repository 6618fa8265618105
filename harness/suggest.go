package harness

import (
	"context"
	"errors"
	"sync"
	"time"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/enlist"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/loads"
	"perg/harness/prompt"
	"perg/harness/rundir"
	"perg/harness/schedule"
	"perg/harness/sizing"
	"perg/harness/store"
	"perg/harness/tables"
	"perg/harness/task"
	"perg/models"
)

// A Suggesting is a relevant pass (paper, section 3): one model suggests one
// preference for each item. Its calls are made, paced and kept as those of a
// run are; a pass that was stopped makes only the missing ones.
type Suggesting struct {
	Config  rundir.Config // the model is the only one of Models
	Dataset data.Dataset
	Store   *store.Store
	Fleet   *fleet.Fleet
	Say     func(string)
	Warn    func(string) // may be called from many goroutines

	mu     sync.Mutex
	engine *engine.Engine // nil: no work has begun
}

// Suggestions are what a pass came to.
type Suggestions struct {
	task.Suggestions
	Calls   int // made now
	Known   int // replies that the store already had
	Elapsed time.Duration
}

func (g *Suggesting) atWork() *engine.Engine {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.engine
}

// Progress is the present state of the lanes at work.
func (g *Suggesting) Progress() []LaneStatus {
	var all []LaneStatus
	if e := g.atWork(); e != nil {
		for _, l := range e.Lanes() {
			all = append(all, LaneStatus{LaneStatus: l})
		}
	}
	return all
}

// Overview may be called at any time.
func (g *Suggesting) Overview() Overview {
	if e := g.atWork(); e != nil {
		return overview(e.Status())
	}
	return Overview{}
}

// Suggest runs the pass to its end, to the cancelling of ctx (ErrInterrupted)
// or to an error that concerns more than one call. What was answered by then
// is in the store and, where work began, in the suggestions.
func (g *Suggesting) Suggest(ctx context.Context) (Suggestions, error) {
	started := time.Now()
	interrupted := func(err error) error {
		if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return ErrInterrupted
		}
		return err
	}
	p, err := g.prepare(ctx)
	if err != nil {
		return Suggestions{}, interrupted(err)
	}
	err = g.work(ctx, p)
	if e := g.Store.Flush(context.WithoutCancel(ctx)); err == nil {
		err = e
	}
	read, e := p.evaluator(tables.Recorded(g.Store)).Suggestions(context.WithoutCancel(ctx), p.Variants[0])
	if err == nil {
		err = e
	}
	found := Suggestions{Suggestions: read}
	if e := g.atWork(); e != nil {
		status := e.Status()
		found.Calls, found.Known = status.Calls, status.Known
	}
	found.Elapsed = time.Since(started)
	if errors.Is(err, models.ErrUnreachable) {
		err = &hint.Error{Err: err, Hint: "what was answered is kept; start the server and give the same command again"}
	}
	return found, interrupted(err)
}

// prepare finds the model, its context, and where it runs.
func (g *Suggesting) prepare(ctx context.Context) (*Plan, error) {
	prompts, err := prompt.Embedded(prompt.Own)
	if err != nil {
		return nil, err
	}
	client, err := g.Fleet.Client(ctx)
	if err != nil {
		return nil, err
	}
	c := g.Config
	c.Think = []string{string(task.ThinkOn)}
	version, err := client.Version(ctx)
	if err != nil {
		return nil, err
	}
	found, err := enlist.Installed(ctx, c, g.Fleet, client, version, g.Say)
	if err != nil {
		return nil, err
	}
	v := *found.Variants[0]
	v.Label, v.Think, v.Level = v.Name, nil, ""
	if v, err = v.Scoring("", version); err != nil { // with a format, Ollama would have it answer twice
		return nil, err
	}
	t := &task.Task{Dataset: g.Dataset, Prompts: prompts, Repeats: 1, Seed: c.Seed, NumPredict: task.SuggestionTokens}
	var calls sizing.Calls
	if err := t.SuggestionLengths(calls.Add); err != nil {
		return nil, err
	}
	longest, err := counted(ctx, t.Seed, true, g.Store, client, g.Say, g.Warn)(&v, &calls, 0)
	if err != nil {
		return nil, err
	}
	size := sizing.SizeOf(longest, 0, v.Shape.ContextLength).AtLeast(v.LeastCtx)
	if text := tooLong(&v, size, "calls that do not fit will fail"); text != "" {
		g.Warn(text)
	}
	sizes := Sizes{Of: map[*task.Variant]sizing.Size{&v: size}, Prompt: calls.Tokens().Per(len(t.Dataset.Items))}
	p, err := place(ctx, t, task.Roster{Variants: []*task.Variant{&v}}, sizes, c, loads.Paces{Fleet: g.Fleet}, version)
	if err != nil {
		return nil, err
	}
	return p, refused(p.Placement)
}

// work makes the calls.
func (g *Suggesting) work(ctx context.Context, p *Plan) error {
	v, models := p.Variants[0], p.Sizes.loadable()
	e := engine.New(engineOptions(g.Config, g.Fleet, engine.Kept(g.Store), g.Warn, nil), []*engine.Job{{
		ID: v.Label, Stage: Generate, Kind: schedule.Generate, Model: models[v], Fit: p.jobs.generating[0].Fit,
		Source: engine.NewQueue(engine.Alike(len(p.Task.Dataset.Items))),
		Do: func(ctx context.Context, a engine.Ask, u engine.Unit) (failed bool, err error) {
			_, err = p.evaluator(models.asks(a)).Suggest(ctx, v, p.Task.Dataset.Items[u])
			if task.Fatal(err) {
				return false, err
			}
			return err != nil, nil
		},
		Name: func(engine.Unit) []string { return []string{"suggesting", "preferences"} },
	}})
	g.mu.Lock()
	g.engine = e
	g.mu.Unlock()
	err := e.Run(ctx)
	release, cancel := releasing(ctx)
	defer cancel()
	e.Release(release)
	return err
}
