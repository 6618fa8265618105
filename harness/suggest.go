package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

// A Suggesting is a relevant pass (paper, section 3): one model suggests one
// preference for each item. Its calls are made, paced and kept as those of a
// run are; a pass that was stopped makes only the missing ones.
type Suggesting struct {
	Config  Config // the model is the only one of Models
	Dataset data.Dataset
	Store   *store.Store
	Fleet   *Fleet
	Say     func(string)
	Warn    func(string) // may be called from many goroutines

	mu       sync.Mutex
	statuses []*laneStatus
	tally    tally
}

// Suggestions are what a pass came to. Every item is among Read, Unreadable,
// Failed or Missing.
type Suggestions struct {
	Model      string
	Candidates []data.Candidate // by source in the dataset's order, the most frequent first
	Items      int
	Read       int            // replies that hold a suggestion
	Unreadable map[string]int // replies that do not, by reason
	Failed     map[string]int // calls, by reason
	Missing    int            // items that were not asked about
	Calls      int            // made now
	Known      int            // replies that the store already had
	Elapsed    time.Duration
}

// Progress is the present state of the lanes at work.
func (g *Suggesting) Progress() []LaneStatus {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]LaneStatus, len(g.statuses))
	for i, s := range g.statuses {
		all[i] = s.snapshot()
	}
	return all
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
	p, v, err := g.prepare(ctx)
	if err != nil {
		return Suggestions{}, interrupted(err)
	}
	err = g.work(ctx, p, v)
	if e := g.Store.Flush(context.WithoutCancel(ctx)); err == nil {
		err = e
	}
	found, e := p.suggestions(context.WithoutCancel(ctx), v, g.Store)
	if err == nil {
		err = e
	}
	for _, s := range g.Progress() {
		found.Calls += s.Calls
		found.Known += s.Known
	}
	found.Elapsed = time.Since(started)
	if errors.Is(err, models.ErrUnreachable) {
		err = &Problem{Err: err, Hint: "what was answered is kept; start the server and give the same command again"}
	}
	return found, interrupted(err)
}

// prepare finds the model, its context, and where it runs.
func (g *Suggesting) prepare(ctx context.Context) (*Plan, *Variant, error) {
	prompts, err := prompt.Embedded()
	if err != nil {
		return nil, nil, err
	}
	client, err := g.Fleet.Client(ctx)
	if err != nil {
		return nil, nil, err
	}
	p := &Plan{Dataset: g.Dataset, Prompts: prompts, Repeats: 1, Seed: g.Config.Seed, NumPredict: suggestionTokens}
	c := g.Config
	c.Think = []string{thinkOn}
	if err := p.variants(ctx, c, client, g.Fleet.Managed(), g.Say); err != nil {
		return nil, nil, err
	}
	v := p.Variants[0]
	v.Label = v.Name
	if v.Think != nil {
		v.Think = new(false) // with a format, Ollama would have it answer twice
	}
	var texts longList
	for _, it := range g.Dataset.Items {
		text, err := prompts.Preference(it)
		if err != nil {
			return nil, nil, err
		}
		texts.add(newMeasurable(text, suggestionTokens, "item %s", it.ID))
	}
	p.meanPrompt = texts.sum / float64(texts.n)
	most, err := p.measured(ctx, g.Store, client, g.Warn)(v, texts.kept, 0)
	if err != nil {
		return nil, nil, err
	}
	v.Longest, v.Need = most.tokens, most.need
	v.NumCtx = bucket(v.Need)
	if trained := v.Shape.ContextLength; trained > 0 && v.NumCtx > trained {
		v.NumCtx = trained
		if v.Need > trained {
			g.Warn(fmt.Sprintf("%s was made for a context of %d tokens and its longest prompt (%s) needs %d with the answer: calls that do not fit will fail", v.Name, trained, most.what, v.Need))
		}
	}
	if err := g.Fleet.locate(ctx, p, g.Warn); err != nil {
		return nil, nil, err
	}
	p.Placement = p.place(g.Fleet, g.Config)
	return p, v, p.refused()
}

