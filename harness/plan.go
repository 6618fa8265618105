// Package harness is the run: it plans which calls a benchmark needs, has those
// made that are not yet known, and writes the tables. What it is made of has
// packages of its own; here they are put together. It parses no flags and
// prints nothing.
package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/loads"
	"perg/harness/rundir"
	"perg/harness/schedule"
	"perg/harness/sizing"
	"perg/harness/sofar"
	"perg/harness/task"
	"perg/models"
)

// A Plan is everything that determines a run: what is asked, of whom, how large
// each model is made, and where it runs. Each part is made of those before it,
// and none is written to afterwards.
type Plan struct {
	Task *task.Task
	task.Roster
	Sizes     Sizes
	Placement schedule.Placement
	Server    string // version of the one that it was made with; "": none

	roles   *task.Roles
	jobs    jobs
	where   *fleet.Locations // of the models
	rights  task.Rights      // that are expected
	answers loads.Answers
	rated   *task.Rated // by the first scorer
	count   *sofar.Count
}

// Total is the number of generations of the run.
func (p *Plan) Total() int { return p.Task.Total(p.Variants) }

// info names a model of the plan.
func (p *Plan) info(v *task.Variant) rundir.ModelInfo { return rundir.InfoOf(v, p.Sizes.Of[v].NumCtx) }

// Jobs are a plan's as the schedule sees them: the variants', that of the first
// scorer, which works while they do, and those of further judges, which each
// have all devices to themselves.
type jobs struct {
	generating []schedule.Job
	scoring    *schedule.Job
	rating     []schedule.Job
}

// jobsOf are those of a roster's models on a fleet.
func jobsOf(t *task.Task, r task.Roster, s Sizes, f *fleet.Fleet, where *fleet.Locations, c rundir.Config, paces loads.Known, rights task.Rights) jobs {
	slots, _ := c.InFlight()
	if !f.Managed() {
		slots = 0 // the server's own
	}
	job := func(v *task.Variant, w sizing.Workload, kind schedule.Kind) schedule.Job {
		placing := sizing.Placing{
			Model: s.model(v), Work: w, Slots: slots, Spill: c.AllowCPU, Has: where.Has(v.Installed), Remedies: true, Pace: paces(v),
		}
		return schedule.Job{ID: jobID(r, v), Kind: kind, Fit: placing.Fit}
	}
	var all jobs
	scorers := r.Scorers()
	if !r.Rerating {
		for _, v := range r.Variants {
			all.generating = append(all.generating, job(v, t.Generating(v, s.Prompt).Thinking(s.Thoughts[v].Mean), schedule.Generate))
		}
		if len(scorers) > 0 {
			all.scoring = new(job(scorers[0], t.Rating(r.Variants, rights, s.Rating).Thinking(s.Thoughts[scorers[0]].Mean), schedule.Score))
			scorers = scorers[1:]
		}
	}
	for _, v := range scorers {
		all.rating = append(all.rating, job(v, t.Rating(r.Variants, rights, s.Rating).Thinking(s.Thoughts[v].Mean), schedule.Generate))
	}
	return all
}

// jobID names a model's job in the placement.
func jobID(r task.Roster, v *task.Variant) string {
	if r.Scores(v) {
		return "judge " + v.Label
	}
	return v.Label
}

// place decides what runs where. Judges after the first scorer each have their
// turn when all before them have ended.
func (j jobs) place(devices []schedule.Device) schedule.Placement {
	placement := schedule.Place(devices, j.generating, j.scoring)
	for _, r := range j.rating {
		placement = placement.Then(schedule.Place(devices, []schedule.Job{r}, nil))
	}
	return placement
}

// refused is the error of a placement with models that fit nowhere.
func refused(p schedule.Placement) error {
	var faults []error
	for _, r := range p.Refused {
		faults = append(faults, fmt.Errorf("%s does not fit: %s", r.Job, r.Reason))
	}
	if len(faults) == 0 {
		return nil
	}
	return &hint.Error{Err: errors.Join(faults...), Hint: "leave it out, take what would fit, or accept the processor with --allow-cpu; 'perg plan' shows the memory", Usage: true}
}

// installed are the models of some variants, each once.
func installed(variants []*task.Variant) []models.Installed {
	var all []models.Installed
	for _, v := range variants {
		if !slices.ContainsFunc(all, func(m models.Installed) bool { return m.Name == v.Name }) {
			all = append(all, v.Installed)
		}
	}
	return all
}

// PruneQuantized removes what quantizing made of the run's models.
func (p *Plan) PruneQuantized(ctx context.Context, f *fleet.Fleet) error {
	return f.Prune(ctx, installed(p.Variants))
}
