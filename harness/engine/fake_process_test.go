package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"perg/models"
)

// A process is an Ollama server: that of a named host, or one that the fleet
// started on its GPUs, and whose supervisor starts it again three times. All of
// it is guarded by the world.
type process struct {
	world *world
	name  string
	sites []*site
	own   bool
	slots int // calls that a model works on at once

	alive   bool
	closed  bool
	gaveUp  bool
	exits   int
	dead    chan struct{} // closed when it ends: what is in flight is cut
	why     string        // it ended
	runners []*runner
	leaving []*runner // that it does not list any more, and whose memory is not back
}

// A runner is a model in a process's memory.
type runner struct {
	process *process
	model   *fakeModel
	digest  string
	numCtx  int
	size    uint64
	vram    uint64
	slots   chan struct{}
	busy    int
	leaving bool          // is unloaded once it is not busy
	ousted  bool          // goes for another one of its name once it is not busy
	loaded  chan struct{} // closed when the load ends
	err     error         // of the load
	gone    chan struct{} // closed when it is no more
	why     string        // it went
	killer  string        // the text of the call that ended it
}

const (
	mostRestarts = 3
	restartAfter = time.Second
	callLimit    = 30 * time.Minute // of a client
	hangLimit    = time.Minute      // after which the supervisor ends a process that hangs
)

func (p *process) begin() {
	p.alive, p.dead, p.why = true, make(chan struct{}), ""
}

// end is the process's death.
func (p *process) end(why string) {
	if !p.alive {
		return
	}
	w := p.world
	w.tell("%s: the server ends: %s", p.name, why)
	p.alive, p.why = false, why
	for _, r := range slices.Clone(p.runners) {
		if !w.killed && !p.closed {
			w.deaths = append(w.deaths, fakeDeath{r.model.Label, time.Now()})
			w.bury(p, r.model, strings.Contains(why, poisonous))
		}
		r.end("its server ended: "+why, "")
	}
	for _, r := range p.leaving {
		r.forget()
	}
	p.leaving = nil
	close(p.dead)
	w.awake()
	if p.closed || w.killed {
		return
	}
	if p.own {
		p.exits++
		p.again()
		return
	}
	time.AfterFunc(between(w.dice.of("back", p.name, clock(time.Since(w.began))), time.Second, 20*time.Second), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !p.alive && !p.sites[0].down && !w.killed {
			w.tell("%s: is back", p.name)
			p.begin()
			w.awake()
		}
	})
}

// again is the supervisor's work.
func (p *process) again() {
	w := p.world
	if p.exits > mostRestarts {
		w.tell("%s: its supervisor gives up", p.name)
		p.gaveUp = true
		w.awake()
		return
	}
	time.AfterFunc(restartAfter, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case p.closed || w.killed:
		case slices.ContainsFunc(p.sites, func(s *site) bool { return s.down || s.refuses }):
			p.exits++
			p.again()
		default:
			p.begin()
			w.tell("%s: started again", p.name)
			w.awake()
		}
	})
}

// watchHang has the supervisors of what hangs on a site end it.
func (w *world) watchHang(s *site) {
	for _, p := range w.open {
		if p.own && p.alive && slices.Contains(p.sites, s) {
			dead := p.dead
			time.AfterFunc(hangLimit, func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				if s.hung && w.asleep == 0 && p.alive && p.dead == dead {
					p.end("it hung")
				}
			})
		}
	}
}

// unanswered says why a process does not answer; away where it is to be waited
// for.
func (p *process) unanswered() error {
	switch {
	case p.gaveUp || p.closed:
		return fmt.Errorf("%w: %s is no more", models.ErrUnreachable, p.name)
	case !p.alive:
		return &awayError{p.name + " does not answer"}
	case slices.ContainsFunc(p.sites, func(s *site) bool { return s.proxied }):
		return &awayError{p.name + ": HTTP 502"}
	}
	return nil
}

// An awayError is a server that is waited for.
type awayError struct{ text string }

func (e *awayError) Error() string { return e.text }

func (p *process) hung() bool {
	return p.world.asleep > 0 || p.any(func(s *site) bool { return s.hung })
}

func (p *process) slow() float64 {
	slow := 1.0
	for _, s := range p.sites {
		slow = max(slow, s.slow)
	}
	return slow
}

func (p *process) any(ill func(*site) bool) bool { return slices.ContainsFunc(p.sites, ill) }

// A request is one to a process: it ends with the process, or when the client
// has waited too long.
type request struct {
	process *process
	limit   context.Context
	dead    chan struct{}
}

