package harness

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"perg/harness/extract"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/store"
	"perg/models"
)

// buckets are the contexts, in tokens, that num_ctx is chosen from: few, so
// that runs of similar data share one, and close enough that at most a third
// of the KV cache stays empty.
var buckets = []int{512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152, 65536, 98304, 131072}

// bucket is the smallest that holds so many tokens; past the last, the number
// itself.
func bucket(tokens int) int {
	i, _ := slices.BinarySearch(buckets, tokens)
	if i == len(buckets) {
		return tokens
	}
	return buckets[i]
}

// measured prompts: the longest by estimate, and more as long as another one
// could still be longer than those.
const (
	measureFirst = 8
	measureMost  = 64
)

// A candidate for the longest prompt.
type measurable struct {
	text     prompt.Prompt
	what     string
	estimate float64 // tokens
}

// estimateTokens orders prompts by length; it decides nothing. English takes
// some four bytes a token, other scripts fewer.
func estimateTokens(p prompt.Prompt) float64 {
	n := 8.0
	for _, text := range []string{p.System, p.User} {
		for i := range len(text) {
			if text[i] < 0x80 {
				n += 0.25
			} else {
				n += 0.6
			}
		}
	}
	return n
}

// prompts of all generations of the candidates, each once, the longest by
// estimate first. Every variant gets the same ones.
func (p *Plan) queries() ([]measurable, error) {
	var all []measurable
	for _, c := range p.cells(nil) {
		for i := range p.Dataset.Items {
			it := &p.Dataset.Items[i]
			text, err := p.Prompts.Query(*it, c.Setting, c.Setting.Stated(it.Preference, p.Irrelevant))
			if err != nil {
				return nil, err
			}
			all = append(all, measurable{text, fmt.Sprintf("item %s, %s %s", it.ID, c.Method, c.Setting), estimateTokens(text)})
		}
	}
	return longestFirst(all), nil
}

// measurements are the prompts of the judge's calls with the responses left
// empty; what those add is bounded by num_predict.
func (p *Plan) measurements() ([]measurable, error) {
	var all []measurable
	for i := range p.Dataset.Items {
		it := &p.Dataset.Items[i]
		query, err := p.Prompts.Query(*it, prompt.Relevant, []string{it.Preference})
		if err != nil {
			return nil, err
		}
		rating, err := p.Prompts.Judge(query.User, it.Preference, "", "")
		if err != nil {
			return nil, err
		}
		extraction, err := p.Prompts.Extract(it.Options, "")
		if err != nil {
			return nil, err
		}
		for _, text := range []prompt.Prompt{rating, extraction} {
			all = append(all, measurable{text, "item " + it.ID + ", judging", estimateTokens(text)})
		}
	}
	return longestFirst(all), nil
}

func longestFirst(all []measurable) []measurable {
	slices.SortStableFunc(all, func(a, b measurable) int { return cmp.Compare(b.estimate, a.estimate) })
	return all
}

// A counter counts the tokens of a prompt as a model takes it.
type counter func(ctx context.Context, text prompt.Prompt) (int, error)

// longest is the number of tokens of the longest prompt, and which it is. It
// counts those with the highest estimates, and goes on until no other could
// be longer even at the most tokens per estimated token that were seen.
func longest(ctx context.Context, all []measurable, count counter) (tokens int, what string, err error) {
	const margin = 1.1
	ratio := 0.0
	for i, m := range all {
		if i >= measureFirst && (i >= measureMost || m.estimate*ratio*margin <= float64(tokens)) {
			break
		}
		n, err := count(ctx, m.text)
		if err != nil {
			return 0, "", fmt.Errorf("count the tokens of %s: %w", m.what, err)
		}
		ratio = max(ratio, float64(n)/m.estimate)
		if n > tokens {
			tokens, what = n, m.what
		}
	}
	return tokens, what, nil
}

