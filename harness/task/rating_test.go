package task

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"perg/harness/engine"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/store"
	"perg/models"
)

// A rating from before explanations had a bound serves where it keeps within
// the bound, under the key that it was stored with; else the judge is asked.
func TestRatingsFromBeforeTheBound(t *testing.T) {
	rated := func(explanation string) string { return fmt.Sprintf(`{"explanation":%q,"score":5}`, explanation) }
	for name, c := range map[string]struct {
		before string
		serves bool
	}{
		"short":               {rated("It has examples."), true},
		"as long as they may": {rated(strings.Repeat("é", judge.MaxExplanation)), true},
		"longer":              {rated(strings.Repeat("x", judge.MaxExplanation+1)), false},
		"cut":                 {`{"explanation":"It has examples and examples and`, false},
		"failed":              {"failed", false},
		"never asked":         {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			task, candidate, rater := testTask(t, 2), named("a"), named("judge")
			asked := 0
			e := Evaluator{Task: task, Ask: func(_ context.Context, call Call) (store.Reply, error) {
				text := "The correct answer is B."
				switch {
				case call.Variant == candidate:
				case !call.Past:
					asked++
					text = `{"explanation":"As of now.","score":1}`
				case c.before == "failed":
					return store.Reply{}, &engine.FailedError{}
				case c.before == "":
					return store.Reply{}, engine.ErrNotAsked
				default:
					text = c.before
				}
				return store.Reply{Response: models.Response{Content: text, DoneReason: "stop"}}, nil
			}}
			all := generations(task, candidate)
			g := all[slices.IndexFunc(all, func(g Generation) bool { return g.Setting == prompt.Relevant && g.Item.GoldLetter() == "B" })]
			s, err := e.Evaluate(t.Context(), g, []*Variant{rater})
			if err != nil || len(s.Judgments) != 1 || s.Judgments[0].Rating == nil {
				t.Fatalf("%+v, error %v", s.Judgments, err)
			}
			j := s.Judgments[0]
			was := j.Call
			was.Request.Format = judge.Unbounded
			if served := j.Rating.Score == 5; served != c.serves || served != (asked == 0) || served != (j.Call.Key() == was.Key()) {
				t.Errorf("score %d, %d calls, the key is that of before: %v", j.Rating.Score, asked, j.Call.Key() == was.Key())
			}
		})
	}
}
