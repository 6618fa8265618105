package harness

import (
	"fmt"
	"testing"
	"time"

	"perg/harness/engine"
	"perg/harness/prompt"
	"perg/harness/store"
)

// Groups are those of the prompts: a seat that changes its system prompt has
// begun another one.
func TestSeatsKeepTheirSystemPrompt(t *testing.T) {
	p := testPlan(t, 60, variant("a"))
	p.Methods = []prompt.Method{prompt.ZeroShot, prompt.CoT, prompt.PrefAligner}
	a := p.arrange(p.Variants[0])
	q := engine.NewQueue(a.groups())
	seats := make([]engine.Seat, 3)
	last := make([]string, len(seats))
	for i := range seats {
		seats[i] = q.Seat("")
	}
	changes := make(map[string]int)
	for i := 0; q.Left() > 0; i++ {
		u, ok := seats[i%3].Next(t.Context())
		if !ok {
			continue
		}
		g := a.generation(int(u))
		c, err := p.query(g)
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint(g.Method, g.Setting, c.request.System)
		if id != last[i%3] {
			last[i%3] = id
			changes[fmt.Sprint(g.Setting)]++
		}
		seats[i%3].Reply(store.Reply{PromptEvalDuration: time.Hour, EvalDuration: time.Second})
	}
	// Three methods with three preferences each, each begun by one seat; what
	// has one beginning in all is begun by each seat at most once.
	if n := changes["relevant"] + changes["mixed"]; n > 2*3*3+3 {
		t.Errorf("seats change their system prompt %d times, want %d or few more", n, 2*3*3)
	}
}
