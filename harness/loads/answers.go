package loads

import (
	"context"
	"sync"

	"perg/harness/store"
	"perg/harness/task"
)

// Answers are how long models' answers are. They are used from many goroutines.
type Answers struct {
	mu     sync.Mutex
	totals map[*task.Variant]total
}

// A total is of some answers.
type total struct{ answers, tokens int }

// Heard is an ask whose answers of a variant are counted.
func (a *Answers) Heard(ask task.Ask, v *task.Variant) task.Ask {
	return func(ctx context.Context, c task.Call) (store.Reply, error) {
		reply, err := ask(ctx, c)
		if err == nil && c.Variant == v && !c.Request.Render {
			a.count(v, reply)
		}
		return reply, err
	}
}

func (a *Answers) count(v *task.Variant, r store.Reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.totals == nil {
		a.totals = make(map[*task.Variant]total)
	}
	t := a.totals[v]
	a.totals[v] = total{t.answers + 1, t.tokens + r.OutputTokens}
}

// Tokens are those of a variant's answer on average; 0 where there is none.
func (a *Answers) Tokens(v *task.Variant) float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.totals[v]
	return float64(t.tokens) / float64(max(t.answers, 1))
}
