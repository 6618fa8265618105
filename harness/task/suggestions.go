package task

import (
	"cmp"
	"context"
	"errors"
	"perg/data"
	"perg/harness/engine"
	"perg/harness/store"
	"slices"
)

// Suggestions are what the replies to a model's pass come to. Every item is
// among Read, Unreadable, Failed or Missing.
type Suggestions struct {
	Model      string
	Candidates []data.Candidate // by source in the dataset's order, the most frequent first
	Items      int
	Read       int            // replies that hold a suggestion
	Unreadable map[string]int // replies that do not, by reason
	Failed     map[string]int // calls, by reason
	Missing    int            // items that were not asked about
}

// Suggest asks a model for a preference for an item.
func (e Evaluator) Suggest(ctx context.Context, v *Variant, it data.Item) (store.Reply, error) {
	c, err := e.fitted(ctx)(e.Suggestion(v, it))
	if err != nil {
		return store.Reply{}, err
	}
	return e.Ask(ctx, c)
}

// Suggestions reads the replies to a model's pass.
func (e Evaluator) Suggestions(ctx context.Context, v *Variant) (Suggestions, error) {
	found := Suggestions{Model: v.Label, Items: len(e.Dataset.Items), Unreadable: make(map[string]int), Failed: make(map[string]int)}
	order := make(map[string]int) // of sources
	at := make(map[[2]string]int) // in found.Candidates
	for _, it := range e.Dataset.Items {
		if _, seen := order[it.Source]; !seen {
			order[it.Source] = len(order)
		}
		reply, err := e.Suggest(ctx, v, it)
		past, failed := errors.AsType[*engine.FailedError](err)
		switch {
		case errors.Is(err, engine.ErrNotAsked):
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
