package sizing

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"perg/harness/prompt"
)

// Prompts whose tokens are counted: the longest by estimate, and more as long
// as another one could still be longer than those.
const (
	countedFirst = 4
	countedMost  = 64
)

// A call is a candidate for the longest one.
type call struct {
	text     prompt.Prompt
	what     string
	estimate float64 // tokens of the text
	room     int     // tokens that it needs beside it
}

func (c call) total() float64 { return c.estimate + float64(c.room) }

// Calls are those of a model. Of their prompts only the longest by estimate are
// kept, as many as may have to be counted: all those of a large run would not
// fit memory.
type Calls struct {
	kept   []call
	tokens Tokens        // of all that were added
	last   prompt.Prompt // that was added
}

// Tokens are those of some prompts, by estimate: all, and those that are read
// where each prompt follows the one before it on a server, whose cache has what
// both begin with.
type Tokens struct{ All, Read float64 }

// Per are those of each of so many.
func (t Tokens) Per(n int) Tokens { return Tokens{t.All / float64(n), t.Read / float64(n)} }

// Add adds a call with its prompt, the tokens that it needs beside that, for its
// answer and for what is yet to be put in, and what it is in words.
func (l *Calls) Add(text prompt.Prompt, room int, what string) {
	c := call{text, what, estimateTokens(text), room}
	l.tokens.All += c.estimate
	l.tokens.Read += estimateTokens(after(text, l.last))
	l.last = text
	if len(l.kept) == countedMost && c.total() <= l.kept[countedMost-1].total() {
		return
	}
	at, _ := slices.BinarySearchFunc(l.kept, c.total(), func(k call, total float64) int {
		if k.total() >= total {
			return -1
		}
		return 1
	})
	l.kept = slices.Insert(l.kept, at, c)
	l.kept = l.kept[:min(len(l.kept), countedMost)]
}

// Tokens are those of all prompts that were added, in the order in which they were.
func (l *Calls) Tokens() Tokens { return l.tokens }

// after is what a prompt has after the beginning that it shares with another.
func after(text, other prompt.Prompt) prompt.Prompt {
	if n := common(text.System, other.System); n < len(text.System) || n < len(other.System) {
		return prompt.Prompt{System: text.System[n:], User: text.User}
	}
	return prompt.Prompt{User: text.User[common(text.User, other.User):]}
}

// common is how many bytes two texts begin with in common.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
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

// A Counter counts the tokens of a prompt as a model takes it. It is told the
// context, in tokens, that the model is likely to get, so that it need not be
// loaded once more for the run.
type Counter func(ctx context.Context, text prompt.Prompt, numCtx int) (int, error)

// A Longest is the call that needs the most context.
type Longest struct {
	Tokens int // of its prompt
	Need   int // with what it needs beside that
	What   string
}

// Estimated asks nobody.
func (l *Calls) Estimated() Longest {
	c := l.kept[0]
	return Longest{int(c.estimate), int(c.total()), c.what}
}

// Counted counts those with the highest estimates, which come first, and goes
// on until no other could need more even at the most tokens per estimated token
// that were seen; or, with half as many again, more than the context that the
// longest gets, which is wanted, where that is not 0, or a bucket. One that has
// most of its text in common with one that was counted, as prompts with the
// same worked examples have, is judged by the rest of it.
func (l *Calls) Counted(ctx context.Context, wanted int, counter Counter) (Longest, error) {
	const margin, wide = 1.1, 1.5
	likely := wanted
	if wanted == 0 {
		likely = Bucket(int(l.kept[0].total()))
	}
	count := func(ctx context.Context, c call) (int, error) {
		n, err := counter(ctx, c.text, likely)
		if err != nil {
			return 0, fmt.Errorf("count the tokens of %s: %w", c.what, err)
		}
		return n, nil
	}
	first, err := countFirst(ctx, l.kept[:min(countedFirst, len(l.kept))], count)
	if err != nil {
		return Longest{}, err
	}
	var longest Longest
	ratio := 0.0
	counted := make(map[int]int) // tokens by position
	for i, c := range l.kept {
		if i >= countedFirst {
			gets := Bucket(longest.Need)
			if wanted >= longest.Need {
				gets = min(gets, wanted)
			}
			within := func(tokens float64, limit int) bool { return tokens+float64(c.room) <= float64(limit) }
			if i >= countedMost || within(c.estimate*ratio*margin, longest.Need) || within(c.estimate*ratio*wide, gets) {
				break
			}
			alike := false
			for other, tokens := range counted {
				alike = alike || within(float64(tokens)+c.besides(l.kept[other])*ratio*wide, gets)
			}
			if alike {
				continue
			}
		}
		var n int
		if i < len(first) {
			n = first[i]
		} else if n, err = count(ctx, c); err != nil {
			return longest, err
		}
		counted[i] = n
		ratio = max(ratio, float64(n)/c.estimate)
		if n+c.room > longest.Need {
			longest = Longest{n, n + c.room, c.what}
		}
	}
	return longest, nil
}

// besides estimates the tokens of what the prompt has besides the beginnings
// and ends of its texts that another one's have, too.
func (c call) besides(other call) float64 {
	return estimateTokens(prompt.Prompt{System: without(c.text.System, other.text.System), User: without(c.text.User, other.text.User)})
}

// without is a text without the beginning and the end that it shares with
// another.
func without(text, other string) string {
	n := common(text, other)
	text, other = text[n:], other[n:]
	for len(text) > 0 && len(other) > 0 && text[len(text)-1] == other[len(other)-1] {
		text, other = text[:len(text)-1], other[:len(other)-1]
	}
	return text
}

// countFirst counts the prompts that are counted in any case: the first alone,
// because the model is loaded for it, the others at once.
func countFirst(ctx context.Context, all []call, count func(context.Context, call) (int, error)) ([]int, error) {
	counts := make([]int, len(all))
	one := func(ctx context.Context, i int) (err error) {
		counts[i], err = count(ctx, all[i])
		return err
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
