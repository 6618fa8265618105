package task

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/prompt"
	"perg/harness/store"
	"perg/models"
)

func testTask(t *testing.T, items int) *Task {
	t.Helper()
	prompts, err := prompt.Embedded(prompt.Own)
	if err != nil {
		t.Fatal(err)
	}
	task := &Task{
		Prompts: prompts, Irrelevant: []string{"1", "2", "3", "4", "5"},
		Settings: prompt.Settings(), Methods: []prompt.Method{prompt.ZeroShot}, Repeats: 1,
	}
	for i := range items {
		task.Dataset.Items = append(task.Dataset.Items, data.Item{
			ID: fmt.Sprint(i), Source: "s", Question: fmt.Sprintf("Question %d?", i), Options: []string{"yes", "no"},
			Gold: i % 2, Preference: fmt.Sprintf("preference %d", i%3),
		})
	}
	return task
}

func named(name string) *Variant {
	return &Variant{Installed: models.Installed{Name: name, Digest: "digest of " + name}, Label: name}
}

// generations are a variant's in their order.
func generations(task *Task, v *Variant) []Generation {
	a := task.Arrange(v)
	all := make([]Generation, a.Len())
	for i := range all {
		all[i] = a.Generation(i)
	}
	return all
}

// Whatever the plan, each generation comes once, the baseline first, those
// whose prompts begin alike together, and the same plan gives the same order.
func TestGenerationsAreCompleteAndOrdered(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		p := testTask(t, 1+rng.IntN(150))
		p.Repeats, p.Null, p.Rotate = 1+rng.IntN(3), rng.IntN(3), rng.IntN(2) == 0
		p.Settings = p.Settings[:1+rng.IntN(4)]
		p.Methods = []prompt.Method{prompt.ZeroShot, prompt.ICL, prompt.SelfCritic}[:1+rng.IntN(3)]
		p.Examples = prompt.Examples{}.With("s", []string{"an example"}).With("other", []string{"another"})
		for i := range p.Dataset.Items {
			p.Dataset.Items[i].Source = []string{"s", "other"}[rng.IntN(2)]
		}
		variants := []*Variant{named("a"), named("b")}
		shared := p.Arrangements(variants)
		for n, v := range variants {
			seen := map[string]bool{}
			var order []string
			begins := map[string]bool{}
			a := p.Arrange(v)
			ends := a.Groups()
			var last string
			round := 0
			for _, g := range generations(p, v) {
				id := fmt.Sprint(g.Names(), g.Item.ID, g.Repeat)
				if seen[id] {
					t.Fatalf("%s comes twice", id)
				}
				seen[id] = true
				if g.Place != len(order) {
					t.Fatalf("%s has the place %d and comes at %d", id, g.Place, len(order))
				}
				order = append(order, id)
				if other := shared[n].Generation(g.Place); other != g {
					t.Fatalf("%s of %s is %v of %s in an arrangement that is shared", id, v.Label, other.Names(), other.Variant.Label)
				}
				if base := a.Generation(a.baseline(g.Place)); base.Setting != prompt.None || base.Control != prompt.NoControl || base.Item != g.Item || base.Repeat != g.Baseline().Repeat {
					t.Fatalf("the baseline of %s is %s %s of item %s", id, base.Method, base.Setting, base.Item.ID)
				}
				q, err := p.query(g)
				if err != nil {
					t.Fatal(err)
				}
				text, err := p.Prompts.Ask(q)
				if err != nil {
					t.Fatal(err)
				}
				if r, _, _, _ := a.find(g.Place); r != round {
					if r != round+1 {
						t.Fatalf("round %d follows %d", r, round)
					}
					round = r
				}
				begin := fmt.Sprint(round, g.Names(), text.System)
				if begin != last && begins[begin] {
					t.Fatalf("%s: what begins like it is not together", id)
				}
				begins[begin], last = true, begin
			}
			controls := p.Null
			if p.Rotate {
				controls *= 2
			}
			if want := p.Count(v); len(seen) != want || want != ((1+len(p.Methods)*(len(p.Settings)-1))*p.Repeats+controls)*len(p.Dataset.Items) {
				t.Fatalf("%d generations, counted %d", len(seen), want)
			}
			if !strings.Contains(order[0], "none") {
				t.Fatalf("the first is %s", order[0])
			}
			groups := 0
			for _, e := range ends {
				groups += len(e)
			}
			if groups != len(begins) {
				t.Fatalf("%d groups, %d ways to begin", groups, len(begins))
			}
			var again []string
			for _, g := range generations(p, v) {
				again = append(again, fmt.Sprint(g.Names(), g.Item.ID, g.Repeat))
			}
			if !slices.Equal(order, again) {
				t.Fatal("the order changes")
			}
			listed := p.Listed(v)
			for place := range listed.Len() {
				g := listed.Generation(place)
				again[place] = fmt.Sprint(g.Names(), g.Item.ID, g.Repeat)
				if base := listed.Generation(listed.baseline(place)); base.Item != g.Item || base.Setting != prompt.None || base.Control != prompt.NoControl {
					t.Fatalf("in tables the baseline of %s is of item %s", again[place], base.Item.ID)
				}
			}
			if !slices.Equal(slices.Sorted(slices.Values(order)), slices.Sorted(slices.Values(again))) {
				t.Fatal("what is listed is not what is asked")
			}
		}
	}
}

