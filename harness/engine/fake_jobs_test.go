package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

// A poison is what is wrong with a call, wherever it is made.
type poison int

const (
	harmless poison = iota
	killsRunner
	killsServer
	neverAnswers
	always500
	always400
	incomplete
)

func (p poison) String() string {
	return [...]string{"harmless", "ends its runner", "ends its server", "is never answered", "HTTP 500", "HTTP 400", "is incomplete"}[p]
}

// A question is a call as the world knows it, by its text.
type question struct {
	text   string
	model  *fakeModel
	poison poison
	shared bool
	took   time.Duration

	inFlight int
	sent     int
	broken   []breakage // of this run, since it was last answered
	answered bool       // a reply is kept
	late     bool       // that came when nobody waited for it any more
	worked   int        // how often it was answered
	excused  int        // how often it was asked of a machine that left
	failed   bool       // in this run, by its own fault
}

type breakage struct {
	lane string
	at   time.Time
	err  error
	by   string // the text of the call that broke it; "": a fault
}

func (q *question) key() store.Key {
	return store.Key(sha256.Sum256([]byte(q.model.Digest + "\x00" + q.text)))
}

// A unit is one of a fake job: one call, or a second one that depends on the
// reply to the first.
type unit struct {
	texts  []string // of its calls
	shared bool     // the first, by several units
	base   int      // the unit that it has to be like, and is scored against; -1: none
}

// A fakeJob is a job of a world.
type fakeJob struct {
	*Job
	world  *world
	model  *fakeModel
	units  []unit
	of     []*fakeJob // that it scores
	alike  bool       // units demand the class of their base
	queued bool       // they come from a queue all the same
	tells  []*backlog

	mu     sync.Mutex
	done   []int  // how often Done was told of a unit
	failed []bool // what Do said of it last
	ended  int
}

// generates adds a job of so many calls.
func (w *world) generates(m *fakeModel, n int) *fakeJob {
	j := &fakeJob{world: w, model: m}
	for u := range n {
		j.units = append(j.units, unit{texts: []string{fmt.Sprintf("%s/%d", m.Label, u)}, base: -1})
	}
	w.join(j, 0, schedule.Generate, "generate "+m.Label)
	return j
}

// scores adds a job that scores those of others, in a stage.
func (w *world) scores(m *fakeModel, stage int, of ...*fakeJob) *fakeJob {
	j := &fakeJob{world: w, model: m, of: of}
	for _, g := range of {
		for u := range g.units {
			j.units = append(j.units, unit{texts: []string{fmt.Sprintf("%s:%s/%d", m.Label, strings.ReplaceAll(g.ID, " ", "-"), u)}, base: -1})
		}
	}
	w.join(j, stage, schedule.Score, "score "+m.Label)
	return j
}

func (w *world) join(j *fakeJob, stage int, kind schedule.Kind, id string) {
	for len(w.stages) <= stage {
		w.stages = append(w.stages, nil)
	}
	j.Job = &Job{
		ID: id, Stage: "work", Kind: kind, Model: j.model.Model, Fit: w.fit(j.model, len(j.units)),
		Do: j.do, Done: j.tellDone, Ended: j.tellEnded,
		Name: func(u Unit) []string { return j.units[u].texts },
	}
	w.stages[stage] = append(w.stages[stage], j)
	j.began()
}

// began is the beginning of a run.
func (j *fakeJob) began() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.done, j.failed, j.ended = make([]int, len(j.units)), make([]bool, len(j.units)), 0
	switch {
	case j.Kind == schedule.Score:
		b := newBacklog(j.of)
		for _, g := range j.of {
			g.tells = append(g.tells, b)
		}
		j.Source = b
	case j.alike && j.queued:
		j.tells = nil
		j.Source = newPinned(j.units)
	case j.alike:
		j.tells = nil
		j.Source = newAlike(j)
	default:
		j.tells = nil
		j.Source = NewQueue(sectionsOf(len(j.units)))
	}
}

