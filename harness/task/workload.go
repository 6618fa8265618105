package task

import (
	"slices"

	"perg/harness/prompt"
	"perg/harness/sizing"
)

const (
	// AnswerShare is how much of num_predict an answer takes on average:
	// zero-shot answers of 7B models have some 150 of 500 tokens.
	AnswerShare = 0.3
	// ratingTokens is the length of a rating with its explanation.
	ratingTokens = 60
)

// Generating is what a variant's answers take, with prompts of so many tokens
// on average.
func (t *Task) Generating(v *Variant, prompts sizing.Tokens) sizing.Workload {
	var w sizing.Workload
	draft, drafts := int(AnswerShare*float64(t.AnswerTokens(v, prompt.ZeroShot))), 0
	for _, c := range t.Cells(v) {
		n := t.In(c)
		w.Calls += n
		if c.Method.TwoCalls() {
			drafts += draft * n // which the second call reads
		}
		w.OutputTokens += int(AnswerShare*float64(t.AnswerTokens(v, c.Method))) * n
		if c.Method.Draft() == prompt.ZeroShotDraft && !slices.Contains(t.Methods, prompt.ZeroShot) {
			w.Calls += n // the draft is nobody else's
			w.OutputTokens += draft * n
		}
	}
	n := t.Count(v)
	w.PromptTokens, w.ReadTokens = int(prompts.All*float64(n))+drafts, int(prompts.Read*float64(n))+drafts
	return w
}

// Rating is what one judge's ratings of some variants take, which are right as often as
// is expected, with prompts of so many tokens on average beside the responses.
func (t *Task) Rating(variants []*Variant, expected Rights, prompts sizing.Tokens) sizing.Workload {
	var w sizing.Workload
	for _, v := range variants {
		for _, c := range t.Cells(v) {
			if !c.Setting.Judged() {
				continue
			}
			n := t.In(c)
			if t.JudgeSwap {
				n *= 2
			}
			if share, ok := t.rated(v, expected); ok {
				n = int(share*float64(n) + 0.5)
			}
			w.Calls += n
			responses := 2 * AnswerShare * float64(t.AnswerTokens(v, c.Method))
			w.PromptTokens += n * int(prompts.All+responses)
			w.ReadTokens += n * int(prompts.Read+responses)
			w.OutputTokens += n * ratingTokens
		}
	}
	return w
}
