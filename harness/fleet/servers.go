package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"perg/harness/engine"
	"perg/harness/hint"
	"perg/harness/sizing"
	"perg/models"
)

// Patience is how long a server that is away is waited for; 0: as its client
// does.
func (f *Fleet) Patience() time.Duration { return f.options.Patience }

// A named is a server that the user named: it is used as it is.
type named struct{ Client }

func (named) Exits() int   { return 0 }
func (named) Close() error { return nil }

// A managed is a server that perg started.
type managed struct {
	*models.Client
	server  *models.Server
	devices []string
	config  engine.ServerConfig
	machine string // where others may join: this one's name; else ""
}

// Host names the machine where there may be others, and else the server.
func (m *managed) Host() string { return cmp.Or(m.machine, m.Client.Host()) }

func (m *managed) Exits() int   { return m.server.Exits() }
func (m *managed) Close() error { return m.server.Stop() }

// A front is the server that was started before any lane's, and what becomes of
// it when lanes are: the first takes it over, or ends it while the others wait.
type front struct {
	server *managed
	gone   chan struct{} // closed when it is taken over or has ended
}

// Client is a server to ask what is installed, and to count tokens with: the
// first that was named, or one that perg starts on all devices.
func (f *Fleet) Client(ctx context.Context) (Client, error) {
	if !f.Managed() {
		return f.hosts[f.Devices[0].ID], nil
	}
	if len(f.Devices) == 0 {
		if all := f.Machines(); len(all) > 0 {
			return all[0].Client(ctx)
		}
		return nil, fmt.Errorf("%w: no machine is there", models.ErrUnreachable)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.front == nil || f.front.server == nil { // or a lane has it
		var devices []string
		for _, d := range f.Devices {
			devices = append(devices, d.ID)
		}
		s := engine.ServerConfig{Slots: 1, KVCache: models.KVF16}
		if f.OnProcessor() {
			// On a processor it is most likely just what the first lane needs.
			devices, s.Slots = devices[:1], sizing.ProcessorSlots
		} else if f.Devices[0].Alone {
			devices = devices[:1]
		}
		m, err := f.start(ctx, strings.Join(devices, "+"), devices, s)
		if err != nil {
			return nil, err
		}
		f.front = &front{m, make(chan struct{})}
		f.options.Say(fmt.Sprintf("started an Ollama server at %s, its log is %s", m.Client.Host(), f.log(strings.Join(devices, "+"))))
	}
	return f.front.server.Client, nil
}

// Open gives a lane its server. Servers start side by side.
func (f *Fleet) Open(ctx context.Context, lane string, devices []string, s engine.ServerConfig) (engine.Server, error) {
	if m := f.machineOf(devices[0]); m != nil {
		return m.Open(ctx, lane, devices, s)
	} else if f.elsewhere(devices[0]) {
		return nil, gone(devices[0])
	}
	if !f.Managed() {
		return named{f.hosts[devices[0]]}, nil
	}
	m, err := f.takeFront(ctx, devices, s)
	if m == nil && err == nil {
		m, err = f.start(ctx, lane, devices, s)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// takeFront is the front server, where it is what a lane needs; else nil, once
// it has ended.
func (f *Fleet) takeFront(ctx context.Context, devices []string, s engine.ServerConfig) (*managed, error) {
	f.mu.Lock()
	front := f.front
	var m *managed
	if front != nil {
		m, front.server = front.server, nil
	}
	f.mu.Unlock()
	switch {
	case front == nil:
		return nil, nil
	case m == nil: // another lane has it
		select {
		case <-front.gone:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer close(front.gone)
	if slices.Equal(m.devices, devices) && m.config == s {
		return m, nil
	}
	return nil, m.server.Stop()
}

// Close ends the server that no lane took over.
func (f *Fleet) Close() error {
	m, err := f.takeFront(context.Background(), nil, engine.ServerConfig{})
	if m != nil {
		return m.server.Stop()
	}
	return err
}

func (f *Fleet) start(ctx context.Context, lane string, devices []string, s engine.ServerConfig) (*managed, error) {
	if err := os.MkdirAll(f.options.Logs, 0o755); err != nil {
		return nil, &hint.Error{Err: fmt.Errorf("run directory: %w", err), Hint: "choose a directory you may write to with --out"}
	}
	gpus := f.GPUs(devices)
	if len(gpus) == 0 && len(f.Inventory.GPUs) > 0 {
		gpus = []string{"-1"} // those that there are were left out
	}
	srv, err := models.StartServer(ctx, models.ServerConfig{
		Program: f.program, Slots: s.Slots, KVType: s.KVCache, GPUs: gpus, Log: f.log(lane), Report: f.options.Warn,
	})
	if err != nil {
		return nil, err
	}
	client, err := f.options.newClient(srv.URL())
	if err != nil {
		return nil, errors.Join(err, srv.Stop())
	}
	client.Gone = srv.Gone()
	f.ownMu.Lock()
	f.own = append(f.own, srv)
	f.ownMu.Unlock()
	return &managed{Client: client, server: srv, devices: devices, config: s, machine: f.options.Machine}, nil
}

// started are the processes of the servers that perg started and that run.
func (f *Fleet) started() (pids []int) {
	f.ownMu.Lock()
	defer f.ownMu.Unlock()
	for _, s := range f.own {
		if pid := s.Pid(); pid != 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (f *Fleet) log(lane string) string { return filepath.Join(f.options.Logs, "ollama-"+lane+".log") }
