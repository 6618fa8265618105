package metrics

import (
	"perg/data"
	"perg/harness/results"
)

// A Spent is what responses took: tokens, of thoughts and of all, and the time that
// servers read and wrote.
type Spent struct {
	Thoughts, ThinkingTokens int64 // responses with a thought that was counted, and its tokens
	Responses, OutputTokens  int64 // responses whose tokens are known
	Timed, NS                int64 // responses whose time is known
}

func (s *Spent) add(o Spent) {
	s.Thoughts, s.ThinkingTokens = s.Thoughts+o.Thoughts, s.ThinkingTokens+o.ThinkingTokens
	s.Responses, s.OutputTokens = s.Responses+o.Responses, s.OutputTokens+o.OutputTokens
	s.Timed, s.NS = s.Timed+o.Timed, s.NS+o.NS
}

// mean is nil where there is none.
func mean(sum, of int64) *float64 {
	if of == 0 {
		return nil
	}
	return new(float64(sum) / float64(of))
}

// spending are the columns that a Spent is made of. Those of two calls are the second
// one's, as in the table.
type spending struct{ thinking, output, eval, prompt data.Numbers }

func spendingOf(g *results.Generations) spending {
	return spending{g.Numbers["thinking_tokens"], g.Numbers["output_tokens"], g.Numbers["eval_ns"], g.Numbers["prompt_eval_ns"]}
}

func (s spending) of(row int) (spent Spent) {
	if s.thinking.Known[row] {
		spent.Thoughts, spent.ThinkingTokens = 1, s.thinking.Values[row]
	}
	if s.output.Known[row] {
		spent.Responses, spent.OutputTokens = 1, s.output.Values[row]
	}
	if s.eval.Known[row] {
		spent.Timed, spent.NS = 1, s.eval.Values[row]
		if s.prompt.Known[row] {
			spent.NS += s.prompt.Values[row]
		}
	}
	return spent
}
