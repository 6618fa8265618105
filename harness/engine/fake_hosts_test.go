package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

// A machine is another one whose GPUs join the run, and the way to it: what it is
// asked and answers takes a while, and waits while the link is down. It has an
// outbox of what it answered and could not send.
type machine struct {
	world *world
	name  string
	way   time.Duration // in each direction
	comes time.Duration // after the beginning of a run
	// clings is how long after it left what it is asked takes to fail.
	clings time.Duration
	ahead  int // calls that a seat may have there beyond the first

	// Guarded by the world.
	there   bool          // the engine was told that it joined
	since   time.Time     // it left; zero: it was never there
	outage  int           // the last one
	deaf    bool          // nothing reaches it
	mute    bool          // nothing that it sends arrives
	lost    chan struct{} // closed when the engine is told that it left
	orphans []*process    // that nobody could end
	outbox  []delivery
	pending map[*question]bool // asked of it and not kept
}

// A delivery is a reply in an outbox.
type delivery struct {
	key   store.Key
	reply store.Reply
}

// machine adds a machine with GPUs of so many GiB, NAME/gpu0, NAME/gpu1...
func (w *world) machine(name string, sizes ...int) *machine {
	m := &machine{world: w, name: name, pending: make(map[*question]bool)}
	for i, size := range sizes {
		w.add(&site{id: fmt.Sprintf("%s/gpu%d", name, i), machine: m, memory: uint64(size) * gib, class: fmt.Sprintf("gpu of %d GiB", size), speed: 1})
	}
	w.machines = append(w.machines, m)
	return m
}

func (m *machine) devices() (all []schedule.Device) {
	for _, s := range m.world.sites {
		if s.machine == m {
			all = append(all, s.device())
		}
	}
	return all
}

// away says whether a site cannot be reached.
func (s *site) away() bool {
	m := s.machine
	return m != nil && (!m.there || m.deaf || m.mute)
}

// unsettled notes that what is held against a machine's sites, or for them, begins
// anew.
func (m *machine) unsettled() {
	for _, s := range m.world.sites {
		if s.machine == m {
			s.illAt, s.dirty = time.Now(), true
		}
	}
}

// joins has a machine join the run, or come back, with what it has in its outbox.
func (w *world) joins(m *machine) {
	w.mu.Lock()
	if m.there || m.deaf || m.mute || w.ended || w.killed {
		w.mu.Unlock()
		return
	}
	w.tell("%s joins", m.name)
	w.count("a machine joins")
	m.there, m.lost = true, make(chan struct{})
	m.unsettled()
	out := m.outbox
	m.outbox = nil
	w.mu.Unlock()
	w.deliver(out)
	w.atEngine(func(e *Engine) { e.Join(m.devices()) })
}

// parts is the end of a run for the machines that are there.
func (w *world) parts() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.machines {
		m.since = time.Time{}
		if m.there {
			m.parts()
		}
	}
}

// parts takes a machine from the engine's reach, with what is at work there.
func (m *machine) parts() {
	w := m.world
	m.there = false
	close(m.lost)
	for _, p := range slices.Clone(w.open) {
		if p.sites[0].machine == m {
			w.orphan(p)
		}
	}
	m.excuse()
}

// excuse notes what is in flight at a machine, or not kept, as something goes wrong.
func (m *machine) excuse() {
	for q := range m.pending {
		q.excused++
	}
	clear(m.pending)
}

// deliver has replies arrive that could not be sent when they were made.
func (w *world) deliver(out []delivery) {
	for _, d := range out {
		w.mu.Lock()
		q := w.keys[d.key]
		right := strings.HasPrefix(d.reply.Content, q.model.Digest+" ")
		q.late = q.late || right
		w.tell("the reply to %s arrives late", q.text)
		w.mu.Unlock()
		w.count("a reply arrives late")
		if right {
			w.replies.Put(w.background, d.key, d.reply)
		}
	}
}

