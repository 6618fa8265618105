package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/loads"
	"perg/harness/prompt"
	"perg/harness/rundir"
	"perg/harness/sizing"
	"perg/harness/store"
	"perg/harness/task"
	"perg/models"
)

func variant(name string) *task.Variant {
	described, _ := models.Known("llama3.1:8b")
	shape, err := described.Shape()
	if err != nil {
		panic(err)
	}
	return &task.Variant{Installed: models.Installed{Name: name, Digest: "digest of " + name}, Label: name, Shape: shape}
}

// testPlan is one that has no fleet yet: see on.
func testPlan(t *testing.T, items int, variants ...*task.Variant) *Plan {
	t.Helper()
	prompts, err := prompt.Embedded(prompt.Own)
	if err != nil {
		t.Fatal(err)
	}
	asked := &task.Task{
		Prompts: prompts, Irrelevant: []string{"1", "2", "3", "4", "5"},
		Settings: prompt.Settings(), Methods: []prompt.Method{prompt.ZeroShot}, Repeats: 1,
	}
	for i := range items {
		asked.Dataset.Items = append(asked.Dataset.Items, data.Item{
			ID: fmt.Sprint(i), Source: "s", Question: fmt.Sprintf("Question %d?", i), Options: []string{"yes", "no"},
			Gold: i % 2, Preference: fmt.Sprintf("preference %d", i%3),
		})
	}
	return &Plan{Task: asked, Roster: task.Roster{Variants: variants}}
}

// generations are those of a plan, in its order.
func generations(p *Plan) iter.Seq[task.Generation] {
	return func(yield func(task.Generation) bool) {
		at := p.Task.Everywhere(p.Variants)
		for place := range p.Total() {
			if !yield(at(place)) {
				return
			}
		}
	}
}

// on has a run work on some servers, which have all models unless where says
// otherwise.
func on(r *Run, where *fleet.Locations, servers ...*models.Client) {
	p := r.Plan
	p.Sizes.Of = make(map[*task.Variant]sizing.Size)
	for _, v := range p.Loaded() {
		p.Sizes.Of[v] = sizing.Size{NumCtx: 4096, Need: 2048}
	}
	quiet := func(string) {}
	o := fleet.Options{Say: quiet, Warn: quiet}
	var clients []fleet.Client
	for _, c := range servers {
		clients = append(clients, c)
		o.Patience = max(o.Patience, c.Patience)
	}
	r.Fleet = fleet.Of(o, clients...)
	p.jobs = jobsOf(p.Task, p.Roster, p.Sizes, r.Fleet, where, r.Config, loads.Paces{Fleet: r.Fleet}.Known(context.Background(), p.Roster, ""), p.rights)
}

func testRun(t *testing.T, p *Plan, server *models.Client) (*Run, *[]string) {
	t.Helper()
	dir, err := rundir.Hold(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	if err := dir.Adopt(rundir.Manifest{}, func(string) {}); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var mu sync.Mutex
	warnings := new([]string)
	c := rundir.Defaults()
	c.Parallel, c.AllowCPU = "2", true
	r := &Run{Plan: p, Config: c, Dir: dir, Store: s, Warn: func(w string) {
		mu.Lock()
		defer mu.Unlock()
		if !strings.HasPrefix(w, "no GPU samples") { // which depends on the machine
			*warnings = append(*warnings, w)
		}
	}}
	on(r, nil, server)
	return r, warnings
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
		on(r, nil, c)
		result, err := r.Execute(t.Context())
		var problem *hint.Error
		if !errors.Is(err, what) || !errors.Is(err, engine.ErrUndone) || !errors.As(err, &problem) || !strings.Contains(problem.Hint, "run the same command again") {
			t.Errorf("error %v, want %v", err, what)
		}
		if result.OK != 5 || result.Failed != 0 || result.Missing != 19 || r.Dir.Manifest.State != rundir.StateFailed {
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
	for i := range p.Task.Dataset.Items {
		p.Task.Dataset.Items[i].Question, p.Task.Dataset.Items[i].Preference = "The same?", "one"
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
	m, err := rundir.ReadManifest(r.Dir.Path)
	if err != nil {
		t.Fatal(err)
	}
	if m.State != rundir.StateFinished || m.RunID == "" || m.StartedAt.IsZero() || m.EndedAt == nil || m.Counts == nil || m.Counts.OK != 8 {
		t.Errorf("manifest %+v", m)
	}
}
