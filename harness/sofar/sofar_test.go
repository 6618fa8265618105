package sofar

import (
	"errors"
	"fmt"
	"testing"

	"perg/data"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/store"
	"perg/harness/task"
	"perg/models"
)

// What is counted is what the answers are: each once, whoever tells of it how
// often, and broken only where the baseline is right.
func TestCount(t *testing.T) {
	v, j := &task.Variant{Label: "m"}, &task.Variant{Label: "judge"}
	c := New(task.Roster{Variants: []*task.Variant{v}, Judges: []*task.Variant{j}, Extractor: j})
	generation := func(item, place int, s prompt.Setting) task.Evaluated {
		return task.Evaluated{
			Generation: task.Generation{
				Cell: task.Cell{Variant: v, Method: prompt.ZeroShot, Setting: s}, Place: place,
				Item: &data.Item{ID: fmt.Sprint(item), Options: []string{"red", "blue"}, Gold: 0},
			},
			Reply: &store.Reply{Response: models.Response{Content: "-"}},
		}
	}
	said := []struct{ plain, under string }{{"A", "A"}, {"A", "B"}, {"A", "hm"}, {"B", "B"}}
	for i, s := range said {
		for at, text := range []string{s.plain, s.under} {
			e := generation(i, 2*i+at, []prompt.Setting{prompt.None, prompt.Relevant}[at])
			e.Response = "The answer is " + text
			for range 2 { // a unit may come back
				c.Answered(e)
			}
		}
	}
	is := c.all()[0]
	if is.Right.Of != 4 || is.Right.Value != 0.75 || is.Breakage.Of != 2 || is.Breakage.Value != 0.5 || is.Invalid.Of != 7 {
		t.Errorf("by rules: %+v", is)
	}
	if is.Right.Low >= 0.75 || is.Right.High <= 0.75 {
		t.Errorf("the interval %v to %v", is.Right.Low, is.Right.High)
	}
	// The model finds no letter in what rules leave.
	e := generation(2, 5, prompt.Relevant)
	e.Answer = &task.Answer{}
	for score := 1; score <= 5; score++ {
		e.Judgments = []task.Judgment{{By: j, Rating: &judge.Rating{Score: score}}}
		e.Place = 5 + 2*score
		c.Scored(e)
	}
	e.Place, e.Judgments = 5, []task.Judgment{{By: j, Reply: &store.Reply{}, Err: errors.New("no JSON")}}
	c.Scored(e)
	e.Place, e.Judgments = 1, []task.Judgment{{By: j, Err: errors.New("timeout")}, {By: j, Swapped: true, Rating: &judge.Rating{Score: 1}}}
	e.Answer = nil
	c.Scored(e)
	if is := c.Judges(); len(is) != 1 || is[0] != (Judge{Name: "judge", Scores: [5]int{1, 1, 1, 1, 1}, Unscored: 1, Failed: 1}) {
		t.Errorf("judges: %+v", is)
	}
	if is := c.all()[0]; is.Invalid.Value == 0 || is.Breakage.Of < 3 {
		t.Errorf("with the model: %+v", is)
	}
	// A control is no answer of the benchmark.
	e.Control, e.Place = prompt.Again, 40
	before := c.all()[0]
	c.Answered(e)
	if c.all()[0] != before {
		t.Error("a control is counted")
	}
}
