package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"perg/harness"
	"perg/harness/hosts"
	"perg/harness/rundir"
)

// members are the machines that join a run.
type members struct {
	hub  *hosts.Hub // nil: none can
	work work
	say  func(string)
	want int // to be there before the run is planned
	came chan struct{}

	mu  sync.Mutex
	run *harness.Run // nil: it is being prepared
	ctx context.Context
	new []*hosts.Machine // that came before it
}

// listen begins to let machines join the run of a config, where it has them do.
func listen(ctx context.Context, cfg rundir.Config, w work) (*members, error) {
	m := &members{work: w, say: w.display.say, want: cfg.Await, came: make(chan struct{}, 1)}
	if !cfg.Listens() {
		return m, nil
	}
	if cfg.NoLocal {
		m.want = max(m.want, 1)
	}
	var err error
	m.hub, err = hosts.Listen(ctx, hosts.Options{
		Listen: cfg.Listen, NATS: cfg.NATS, Dir: cfg.Out, Perg: rundir.Version(), Machine: harness.MachineName(cfg), Interval: time.Duration(cfg.GPUInterval),
		Replies: w.store, Warn: w.display.warn, Came: m.join, Left: m.leave,
	})
	if err != nil {
		return nil, err
	}
	w.display.say("machines may join: " + m.hub.Command())
	return m, nil
}

// joiners are the machines that join something other than a run, a plan say, of
// which one is waited for where no number is said. They end with it.
func joiners(ctx context.Context, what string, cfg rundir.Config, say func(string)) (all []*hosts.Machine, leave func(), err error) {
	leave = func() {}
	if !cfg.Listens() {
		return nil, leave, nil
	}
	dir, err := os.MkdirTemp("", "perg-")
	if err != nil {
		return nil, leave, err
	}
	s, err := openStore(filepath.Join(dir, "replies.db"))
	if err != nil {
		return nil, leave, err
	}
	came := make(chan struct{}, 1)
	told := func(*hosts.Machine) {
		select {
		case came <- struct{}{}:
		default:
		}
	}
	hub, err := hosts.Listen(ctx, hosts.Options{
		Listen: cfg.Listen, NATS: cfg.NATS, Dir: dir, Perg: rundir.Version(), Interval: time.Second, Replies: s, Warn: say, Came: told,
	})
	if err != nil {
		return nil, leave, errors.Join(err, s.Close(), os.RemoveAll(dir))
	}
	leave = func() {
		hub.End()
		hub.Close()
		s.Close()
		os.RemoveAll(dir)
	}
	say(fmt.Sprintf("machines may join %s: %s", what, hub.Command()))
	if err := (&members{hub: hub, want: max(1, cfg.Await), came: came, say: say}).await(ctx); err != nil {
		leave()
		return nil, func() {}, err
	}
	return hub.Machines(), leave, nil
}

// await waits until as many machines are there as are wanted.
func (m *members) await(ctx context.Context) error {
	if m.hub == nil {
		return nil
	}
	for said := -1; ; {
		n := len(m.hub.Machines())
		if n >= m.want {
			return nil
		}
		if n != said {
			said = n
			m.say(fmt.Sprintf("waiting for machines to join: %d of %d", n, m.want))
		}
		select {
		case <-m.came:
		case <-ctx.Done():
			return harness.ErrInterrupted
		}
	}
}

// join takes a machine in that came. It is called for one machine at a time of each
// name.
func (m *members) join(machine *hosts.Machine) {
	m.work.fleet.Come(machine)
	m.mu.Lock()
	r, ctx := m.run, m.ctx
	if r == nil {
		m.new = append(m.new, machine)
	}
	m.mu.Unlock()
	m.say(fmt.Sprintf("%s has joined: %s", machine.Name(), machine.Describe()))
	if r != nil {
		m.note(machine)
		go m.supply(ctx, r, machine)
	}
	select {
	case m.came <- struct{}{}:
	default:
	}
}

func (m *members) supply(ctx context.Context, r *harness.Run, machine *hosts.Machine) {
	if err := r.Come(ctx, machine); err != nil && ctx.Err() == nil {
		m.work.display.warn(fmt.Sprintf("%s does not work for the run: %v", machine.Name(), err))
	}
}

func (m *members) leave(machine *hosts.Machine, why error) {
	m.work.fleet.Leave(machine)
	m.mu.Lock()
	r := m.run
	m.mu.Unlock()
	m.work.display.warn(fmt.Sprintf("%s has left: %v", machine.Name(), why))
	if r != nil {
		m.work.dir.HostLeft(machine.Name(), machine.Joined, time.Now().UTC(), why)
		r.Leave(machine, why)
	}
}

// note has the manifest name a machine.
func (m *members) note(machine *hosts.Machine) {
	m.work.dir.Hosted(rundir.Host{
		Name: machine.Name(), Perg: machine.Perg(), Ollama: machine.Version(), Processor: machine.Processor(), GPUs: machine.Inventory(),
		ClockAhead: rundir.Duration(machine.Offset), Joined: machine.Joined,
	})
}

// begin has those work for the run that came before it.
func (m *members) begin(ctx context.Context, r *harness.Run) {
	if m.hub == nil {
		return
	}
	r.Recall = m.hub.Recall
	m.mu.Lock()
	m.run, m.ctx = r, ctx
	early := m.new
	m.new = nil
	m.mu.Unlock()
	for _, machine := range early {
		m.note(machine)
		go m.supply(ctx, r, machine)
	}
}

// end tells the machines that the run has ended, where nothing is left to do.
func (m *members) end(err error) {
	if m.hub != nil && err == nil {
		m.hub.End()
	}
}

func (m *members) close() {
	if m.hub != nil {
		if err := m.hub.Close(); err != nil && !errors.Is(err, context.Canceled) {
			m.work.display.warn(err.Error())
		}
	}
}
