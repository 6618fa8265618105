package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

const gib = 1 << 30

// A world is what an engine works in, in virtual time: sites with servers,
// models, jobs and a store, and what goes wrong with them. It is made in a
// synctest bubble. A test of one fault reads
//
//	w := newWorld(t)
//	w.gpus(24, 24)
//	j := w.generates(w.model("m", 10), 20)
//	w.after(10*time.Second, func() { w.dies("gpu0") })
//	w.mustRun()
//	w.mustDo(j, 20)
type world struct {
	*story
	dice       dice
	faults     []string     // that were planned
	steered    sync.RWMutex // commands reach the engine of this run
	background context.Context
	patience   time.Duration
	inFlight   int
	allowCPU   bool
	twins      bool // two jobs make some of each other's calls
	loadedTo   func(Load)

	mu       sync.Mutex
	changed  chan struct{} // closed when what is wrong changes
	sites    []*site
	machines []*machine
	open     []*process // that the fleet started
	models   map[string]*fakeModel
	replies  *fakeReplies
	stages   [][]*fakeJob
	engine   *Engine
	stop     context.CancelFunc // the run's
	ended    bool               // the run
	runBegan time.Time
	circles  atomic.Bool // it goes round in them
	killed   bool
	asleep   int
	held     time.Time // the run is paused since then; zero: it is not

	interrupted bool
	stoppedAt   time.Time     // by Ctrl-C
	stopped     time.Duration // the run ended so long after
	finished    bool          // no further fault

	poisons   map[string]poison    // by the text of a call, less what it depends on
	questions map[string]*question // by text
	keys      map[store.Key]*question
	deaths    []fakeDeath
	killings  map[string]int   // servers that a model's calls ended
	loaded    map[loading]bool // by the engine's wish
	paid      []*question      // in flight at Ctrl-C
	loads     map[loading]*tries
	probed    map[string]time.Time // by lane, when a probe was last answered
	remade    map[string]bool      // models by label
}

// A death is of a server with a model in its memory.
type fakeDeath struct {
	model string
	at    time.Time
}

type loading struct{ model, set string }

type tries struct {
	failed int
	final  bool
}

// newWorld makes an empty world. It tells its story where a test fails.
func newWorld(t *testing.T) *world {
	w := emptyWorld(1)
	t.Cleanup(func() {
		if t.Failed() {
			var b strings.Builder
			w.print(&b)
			t.Log("\n" + b.String())
		}
	})
	return w
}

func emptyWorld(seed uint64) *world {
	w := &world{
		story: newStory(), dice: dice(seed), background: context.Background(), patience: 2 * time.Minute, changed: make(chan struct{}), models: make(map[string]*fakeModel),
		stages: make([][]*fakeJob, 1), poisons: make(map[string]poison), questions: make(map[string]*question), keys: make(map[store.Key]*question),
	}
	w.replies = newFakeReplies(w)
	w.forget()
	return w
}

// forget is the beginning of a new run, which knows nothing of the last one.
func (w *world) forget() {
	w.steered.Lock() // nobody looks at the last one any more
	defer w.steered.Unlock()
	w.mu.Lock()
	w.engine = nil
	w.mu.Unlock()
	w.deaths, w.loads, w.probed, w.remade = nil, make(map[loading]*tries), make(map[string]time.Time), make(map[string]bool)
	w.held = time.Time{}
	w.killings, w.loaded, w.paid = make(map[string]int), make(map[loading]bool), nil
	for k, q := range w.keys {
		_, kept, _ := w.replies.Get(w.background, k)
		q.broken, q.answered, q.failed = nil, kept, false
	}
	for _, s := range w.sites {
		s.failures, s.failed, s.failedAt = 0, 0, time.Time{}
	}
	for _, j := range w.jobs() {
		j.began()
	}
}

// gpus adds GPUs of so many GiB: gpu0, gpu1...
func (w *world) gpus(sizes ...int) {
	for _, size := range sizes {
		w.add(&site{id: fmt.Sprintf("gpu%d", len(w.sites)), memory: uint64(size) * gib, class: fmt.Sprintf("gpu of %d GiB", size), speed: 1})
	}
}

// hosts adds servers that the user named, with so many slots each: host0...
func (w *world) hosts(slots ...int) {
	for _, n := range slots {
		s := &site{id: fmt.Sprintf("host%d", len(w.sites)), class: "host", speed: 1}
		s.process = &process{world: w, name: s.id, sites: []*site{s}, slots: n}
		s.process.begin()
		w.add(s)
	}
}

func (w *world) add(s *site) {
	s.held, s.planned, s.tags = make(map[*runner]uint64), make(map[*runner]uint64), make(map[string]string)
	w.sites = append(w.sites, s)
}

