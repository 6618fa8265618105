package sizing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"perg/harness/prompt"
)

func TestBuckets(t *testing.T) {
	for tokens, want := range map[int]int{1: 512, 512: 512, 513: 768, 700: 768, 4097: 6144, 131072: 131072, 200000: 200000} {
		if got := Bucket(tokens); got != want {
			t.Errorf("%d tokens: %d, want %d", tokens, got, want)
		}
	}
	if !slices.IsSorted(buckets) {
		t.Error("buckets are out of order")
	}
}

// unlike is a text of some length that has little in common with others.
func unlike(i, bytes int) string { return fmt.Sprintf("%d %s %d", i, strings.Repeat("x", bytes), i) }

// The longest prompt is found though the estimate orders wrongly: a prompt in
// digits has more tokens than one of the same length in words.
func TestLongestIsFound(t *testing.T) {
	var all []call
	for i := range 200 {
		all = append(all, call{text: prompt.Prompt{User: unlike(i, 4000)}, what: fmt.Sprint(i), estimate: float64(1000 - i)})
	}
	var counted atomic.Int64
	count := func(_ context.Context, p prompt.Prompt, _ int) (int, error) {
		counted.Add(1)
		if strings.HasPrefix(p.User, "12 ") {
			return 1400, nil
		}
		return 900, nil
	}
	l, err := (&Calls{kept: all}).Counted(t.Context(), 0, count)
	if err != nil || l.Tokens != 1400 || l.Need != 1400 || l.What != "12" {
		t.Errorf("%+v, error %v", l, err)
	}
	if counted.Load() > countedMost {
		t.Errorf("%d prompts were counted", counted.Load())
	}
	// Where tokens follow the estimate closely a few are enough.
	for i := range all {
		all[i].estimate = 1000 / float64(1+i)
	}
	counted.Store(0)
	if _, err := (&Calls{kept: all}).Counted(t.Context(), 0, func(_ context.Context, p prompt.Prompt, _ int) (int, error) {
		counted.Add(1)
		var i int
		fmt.Sscan(p.User, &i)
		return int(all[i].estimate), nil
	}); err != nil || counted.Load() != countedFirst {
		t.Errorf("%d prompts were counted, error %v", counted.Load(), err)
	}
}

// Prompts of nearly one length need not all be counted where none of them could
// need a larger context, by the buckets or by the user.
func TestCountingEndsWithTheContext(t *testing.T) {
	for _, c := range []struct{ length, room, wanted, counted int }{
		{300, 500, 0, countedFirst},     // 800 of 1024
		{300, 700, 0, countedMost},      // 1000 of 1024
		{300, 500, 830, countedMost},    // 800 of 830
		{300, 500, 16384, countedFirst}, // what a step down could reach is 1024
		{300, 700, 16384, countedMost},
		{300, 500, 600, countedFirst}, // too much already, as the error says
	} {
		var all []call
		for i := range 200 {
			all = append(all, call{text: prompt.Prompt{User: unlike(i, 4*c.length)}, what: fmt.Sprint(i), estimate: float64(c.length) - float64(i)/100, room: c.room})
		}
		var counted atomic.Int64
		l, err := (&Calls{kept: all}).Counted(t.Context(), c.wanted, func(context.Context, prompt.Prompt, int) (int, error) {
			counted.Add(1)
			return c.length, nil
		})
		if err != nil || l.Need != c.length+c.room || int(counted.Load()) != c.counted {
			t.Errorf("%+v: %d were counted, need %d, error %v", c, counted.Load(), l.Need, err)
		}
	}
}

// Prompts that share a long text differ by the rest of it: what was counted of
// one holds for the others, unless their own part could be long.
func TestPromptsWithACommonTextAreCountedOnce(t *testing.T) {
	examples := strings.Repeat("An example with its answer. ", 300) // some 2,100 tokens
	var list Calls
	for i := range 60 {
		text := prompt.Prompt{System: fmt.Sprintf("I like %d things. %s", i, examples), User: fmt.Sprintf("%s %d?", strings.Repeat("Which? ", 60-i/10), i)}
		list.Add(text, 100, fmt.Sprint(i))
	}
	tokens := func(p prompt.Prompt) int { return (len(p.System) + len(p.User)) / 4 }
	for _, c := range []struct{ wanted, least, most int }{{0, countedFirst, countedFirst}, {2320, countedFirst + 1, 60}} {
		var counted atomic.Int64
		l, err := list.Counted(t.Context(), c.wanted, func(_ context.Context, p prompt.Prompt, _ int) (int, error) {
			counted.Add(1)
			return tokens(p), nil
		})
		if n := int(counted.Load()); err != nil || n < c.least || n > c.most || l.Need < 2300 || l.Need > 2320 {
			t.Errorf("wanted %d: %d were counted, want %d to %d; need %d, error %v", c.wanted, n, c.least, c.most, l.Need, err)
		}
	}
	for _, c := range [][3]string{{"a b c", "a d c", "b"}, {"abc", "abc", ""}, {"abc", "", "abc"}, {"aaa", "aa", "a"}, {"", "x", ""}} {
		if got := without(c[0], c[1]); got != c[2] {
			t.Errorf("%q without what %q has: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

// The longest calls are kept, in order, however many there are.
func TestLongList(t *testing.T) {
	var l Calls
	sum := 0.0
	for i := range 1000 {
		n := i * 7919 % 1000
		text := prompt.Prompt{User: strings.Repeat("x", 4*n)}
		sum += estimateTokens(text)
		l.Add(text, i%2, fmt.Sprint(i))
	}
	if l.Tokens().All != sum || len(l.kept) != countedMost {
		t.Fatalf("%d kept, sum %v", len(l.kept), l.tokens)
	}
	for i, c := range l.kept {
		if i > 0 && c.total() > l.kept[i-1].total() || c.estimate < 1000-countedMost-1 {
			t.Errorf("number %d is %+v", i, c)
		}
	}
}

// Of prompts that follow each other, a server reads what the one before does not
// begin with.
func TestTokensThatAreRead(t *testing.T) {
	examples := strings.Repeat("An example with its answer. ", 400)
	for _, c := range []struct {
		what        string
		text        func(i int) prompt.Prompt
		least, most float64 // of all tokens
	}{
		{"nothing in common", func(i int) prompt.Prompt { return prompt.Prompt{System: fmt.Sprint(i, examples), User: "Which?"} }, 0.99, 1},
		{"one system text", func(i int) prompt.Prompt { return prompt.Prompt{System: examples, User: fmt.Sprint(i, " Which?")} }, 0.1, 0.12},
		{"one question", func(i int) prompt.Prompt { return prompt.Prompt{User: examples + fmt.Sprint(i)} }, 0.1, 0.12},
		{"a system text that goes on", func(i int) prompt.Prompt { return prompt.Prompt{System: strings.Repeat("x", 1000*i), User: "Which?"} }, 0.15, 0.25},
	} {
		var l Calls
		for i := range 10 {
			l.Add(c.text(i), 0, "")
		}
		if share := l.Tokens().Read / l.Tokens().All; share < c.least || share > c.most {
			t.Errorf("%s: %.3f of the tokens are read", c.what, share)
		}
	}
	if per := (Tokens{All: 100, Read: 10}).Per(10); per != (Tokens{10, 1}) {
		t.Errorf("%v each", per)
	}
}