// leaves has the engine told that a machine is gone.
func (w *world) leaves(m *machine, why error) {
	w.mu.Lock()
	if !m.there {
		w.mu.Unlock()
		return
	}
	w.tell("%s has left: %v", m.name, why)
	w.count("a machine leaves")
	m.since = time.Now()
	m.parts()
	m.unsettled()
	clear(w.loaded) // what was at work there goes elsewhere
	var ids []string
	for _, d := range m.devices() {
		ids = append(ids, d.ID)
	}
	left := m.since
	w.mu.Unlock()
	w.atEngine(func(e *Engine) { e.Leave(ids, why) })
	w.after(100*time.Millisecond, func() {
		w.mu.Lock()
		e, still := w.engine, !m.there && m.since == left
		w.mu.Unlock()
		if e == nil || !still {
			return
		}
		for _, l := range e.Lanes() {
			if strings.HasPrefix(l.Lane, m.name+"/") {
				w.wrong("%s is at work, and %s has left", l.Lane, m.name)
			}
		}
	})
}

// atEngine has something done to the engine of the run, if there is one.
func (w *world) atEngine(f func(*Engine)) {
	w.steered.RLock()
	defer w.steered.RUnlock()
	w.mu.Lock()
	e := w.engine
	w.mu.Unlock()
	if e != nil {
		f(e)
	}
}

// cuts takes the link to a machine down, in one direction or both.
func (w *world) cuts(m *machine, deaf, mute bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell("%s: what is sent to it is lost: %v, what it sends: %v", m.name, deaf, mute)
	m.deaf, m.mute = deaf, mute
	m.unsettled()
	w.awake()
}

// killMachine is the end of what runs on a machine, and of the link to it.
func (w *world) killMachine(m *machine) {
	w.cuts(m, true, true)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell("%s is killed", m.name)
	for _, p := range slices.Concat(w.open, m.orphans) {
		if p.sites[0].machine == m {
			w.orphan(p)
			p.endForGood("its machine was killed")
		}
	}
	m.orphans = nil
	m.excuse()
}

// orphan is a process that the engine cannot reach any more.
func (w *world) orphan(p *process) {
	m := p.sites[0].machine
	w.open = slices.DeleteFunc(w.open, func(o *process) bool { return o == p })
	if !p.closed && !slices.Contains(m.orphans, p) {
		m.orphans = append(m.orphans, p)
	}
}

func (p *process) endForGood(why string) {
	p.closed = true
	p.end(why)
}