func TestIrrelevantPreferencesFollowTheSeed(t *testing.T) {
	pool := make([]data.Preference, 8)
	for i := range pool {
		pool[i].Text = fmt.Sprint(i)
	}
	a, err := DrawIrrelevant(pool, 42)
	if err != nil || len(a) != prompt.NIrrelevant {
		t.Fatal(a, err)
	}
	b, _ := DrawIrrelevant(pool, 42)
	if !slices.Equal(a, b) {
		t.Error("the same seed draws others")
	}
	if len(slices.Compact(slices.Sorted(slices.Values(a)))) != len(a) {
		t.Errorf("drawn twice: %q", a)
	}
	if _, err := DrawIrrelevant(pool[:4], 42); err == nil {
		t.Error("drew five of four")
	}
}

// Everything that determines a reply is in its key, and the model's name is not.
func TestKeys(t *testing.T) {
	base := func() Call {
		return Call{Variant: named("m"), Request: models.Request{
			Model: "m", System: "s", User: "u", Options: models.Options{NumPredict: 2, Seed: 3}, Format: []byte(`{}`), Think: new(true),
		}}
	}
	keys := map[store.Key]string{base().Key(): "base"}
	for name, change := range map[string]func(*Call){
		"digest":      func(c *Call) { c.Variant = named("n") },
		"system":      func(c *Call) { c.Request.System = "su" },
		"user":        func(c *Call) { c.Request.User = "" },
		"kv cache":    func(c *Call) { c.Variant.KVCache = models.KVQ8 },
		"num_predict": func(c *Call) { c.Request.Options.NumPredict++ },
		"seed":        func(c *Call) { c.Request.Options.Seed++ },
		"format":      func(c *Call) { c.Request.Format = nil },
		"think":       func(c *Call) { c.Request.Think = new(false) },
		"no think":    func(c *Call) { c.Request.Think = nil },
		"repeat":      func(c *Call) { c.Repeat = 1 },
		"control":     func(c *Call) { c.Control = prompt.Again },
	} {
		c := base()
		change(&c)
		if other, ok := keys[c.Key()]; ok {
			t.Errorf("%s has the key of %s", name, other)
		}
		keys[c.Key()] = name
	}
	renamed := base()
	renamed.Request.Model = "another tag"
	if keys[renamed.Key()] != "base" {
		t.Error("the key changes with the model's name")
	}
	if a, b := (Call{Variant: named("m"), Request: models.Request{System: "a", User: "b"}}), (Call{Variant: named("m"), Request: models.Request{System: "ab"}}); a.Key() == b.Key() {
		t.Error("system and user run together")
	}
}

// Groups are those of the prompts: a seat that changes its system prompt has
// begun another one.
func TestSeatsKeepTheirSystemPrompt(t *testing.T) {
	p := testTask(t, 60)
	p.Methods = []prompt.Method{prompt.ZeroShot, prompt.CoT, prompt.PrefAligner}
	a := p.Arrange(named("a"))
	q := engine.NewQueue(a.Groups())
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
		g := a.Generation(int(u))
		c, err := p.first(g)
		if err != nil {
			t.Fatal(err)
		}
		round, _, _, _ := a.find(int(u))
		id := fmt.Sprint(round, g.Method, g.Setting, c.Request.System)
		if id != last[i%3] {
			last[i%3] = id
			changes[fmt.Sprint(g.Setting)]++
		}
		seats[i%3].Reply(u, store.Reply{Response: models.Response{PromptEval: time.Hour, Eval: time.Second}})
	}
	// Three methods with three preferences each, in each round begun by one seat; what
	// has one beginning in all is begun by each seat at most once.
	want := 2 * 3 * 3 * (len(a.rounds) - 1)
	if n := changes["relevant"] + changes["mixed"]; n > want+3 {
		t.Errorf("seats change their system prompt %d times, want %d or few more", n, want)
	}
}
