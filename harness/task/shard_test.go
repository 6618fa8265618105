package task

import (
	"fmt"
	"slices"
	"testing"

	"perg/data"
	"perg/harness/prompt"
)

func TestParseShard(t *testing.T) {
	for text, want := range map[string]Shard{"": {}, "0/1": {0, 1}, "0/8": {0, 8}, "7/8": {7, 8}} {
		if got, err := ParseShard(text); err != nil || got != want || got.String() != text {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"8/8", "-1/8", "1", "1/", "/8", "a/b", "0/0", "1/8/2", "1/ 8", "0x1/8"} {
		if got, err := ParseShard(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// Shards of items ask each of them once, in all cells, and each shard's are a random
// sample: of sources and preferences it has its share.
func TestShardsShareTheItemsOut(t *testing.T) {
	type stratum struct {
		source     string
		preference string
	}
	for _, of := range []int{1, 2, 3, 7, 16} {
		whole := sharded(400, Shard{})
		v := &Variant{Label: "m"}
		wanted := make(map[string]bool) // all generations
		total := make(map[stratum]int)
		for _, it := range whole.Dataset.Items {
			total[stratum{it.Source, it.Preference}]++
		}
		for place := range whole.Listed(v).Len() {
			wanted[name(whole.Listed(v).Generation(place))] = true
		}
		seen, generations := make(map[string]bool), 0
		for i := range of {
			shard := sharded(400, Shard{i, of})
			has := make(map[stratum]int)
			for _, at := range shard.Asked() {
				it := shard.Dataset.Items[at]
				has[stratum{it.Source, it.Preference}]++
			}
			for s, n := range total {
				if share := float64(n) / float64(of); float64(has[s]) < share-2 || float64(has[s]) > share+2 {
					t.Errorf("shard %d/%d has %d of %d items of %v", i, of, has[s], n, s)
				}
			}
			if n := shard.Count(v); n != shard.Arrange(v).Len() || n != shard.Listed(v).Len() {
				t.Errorf("shard %d/%d counts %d generations, and has %d and %d", i, of, n, shard.Arrange(v).Len(), shard.Listed(v).Len())
			}
			for _, a := range []Arrangement{shard.Arrange(v), shard.Listed(v)} {
				here := make(map[string]bool)
				for place := range a.Len() {
					g := a.Generation(place)
					here[name(g)] = true
					if b := a.Generation(a.baseline(place)); b.Item != g.Item || b.Setting != prompt.None {
						t.Errorf("the baseline of %s is %s", name(g), name(b))
					}
				}
				if len(here) != a.Len() {
					t.Errorf("shard %d/%d has %d generations at %d places", i, of, len(here), a.Len())
				}
			}
			a := shard.Listed(v)
			generations += a.Len()
			for place := range a.Len() {
				seen[name(a.Generation(place))] = true
			}
		}
		if generations != len(wanted) || len(seen) != len(wanted) {
			t.Errorf("%d shards have %d generations, %d of them different, where the whole has %d", of, generations, len(seen), len(wanted))
		}
	}
}

// A shard gives its models the context that all items need: it is the same on every
// machine.
func TestShardsHaveOneLengthOfPrompts(t *testing.T) {
	longest := func(s Shard) (n, calls int) {
		task := sharded(40, s)
		task.Dataset.Items[3].Question = fmt.Sprintf("%01000d", 3)
		err := task.AnswerLengths(&Variant{}, func(text prompt.Prompt, _ int, _ string) {
			n = max(n, len(text.User))
			calls++
		})
		if err != nil {
			t.Fatal(err)
		}
		return n, calls
	}
	n, calls := longest(Shard{})
	for i := range 4 {
		if m, c := longest(Shard{i, 4}); m != n || c != calls {
			t.Errorf("shard %d measures %d prompts up to %d bytes, the whole %d up to %d", i, c, m, calls, n)
		}
	}
}

func TestShardsOfVariants(t *testing.T) {
	var r Roster
	for i := range 5 {
		r.Variants = append(r.Variants, &Variant{Label: fmt.Sprint(i)})
	}
	var all []string
	for i := range 2 {
		for _, v := range r.Share(Shard{i, 2}).Variants {
			all = append(all, v.Label)
		}
	}
	if want := []string{"0", "2", "4", "1", "3"}; !slices.Equal(all, want) {
		t.Errorf("%v, want %v", all, want)
	}
	if n := len(r.Share(Shard{}).Variants); n != 5 {
		t.Errorf("the whole has %d variants", n)
	}
}

func name(g Generation) string {
	return fmt.Sprint(g.Item.ID, g.Method, g.Setting, g.Control, g.Repeat)
}

func sharded(items int, s Shard) *Task {
	prompts, err := prompt.Embedded(prompt.Own)
	if err != nil {
		panic(err)
	}
	t := &Task{
		Prompts: prompts, Settings: prompt.Settings(), Methods: []prompt.Method{prompt.ZeroShot, prompt.PrefAligner},
		Repeats: 2, Null: 1, Rotate: true, Seed: 42, Shard: s, Irrelevant: []string{"a", "b", "c", "d", "e"},
	}
	for i := range items {
		t.Dataset.Items = append(t.Dataset.Items, data.Item{
			ID: fmt.Sprint("item-", i), Source: []string{"x", "y", "y", "z"}[i%4], Question: "?", Options: []string{"a", "b", "c"},
			Preference: fmt.Sprint("p", i%5), PreferenceType: "clarity",
		})
	}
	return t
}