// passes lets a message take its way, or wait while that is down; it is an error
// where the machine is given up meanwhile.
func (m *machine) passes(ctx context.Context, lost chan struct{}, down func() bool) error {
	if m.way > 0 {
		timer := time.NewTimer(m.way)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-lost:
			return m.gaveUp(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		m.world.mu.Lock()
		waits, changed := down(), m.world.changed
		m.world.mu.Unlock()
		select {
		case <-lost:
			return m.gaveUp(ctx)
		default:
		}
		if !waits {
			return nil
		}
		select {
		case <-changed:
		case <-lost:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// gaveUp is how what a machine is asked fails that has left.
func (m *machine) gaveUp(ctx context.Context) error {
	clings := time.NewTimer(m.clings)
	defer clings.Stop()
	select {
	case <-clings.C:
		return fmt.Errorf("%w: %s has left", models.ErrUnreachable, m.name)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *machine) to(ctx context.Context, lost chan struct{}) error {
	return m.passes(ctx, lost, func() bool { return m.deaf })
}

func (m *machine) from(ctx context.Context, lost chan struct{}) error {
	return m.passes(ctx, lost, func() bool { return m.mute })
}

// open opens a server on a machine, in the place of what was left there.
func (m *machine) open(ctx context.Context, f fakeFleet, lane string, sites []*site, c ServerConfig) (Server, error) {
	w := m.world
	w.mu.Lock()
	there, lost := m.there, m.lost
	if !there && m.since.Before(time.Now()) {
		w.wrong("%s: a lane starts on %s, which has left", lane, m.name)
	}
	w.mu.Unlock()
	if !there {
		return nil, fmt.Errorf("%w: %s has left", models.ErrUnreachable, m.name)
	}
	if err := m.to(ctx, lost); err != nil {
		return nil, err
	}
	for patience := 0; patience < 30 && m.works(sites); patience++ {
		select {
		case <-time.After(time.Second): // it finishes what it has
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	w.mu.Lock()
	for _, p := range m.orphans {
		if p.shares(sites) {
			p.endForGood("another one takes its place")
		}
	}
	m.orphans = slices.DeleteFunc(m.orphans, func(p *process) bool { return p.closed })
	w.mu.Unlock()
	p, err := f.open(ctx, lane, sites, c)
	if err != nil {
		return nil, err
	}
	s := &remoteServer{fakeServer: &fakeServer{p}, machine: m, lost: lost, width: everything}
	if err := m.from(ctx, lost); err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.orphan(p)
		return nil, err
	}
	return s, nil
}

// works says whether a server that nobody could end has calls at work on some sites.
func (m *machine) works(sites []*site) bool {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	return slices.ContainsFunc(m.orphans, func(p *process) bool {
		return p.shares(sites) && slices.ContainsFunc(p.runners, func(run *runner) bool { return run.busy > 0 })
	})
}

// A remoteServer is one on another machine, for as long as that is there. It works
// on as many calls at once as it was told last.
type remoteServer struct {
	*fakeServer
	machine *machine
	lost    chan struct{}

	mu    sync.Mutex
	queue []chan struct{} // calls that wait for their turn
	busy  int
	width int
}

func (s *remoteServer) Ahead() int { return s.machine.ahead }

func (s *remoteServer) Widen(width int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.width = width
	s.begin()
}

// begin has the oldest calls begin, as many as there may be.
func (s *remoteServer) begin() {
	for ; s.busy < s.width && len(s.queue) > 0; s.busy++ {
		close(s.queue[0])
		s.queue = s.queue[1:]
	}
}

// over asks something of a server on a machine.
func over[T any](ctx context.Context, s *remoteServer, ask func() (T, error)) (T, error) {
	var none T
	if err := s.machine.to(ctx, s.lost); err != nil {
		return none, err
	}
	got, err := ask()
	if e := s.machine.from(ctx, s.lost); e != nil {
		return none, e
	}
	return got, err
}

func (s *remoteServer) Load(ctx context.Context, model string, o models.Options) (models.Loaded, error) {
	return over(ctx, s, func() (models.Loaded, error) { return s.fakeServer.Load(ctx, model, o) })
}

func (s *remoteServer) InMemory(ctx context.Context, model string) ([]models.Loaded, error) {
	return over(ctx, s, func() ([]models.Loaded, error) { return s.fakeServer.InMemory(ctx, model) })
}

func (s *remoteServer) Unload(ctx context.Context, model string) error {
	_, err := over(ctx, s, func() (struct{}, error) { return struct{}{}, s.fakeServer.Unload(ctx, model) })
	return err
}

func (s *remoteServer) Close() error {
	err := s.machine.to(context.Background(), s.lost)
	if err == nil {
		return s.fakeServer.Close()
	}
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.orphan(s.process)
	return err
}

func (s *remoteServer) Chat(ctx context.Context, r models.Request) (models.Response, error) {
	w, m := s.world, s.machine
	w.mu.Lock()
	q := w.questions[r.User]
	if q != nil && m.there {
		m.pending[q] = true
	}
	w.mu.Unlock()
	if err := m.to(context.Background(), s.lost); err != nil {
		return models.Response{}, err
	}
	resp, err := s.work(ctx, r)
	if lost := m.from(context.Background(), s.lost); lost != nil {
		if err == nil && q != nil {
			w.undelivered(m, q, resp)
		}
		return models.Response{}, lost
	}
	return resp, err
}

// work has the server work on a call in its turn, also where nobody waits for it
// any more, but not where the run was stopped before.
func (s *remoteServer) work(ctx context.Context, r models.Request) (models.Response, error) {
	turn := make(chan struct{})
	s.mu.Lock()
	s.queue = append(s.queue, turn)
	s.begin()
	s.mu.Unlock()
	<-turn
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.busy--
		s.begin()
	}()
	select {
	case <-s.lost:
		ctx = context.WithoutCancel(ctx)
	default:
	}
	return s.fakeServer.Chat(ctx, r)
}

// undelivered puts a reply in a machine's outbox: it arrives as the machine does.
func (w *world) undelivered(m *machine, q *question, r models.Response) {
	w.mu.Lock()
	d := delivery{q.key(), store.Reply{Response: r, Model: q.model.Name, Digest: short(q.model.Digest)}}
	if !m.there {
		m.outbox = append(m.outbox, d)
		w.mu.Unlock()
		return
	}
	w.mu.Unlock()
	w.deliver([]delivery{d})
}
