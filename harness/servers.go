package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"perg/gpu"
	"perg/harness/engine"
	"perg/harness/store"
	"perg/models"
)

// engine is how the engine works for a config.
func (c Config) engine(f *Fleet, s *store.Store, warn func(string), loaded func(engine.Load)) engine.Options {
	inFlight, _ := c.inFlight()
	return engine.Options{
		Devices: f.Devices, Fleet: f, Replies: replies{s}, AllowCPU: c.AllowCPU, InFlight: inFlight,
		Patience: f.patience(), Warn: warn, Loaded: loaded,
	}
}

// patience is that of the servers' clients; 0: their own.
func (f *Fleet) patience() time.Duration {
	var longest time.Duration
	for _, client := range f.hosts {
		longest = max(longest, client.Patience)
	}
	return longest
}

// A named is a server that the user named: it is used as it is.
type named struct{ *models.Client }

func (named) Exits() int   { return 0 }
func (named) Close() error { return nil }

// A managed is a server that perg started.
type managed struct {
	*models.Client
	server   *models.Server
	devices  []string
	settings engine.Settings
}

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
func (f *Fleet) Client(ctx context.Context) (*models.Client, error) {
	if !f.Managed() {
		return f.hosts[f.Devices[0].ID], nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.front == nil {
		var devices []string
		for _, d := range f.Devices {
			devices = append(devices, d.ID)
		}
		s := engine.Settings{Slots: 1, KVCache: models.KVF16}
		if len(f.byID) == 0 {
			// On a processor it is most likely just what the first lane needs.
			devices, s.Slots = devices[:1], processorSlots
		}
		m, err := f.start(ctx, strings.Join(devices, "+"), devices, s)
		if err != nil {
			return nil, err
		}
		f.front = &front{m, make(chan struct{})}
		f.say(fmt.Sprintf("started an Ollama server at %s, its log is %s", m.Host(), f.log(strings.Join(devices, "+"))))
	}
	return f.front.server.Client, nil
}

// Open gives a lane its server. Servers start side by side.
func (f *Fleet) Open(ctx context.Context, lane string, devices []string, s engine.Settings) (engine.Server, error) {
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
func (f *Fleet) takeFront(ctx context.Context, devices []string, s engine.Settings) (*managed, error) {
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
	if slices.Equal(m.devices, devices) && m.settings == s {
		return m, nil
	}
	return nil, m.server.Stop()
}

// Close ends the server that no lane took over.
func (f *Fleet) Close() error {
	m, err := f.takeFront(context.Background(), nil, engine.Settings{})
	if m != nil {
		return m.server.Stop()
	}
	return err
}

func (f *Fleet) start(ctx context.Context, lane string, devices []string, s engine.Settings) (*managed, error) {
	if err := os.MkdirAll(f.logs, 0o755); err != nil {
		return nil, &Problem{Err: fmt.Errorf("run directory: %w", err), Hint: "choose a directory you may write to with --out"}
	}
	srv, err := models.StartServer(ctx, models.ServerConfig{
		Program: f.program, Slots: s.Slots, KVType: s.KVCache, GPUs: f.GPUs(devices), Log: f.log(lane), Report: f.report,
	})
	if err != nil {
		return nil, err
	}
	client, err := models.NewClient(srv.URL())
	if err != nil {
		return nil, errors.Join(err, srv.Stop())
	}
	client.Report, client.Gone = f.report, srv.Gone()
	return &managed{Client: client, server: srv, devices: devices, settings: s}, nil
}

func (f *Fleet) log(lane string) string { return filepath.Join(f.logs, "ollama-"+lane+".log") }

// GPUs are the UUIDs of devices; nil where they are no GPUs, or not known.
func (f *Fleet) GPUs(devices []string) []string {
	var uuids []string
	for _, d := range devices {
		if g, ok := f.byID[d]; ok {
			uuids = append(uuids, g.UUID)
		}
	}
	return uuids
}

// Class names the kind of the devices: their GPUs' names; "" where they are no
// GPUs, or those of a server that the user named.
func (f *Fleet) Class(devices []string) string { return f.classOf(f.GPUs(devices)) }

// classOf is the class of some GPUs by their UUIDs; "" where one of them is not
// the fleet's.
func (f *Fleet) classOf(uuids []string) string {
	var names []string
	for _, uuid := range uuids {
		for _, g := range f.byID {
			if g.UUID == uuid {
				names = append(names, g.Name)
			}
		}
	}
	if len(names) < len(uuids) {
		return ""
	}
	return strings.Join(names, "+")
}

// mixed says whether the fleet has GPUs of several kinds.
func (f *Fleet) mixed() bool {
	names := make(map[string]bool)
	for _, g := range f.byID {
		names[g.Name] = true
	}
	return len(names) > 1
}

// Memory is what NVML sees in use on devices; nil where they are no GPUs, or it
// does not say.
func (f *Fleet) Memory(ctx context.Context, devices []string) []engine.Memory {
	uuids := f.GPUs(devices)
	if len(uuids) == 0 {
		return nil
	}
	usage, err := gpu.MemoryInUse(ctx, uuids)
	if err != nil {
		return nil // the sampler says so, once
	}
	var all []engine.Memory
	for _, uuid := range uuids {
		u, ok := usage[uuid]
		if !ok {
			return nil
		}
		m := engine.Memory{Used: u.Used}
		for _, p := range u.Processes {
			if f.owns(p.PID) {
				continue
			}
			text := fmt.Sprintf("%s (process %d)", p.Name, p.PID)
			if p.Bytes != nil {
				text = fmt.Sprintf("%s (process %d, %s)", p.Name, p.PID, humanize.IBytes(*p.Bytes))
			}
			m.Others = append(m.Others, text)
		}
		all = append(all, m)
	}
	return all
}

// owns says whether a process is one of the servers' own: a child of a server
// that perg started, or any runner of Ollama where the servers are the user's.
func (f *Fleet) owns(pid int) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return err == nil && (strings.HasPrefix(string(name), "ollama") || strings.HasPrefix(string(name), "llama-server"))
}
