package task

import (
	"fmt"
	"strings"

	"perg/harness/extract"
	"perg/harness/judge"
	"perg/harness/prompt"
)

// A Lengthy takes one prompt of a task, the tokens that its call needs beside
// it, for its answer and for what is yet to be put in, and what it is in words.
type Lengthy func(text prompt.Prompt, room int, what string)

// retold is how many tokens a text may take of one model for each token that
// it took of the model that wrote it, or of the same as a JSON string.
const retold = 1.5

// AnswerLengths hands over the prompts of a variant's generations, in the order in
// which they are asked, of all shards: they give a model the same context. Those of variants that may write answers of the same length are the same.
func (t *Task) AnswerLengths(v *Variant, add Lengthy) error {
	t = t.Whole()
	a := t.Arrange(v)
	for place := range a.Len() {
		g := a.Generation(place)
		if g.Repeat > 0 {
			continue // it is as long as the first
		}
		first, err := t.first(g)
		if err != nil {
			return err
		}
		what := fmt.Sprintf("item %s, %s", g.Item.ID, strings.Join(g.Names(), " "))
		most := t.AnswerTokens(v, g.firstStage().Method)
		if g.Method.Draft() != prompt.BaselineDraft { // else it is the baseline's
			add(first.Text, most, what)
		}
		if !g.Method.TwoCalls() {
			continue
		}
		revised, err := t.revision(g, first.Text.User, "")
		if err != nil {
			return err
		}
		add(revised.Text, int(retold*float64(most))+t.AnswerTokens(v, g.Method), what)
	}
	return nil
}

// ScoringLengths hands over the prompts of scorers with the responses left
// empty; what those add is bounded by the tokens that variants may answer with.
// Of each item comes the prompt of its rating, then that of its extraction.
func (t *Task) ScoringLengths(variants []*Variant, rating, extraction Lengthy) error {
	longest := 0
	for _, v := range variants {
		for _, c := range t.Cells(v) {
			longest = max(longest, t.AnswerTokens(v, c.Method))
		}
	}
	response := int(retold * float64(longest))
	for i := range t.Dataset.Items {
		it := &t.Dataset.Items[i]
		query, err := t.Prompts.Ask(prompt.Query{Item: *it, Method: prompt.ZeroShot, Setting: prompt.None})
		if err != nil {
			return err
		}
		rated, err := t.Prompts.Judge(query.User, it.Preference, "", "", false)
		if err != nil {
			return err
		}
		read, err := t.Prompts.Extract(it.Options, "")
		if err != nil {
			return err
		}
		rating(rated, 2*response+judge.MaxTokens, fmt.Sprintf("item %s, judging", it.ID))
		extraction(read, response+extract.MaxTokens, fmt.Sprintf("item %s, extraction", it.ID))
	}
	return nil
}

// SuggestionLengths hands over the prompts that ask for preferences.
func (t *Task) SuggestionLengths(add Lengthy) error {
	for _, it := range t.Dataset.Items {
		text, err := t.Prompts.Preference(it)
		if err != nil {
			return err
		}
		add(text, SuggestionTokens, fmt.Sprintf("item %s", it.ID))
	}
	return nil
}
