package harness

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/enlist"
	"perg/harness/fleet"
	"perg/harness/loads"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/harness/tables"
	"perg/harness/task"
)

// bytesPerToken is of English text; the tokens of a plan are estimated by it
// where no model has counted them.
const bytesPerToken = 4

// Preview makes the plan of a config without starting, loading or making
// anything. Models that are not installed are taken from the config's
// descriptions, and from those that perg has of the paper's models; GPUs that
// are not here are written as in "2x24GiB". The notes say what the plan rests
// on. Paces are those of a store, which may be nil. Other machines are those that
// would work for the run.
func Preview(ctx context.Context, c rundir.Config, set data.Dataset, s *store.Store, others ...fleet.Machine) (p *Plan, f *fleet.Fleet, notes []string, err error) {
	note := func(text string) { notes = append(notes, text) }
	t, err := c.Task(set)
	if err != nil {
		return nil, nil, nil, err
	}
	o := FleetOptions(c, "", note, note)
	if f, err = fleet.Preview(ctx, o); err != nil {
		return nil, nil, nil, err
	}
	for _, m := range others {
		f.Come(m)
	}
	r, version, err := enlist.Seen(ctx, c, o, f.Managed(), note)
	if err != nil {
		return nil, nil, nil, err
	}
	if r, err = shareOf(c, r); err != nil {
		return nil, nil, nil, err
	}
	for _, text := range r.Concerns(version) {
		note(text)
	}
	for _, text := range r.Brings(c.Temperature) {
		note(text)
	}
	known := nothingKnown
	if s != nil {
		known = tables.Recorded(s)
	}
	sizes, err := sizesOf(ctx, t, r, estimated, known, c.NumCtx, note)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("by estimate, %w", err)
	}
	noteOf(r.Loaded(), func(v *task.Variant) string { return sizes.Thoughts[v].String() }, note)
	note(fmt.Sprintf("prompts are estimated at %d bytes a token, answers at %.0f %% of num_predict; 'perg run' measures the prompts before it starts", bytesPerToken, task.AnswerShare*100))
	if p, err = place(ctx, t, r, sizes, c, loads.Paces{Store: s, Fleet: f}, version); err != nil {
		return nil, nil, nil, err
	}
	if len(r.Judges) > 0 && !t.JudgeAll {
		noteOf(r.Variants, p.rights.About, note)
	}
	return p, f, notes, nil
}

// noteOf notes what is to be said of models, where it is the same of several once.
func noteOf(variants []*task.Variant, about func(*task.Variant) string, note func(string)) {
	var texts []string
	of := make(map[string][]string)
	for _, v := range variants {
		text := about(v)
		if of[text] == nil && text != "" {
			texts = append(texts, text)
		}
		of[text] = append(of[text], v.Label)
	}
	for _, text := range texts {
		note(task.Some(of[text]) + ": " + text)
	}
}

// ByLevel are plans of the same work for one quantization each, in the order of
// the roster: each has all devices to itself.
func (p *Plan) ByLevel(ctx context.Context, c rundir.Config, f *fleet.Fleet, s *store.Store) (all []*Plan, err error) {
	var levels []string
	for _, v := range p.Variants {
		if slices.ContainsFunc(levels, func(l string) bool { return strings.EqualFold(l, v.Quantization) }) {
			continue
		}
		levels = append(levels, v.Quantization)
		r := p.Roster
		r.Variants = slices.DeleteFunc(slices.Clone(r.Variants), func(other *task.Variant) bool {
			return other.Quantization != v.Quantization
		})
		one, err := place(ctx, p.Task, r, p.Sizes, c, loads.Paces{Store: s, Fleet: f}, p.Server)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// nothingKnown is the ask of a plan without a store.
func nothingKnown(context.Context, task.Call) (store.Reply, error) {
	return store.Reply{}, engine.ErrNotAsked
}