// counting is a counter that asks the server once for each prompt and
// tokenizer, ever. asked is set where it did, and the model was loaded for it.
func (p *Plan) counting(s *store.Store, client *models.Client, v *Variant, asked *bool) counter {
	return func(ctx context.Context, text prompt.Prompt) (int, error) {
		id, err := json.Marshal([]string{"tokens", v.Tokenizer, text.System, text.User})
		if err != nil {
			return 0, err
		}
		key := store.Key(sha256.Sum256(id))
		if known, ok, err := s.Get(ctx, key); ok || err != nil {
			return known.PromptTokens, err
		}
		*asked = true
		n, err := client.CountTokens(ctx, models.Request{
			Model: v.Name, System: text.System, User: text.User, Think: v.Think,
			Options: models.Options{NumCtx: bucket(models.MostTokens(len(text.System) + len(text.User))), Seed: p.Seed},
		})
		if err != nil {
			return 0, err
		}
		_, err = s.Put(ctx, key, store.Reply{PromptTokens: n, Host: client.Host(), StartedAt: time.Now()})
		return n, err
	}
}

// answerMost is the most new tokens of a variant's answers.
func (p *Plan) answerMost(v *Variant) int {
	switch {
	case p.NumPredict > 0:
		return p.NumPredict
	case v.Think != nil && *v.Think:
		return thinkingTokens
	default:
		return answerTokens
	}
}

// need is the context that holds a variant's longest call.
func (p *Plan) need(v *Variant) int {
	if v != p.Judge {
		return v.Longest + p.answerMost(v)
	}
	// A response may take more tokens of the judge than it took of the model
	// that wrote it.
	const retold = 1.5
	most := 0
	for _, c := range p.Variants {
		most = max(most, p.answerMost(c))
	}
	return v.Longest + int(2*retold*float64(most)) + max(judge.MaxTokens, extract.MaxTokens)
}

// A measure finds the longest of a variant's prompts: its tokens, and which it
// is.
type measure func(v *Variant, all []measurable) (tokens int, what string, err error)

// measured counts through a server, which has the model in memory meanwhile.
func (p *Plan) measured(ctx context.Context, s *store.Store, client *models.Client, warn func(string)) measure {
	return func(v *Variant, all []measurable) (int, string, error) {
		asked := false
		tokens, what, err := longest(ctx, all, p.counting(s, client, v, &asked))
		if asked {
			// The next one may not fit beside it.
			if e := client.Unload(context.WithoutCancel(ctx), v.Name); e != nil && err == nil {
				warn(e.Error())
			}
		}
		return tokens, what, err
	}
}

// estimated asks nobody.
func estimated(_ *Variant, all []measurable) (int, string, error) {
	return int(all[0].estimate), all[0].what, nil
}

// fitContext chooses the num_ctx of every variant: wanted, where that is not 0
// and is enough, else the smallest bucket that holds its longest call.
func (p *Plan) fitContext(measure measure, wanted int, warn func(string)) error {
	queries, err := p.queries()
	if err != nil {
		return err
	}
	for _, q := range queries {
		p.meanPrompt += q.estimate / float64(len(queries))
	}
	var ratings []measurable
	if p.Judge != nil {
		if ratings, err = p.measurements(); err != nil {
			return err
		}
	}
	for _, v := range p.models() {
		all := queries
		if v == p.Judge {
			all = ratings
		}
		var what string
		if v.Longest, what, err = measure(v, all); err != nil {
			return err
		}
		v.Need = p.need(v)
		v.NumCtx = bucket(v.Need)
		if wanted > 0 {
			v.NumCtx = wanted
			if v != p.Judge && v.Need > wanted {
				return &Problem{
					Err:   fmt.Errorf("num_ctx %d: the longest prompt of %s (%s) has %d tokens, which with %d for its answer needs %d", wanted, v.Name, what, v.Longest, p.answerMost(v), v.Need),
					Hint:  fmt.Sprintf("--num-ctx %d holds it; left out, it is chosen so", bucket(v.Need)),
					Usage: true,
				}
			}
		}
		if trained := v.Shape.ContextLength; trained > 0 && v.NumCtx > trained {
			v.NumCtx = trained
			if v.Need > trained {
				warn(fmt.Sprintf("%s was made for a context of %d tokens and its longest prompt (%s) needs %d with the answer: what does not fit will be rows in error", v.Name, trained, what, v.Need))
			}
		}
	}
	return nil
}

// models are the variants and the judge.
func (p *Plan) models() []*Variant {
	if p.Judge == nil {
		return p.Variants
	}
	return append(slices.Clone(p.Variants), p.Judge)
}
