package harness

import (
	"context"
	"fmt"

	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/loads"
	"perg/harness/prompt"
	"perg/harness/rundir"
	"perg/harness/sizing"
	"perg/harness/store"
	"perg/harness/task"
)

// Sizes say how large each model is made, and how many tokens its prompts have
// on average, by estimate.
type Sizes struct {
	Of       map[*task.Variant]sizing.Size
	Thoughts map[*task.Variant]task.Thoughts // of those that think
	Prompt   sizing.Tokens                   // of a variant's generations
	Rating   sizing.Tokens                   // of the judges' calls, without the responses
}

// model is what decides a model's memory.
func (s Sizes) model(v *task.Variant) sizing.Model {
	return sizing.Model{Size: s.Of[v], Shape: v.Shape, KVCache: v.KVCache, Engine: v.Engine}
}

// A longest finds the longest of a model's calls, as far as its context, which
// is wanted where that is not 0, depends on it.
type longest func(v *task.Variant, calls *sizing.Calls, wanted int) (sizing.Longest, error)

// estimated asks nobody.
func estimated(_ *task.Variant, calls *sizing.Calls, _ int) (sizing.Longest, error) {
	return calls.Estimated(), nil
}

// sizesOf chooses the num_ctx of every model: wanted, where that is not 0 and
// is enough, else the smallest bucket that holds its longest call.
func sizesOf(ctx context.Context, t *task.Task, r task.Roster, longest longest, known task.Ask, wanted int, warn func(string)) (Sizes, error) {
	s := Sizes{Of: make(map[*task.Variant]sizing.Size), Thoughts: make(map[*task.Variant]task.Thoughts)}
	answers := make(map[int]*sizing.Calls) // by the length of an answer
	if !r.Rerating {
		for _, v := range r.Variants {
			most := t.AnswerTokens(v, prompt.ZeroShot)
			if answers[most] != nil {
				continue
			}
			answers[most] = &sizing.Calls{}
			if err := t.AnswerLengths(v, answers[most].Add); err != nil {
				return s, err
			}
			s.Prompt = answers[most].Tokens().Per(len(t.Cells(v)) * len(t.Dataset.Items))
		}
	}
	var scoring, rated sizing.Calls
	if len(r.Scorers()) > 0 {
		rating := func(text prompt.Prompt, room int, what string) {
			scoring.Add(text, room, what)
			rated.Add(text, room, what)
		}
		if err := t.ScoringLengths(r.Variants, rating, scoring.Add); err != nil {
			return s, err
		}
		s.Rating = rated.Tokens().Per(len(t.Dataset.Items))
	}
	for _, v := range r.Loaded() {
		calls := &scoring
		if !r.Scores(v) {
			calls = answers[t.AnswerTokens(v, prompt.ZeroShot)]
		}
		l, err := longest(v, calls, wanted)
		if err != nil {
			return s, err
		}
		if v.Unseen {
			l.Need += otherRole
		}
		if s.Thoughts[v], err = t.ThoughtsOf(ctx, v, known); err != nil {
			return s, err
		}
		size := sizing.SizeOf(l, wanted, v.Shape.ContextLength)
		if limit := t.ThoughtTokens(v); limit > 0 {
			size = size.Thinking(s.Thoughts[v].Most, limit, wanted, v.Shape.ContextLength)
		}
		size = size.AtLeast(v.LeastCtx)
		if wanted > 0 && size.Need > wanted && !r.Scores(v) {
			return s, &hint.Error{
				Err: fmt.Errorf("num_ctx %d: the longest prompt of %s (%s) has %d tokens, which with %d for its answer needs %d",
					wanted, v.Name, size.What, size.Longest, size.Room(), size.Need),
				Hint:  fmt.Sprintf("--num-ctx %d holds it; left out, it is chosen so", sizing.Bucket(size.Need)),
				Usage: true,
			}
		}
		if text := tooLong(v, size, "what does not fit will be rows in error"); text != "" {
			warn(text)
		}
		s.Of[v] = size
	}
	return s, nil
}

// otherRole is more tokens than a prompt can gain where its system text turns out
// to go into a turn of its own.
const otherRole = 32

// tooLong says what becomes of calls that are longer than a model was trained
// for; "" where there is none.
func tooLong(v *task.Variant, s sizing.Size, then string) string {
	trained := v.Shape.ContextLength
	if trained == 0 || s.Need <= trained || s.NumCtx != trained {
		return ""
	}
	return fmt.Sprintf("%s was made for a context of %d tokens and its longest prompt (%s) needs %d with the answer: %s", v.Name, trained, s.What, s.Need, then)
}

// counted counts through a server, which has the model in memory meanwhile: and
// after it, where that is the only one and so the first to run.
func counted(ctx context.Context, seed int, only bool, s *store.Store, client fleet.Client, say, warn func(string)) longest {
	return func(v *task.Variant, calls *sizing.Calls, wanted int) (sizing.Longest, error) {
		if v.Remote != "" {
			return calls.Estimated(), nil // its vocabulary is not here
		}
		tokens := &fleet.Tokens{Store: s, Client: client, Model: v.Name, Tokenizer: v.Tokenizer, Think: v.Think, Seed: seed, Say: say}
		l, err := calls.Counted(ctx, wanted, func(ctx context.Context, text prompt.Prompt, numCtx int) (int, error) {
			system, user := v.Messages(text)
			return tokens.Count(ctx, system, user, numCtx)
		})
		if tokens.Asked() && (err != nil || !only) {
			// The next one may not fit beside it.
			if e := client.Unload(context.WithoutCancel(ctx), v.Name); e != nil && err == nil {
				warn(e.Error())
			}
		}
		return l, err
	}
}

// place finds out where the models are and decides where each runs.
func place(ctx context.Context, t *task.Task, r task.Roster, s Sizes, c rundir.Config, p loads.Paces, server string) (*Plan, error) {
	f := p.Fleet
	where, err := f.Locate(ctx, installed(r.Loaded()))
	if err != nil {
		return nil, err
	}
	rights := loads.Rights{Store: p.Store}.Known(ctx, r.Variants)
	j := jobsOf(t, r, s, f, where, c, p.Known(ctx, r, server), rights)
	return &Plan{Task: t, Roster: r, Sizes: s, Server: server, Placement: j.place(f.All()), roles: &task.Roles{}, jobs: j, where: where, rights: rights}, nil
}
