package harness

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

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

// retold is how many tokens a text may take of one model for each token that
// it took of the model that wrote it, or of the same as a JSON string.
const retold = 1.5

// queries are the prompts of a variant's generations. Those of variants that
// may write answers of the same length are the same.
func (p *Plan) queries(v *Variant) (longList, error) {
	var l longList
	for _, c := range p.cells(v) {
		for i := range p.Dataset.Items {
			g := generation{Cell: c, item: &p.Dataset.Items[i]}
			first := g.firstStage()
			asked, err := p.query(g)
			if err != nil {
				return l, err
			}
			what := fmt.Sprintf("item %s, %s %s", g.item.ID, c.Method, c.Setting)
			most := p.answerMost(v, first.Method)
			if c.Method != prompt.PrefAligner { // whose first stage is the baseline
				l.add(newMeasurable(asked.text, most, "%s", what))
			}
			if !c.Method.TwoCalls() {
				continue
			}
			revised, err := p.revision(g, asked.text.User, "")
			if err != nil {
				return l, err
			}
			l.add(newMeasurable(revised.text, int(retold*float64(most))+p.answerMost(v, c.Method), "%s", what))
		}
	}
	return l, nil
}

// measurements are the prompts of the scorers' calls with the responses left
// empty; what those add is bounded by num_predict.
func (p *Plan) measurements() (longList, error) {
	var l longList
	longest := 0
	for _, v := range p.Variants {
		for _, m := range p.Methods {
			longest = max(longest, p.answerMost(v, m))
		}
		longest = max(longest, p.answerMost(v, prompt.ZeroShot))
	}
	response := int(retold * float64(longest))
	for i := range p.Dataset.Items {
		it := &p.Dataset.Items[i]
		query, err := p.Prompts.Ask(prompt.Query{Item: *it, Method: prompt.ZeroShot, Setting: prompt.None})
		if err != nil {
			return l, err
		}
		rating, err := p.Prompts.Judge(query.User, it.Preference, "", "", false)
		if err != nil {
			return l, err
		}
		extraction, err := p.Prompts.Extract(it.Options, "")
		if err != nil {
			return l, err
		}
		judging := newMeasurable(rating, 2*response+judge.MaxTokens, "item %s, judging", it.ID)
		p.meanRating += judging.estimate / float64(len(p.Dataset.Items))
		l.add(judging)
		l.add(newMeasurable(extraction, response+extract.MaxTokens, "item %s, extraction", it.ID))
	}
	return l, nil
}

// answerMost is the most new tokens of what a variant answers in the last call
// of a method.
func (p *Plan) answerMost(v *Variant, m prompt.Method) int {
	switch {
	case p.NumPredict > 0:
		return p.NumPredict
	case m == prompt.CoT, v.Think != nil && *v.Think:
		return thinkingTokens
	case m.TwoCalls():
		return revisionTokens
	default:
		return answerTokens
	}
}

// A measure finds the longest of a variant's calls, as far as its context, which
// is wanted where that is not 0, depends on it.
type measure func(v *Variant, all []measurable, wanted int) (longest, error)

// measured counts through a server, which has the model in memory meanwhile:
// and after it, where that is the only one and so the first to run.
func (p *Plan) measured(ctx context.Context, s *store.Store, client *models.Client, warn func(string)) measure {
	return func(v *Variant, all []measurable, wanted int) (longest, error) {
		var asked atomic.Bool
		likely := wanted
		if wanted == 0 {
			likely = bucket(int(all[0].total()))
		}
		l, err := findLongest(ctx, all, wanted, p.counting(s, client, v, likely, &asked))
		if asked.Load() && (err != nil || len(p.models()) > 1) {
			// The next one may not fit beside it.
			if e := client.Unload(context.WithoutCancel(ctx), v.Name); e != nil && err == nil {
				warn(e.Error())
			}
		}
		return l, err
	}
}

// estimated asks nobody.
func estimated(_ *Variant, all []measurable, _ int) (longest, error) {
	m := all[0]
	return longest{int(m.estimate), int(m.total()), m.what}, nil
}

// fitContext chooses the num_ctx of every variant: wanted, where that is not 0
// and is enough, else the smallest bucket that holds its longest call.
func (p *Plan) fitContext(measure measure, wanted int, warn func(string)) error {
	queries := make(map[int]longList) // by the length of an answer
	if !p.Rerating {
		for _, v := range p.Variants {
			most := p.answerMost(v, prompt.ZeroShot)
			if _, ok := queries[most]; ok {
				continue
			}
			l, err := p.queries(v)
			if err != nil {
				return err
			}
			queries[most] = l
			p.meanPrompt = l.sum / float64(len(p.cells(v))*len(p.Dataset.Items))
		}
	}
	var ratings longList
	if len(p.scorers()) > 0 {
		var err error
		if ratings, err = p.measurements(); err != nil {
			return err
		}
	}
	for _, v := range p.models() {
		scores := p.scores(v)
		all := ratings
		if !scores {
			all = queries[p.answerMost(v, prompt.ZeroShot)]
		}
		l, err := measure(v, all.kept, wanted)
		if err != nil {
			return err
		}
		v.Longest, v.Need = l.tokens, l.need
		v.NumCtx = bucket(v.Need)
		if wanted > 0 {
			v.NumCtx = wanted
			if !scores && v.Need > wanted {
				return &Problem{
					Err:   fmt.Errorf("num_ctx %d: the longest prompt of %s (%s) has %d tokens, which with %d for its answer needs %d", wanted, v.Name, l.what, v.Longest, v.Need-v.Longest, v.Need),
					Hint:  fmt.Sprintf("--num-ctx %d holds it; left out, it is chosen so", bucket(v.Need)),
					Usage: true,
				}
			}
		}
		if trained := v.Shape.ContextLength; trained > 0 && v.NumCtx > trained {
			v.NumCtx = trained
			if v.Need > trained {
				warn(fmt.Sprintf("%s was made for a context of %d tokens and its longest prompt (%s) needs %d with the answer: what does not fit will be rows in error", v.Name, trained, l.what, v.Need))
			}
		}
	}
	return nil
}
