package harness

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/prompt"
	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

func variant(name string) *Variant {
	described, _ := models.Known("llama3.1:8b")
	shape, err := described.Shape()
	if err != nil {
		panic(err)
	}
	return &Variant{Installed: models.Installed{Name: name, Digest: "digest of " + name}, Label: name, Shape: shape, NumCtx: 4096, Need: 2048}
}

func testPlan(t *testing.T, items int, variants ...*Variant) *Plan {
	t.Helper()
	prompts, err := prompt.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	p := &Plan{
		Prompts: prompts, Irrelevant: []string{"1", "2", "3", "4", "5"}, Variants: variants,
		Settings: prompt.Settings(), Methods: []prompt.Method{prompt.ZeroShot}, Repeats: 1,
	}
	for i := range items {
		p.Dataset.Items = append(p.Dataset.Items, data.Item{
			ID: fmt.Sprint(i), Source: "s", Question: fmt.Sprintf("Question %d?", i), Options: []string{"yes", "no"},
			Gold: i % 2, Preference: fmt.Sprintf("preference %d", i%3),
		})
	}
	return p
}

// Whatever the plan, each generation comes once, the baseline first, those
// whose prompts begin alike together, and the same plan gives the same order.
func TestGenerationsAreCompleteAndOrdered(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		p := testPlan(t, 1+rng.IntN(30), variant("a"), variant("b"))
		p.Repeats = 1 + rng.IntN(3)
		p.Settings = p.Settings[:1+rng.IntN(4)]
		p.Methods = []prompt.Method{prompt.ZeroShot, prompt.ICL, prompt.SelfCritic}[:1+rng.IntN(3)]
		p.Examples = prompt.Examples{}.With("s", []string{"an example"}).With("other", []string{"another"})
		for i := range p.Dataset.Items {
			p.Dataset.Items[i].Source = []string{"s", "other"}[rng.IntN(2)]
		}
		total := 0
		for _, v := range p.Variants {
			seen := map[string]bool{}
			var order []string
			begins := map[string]bool{}
			a := p.arrange(v)
			ends := a.groups()
			var last string
			for g := range p.generations(v) {
				id := fmt.Sprint(g.Method, g.Setting, g.item.ID, g.repeat)
				if seen[id] {
					t.Fatalf("%s comes twice", id)
				}
				seen[id] = true
				if g.at != len(order) {
					t.Fatalf("%s has the place %d and comes at %d", id, g.at, len(order))
				}
				order = append(order, id)
				if base := a.generation(a.baseline(g.at)); base.Setting != prompt.None || base.item != g.item || base.repeat != g.repeat {
					t.Fatalf("the baseline of %s is %s %s of item %s", id, base.Method, base.Setting, base.item.ID)
				}
				q, err := p.asked(g)
				if err != nil {
					t.Fatal(err)
				}
				text, err := p.Prompts.Ask(q)
				if err != nil {
					t.Fatal(err)
				}
				begin := fmt.Sprint(g.Method, g.Setting, text.System)
				if begin != last && begins[begin] {
					t.Fatalf("%s: what begins like it is not together", id)
				}
				begins[begin], last = true, begin
			}
			if want := p.Count(v); len(seen) != want || want != (1+len(p.Methods)*(len(p.Settings)-1))*len(p.Dataset.Items)*p.Repeats {
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
			for g := range p.generations(v) {
				again = append(again, fmt.Sprint(g.Method, g.Setting, g.item.ID, g.repeat))
			}
			if !slices.Equal(order, again) {
				t.Fatal("the order changes")
			}
			total += len(seen)
		}
		if total != p.Total() {
			t.Fatalf("%d in all, counted %d", total, p.Total())
		}
	}
}

func TestIrrelevantPreferencesFollowTheSeed(t *testing.T) {
	pool := make([]data.Preference, 8)
	for i := range pool {
		pool[i].Text = fmt.Sprint(i)
	}
	a, err := drawIrrelevant(pool, 42)
	if err != nil || len(a) != prompt.NIrrelevant {
		t.Fatal(a, err)
	}
	b, _ := drawIrrelevant(pool, 42)
	if !slices.Equal(a, b) {
		t.Error("the same seed draws others")
	}
	if len(slices.Compact(slices.Sorted(slices.Values(a)))) != len(a) {
		t.Errorf("drawn twice: %q", a)
	}
	if _, err := drawIrrelevant(pool[:4], 42); err == nil {
		t.Error("drew five of four")
	}
}

// Everything that determines a reply is in its key, and the model's name is not.
func TestKeys(t *testing.T) {
	base := func() call {
		return call{variant: variant("m"), request: models.Request{
			Model: "m", System: "s", User: "u", Options: models.Options{NumPredict: 2, Seed: 3}, Format: []byte(`{}`), Think: new(true),
		}}
	}
	keys := map[store.Key]string{base().key(): "base"}
	for name, change := range map[string]func(*call){
		"digest":      func(c *call) { c.variant = variant("n") },
		"system":      func(c *call) { c.request.System = "su" },
		"user":        func(c *call) { c.request.User = "" },
		"kv cache":    func(c *call) { c.variant.KVCache = models.KVQ8 },
		"num_predict": func(c *call) { c.request.Options.NumPredict++ },
		"seed":        func(c *call) { c.request.Options.Seed++ },
		"format":      func(c *call) { c.request.Format = nil },
		"think":       func(c *call) { c.request.Think = new(false) },
		"no think":    func(c *call) { c.request.Think = nil },
		"repeat":      func(c *call) { c.repeat = 1 },
	} {
		c := base()
		change(&c)
		if other, ok := keys[c.key()]; ok {
			t.Errorf("%s has the key of %s", name, other)
		}
		keys[c.key()] = name
	}
	renamed := base()
	renamed.request.Model = "another tag"
	if keys[renamed.key()] != "base" {
		t.Error("the key changes with the model's name")
	}
	if a, b := (call{variant: variant("m"), request: models.Request{System: "a", User: "b"}}), (call{variant: variant("m"), request: models.Request{System: "ab"}}); a.key() == b.key() {
		t.Error("system and user run together")
	}
}

