package harness

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"perg/harness/prompt"
	"perg/harness/store"
	"perg/models"
)

// measured prompts: the longest by estimate, and more as long as another one
// could still be longer than those.
const (
	measureFirst = 4
	measureMost  = 64
)

// A candidate for the longest call.
type measurable struct {
	text     prompt.Prompt
	what     string
	estimate float64 // tokens of the text
	room     int     // tokens that the call needs beside it: for its answer, and for what is yet to be put in
}

func newMeasurable(text prompt.Prompt, room int, what string, args ...any) measurable {
	return measurable{text, fmt.Sprintf(what, args...), estimateTokens(text), room}
}

func (m measurable) total() float64 { return m.estimate + float64(m.room) }

// A longList keeps those measurables that are the longest by estimate: as many
// as may have to be counted. All prompts of a large run would not fit memory.
type longList struct {
	kept []measurable
	n    int
	sum  float64 // of the estimates of all that were added
}

func (l *longList) add(m measurable) {
	l.n++
	l.sum += m.estimate
	if len(l.kept) == measureMost && m.total() <= l.kept[measureMost-1].total() {
		return
	}
	at, _ := slices.BinarySearchFunc(l.kept, m.total(), func(k measurable, total float64) int {
		if k.total() >= total {
			return -1
		}
		return 1
	})
	l.kept = slices.Insert(l.kept, at, m)
	l.kept = l.kept[:min(len(l.kept), measureMost)]
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

// A counter counts the tokens of a prompt as a model takes it.
type counter func(ctx context.Context, text prompt.Prompt) (int, error)

// A longest is the call that needs the most context.
type longest struct {
	tokens int // of its prompt
	need   int // with its room
	what   string
}

// findLongest counts those with the highest estimates, which come first, and
// goes on until no other could need more even at the most tokens per estimated
// token that were seen; or, with half as many again, more than the context that
// the longest gets, which is wanted, where that is not 0, or a bucket. One that
// has most of its text in common with one that was counted, as prompts with the
// same worked examples have, is judged by the rest of it.
func findLongest(ctx context.Context, all []measurable, wanted int, count counter) (longest, error) {
	const margin, wide = 1.1, 1.5
	first, err := countFirst(ctx, all[:min(measureFirst, len(all))], count)
	if err != nil {
		return longest{}, err
	}
	var l longest
	ratio := 0.0
	counted := make(map[int]int) // tokens by position
	for i, m := range all {
		if i >= measureFirst {
			gets := bucket(l.need)
			if wanted >= l.need {
				gets = min(gets, wanted)
			}
			within := func(tokens float64, limit int) bool { return tokens+float64(m.room) <= float64(limit) }
			if i >= measureMost || within(m.estimate*ratio*margin, l.need) || within(m.estimate*ratio*wide, gets) {
				break
			}
			alike := false
			for other, tokens := range counted {
				alike = alike || within(float64(tokens)+m.besides(all[other])*ratio*wide, gets)
			}
			if alike {
				continue
			}
		}
		var n int
		if i < len(first) {
			n = first[i]
		} else if n, err = count(ctx, m.text); err != nil {
			return l, m.failed(err)
		}
		counted[i] = n
		ratio = max(ratio, float64(n)/m.estimate)
		if n+m.room > l.need {
			l = longest{n, n + m.room, m.what}
		}
	}
	return l, nil
}

// besides estimates the tokens of what the prompt has besides the beginnings
// and ends of its texts that another one's have, too.
func (m measurable) besides(other measurable) float64 {
	return estimateTokens(prompt.Prompt{System: apart(m.text.System, other.text.System), User: apart(m.text.User, other.text.User)})
}

// apart is a text without the beginning and the end that it shares with another.
func apart(text, other string) string {
	n := 0
	for n < min(len(text), len(other)) && text[n] == other[n] {
		n++
	}
	text, other = text[n:], other[n:]
	for len(text) > 0 && len(other) > 0 && text[len(text)-1] == other[len(other)-1] {
		text, other = text[:len(text)-1], other[:len(other)-1]
	}
	return text
}

func (m measurable) failed(err error) error {
	return fmt.Errorf("count the tokens of %s: %w", m.what, err)
}

// countFirst counts the prompts that are counted in any case: the first alone,
// because the model is loaded for it, the others at once.
func countFirst(ctx context.Context, all []measurable, count counter) ([]int, error) {
	counts := make([]int, len(all))
	one := func(ctx context.Context, i int) (err error) {
		if counts[i], err = count(ctx, all[i].text); err != nil {
			return all[i].failed(err)
		}
		return nil
	}
	if err := one(ctx, 0); err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	for i := 1; i < len(all); i++ {
		group.Go(func() error { return one(ctx, i) })
	}
	return counts, group.Wait()
}

// counting is a counter that asks the server once for each prompt and
// tokenizer, ever, with a context that the model is likely to get in the run,
// so that it need not be loaded again. asked is set where it did, and the model
// was loaded for it.
func (p *Plan) counting(s *store.Store, client *models.Client, v *Variant, likely int, asked *atomic.Bool) counter {
	var numCtx atomic.Int64
	numCtx.Store(int64(likely))
	return func(ctx context.Context, text prompt.Prompt) (int, error) {
		system, user := v.messages(text)
		parts := []string{"tokens", v.Tokenizer, system, user}
		if v.Think != nil && !*v.Think {
			parts = append(parts, "without thinking") // which some templates say in the prompt
		}
		id, err := json.Marshal(parts)
		if err != nil {
			return 0, err
		}
		key := store.Key(sha256.Sum256(id))
		if known, ok, err := s.Get(ctx, key); ok || err != nil {
			return known.PromptTokens, err
		}
		asked.Store(true)
		in := func(numCtx int) (int, error) {
			return client.CountTokens(ctx, models.Request{
				Model: v.Name, System: system, User: user, Think: v.Think,
				Options: models.Options{NumCtx: numCtx, Seed: p.Seed},
			})
		}
		within := int(numCtx.Load())
		n, err := in(within)
		enough := bucket(models.MostTokens(len(system) + len(user)))
		// A count that fills the context may be that of a prompt that was cut.
		if within < enough && (errors.Is(err, models.ErrContextOverflow) || err == nil && n >= within-1) {
			numCtx.Store(int64(enough))
			n, err = in(enough)
		}
		if err != nil {
			return 0, err
		}
		_, err = s.Put(ctx, key, store.Reply{PromptTokens: n, Host: client.Host(), StartedAt: time.Now()})
		return n, err
	}
}
