package harness

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/enlist"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/harness/tables"
	"perg/harness/task"
	"perg/models"
)

// PrepareRerating makes the plan by which the judges of a config rate the
// generations of a run that is there, and the run's new manifest. The config is
// the run's own but for its judges. Nothing is generated and no answer is read
// again, so the run's variants need not be installed any more; its replies must
// be in the store, unless they are given.
func PrepareRerating(ctx context.Context, c rundir.Config, set data.Dataset, given task.Given, old rundir.Manifest, f *fleet.Fleet, s *store.Store, say, warn func(string)) (*Plan, rundir.Manifest, error) {
	fail := func(err error) (*Plan, rundir.Manifest, error) { return nil, rundir.Manifest{}, err }
	t, err := old.Asked(c).Task(set)
	if err != nil {
		return fail(err)
	}
	if t.Given = given; given != nil {
		t.Methods, t.NumPredict = c.MethodsInOrder(), old.Imported.Tokens()
	}
	r := task.Roster{Rerating: true}
	for _, info := range old.Models {
		r.Variants = append(r.Variants, old.VariantOf(info))
	}
	if old.Extractor != nil {
		r.Extractor = old.ScorerOf(*old.Extractor)
		c.Extractor = r.Extractor.Label
	} else {
		c.Extractor = rundir.NoExtractor
	}
	if err := madeWith(ctx, t, r, s, c.Store); given == nil && err != nil {
		return fail(err)
	}
	client, err := f.Client(ctx)
	if err != nil {
		return fail(err)
	}
	catalogue, err := client.Catalogue(ctx)
	if err != nil {
		return fail(err)
	}
	var judges []string
	for _, name := range c.Judge {
		model, _, err := task.SplitWay(name)
		if err != nil {
			return fail(&hint.Error{Err: err, Usage: true})
		}
		judges = append(judges, model)
	}
	if err := fleet.LookUp(judges, catalogue, client.Host(), c.AllowRemote); err != nil {
		return fail(err)
	}
	engine, err := f.Engine(ctx)
	if err != nil {
		return fail(err)
	}
	version, err := client.Version(ctx)
	if err != nil {
		return fail(err)
	}
	scorers := c
	scorers.Judge = fleet.Matching(c.Judge, catalogue)
	scorers.Extractor = rundir.NoExtractor // the run has read its answers
	found, err := enlist.WithScorers(task.Roster{}, scorers, version, func(name string) (*task.Variant, error) {
		m, _ := models.Find(catalogue, name)
		v, err := enlist.Describe(ctx, client, m, engine)
		if f.Managed() {
			v.KVCache = models.KVF16
		}
		v = v.Bounded(c.NumCtx)
		v.Serve(old.RunID)
		return &v, err
	})
	if err != nil {
		return fail(err)
	}
	r.Judges = found.Judges
	for _, text := range r.Concerns(version) {
		warn(text)
	}
	m := old
	m.Config, m.Irrelevant, m.Prompts, m.Dataset = c, t.Irrelevant, t.Hashes(), rundir.DatasetOf(t)
	if given != nil {
		m.Irrelevant, m.Prompts = nil, rundir.JudgePrompts(m.Prompts) // what else was stated is not known
	}
	if changes := m.Differences(old.RatedLike(m)); len(changes) > 0 {
		return fail(&hint.Error{
			Err:   fmt.Errorf("the run was made with other settings than could be rated now:\n  %s", strings.Join(changes, "\n  ")),
			Hint:  "its ratings would be of other prompts; make a new run, replies that both need are taken from the store",
			Usage: true,
		})
	}
	p, err := sizeAndPlace(ctx, t, r, f, c, s, client, version, say, warn)
	if err != nil {
		return fail(err)
	}
	p.noteScorers(&m)
	m.Extractor = old.Extractor
	m.Placement = p.Placement.Lines()
	return p, m, nil
}

// madeWith makes sure that a store is that of a run: it has a reply to one of the
// first generations.
func madeWith(ctx context.Context, t *task.Task, r task.Roster, s *store.Store, path string) error {
	const enough = 200
	e := task.Evaluator{Task: t, Extractor: r.Extractor, Ask: tables.Recorded(s)}
	generation := t.Everywhere(r.Variants)
	for place := range min(enough, t.Total(r.Variants)) {
		_, err := e.Generate(ctx, generation(place))
		if err == nil {
			return nil
		}
		if !errors.Is(err, engine.ErrNotAsked) {
			return err
		}
	}
	return &hint.Error{
		Err:  fmt.Errorf("the store %s has none of the run's replies", path),
		Hint: "name the store that the run was made with, with --store",
	}
}
