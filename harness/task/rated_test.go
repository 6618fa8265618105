package task

import (
	"testing"

	"perg/harness/prompt"
)

// What will be rated is known from the baselines that are read: those of a judged
// setting whose baseline is right.
func TestHowManyWillBeRated(t *testing.T) {
	task := testTask(t, 20) // 4 settings, of which some are judged
	v, other := named("m"), named("n")
	r := NewRated(task, []*Variant{v, other}, nil)
	want := func(when string, done, total int) {
		t.Helper()
		if d, n := r.Count(); d != done || n != total {
			t.Errorf("%s: %d of %d, want %d of %d", when, d, n, done, total)
		}
	}
	judged := 0
	for _, c := range task.Cells(v) {
		if c.Setting.Judged() {
			judged++
		}
	}
	want("nothing is read", 0, 2*20*judged)
	for i, g := range generations(task, v) {
		e := Evaluated{Generation: g, Answer: &Answer{Letter: "X"}}
		right := i%20 < 5 // a quarter of the items
		switch {
		case g.Setting == prompt.None && right:
			e.Answer = &Answer{Letter: g.Item.GoldLetter()}
		case g.Setting.Judged() && right:
			e.Judgments = []Judgment{{}}
		}
		r.Passed(e, false)
		if i == 19 {
			want("the baselines are read, of one model", 0, 2*5*judged)
		}
	}
	want("one model is through", 5*judged, 2*5*judged)
}