// model adds a model with weights of so many GiB.
func (w *world) model(name string, size float64) *fakeModel {
	m := &fakeModel{
		Model:   &Model{Label: name, Name: name + ":latest", Digest: "sha256:" + name, KVCache: models.KVF16, Contexts: []int{4096}},
		weights: uint64(size * gib), kv: 64 << 10, bigger: 1, call: time.Second,
	}
	w.models[m.Name] = m
	return m
}

func (w *world) jobs() []*fakeJob { return slices.Concat(w.stages...) }

// after has something happen so long after now.
func (w *world) after(d time.Duration, f func()) { time.AfterFunc(d, f) }

// dies is the end of a site, until it revives; crashes that of its servers.
func (w *world) dies(id string) { w.change(w.site(id), "dies", func(i *ills) { i.down = true }) }
func (w *world) revives(id string) {
	w.change(w.site(id), "is well again", func(i *ills) { *i = ills{} })
}

func (w *world) crashes(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.processes() {
		if slices.Contains(p.sites, w.site(id)) {
			p.end("it crashed")
		}
	}
}

// loses has other clients of a site's servers unload what is not at work.
func (w *world) loses(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.processes() {
		for _, run := range slices.Clone(p.runners) {
			if slices.Contains(p.sites, w.site(id)) && run.busy == 0 && !run.loading() {
				run.end("another client unloaded it", "")
			}
		}
	}
}

// remakes makes a model's tag anew on a site.
func (w *world) remakes(id string, m *fakeModel) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell("%s: the tag of %s is made anew", id, m.Label)
	w.site(id).tags[m.Name] = m.Digest + "-anew"
	w.remade[m.Label] = true
}

// kill is the end of perg and of the servers that it started, at once.
func (w *world) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell("perg is killed")
	w.killed = true
	w.replies.fails(errKilled)
	for _, p := range slices.Clone(w.open) {
		if p.sites[0].machine != nil {
			w.orphan(p)
			continue
		}
		p.end("perg was killed")
		p.closed = true
	}
	w.open = nil
	w.stop()
	w.awake()
}

var errKilled = errors.New("perg was killed")

// giveUp ends a world that goes round in circles.
func (w *world) giveUp() {
	if !w.circles.Swap(true) {
		w.wrong("it goes round in circles: %d steps", w.most)
		w.stop()
	}
}

// fails notes that the engine was told of an error by a server on some sites.
func (w *world) fails(sites []*site) {
	for _, s := range sites {
		if len(sites) == 1 {
			s.failures++
		}
		s.failed++
		s.failedAt = time.Now()
	}
}

func (w *world) failed(p *process, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell("%s: error: %v", p.name, err)
	w.fails(p.sites)
}

func (w *world) loadFailed(p *process, m *fakeModel, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell("%s: %s is not loaded: %v", p.name, m.Label, err)
	w.fails(p.sites)
	if errors.Is(err, models.ErrMemory) {
		return // a step down is tried first
	}
	t := w.tried(m, setName(p.sites))
	t.failed++
	t.final = t.final || errors.Is(err, models.ErrModelNotFound)
}

func (w *world) tried(m *fakeModel, set string) *tries {
	at := loading{m.Label, set}
	if w.loads[at] == nil {
		w.loads[at] = &tries{}
	}
	return w.loads[at]
}

// newEngine makes an engine of the world's jobs.
func (w *world) newEngine() *Engine {
	o := Options{Fleet: fakeFleet{w}, Replies: w.replies, Patience: w.patience, InFlight: w.inFlight, AllowCPU: w.allowCPU}
	for _, s := range w.sites {
		if s.machine == nil {
			o.Devices = append(o.Devices, s.device())
		}
	}
	o.Awaited = len(w.machines) > 0
	o.Warn = func(text string) {
		w.tell("warning: %s", text)
	}
	o.Loaded = func(l Load) {
		if w.loadedTo != nil {
			w.loadedTo(l)
		}
		w.tell("%s: has %s in memory, %d slots, %.1f GiB where the plan said %.1f", l.Lane, l.Model, l.Slots, float64(l.Size)/gib, float64(l.Planned)/gib)
	}
	var stages [][]*Job
	for _, jobs := range w.stages {
		var stage []*Job
		for _, j := range jobs {
			stage = append(stage, j.Job)
		}
		stages = append(stages, stage)
	}
	return New(o, stages...)
}

