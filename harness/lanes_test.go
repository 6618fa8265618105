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

func TestLowerGoesDownAndEnds(t *testing.T) {
	var steps []string
	slots, numCtx, ok := 8, 4096, true
	for {
		slots, numCtx, ok = lower(slots, numCtx, 1000)
		if !ok {
			break
		}
		steps = append(steps, fmt.Sprintf("%dx%d", slots, numCtx))
	}
	if got, want := strings.Join(steps, " "), "4x4096 2x4096 1x4096 1x3072 1x2048 1x1536 1x1024"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, _, ok := lower(0, 1024, 1000); ok {
		t.Error("below the smallest context that holds every call")
	}
}

// A climb ends near the knee of a server's throughput and stays there,
// wherever the knee is and with noise on what is measured. Where calls wait for
// slots it goes down to those, unless that brings less.
func TestClimbSettles(t *testing.T) {
	for _, c := range []struct {
		what                    string
		knee, slots, most, want int
	}{
		{"a knee below the least", 1, 100, 32, 4},
		{"a knee at 4", 4, 100, 32, 4},
		{"a knee at 8", 8, 100, 32, 8},
		{"a knee at 16", 16, 100, 24, 16},
		{"no knee", 100, 100, 24, 24},
		{"two at most", 2, 100, 2, 2},
		{"one at most", 1, 100, 1, 1},
		{"one slot", 100, 1, 32, 1},
		{"two slots", 100, 2, 32, 2},
		{"four slots", 100, 4, 32, 4},
		{"six slots", 100, 6, 32, 6},
		{"a family that is forced to one slot", 100, 1, 8, 1},
	} {
		climb := newClimb(c.most)
		changes := 0
		for step := range 20 {
			noise := 1 + 0.02*float64(step%3-1)
			was := climb.limit
			served := min(climb.limit, c.slots)
			// Waiting calls keep a slot from being empty between two.
			atOnce := float64(served) * 0.99
			if climb.limit <= c.slots {
				atOnce = float64(served) * 0.9
			}
			climb.measured(100*float64(min(served, c.knee))*noise, atOnce)
			if climb.limit != was {
				changes++
			}
		}
		if !climb.settled || climb.limit != c.want || changes > 4 {
			t.Errorf("%s: settled %v at %d after %d changes, want %d", c.what, climb.settled, climb.limit, changes, c.want)
		}
	}
	// The calls' own times may say less than there was: throughput decides.
	c := newClimb(32)
	c.measured(400, 1)
	c.measured(100, 1)
	c.measured(410, 1)
	if !c.settled || c.limit != 4 {
		t.Errorf("settled %v at %d, want 4", c.settled, c.limit)
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
		b.answered(g)
		for _, a := range b.variants {
			for g, ok := a.take(); ok; g, ok = a.take() {
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
	if len(seen) != len(all) || b.left() != 0 {
		t.Errorf("%d of %d generations, %d left", len(seen), len(all), b.left())
	}
	b.giveBack(all[3])
	if g, ok := b.next(t.Context()); !ok || g != all[3] || b.left() != 0 {
		t.Errorf("what was given back does not come again: %v", ok)
	}
}

// A limit that falls sends seats away.
func TestAPaceThatFalls(t *testing.T) {
	p := newPace(newClimb(8))
	for range 4 {
		if !p.acquire(t.Context()) || !p.keeps() {
			t.Fatal("four calls in flight are too many")
		}
	}
	p.climb.measured(100, 1)
	if p.keeps() {
		t.Error("four calls in flight stay where one is enough")
	}
	for range 3 {
		p.release()
	}
	if !p.keeps() {
		t.Error("the last one goes, too")
	}
}

func TestABacklogEndsWithTheRun(t *testing.T) {
	p := testPlan(t, 2, variant("a"))
	b := newBacklog(p)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, ok := b.next(ctx); ok {
		t.Error("a generation without an answer was handed out")
	}
	b.yield(true)
	if _, ok := b.next(t.Context()); ok {
		t.Error("a backlog that yields handed one out")
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
	want := "a:latest does not fit in GPU memory: 40 B of its 100 B would run on the CPU (--allow-cpu accepts that); its generations are rows in error, the others go on"
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
