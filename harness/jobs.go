package harness

import (
	"context"
	"errors"
	"slices"

	"perg/harness/engine"
	"perg/harness/fleet"
	"perg/harness/rundir"
	"perg/harness/schedule"
	"perg/harness/sofar"
	"perg/harness/store"
	"perg/harness/task"
)

// The stages of a generation.
const (
	Generate engine.Stage = "generate" // the variant answers
	Score    engine.Stage = "score"    // a model reads and rates answers
)

// A Stage is what a lane does with a model.
type Stage = engine.Stage

// engineOptions are how the engine works for a config.
func engineOptions(c rundir.Config, f *fleet.Fleet, s engine.Replies, warn func(string), loaded func(engine.Load)) engine.Options {
	inFlight, _ := c.InFlight()
	return engine.Options{
		Devices: f.All(), Fleet: f, Replies: s, AllowCPU: c.AllowCPU, InFlight: inFlight,
		Awaited: c.Listens(), Patience: f.Patience(), Warn: warn, Loaded: loaded,
	}
}

// A Recall asks other machines for a reply that the store has not.
type Recall func(ctx context.Context, k store.Key) (store.Reply, bool, error)

// recalled are the replies of a store, and of other machines where it lacks one.
type recalled struct {
	engine.Replies
	recall Recall
}

func (r recalled) Get(ctx context.Context, k store.Key) (store.Reply, bool, error) {
	reply, ok, err := r.Replies.Get(ctx, k)
	if ok || err != nil {
		return reply, ok, err
	}
	return r.recall(ctx, k)
}

// replies are those that the run's calls have already.
func (r *Run) replies() engine.Replies {
	if r.Recall == nil {
		return engine.Kept(r.Store)
	}
	return recalled{engine.Kept(r.Store), r.Recall}
}

// loadable are the models of a plan as the engine knows them.
type loadable map[*task.Variant]*engine.Model

func (s Sizes) loadable() loadable {
	l := make(loadable)
	for v, size := range s.Of {
		l[v] = &engine.Model{Label: v.Label, Name: v.Name, Digest: v.Digest, KVCache: v.KVCache, Remote: v.Remote != "", Contexts: size.Contexts(), Grown: size.Grown}
	}
	return l
}

// asks makes the engine's calls of those of generations.
func (l loadable) asks(a engine.Ask) task.Ask {
	return func(ctx context.Context, c task.Call) (store.Reply, error) {
		model := l[c.Variant]
		if c.Past {
			model = nil
		}
		return a(ctx, engine.Call{Key: c.Key(), Earlier: c.Earlier(), Bound: c.Bound(), Model: model, Request: c.Request, Shared: c.Shared})
	}
}

// work makes a generation's calls and says whether it failed. Its error is one
// that ends the run.
type work func(context.Context, task.Evaluator, task.Generation) (failed bool, err error)

// stages are the plan's jobs: variants and the first scorer together, then the
// other judges one by one.
func (p *Plan) stages(f *fleet.Fleet) [][]*engine.Job {
	models := p.Sizes.loadable()
	p.count = sofar.New(p.Roster)
	job := func(planned schedule.Job, v *task.Variant, stage Stage, from engine.Source, unit func(engine.Unit) task.Generation, do work) *engine.Job {
		return &engine.Job{
			ID: planned.ID, Stage: stage, Kind: planned.Kind, Model: models[v], Fit: planned.Fit, Source: from,
			Do: func(ctx context.Context, ask engine.Ask, u engine.Unit) (bool, error) {
				return do(ctx, p.evaluator(p.answers.Heard(models.asks(ask), v)), unit(u))
			},
			Name: func(u engine.Unit) []string { return unit(u).Names() },
		}
	}
	scorers := p.Scorers()
	var first []*engine.Job
	var b *task.Backlog
	if p.jobs.scoring != nil {
		b, p.rated = task.NewBacklog(p.Task, p.Variants), task.NewRated(p.Task, p.Variants, p.rights)
	}
	arranged := p.Task.Arrangements(p.Variants)
	for i, planned := range p.jobs.generating {
		a := arranged[i]
		pins := task.NewPins(a, f.ClassOf, f.Mixed())
		j := job(planned, p.Variants[i], Generate, pins.Source(a), func(u engine.Unit) task.Generation { return a.Generation(int(u)) }, p.respond(pins))
		if b != nil {
			j.Done = func(u engine.Unit) { b.Answered(i, int(u)) }
			j.Ended = func() { b.Over(i) }
		}
		first = append(first, j)
	}
	if b != nil {
		j := job(*p.jobs.scoring, scorers[0], Score, b, b.Generation, p.score(scorers[0]))
		if slices.Contains(p.Judges, scorers[0]) {
			j.Count = p.rated.Count
		}
		first = append(first, j)
		scorers = scorers[1:]
	}
	var all [][]*engine.Job
	if len(first) > 0 {
		all = append(all, first)
	}
	everywhere := p.Task.Everywhere(p.Variants)
	for i, planned := range p.jobs.rating {
		from := engine.NewQueue(engine.Alike(p.Total()))
		unit := func(u engine.Unit) task.Generation { return everywhere(int(u)) }
		all = append(all, []*engine.Job{job(planned, scorers[i], Score, from, unit, p.score(scorers[i]))})
	}
	return all
}

func (p *Plan) evaluator(ask task.Ask) task.Evaluator {
	return task.Evaluator{Task: p.Task, Extractor: p.Extractor, Ask: ask, Server: p.Server, Roles: p.roles}
}

// respond makes the calls of a generation's response.
func (p *Plan) respond(pins *task.Pins) work {
	return func(ctx context.Context, e task.Evaluator, g task.Generation) (failed bool, err error) {
		s, err := e.Generate(ctx, g)
		pins.Answered(g.Place, s.Reply)
		if err == nil {
			p.count.Answered(s)
		}
		return s.Err != nil, err
	}
}

// score makes one scorer's calls for a generation, and says whether one of them
// failed: what could not be answered has failed before. Judges that come to a
// run later pass over what was not answered.
func (p *Plan) score(by *task.Variant) work {
	var judges []*task.Variant
	if slices.Contains(p.Judges, by) {
		judges = []*task.Variant{by}
	}
	later := p.Rerating || by != p.Scorers()[0]
	sound := p.sound(by)
	return func(ctx context.Context, e task.Evaluator, g task.Generation) (failed bool, err error) {
		if err := sound(ctx, e); err != nil {
			return false, err
		}
		s, err := e.Evaluate(ctx, g, judges)
		if later && (errors.Is(err, engine.ErrNotAsked) || errors.Is(err, task.ErrNotGiven)) {
			return false, nil
		}
		if err == nil {
			p.count.Scored(s)
		}
		if !later {
			p.rated.Passed(s, p.Task.JudgeAll)
		}
		unread := by == p.Extractor && s.Reply != nil && s.Answer == nil
		unrated := slices.ContainsFunc(s.Judgments, func(j task.Judgment) bool { return j.Reply == nil })
		return unread || unrated, err
	}
}
