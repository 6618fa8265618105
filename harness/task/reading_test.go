package task

import (
	"context"
	"testing"

	"perg/harness/extract"
	"perg/harness/store"
	"perg/models"
)

// The second reader is asked where the rules abstain, and not where a letter
// has another option's text, which nobody could settle.
func TestWhoReadsAnAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		response string
		want     Answer
		asked    int
	}{
		"a rule reads it":        {"The answer is B.", Answer{"B", extract.Stated}, 0},
		"thoughts are not read":  {"<think>The answer is A.</think>The answer is B.", Answer{"B", extract.Stated}, 0},
		"the model reads it":     {"Hard to say for a reader of rules.", Answer{"A", extract.FromModel}, 1},
		"nothing but thoughts":   {"<think>The answer is A.", Answer{}, 0},
		"letter and text differ": {"A. No", Answer{"", extract.Conflict}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			task, candidate, reader := testTask(t, 1), named("a"), named("reader")
			asked := 0
			e := Evaluator{Task: task, Extractor: reader, Ask: func(_ context.Context, call Call) (store.Reply, error) {
				text := c.response
				if call.Variant == reader {
					asked++
					text = `{"answer":"A"}`
				}
				return store.Reply{Response: models.Response{Content: text, DoneReason: "stop"}}, nil
			}}
			s, err := e.Evaluate(t.Context(), generations(task, candidate)[0], nil)
			if err != nil || s.Answer == nil || *s.Answer != c.want || asked != c.asked {
				t.Errorf("%+v after %d calls of the reader, error %v; want %+v after %d", s.Answer, asked, err, c.want, c.asked)
			}
		})
	}
}