// work makes the calls on all lanes that the schedule gives them.
func (g *Suggesting) work(ctx context.Context, p *Plan, v *Variant) error {
	items := newQueue(single(len(p.Dataset.Items)), func(i int) generation {
		// No cell of a run: its name is for those who watch.
		return generation{Cell{v, "suggesting", "preferences"}, &p.Dataset.Items[i], 0, i}
	})
	j := &job{
		id: v.Label, variant: v, stage: Generate, total: len(p.Dataset.Items), source: items, done: func(generation) {},
		do: func(ctx context.Context, ask ask, one generation) (failed bool, err error) {
			c, err := p.suggestion(v, *one.item)
			if err != nil {
				return false, err
			}
			_, err = ask(ctx, c)
			if fatal(err) {
				return false, err
			}
			return err != nil, nil
		},
	}
	planned, _, _ := p.jobs(g.Fleet, g.Config)
	var flight singleflight.Group
	var counting errgroup.Group
	began := time.Now()
	group, groupCtx := errgroup.WithContext(ctx)
	for _, s := range schedule.Next(schedule.State{Devices: g.Fleet.Devices, Waiting: planned}) {
		l := &lane{
			name: laneName(s.Fit.Devices), devices: s.Fit.Devices, fleet: g.Fleet, store: g.Store,
			warn: g.Warn, loads: func(Load) {}, allowCPU: g.Config.AllowCPU, flight: &flight, counting: &counting, began: began,
		}
		l.status = newLaneStatus(l, j, g.Fleet.gpus(l.devices), &g.tally)
		l.use(v, settings{s.Fit.Slots, v.KVCache}, s.Fit.NumCtx, g.Config.pace(s.Fit))
		g.mu.Lock()
		g.statuses = append(g.statuses, l.status)
		g.mu.Unlock()
		group.Go(func() error {
			err := l.work(groupCtx, j)
			if e := l.shut(context.WithoutCancel(ctx)); e != nil {
				g.Warn(e.Error())
			}
			return err
		})
	}
	err := group.Wait()
	if counted := counting.Wait(); err == nil {
		err = counted
	}
	return err
}

// suggestions reads what the store has of a pass.
func (p *Plan) suggestions(ctx context.Context, v *Variant, s *store.Store) (Suggestions, error) {
	found := Suggestions{Model: v.Label, Items: len(p.Dataset.Items), Unreadable: make(map[string]int), Failed: make(map[string]int)}
	order := make(map[string]int) // of sources
	at := make(map[[2]string]int) // in found.Candidates
	for _, it := range p.Dataset.Items {
		if _, seen := order[it.Source]; !seen {
			order[it.Source] = len(order)
		}
		c, err := p.suggestion(v, it)
		if err != nil {
			return found, err
		}
		reply, err := recorded(s)(ctx, c)
		past, failed := errors.AsType[*pastFailure](err)
		switch {
		case errors.Is(err, errNotAsked):
			found.Missing++
			continue
		case failed:
			found.Failed[past.Reason]++
			continue
		case err != nil:
			return found, err
		}
		one, err := readSuggestion(reply.Content, reply.DoneReason)
		if err != nil {
			found.Unreadable[err.Error()]++
			continue
		}
		found.Read++
		one.Source, one.Model, one.ItemID, one.Question, one.Options = it.Source, v.Label, it.ID, it.Question, it.Options
		i, known := at[one.Key()]
		if !known {
			i = len(found.Candidates)
			at[one.Key()] = i
			found.Candidates = append(found.Candidates, one)
		}
		found.Candidates[i].Times++
	}
	slices.SortStableFunc(found.Candidates, func(a, b data.Candidate) int {
		return cmp.Or(cmp.Compare(order[a.Source], order[b.Source]), cmp.Compare(b.Times, a.Times))
	})
	return found, nil
}
