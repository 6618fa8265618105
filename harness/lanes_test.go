package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perg/harness/engine"
	"perg/harness/prompt"
	"perg/harness/schedule"
	"perg/models"
)

func TestBuckets(t *testing.T) {
	for tokens, want := range map[int]int{1: 512, 512: 512, 513: 768, 700: 768, 4097: 6144, 131072: 131072, 200000: 200000} {
		if got := bucket(tokens); got != want {
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
	var all []measurable
	for i := range 200 {
		all = append(all, measurable{text: prompt.Prompt{User: unlike(i, 4000)}, what: fmt.Sprint(i), estimate: float64(1000 - i)})
	}
	var counted atomic.Int64
	count := func(_ context.Context, p prompt.Prompt) (int, error) {
		counted.Add(1)
		if strings.HasPrefix(p.User, "12 ") {
			return 1400, nil
		}
		return 900, nil
	}
	l, err := findLongest(t.Context(), all, 0, count)
	if err != nil || l.tokens != 1400 || l.need != 1400 || l.what != "12" {
		t.Errorf("%+v, error %v", l, err)
	}
	if counted.Load() > measureMost {
		t.Errorf("%d prompts were counted", counted.Load())
	}
	// Where tokens follow the estimate closely a few are enough.
	for i := range all {
		all[i].estimate = 1000 / float64(1+i)
	}
	counted.Store(0)
	if _, err := findLongest(t.Context(), all, 0, func(_ context.Context, p prompt.Prompt) (int, error) {
		counted.Add(1)
		var i int
		fmt.Sscan(p.User, &i)
		return int(all[i].estimate), nil
	}); err != nil || counted.Load() != measureFirst {
		t.Errorf("%d prompts were counted, error %v", counted.Load(), err)
	}
}

// Prompts of nearly one length need not all be counted where none of them could
// need a larger context, by the buckets or by the user.
func TestCountingEndsWithTheContext(t *testing.T) {
	for _, c := range []struct{ length, room, wanted, counted int }{
		{300, 500, 0, measureFirst},     // 800 of 1024
		{300, 700, 0, measureMost},      // 1000 of 1024
		{300, 500, 830, measureMost},    // 800 of 830
		{300, 500, 16384, measureFirst}, // what a step down could reach is 1024
		{300, 700, 16384, measureMost},
		{300, 500, 600, measureFirst}, // too much already, as the error says
	} {
		var all []measurable
		for i := range 200 {
			all = append(all, measurable{text: prompt.Prompt{User: unlike(i, 4*c.length)}, what: fmt.Sprint(i), estimate: float64(c.length) - float64(i)/100, room: c.room})
		}
		var counted atomic.Int64
		l, err := findLongest(t.Context(), all, c.wanted, func(context.Context, prompt.Prompt) (int, error) {
			counted.Add(1)
			return c.length, nil
		})
		if err != nil || l.need != c.length+c.room || int(counted.Load()) != c.counted {
			t.Errorf("%+v: %d were counted, need %d, error %v", c, counted.Load(), l.need, err)
		}
	}
}

// Prompts that share a long text differ by the rest of it: what was counted of
// one holds for the others, unless their own part could be long.
func TestPromptsWithACommonTextAreCountedOnce(t *testing.T) {
	examples := strings.Repeat("An example with its answer. ", 300) // some 2,100 tokens
	var all []measurable
	for i := range 60 {
		text := prompt.Prompt{System: fmt.Sprintf("I like %d things. %s", i, examples), User: fmt.Sprintf("%s %d?", strings.Repeat("Which? ", 60-i/10), i)}
		all = append(all, newMeasurable(text, 100, "%d", i))
	}
	tokens := func(p prompt.Prompt) int { return (len(p.System) + len(p.User)) / 4 }
	for _, c := range []struct{ wanted, least, most int }{{0, measureFirst, measureFirst}, {2320, measureFirst + 1, len(all)}} {
		var counted atomic.Int64
		l, err := findLongest(t.Context(), all, c.wanted, func(_ context.Context, p prompt.Prompt) (int, error) {
			counted.Add(1)
			return tokens(p), nil
		})
		if n := int(counted.Load()); err != nil || n < c.least || n > c.most || l.need < 2300 || l.need > 2320 {
			t.Errorf("wanted %d: %d were counted, want %d to %d; need %d, error %v", c.wanted, n, c.least, c.most, l.need, err)
		}
	}
	for _, c := range [][3]string{{"a b c", "a d c", "b"}, {"abc", "abc", ""}, {"abc", "", "abc"}, {"aaa", "aa", "a"}, {"", "x", ""}} {
		if got := apart(c[0], c[1]); got != c[2] {
			t.Errorf("%q without what %q has: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

// The judge gets each generation once, as soon as it and its baseline are
// answered and not before, and whatever is given back again.
func TestBacklog(t *testing.T) {
	p := testPlan(t, 70, variant("a"), variant("b"))
	p.Repeats = 2
	b := newBacklog(p)
	all := slices.Collect(p.all())
	// Not in the order of the plan, and the variants are under way together.
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	name := func(g generation) string { return fmt.Sprint(g.Variant.Name, g.Setting, g.item.ID, g.repeat) }
	told, seen := make(map[string]bool), make(map[string]int)
	for _, g := range all {
		told[name(g)] = true
		b.answered(slices.Index(p.Variants, g.Variant), g.at)
		for _, a := range b.variants {
			for place, ok := a.take(); ok; place, ok = a.take() {
				g := a.generation(place)
				seen[name(g)]++
				if !told[name(g)] || !told[name(g.baseline())] {
					t.Fatalf("%s comes before it or its baseline is answered", name(g))
				}
			}
		}
		if can := told[name(g)] && told[name(g.baseline())]; can != (seen[name(g)] > 0) {
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
	if u, ok := b.Next(t.Context()); !ok || u != unit || b.Left() != 0 || b.generation(u) != b.variants[1].generation(3) {
		t.Errorf("what was given back does not come again: %v", ok)
	}
}

func TestABacklogEndsWithTheRun(t *testing.T) {
	p := testPlan(t, 2, variant("a"))
	b := newBacklog(p)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, ok := b.Next(ctx); ok || b.Ready() {
		t.Error("a generation without an answer was handed out")
	}
}

// What a variant that was given up has no answers to is not waited for.
func TestABacklogWithoutTheRestOfAVariant(t *testing.T) {
	p := testPlan(t, 5, variant("a"), variant("b"))
	b := newBacklog(p)
	for place := range 7 { // five baselines, and two more
		b.answered(0, place)
	}
	b.answered(1, 6) // without its baseline
	b.over(0)
	b.over(1)
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

// A model that spills is tried with the contexts that hold every call, and
// then its rows fail with the reason, while another model's go on.
func TestASpillStepsDown(t *testing.T) {
	p := testPlan(t, 2, variant("a:latest"))
	client, asked := spilling(t, replying(answerA), func(numCtx int) int {
		if numCtx <= 2048 {
			return 100
		}
		return 60
	})
	r, warnings := testRun(t, p, client)
	r.Config.AllowCPU = false
	result, err := r.Execute(t.Context())
	if err != nil || result.OK != 8 || !slices.Equal(asked(), []int{4096, 3072, 2048}) {
		t.Errorf("result %+v, contexts %v, error %v", result, asked(), err)
	}
	if len(*warnings) != 2 || !strings.Contains((*warnings)[1], "trying again with a context of 2048 tokens instead of 3072") {
		t.Errorf("warnings %q", *warnings)
	}
	if n := len(r.Dir.Manifest.Loads); n != 1 || r.Dir.Manifest.Loads[0].NumCtx != 2048 || *r.Dir.Manifest.Loads[0].InFlight != 2 {
		t.Errorf("loads %+v", r.Dir.Manifest.Loads)
	}

	p = testPlan(t, 2, variant("a:latest"))
	client, _ = spilling(t, replying(answerA), func(int) int { return 60 })
	r, warnings = testRun(t, p, client)
	r.Config.AllowCPU = false
	result, err = r.Execute(t.Context())
	if err != nil || result.Failed != 8 || result.OK != 0 {
		t.Errorf("result %+v, error %v", result, err)
	}
	want := "a:latest does not fit in GPU memory: 40 B of its 100 B would run on the CPU (--allow-cpu accepts that); what is left of it is in error, the others go on"
	if diff := cmp.Diff(want, (*warnings)[len(*warnings)-1]); diff != "" {
		t.Errorf("the last warning (-want +got):\n%s", diff)
	}
}

// A lane whose server dies leaves its work to the others.
func TestTheRunGoesOnWithoutALane(t *testing.T) {
	p := testPlan(t, 30, variant("a:latest"), variant("b:latest"))
	gone, err := models.NewClient("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	gone.Patience = 20 * time.Millisecond
	well := fake(t, replying(answerA))
	r, warnings := testRun(t, p, well)
	r.Fleet = fleetOf(p, well, gone)
	result, err := r.Execute(t.Context())
	if err != nil || result.OK != 2*4*30 || result.Failed+result.Missing != 0 {
		t.Errorf("result %+v, error %v", result, err)
	}
	told := 0
	for _, w := range *warnings {
		told += strings.Count(w, "the run goes on without http://127.0.0.1:1")
	}
	if told != 1 {
		t.Errorf("it is told %d times that a lane is gone: %q", told, *warnings)
	}
}

// An answer that ends because the context is full is an error: in a larger one
// it would have gone on, and the key of a call does not tell the two apart.
func TestAnAnswerThatFillsTheContextIsAnError(t *testing.T) {
	p := testPlan(t, 2, variant("a:latest"))
	full := strings.Replace(answerA, `"stop"`, `"length"`, 1)
	r, _ := testRun(t, p, fake(t, replying(full)))
	result, err := r.Execute(t.Context())
	if err != nil || result.Failed != 8 || result.Reasons[models.ErrContextOverflow.Error()] != 8 {
		t.Errorf("result %+v, error %v", result, err)
	}
	// At num_predict it is the answer's own length that ended it.
	p.NumPredict = 4
	r, _ = testRun(t, p, fake(t, replying(full)))
	if result, err := r.Execute(t.Context()); err != nil || result.OK != 8 {
		t.Errorf("at num_predict: result %+v, error %v", result, err)
	}
}

func TestVersionsThatAreNotKnown(t *testing.T) {
	for version, want := range map[string]string{
		"0.17.4": "", "0.0.0": "", "dev": "", "0.12.0": "",
		"0.5.7":  "older than 0.12",
		"0.30.1": "newer than perg was tested with (0.17)",
		"1.2.0":  "newer than perg was tested with (0.17)",
	} {
		if got := unfamiliar(version); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q", version, got)
		}
	}
}

// Quantizing what does not fit the disk is refused before it begins.
func TestRoomForQuantizations(t *testing.T) {
	t.Setenv("OLLAMA_MODELS", t.TempDir())
	if err := room(1); err != nil {
		t.Error(err)
	}
	var problem *Problem
	if err := room(1 << 60); !errors.As(err, &problem) || !strings.Contains(err.Error(), "it needs 1.0 EiB") || !strings.Contains(problem.Hint, "--prune-quantized") {
		t.Errorf("an exbibyte: %v", err)
	}
}

// A fit says what is missing where, and what would help.
func TestWhatDoesNotFit(t *testing.T) {
	described, _ := models.Known("llama3.3:70b")
	shape, err := described.Shape()
	if err != nil {
		t.Fatal(err)
	}
	v := &Variant{Label: "70b", Shape: shape, NumCtx: 16384, Need: 16000, KVCache: models.KVF16}
	gib := func(n uint64) []schedule.Device { return []schedule.Device{{ID: "gpu0", Memory: n << 30, Speed: 1}} }
	pl := placing{variant: v, remedy: v.remedies}
	if f := pl.fit(gib(44)); f.Short == 0 || f.Dimension != "GPU memory" || !slices.Equal(f.Remedies, []string{"q3_K_M"}) {
		t.Errorf("on 44 GiB: %+v", f)
	}
	on := gib(8)
	on[0].ID = "cpu"
	if f := pl.fit(on); f.Short == 0 || f.Dimension != "memory" {
		t.Errorf("on a processor: %+v", f)
	}
	if f := pl.fit(gib(80)); f.Short != 0 || f.Slots < 2 || f.Slots > mostSlots || f.Bytes[0] > 80<<30 {
		t.Errorf("on 80 GiB: %+v", f)
	}
	pl.spill = true
	if f := pl.fit(gib(24)); f.Short != 0 || f.Slots != 1 {
		t.Errorf("spilling: %+v", f)
	}
}