// run runs the jobs in an engine of its own, to the end, and has it release
// what it holds.
func (w *world) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.mu.Lock()
	w.stop = cancel
	w.engine, w.ended, w.runBegan = w.newEngine(), false, time.Now()
	w.mu.Unlock()
	over := make(chan struct{})
	defer close(over)
	go w.watch(w.engine, over)
	for _, m := range w.machines {
		if m.comes == 0 {
			w.joins(m)
			continue
		}
		w.after(m.comes, func() { w.joins(m) })
	}
	err := w.engine.Run(ctx)
	w.mu.Lock()
	w.ended = true
	w.stopped = time.Since(w.stoppedAt)
	w.mu.Unlock()
	w.tell("the run ends: %v", err)
	release, done := context.WithTimeout(context.Background(), 5*time.Minute)
	defer done()
	w.engine.Release(release)
	w.parts()
	if w.tell("what it held is released"); release.Err() != nil {
		w.wrong("what the run held is not released after 5 minutes")
	}
	return err
}

// mustRun is run where it has to go well and to break no invariant.
func (w *world) mustRun(t *testing.T) {
	t.Helper()
	if err := w.run(t.Context()); err != nil {
		t.Errorf("the run ends with %v", err)
	}
	w.mustHold(t)
}

// mustHold checks what a world sees by itself.
func (w *world) mustHold(t *testing.T) {
	t.Helper()
	for _, v := range w.violations() {
		t.Error(v)
	}
}

// mustDo checks how many units of a job are done, none of which failed.
func (w *world) mustDo(t *testing.T, j *fakeJob, n int) {
	t.Helper()
	done, failed := j.outcomes()
	if done != n || failed > 0 {
		t.Errorf("%s: %d units are done, %d of them failed; want %d", j.ID, done, failed, n)
	}
}

// describe tells what a world is made of.
func (w *world) describe(out io.Writer) {
	fmt.Fprintf(out, "patience %v, calls in flight %d, --allow-cpu %v\n", w.patience, w.inFlight, w.allowCPU)
	for _, s := range w.sites {
		fmt.Fprintf(out, "%s: %d GiB, speed %.1f", s.id, s.memory/gib, s.speed)
		if s.process != nil {
			fmt.Fprintf(out, ", %d slots", s.process.slots)
		}
		if s.has != nil {
			fmt.Fprintf(out, ", has %v", s.has)
		}
		fmt.Fprintln(out)
	}
	for _, m := range w.machines {
		fmt.Fprintf(out, "%s: joins after %v, %v away, %d calls ahead, fails %v after it left\n", m.name, m.comes, m.way, m.ahead, m.clings)
	}
	for _, f := range w.faults {
		fmt.Fprintf(out, "fault: %s\n", f)
	}
	for i, stage := range w.stages {
		for _, j := range stage {
			m := j.model
			fmt.Fprintf(out, "stage %d: %s: %d units, model %s, weights %.1f GiB, %d KiB a token, KV %s, contexts %v, calls %v, %.2f times as big as planned",
				i, j.ID, len(j.units), m.Label, float64(m.weights)/gib, m.kv>>10, m.KVCache, m.Contexts, m.call, m.bigger)
			for u, unit := range j.units {
				for _, text := range unit.texts {
					if p := w.poisons[text]; p != harmless {
						fmt.Fprintf(out, "; unit %d: %s", u, p)
					}
				}
			}
			fmt.Fprintln(out)
		}
	}
}

// fit is how a model's job runs on a set, by the plan.
func (w *world) fit(m *fakeModel, units int) func([]schedule.Device) schedule.Fit {
	return func(set []schedule.Device) schedule.Fit {
		f := schedule.Fit{NumCtx: m.Contexts[0]}
		for _, d := range set {
			f.Devices = append(f.Devices, d.ID)
			if s := w.site(d.ID); !s.offers(m.Name) {
				f.Short, f.Dimension = 1, "model"
				return f
			}
		}
		n := uint64(len(set))
		if set[0].Memory == 0 {
			f.Bytes = make([]uint64, n)
			f.Time, f.Load = time.Duration(units)*m.call/2, 5*time.Second
			return f
		}
		room := set[0].Memory * n
		if least := m.planned(1, f.NumCtx); least > room {
			f.Short, f.Dimension = least-room, "GPU memory"
			return f
		}
		f.Slots = min(cmp.Or(m.most, 16), int((room-m.weights)/(m.kv*uint64(f.NumCtx))))
		f.Servers, f.Gain = m.servers, m.gain
		bytes := m.planned(f.Slots, f.NumCtx)
		for range set {
			f.Bytes = append(f.Bytes, bytes/n)
		}
		f.Reported = bytes
		f.Time = time.Duration(float64(time.Duration(units)*m.call) / float64(f.Slots) / set[0].Speed)
		f.Load = time.Second + time.Duration(float64(time.Second)*float64(bytes)/drive)
		return f
	}
}