func testRun(t *testing.T, p *Plan, server *models.Client) (*Run, *[]string) {
	t.Helper()
	dir, err := HoldDir(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	if err := dir.Adopt(Manifest{}); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var mu sync.Mutex
	warnings := new([]string)
	c := Defaults()
	c.Parallel, c.AllowCPU = "2", true
	return &Run{Plan: p, Config: c, Dir: dir, Store: s, Fleet: fleetOf(p, server), Warn: func(w string) {
		mu.Lock()
		defer mu.Unlock()
		if !strings.HasPrefix(w, "no GPU samples") { // which depends on the machine
			*warnings = append(*warnings, w)
		}
	}}, warnings
}

// fleetOf has servers that all have the plan's models.
func fleetOf(p *Plan, servers ...*models.Client) *Fleet {
	f := &Fleet{hosts: make(map[string]*models.Client), installed: make(map[string]map[string]bool)}
	for _, c := range servers {
		id := c.Host()
		f.hosts[id] = c
		f.Devices = append(f.Devices, schedule.Device{ID: id, Name: id, Speed: 1})
		f.installed[id] = make(map[string]bool)
		for _, v := range p.models() {
			f.installed[id][v.Name+" "+v.Digest] = true
		}
	}
	return f
}

// A server that cuts off whatever it is asked, and one that is not there, end a
// run that has nothing else: what was answered is kept, the rest is missing, and
// the user is told what to do.
func TestAServerThatIsGoneEndsTheRun(t *testing.T) {
	p := testPlan(t, 6, variant("a:latest"))
	n := 0
	var mu sync.Mutex
	client := fake(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if n++; n > 5 {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, answerA)
	})
	r, _ := testRun(t, p, client)
	gone, err := models.NewClient("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	gone.Patience = 50 * time.Millisecond
	for what, c := range []*models.Client{client, gone} {
		what := []error{models.ErrCut, models.ErrUnreachable}[what]
		r.Fleet = fleetOf(p, c)
		result, err := r.Execute(t.Context())
		var problem *Problem
		if !errors.Is(err, what) || !errors.Is(err, engine.ErrUndone) || !errors.As(err, &problem) || !strings.Contains(problem.Hint, "run the same command again") {
			t.Errorf("error %v, want %v", err, what)
		}
		if result.OK != 5 || result.Failed != 0 || result.Missing != 19 || r.Dir.Manifest.State != StateFailed {
			t.Errorf("%v: result %+v, state %s", what, result, r.Dir.Manifest.State)
		}
	}
}

func TestPartOfAModelOnTheCPUIsAWarning(t *testing.T) {
	p := testPlan(t, 1, variant("a:latest"))
	r, warnings := testRun(t, p, fake(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, answerA) }))
	if _, err := r.Execute(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"a:latest runs in part on the CPU: 40 B of its 100 B do not fit in GPU memory"}
	if diff := cmp.Diff(want, *warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	for g, err := range data.ReadTable[data.Generation](filepath.Join(r.Dir.Path, "generations")) {
		if err != nil || g.VRAMBytes == nil || *g.VRAMBytes != 60 {
			t.Errorf("vram_bytes %v, error %v", g.VRAMBytes, err)
		}
	}
}

// Items that ask the same question make one call.
func TestEqualCallsAreMadeOnce(t *testing.T) {
	p := testPlan(t, 8, variant("a:latest"))
	for i := range p.Dataset.Items {
		p.Dataset.Items[i].Question, p.Dataset.Items[i].Preference = "The same?", "one"
	}
	var mu sync.Mutex
	calls := 0
	r, _ := testRun(t, p, fake(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		calls++
		mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		io.WriteString(w, answerA)
	}))
	r.Config.Parallel = "8"
	result, err := r.Execute(t.Context())
	if err != nil || calls != 4 || result.Calls != 4 || result.OK != 32 {
		t.Errorf("%d calls for 4 different prompts; result %+v, error %v", calls, result, err)
	}
}

func TestInFlightIsBounded(t *testing.T) {
	p := testPlan(t, 20, variant("a:latest"))
	var mu sync.Mutex
	now, most := 0, 0
	r, _ := testRun(t, p, fake(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(2 * time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
		io.WriteString(w, answerA)
	}))
	r.Config.Parallel = "3"
	if _, err := r.Execute(t.Context()); err != nil || most != 3 {
		t.Errorf("%d calls in flight, want 3; error %v", most, err)
	}
}

func TestManifestTellsTheRun(t *testing.T) {
	p := testPlan(t, 2, variant("a:latest"))
	r, _ := testRun(t, p, fake(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, answerA) }))
	if _, err := r.Execute(t.Context()); err != nil {
		t.Fatal(err)
	}
	m, err := ReadManifest(r.Dir.Path)
	if err != nil {
		t.Fatal(err)
	}
	if m.State != StateFinished || m.RunID == "" || m.StartedAt.IsZero() || m.EndedAt == nil || m.Counts == nil || m.Counts.OK != 8 {
		t.Errorf("manifest %+v", m)
	}
}
