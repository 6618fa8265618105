package task

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"perg/harness/engine"
)

// The judge gets each generation once, as soon as it and its baseline are
// answered and not before, and whatever is given back again.
func TestBacklog(t *testing.T) {
	p, variants := testTask(t, 70), []*Variant{named("a"), named("b")}
	p.Repeats = 2
	b := NewBacklog(p, variants)
	all := slices.Concat(generations(p, variants[0]), generations(p, variants[1]))
	// Not in the order of the plan, and the variants are under way together.
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	name := func(g Generation) string { return fmt.Sprint(g.Variant.Name, g.Setting, g.Item.ID, g.Repeat) }
	told, seen := make(map[string]bool), make(map[string]int)
	for _, g := range all {
		told[name(g)] = true
		b.Answered(slices.Index(variants, g.Variant), g.Place)
		for _, a := range b.variants {
			for place, ok := a.take(); ok; place, ok = a.take() {
				g := a.Generation(place)
				seen[name(g)]++
				if !told[name(g)] || !told[name(g.Baseline())] {
					t.Fatalf("%s comes before it or its baseline is answered", name(g))
				}
			}
		}
		if can := told[name(g)] && told[name(g.Baseline())]; can != (seen[name(g)] > 0) {
			t.Fatalf("%s can be judged: %v, and was handed out %d times", name(g), can, seen[name(g)])
		}
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s %d times", id, times)
		}
	}
	if len(seen) != len(all) || b.Left() != 0 {
		t.Errorf("%d of %d generations, %d left", len(seen), len(all), b.Left())
	}
	unit := engine.Unit(b.variants[1].first + 3)
	b.GiveBack(unit)
	if u, ok := b.Next(t.Context()); !ok || u != unit || b.Left() != 0 || b.Generation(u) != b.variants[1].Generation(3) {
		t.Errorf("what was given back does not come again: %v", ok)
	}
}

func TestABacklogEndsWithTheRun(t *testing.T) {
	p, variants := testTask(t, 2), []*Variant{named("a")}
	b := NewBacklog(p, variants)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, ok := b.Next(ctx); ok || b.Ready() {
		t.Error("a generation without an answer was handed out")
	}
}

// What a variant that was given up has no answers to is not waited for.
func TestABacklogWithoutTheRestOfAVariant(t *testing.T) {
	p, variants := testTask(t, 5), []*Variant{named("a"), named("b")}
	b := NewBacklog(p, variants)
	for place := range 7 { // five baselines, and two more
		b.Answered(0, place)
	}
	b.Answered(1, 6) // without its baseline
	b.Over(0)
	b.Over(1)
	if b.Left() != 7 || !b.Ready() {
		t.Errorf("%d left, ready %v", b.Left(), b.Ready())
	}
	n := 0
	for _, ok := b.Next(t.Context()); ok; _, ok = b.Next(t.Context()) {
		n++
	}
	if n != 7 || b.Left() != 0 || b.Ready() {
		t.Errorf("%d were handed out, %d left", n, b.Left())
	}
}