// request begins one. It must be left.
func (p *process) request() (r *request, leave func(), err error) {
	w := p.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := p.unanswered(); err != nil {
		return nil, nil, err
	}
	w.occupy(p.sites, 1)
	limit, cancel := context.WithTimeout(context.Background(), callLimit)
	return &request{p, limit, p.dead}, func() {
		cancel()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.occupy(p.sites, -1)
	}, nil
}

func (w *world) occupy(sites []*site, n int) {
	for _, s := range sites {
		s.occupied += n
		s.occupiedAt = time.Now()
	}
}

// takes lets time go by, and as long as the process hangs.
func (r *request) takes(d time.Duration, gone <-chan struct{}) error {
	w := r.process.world
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-gone:
		return errGone
	case <-r.dead:
		return fmt.Errorf("%w: %s ended", models.ErrCut, r.process.name)
	case <-r.limit.Done():
		return models.ErrTimeout
	}
	for {
		w.mu.Lock()
		hung, changed := r.process.hung(), w.changed
		w.mu.Unlock()
		if !hung {
			return nil
		}
		select {
		case <-changed:
		case <-r.dead:
			return fmt.Errorf("%w: %s ended", models.ErrCut, r.process.name)
		case <-r.limit.Done():
			return models.ErrTimeout
		}
	}
}

// ousted is why a runner went for another one. Its memory is waited for by the
// server itself.
const ousted = "another one of the name is loaded"

// errGone: the runner went.
var errGone = fmt.Errorf("%w: gone", models.ErrRunner)

// A fakeModel is a model as it is in the world.
type fakeModel struct {
	*Model
	weights uint64
	kv      uint64  // bytes a token and slot
	bigger  float64 // than planned
	call    time.Duration
	// fills is how many calls at once a server works on at full speed; past it
	// they share that. card is the same of a site and all servers on it. 0: any.
	fills, card int
	falls       float64       // of its speed, for each call past what fills a server
	most        int           // slots that the plan gives it; 0: 16
	servers     int           // that the plan says a site is worth; 0: not known
	gain        float64       // what they bring
	gap         time.Duration // of a call, that its own times leave out
}

// slowed is how many times longer a call takes beside so many at its server, and
// so many on its site.
func (m *fakeModel) slowed(server, site int) float64 {
	slowed := 1.0
	if m.fills > 0 {
		over := max(0, server-m.fills)
		slowed = max(slowed, float64(server)/float64(m.fills)/(1-m.falls*float64(over)))
	}
	if m.card > 0 {
		slowed = max(slowed, float64(site)/float64(m.card))
	}
	return slowed
}

// planned are the bytes that the plan gives it.
func (m *fakeModel) planned(slots, numCtx int) uint64 {
	return m.weights + m.kv*uint64(max(1, slots))*uint64(numCtx)
}

// runner gives the model of a request, which holds it until it is idle: the one
// in memory, or one that it loads. Where nobody asked for a load the server
// waits by itself until the memory of what was there before is back.
func (r *request) runner(m *fakeModel, numCtx int, asked bool) (*runner, error) {
	p, w := r.process, r.process.world
	for {
		w.mu.Lock()
		if !p.alive || p.dead != r.dead {
			w.mu.Unlock()
			return nil, fmt.Errorf("%w: %s ended", models.ErrCut, p.name)
		}
		if !p.sites[0].offers(m.Name) {
			w.mu.Unlock()
			return nil, fmt.Errorf("%w: %s on %s", models.ErrModelNotFound, m.Name, p.name)
		}
		digest := p.sites[0].digest(m)
		var there, wait *runner
		for _, run := range slices.Clone(p.runners) {
			if run.model != m {
				continue
			}
			if run.digest == digest && (run.numCtx == numCtx || numCtx == 0) && !run.leaving && !run.ousted {
				there = run
			} else if run.busy > 0 || run.loading() {
				run.ousted, wait = true, run
			} else {
				run.end(ousted, "")
			}
		}
		if there == nil && wait == nil {
			for _, r := range p.leaving {
				if !asked {
					r.forget()
				}
			}
			there = p.load(m, digest, numCtx)
		}
		if there != nil {
			there.busy++
		}
		w.mu.Unlock()
		if there == nil {
			select {
			case <-wait.gone:
				continue
			case <-r.dead:
				return nil, fmt.Errorf("%w: %s ended", models.ErrCut, p.name)
			case <-r.limit.Done():
				return nil, models.ErrTimeout
			}
		}
		err := error(nil)
		select {
		case <-there.loaded:
			err = there.err
		case <-r.dead:
			err = fmt.Errorf("%w: %s ended", models.ErrCut, p.name)
		case <-r.limit.Done():
			err = models.ErrTimeout
		}
		if err != nil {
			there.release()
			return nil, err
		}
		return there, nil
	}
}

func (run *runner) loading() bool {
	select {
	case <-run.loaded:
		return false
	default:
		return true
	}
}