// sectionsOf cuts units into sections of groups.
func sectionsOf(n int) [][]int {
	var sections [][]int
	for at := 0; at < n; {
		var ends []int
		for g := 0; g < 2 && at < n; g++ {
			at = min(n, at+3)
			ends = append(ends, at)
		}
		sections = append(sections, ends)
	}
	return sections
}

// question is the call of a text, and its key.
func (w *world) question(m *fakeModel, text string, shared bool) (*question, Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.poisons[strings.Fields(text)[0]]
	q := w.questions[text]
	if q == nil {
		q = &question{text: text, model: m, poison: p, shared: shared, took: between(w.dice.of("call", text), m.call/2, m.call*3/2)}
		w.questions[text] = q
		w.keys[q.key()] = q
	}
	return q, Call{
		Key: q.key(), Model: m.Model, Shared: shared,
		Request: models.Request{Model: m.Name, User: text, Options: models.Options{NumPredict: 100}},
	}
}

// calls asks for a unit's calls, one after the other.
func (j *fakeJob) calls(ctx context.Context, ask Ask, u Unit) error {
	unit := j.units[u]
	text := ""
	for i := range unit.texts {
		text = unit.texts[i]
		if i > 0 {
			text += " after " + fmt.Sprintf("%.8x", sha256.Sum256([]byte(unit.texts[0])))
		}
		_, c := j.world.question(j.model, text, unit.shared && i == 0)
		if _, err := ask(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (j *fakeJob) do(ctx context.Context, ask Ask, u Unit) (failed bool, err error) {
	defer j.world.paused(j, u)()
	var failure *FailedError
	if j.Kind == schedule.Score {
		g, of := j.rated(u)
		err = g.calls(ctx, ask, of)
		if base := g.units[of].base; err == nil && base >= 0 {
			err = g.calls(ctx, ask, Unit(base))
		}
		switch {
		case errors.Is(err, ErrNotAsked) && j.world.twins:
			// A first call that failed was answered for another job since.
			err = &FailedError{}
		case errors.Is(err, ErrNotAsked):
			j.world.wrong("%s is given unit %d, which waits for what was not asked", j.ID, u)
		}
	}
	if err == nil {
		err = j.calls(ctx, ask, u)
	}
	failed = errors.As(err, &failure)
	if failed {
		err = nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failed[u] = failed
	return failed, err
}

// rated is what a unit of a scoring job rates.
func (j *fakeJob) rated(u Unit) (*fakeJob, Unit) {
	for _, g := range j.of {
		if int(u) < len(g.units) {
			return g, u
		}
		u -= Unit(len(g.units))
	}
	panic("no such unit")
}

func (j *fakeJob) tellDone(u Unit) {
	j.mu.Lock()
	j.done[u]++
	twice, late := j.done[u] > 1, j.ended > 0
	failed := j.failed[u]
	tells := j.tells
	j.mu.Unlock()
	j.world.tell("%s: unit %d is done, failed: %v", j.ID, int(u), failed)
	if twice {
		j.world.wrong("%s: unit %d is done twice", j.ID, u)
	}
	if late {
		j.world.wrong("%s: unit %d is done after the job's end", j.ID, u)
	}
	err := j.calls(context.Background(), Recorded(j.world.replies), u)
	var failure *FailedError
	if !failed && err != nil || failed && len(j.of) == 0 && !errors.As(err, &failure) {
		j.world.wrong("%s: unit %d is done, and its replies say %v", j.ID, u, err)
	}
	if a, ok := j.Source.(*alike); ok {
		a.done(u)
	}
	for _, b := range tells {
		b.done(j, u)
	}
}

func (j *fakeJob) tellEnded() {
	j.mu.Lock()
	j.ended++
	twice := j.ended > 1
	tells := j.tells
	j.mu.Unlock()
	j.world.tell("%s has ended", j.ID)
	j.world.checkUndone(j)
	if twice {
		j.world.wrong("%s ends twice", j.ID)
	}
	for _, b := range tells {
		b.endedOf(j)
	}
}

// outcomes counts the units that are done, and those of them that failed.
func (j *fakeJob) outcomes() (done, failed int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for u := range j.units {
		if j.done[u] > 0 {
			done++
			if j.failed[u] {
				failed++
			}
		}
	}
	return done, failed
}
