package harness

import (
	"context"
	"errors"
	"slices"

	"perg/harness/engine"
	"perg/harness/prompt"
	"perg/harness/schedule"
	"perg/harness/store"
)

// The stages of a generation.
const (
	Generate engine.Stage = "generate" // the variant answers
	Score    engine.Stage = "score"    // a model reads and rates answers
)

// A Stage is what a lane does with a model.
type Stage = engine.Stage

// loadable are the variants of a plan as the engine knows them.
type loadable map[*Variant]*engine.Model

func (p *Plan) loadable() loadable {
	l := make(loadable)
	for _, v := range slices.Concat(p.Variants, p.scorers()) {
		l[v] = &engine.Model{Label: v.Label, Name: v.Name, Digest: v.Digest, KVCache: v.KVCache}
		for _, b := range slices.Backward(buckets) {
			if b >= v.Need {
				l[v].Contexts = append(l[v].Contexts, b)
			}
		}
	}
	return l
}

// asks makes the engine's calls of those of generations.
func (l loadable) asks(a engine.Ask) ask {
	return func(ctx context.Context, c call) (store.Reply, error) {
		return a(ctx, engine.Call{Key: c.key(), Model: l[c.variant], Request: c.request, Shared: c.shared})
	}
}

// replies are a store's, as the engine keeps them.
type replies struct{ *store.Store }

func (r replies) Put(ctx context.Context, k store.Key, reply store.Reply) (engine.Commit, error) {
	return commit(r.Store.Put(ctx, k, reply))
}

func (r replies) Fail(ctx context.Context, k store.Key, f store.Failure) (engine.Commit, error) {
	return commit(r.Store.Fail(ctx, k, f))
}

func commit(c *store.Commit, err error) (engine.Commit, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

// stages are the plan's jobs: variants and the first scorer together, then the
// other judges one by one.
func (p *Plan) stages(f *Fleet, c Config) [][]*engine.Job {
	models := p.loadable()
	generating, scoring, rating := p.jobs(f, c)
	scorers := p.scorers()
	job := func(planned schedule.Job, v *Variant, stage Stage, from engine.Source, unit func(engine.Unit) generation, do doing) *engine.Job {
		return &engine.Job{
			ID: planned.ID, Stage: stage, Kind: planned.Kind, Model: models[v], Fit: planned.Fit, Source: from,
			Do: func(ctx context.Context, ask engine.Ask, u engine.Unit) (bool, error) {
				return do(ctx, models.asks(ask), unit(u))
			},
			Name: func(u engine.Unit) []string {
				g := unit(u)
				return []string{string(g.Method), string(g.Setting)}
			},
		}
	}
	var first []*engine.Job
	var b *backlog
	if scoring != nil {
		b = newBacklog(p)
	}
	for i, planned := range generating {
		a := p.arrange(p.Variants[i])
		pins := newPins(a, f)
		j := job(planned, p.Variants[i], Generate, pins.source(a), func(u engine.Unit) generation { return a.generation(int(u)) }, p.respondOn(pins))
		if b != nil {
			j.Done = func(u engine.Unit) { b.answered(i, int(u)) }
			j.Ended = func() { b.over(i) }
		}
		first = append(first, j)
	}
	if b != nil {
		first = append(first, job(*scoring, scorers[0], Score, b, b.generation, p.score(scorers[0])))
		scorers = scorers[1:]
	}
	var all [][]*engine.Job
	if len(first) > 0 {
		all = append(all, first)
	}
	everywhere := p.everywhere()
	for i, planned := range rating {
		from := engine.NewQueue(engine.Alike(p.Total()))
		all = append(all, []*engine.Job{job(planned, scorers[i], Score, from, func(u engine.Unit) generation { return everywhere(int(u)) }, p.score(scorers[i]))})
	}
	return all
}

// A doing makes a generation's calls and says whether it failed. Its error is
// one that ends the run.
type doing func(context.Context, ask, generation) (failed bool, err error)

// respondOn makes the calls of a generation's response.
func (p *Plan) respondOn(pins *pins) doing {
	return func(ctx context.Context, ask ask, g generation) (failed bool, err error) {
		s, err := p.generate(ctx, ask, g)
		pins.answered(g.at, s.reply)
		return s.err != nil, err
	}
}

// score makes one scorer's calls for a generation, and says whether one of them
// failed: what could not be answered has failed before. Judges that come to a
// run later pass over what was not answered.
func (p *Plan) score(by *Variant) doing {
	var judges []*Variant
	if slices.Contains(p.Judges, by) {
		judges = []*Variant{by}
	}
	return func(ctx context.Context, ask ask, g generation) (failed bool, err error) {
		s, err := p.evaluate(ctx, ask, g, judges)
		if errors.Is(err, engine.ErrNotAsked) && (p.Rerating || by != p.scorers()[0]) {
			return false, nil
		}
		unread := by == p.Extractor && s.reply != nil && s.answer == nil
		unrated := slices.ContainsFunc(s.judgments, func(j judgment) bool { return j.reply == nil })
		return unread || unrated, err
	}
}

// cellOf is the cell of a lane's last unit; "" before the first.
func cellOf(l engine.LaneStatus) (method prompt.Method, setting prompt.Setting) {
	if len(l.Unit) != 2 {
		return "", ""
	}
	return prompt.Method(l.Unit[0]), prompt.Setting(l.Unit[1])
}
