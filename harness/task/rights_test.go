package task

import (
	"testing"

	"perg/harness/sizing"
)

// A plan has the ratings of answers to questions that a variant is expected to be right
// on: all of them where nothing is known of it, or where all are rated.
func TestThePlanRatesWhatWillBeRight(t *testing.T) {
	task := testTask(t, 20)
	known, other := named("m"), named("n")
	expected := Rights{known: {Share: 0.4, Own: 150}}
	rating := func(v *Variant) sizing.Workload {
		return task.Rating([]*Variant{v}, expected, sizing.Tokens{All: 100, Read: 10})
	}
	all, some := rating(other), rating(known)
	if all.Calls != 40 || some.Calls != 16 {
		t.Errorf("%d ratings of one of which nothing is known, %d of one that is right on 40 %%; want 40 and 16", all.Calls, some.Calls)
	}
	if some.OutputTokens*5 != all.OutputTokens*2 || some.PromptTokens*5 != all.PromptTokens*2 || some.ReadTokens*5 != all.ReadTokens*2 {
		t.Errorf("of all %+v, of 40 %% %+v", all, some)
	}
	r := NewRated(task, []*Variant{known, other}, expected)
	if done, total := r.Count(); done != 0 || total != 16+40 {
		t.Errorf("a run begins with %d of %d ratings, want 0 of 56", done, total)
	}
	for _, g := range generations(task, known)[:20] { // its baseline, and it is wrong
		r.Passed(Evaluated{Generation: g, Answer: &Answer{Letter: "X"}}, false)
	}
	if _, total := r.Count(); total != 0 {
		t.Errorf("a run expects %d ratings when the only baselines that are read are wrong", total)
	}
	task.JudgeAll, task.JudgeSwap = true, true
	if w := rating(known); w.Calls != 80 {
		t.Errorf("%d ratings where all are rated in both orders, want 80", w.Calls)
	}
}
