package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"perg/gpu"
	"perg/harness/schedule"
	"perg/models"
)

// HowToInstall is what to do where there is no Ollama.
const HowToInstall = "install Ollama from https://ollama.com/download and run 'ollama serve', or name a server with --host"

// A Fleet is what lanes are made of: servers that the user named, or the GPUs
// of this machine, or its processor, with servers that perg starts on them.
type Fleet struct {
	Devices   []schedule.Device
	Inventory gpu.Inventory // of this machine; empty where NVML is not

	hosts map[string]*models.Client // by device; empty where the servers are perg's own
	byID  map[string]gpu.GPU        // the devices that are GPUs
	// installed has, by device, "name digest" of the models that a server has.
	installed map[string]map[string]bool
	program   string // ollama, where servers are started
	logs      string // directory of their logs
	say       func(string)
	report    func(string) // of clients and servers

	mu    sync.Mutex
	front *managed // started before any lane, to ask what is installed
}

// A managed is a server that perg started.
type managed struct {
	*models.Client
	server   *models.Server
	devices  []string
	settings settings
}

// OpenFleet reaches the servers that a config names: its hosts, else
// OLLAMA_HOST, else the default address. Where none was named and none answers,
// and where the config asks for lanes, servers are started from the ollama
// program on PATH, with their logs in a directory. Close ends those.
func OpenFleet(ctx context.Context, c Config, logs string, say, warn func(string)) (*Fleet, error) {
	f := newFleet(logs, say, warn)
	var err error
	if f.Inventory, err = gpu.Discover(); err != nil && len(f.Inventory.GPUs) == 0 {
		f.Inventory = gpu.Inventory{GPUs: []gpu.GPU{}}
		if len(c.GPUs) > 0 {
			return nil, &Problem{Err: fmt.Errorf("gpus %s: %w", strings.Join(c.GPUs, ", "), err), Hint: "'perg gpu' shows what NVML sees", Usage: true}
		}
	}
	own := c.Lanes != "" || len(c.KVCache) > 0 || len(c.GPUs) > 0
	if !own {
		if err := f.connect(ctx, c); err != nil || len(f.hosts) > 0 {
			return f, err
		}
	}
	if f.program, err = exec.LookPath("ollama"); err != nil {
		why := fmt.Errorf("%w: nothing answers at %s, and no ollama program is on PATH", models.ErrUnreachable, models.DefaultHost)
		if own {
			why = errors.New("no ollama program is on PATH, and lanes, kv_cache and gpus are for servers that perg starts")
		}
		return nil, &Problem{Err: why, Hint: HowToInstall}
	}
	return f, f.survey(c)
}

func newFleet(logs string, say, report func(string)) *Fleet {
	return &Fleet{
		hosts: make(map[string]*models.Client), byID: make(map[string]gpu.GPU), logs: logs, say: say, report: report,
	}
}

// connect makes a device of each server that was named, or that is running at
// the default address.
func (f *Fleet) connect(ctx context.Context, c Config) error {
	hosts, named := c.Host, true
	if len(hosts) == 0 && os.Getenv("OLLAMA_HOST") != "" {
		hosts = []string{os.Getenv("OLLAMA_HOST")}
	}
	if len(hosts) == 0 {
		hosts, named = []string{models.DefaultHost}, false
	}
	for _, host := range hosts {
		client, err := models.NewClient(host)
		if err != nil {
			return &Problem{Err: err, Usage: true}
		}
		client.Report = f.report
		_, err = client.Version(ctx)
		switch {
		case err == nil:
		case errors.Is(err, models.ErrNotOllama):
			return &Problem{Err: err, Hint: "check --host and OLLAMA_HOST"}
		case named:
			return &Problem{Err: err, Hint: "start the server there, or leave out --host and OLLAMA_HOST to have perg start one"}
		default:
			return nil
		}
		id := client.Host()
		if f.hosts[id] != nil {
			return &Problem{Err: fmt.Errorf("host %s is named twice", id), Usage: true}
		}
		f.hosts[id] = client
		f.Devices = append(f.Devices, schedule.Device{ID: id, Name: id, Speed: 1})
	}
	if !named && len(f.usable()) > 1 {
		f.say(fmt.Sprintf("the server at %s is one lane, and this machine has %d GPUs: --lanes auto starts one server on each", hosts[0], len(f.usable())))
	}
	return nil
}

// survey makes devices of the GPUs, or of the processor where there are none.
func (f *Fleet) survey(c Config) error {
	most, err := c.lanes()
	if err != nil {
		return err
	}
	chosen := f.usable()
	if len(c.GPUs) > 0 {
		if chosen, err = f.Inventory.Select(c.GPUs); err != nil {
			return &Problem{Err: err, Hint: "'perg gpu' lists them", Usage: true}
		}
	}
	for _, g := range chosen {
		if most > 0 && len(f.Devices) == most {
			break
		}
		id := fmt.Sprintf("gpu%d", g.Index)
		f.byID[id] = g
		d := schedule.Device{ID: id, Name: g.Name, Speed: 1}
		if g.MemoryFree != nil {
			d.Memory = *g.MemoryFree
		}
		if b := g.PeakBandwidth(); b != nil {
			d.Speed = float64(*b) / referenceBandwidth
		}
		f.Devices = append(f.Devices, d)
	}
	if len(f.Devices) > 0 {
		return nil
	}
	n := max(most, 1)
	for i := range n {
		id := processor
		if n > 1 {
			id = fmt.Sprintf("%s%d", processor, i)
		}
		f.Devices = append(f.Devices, schedule.Device{ID: id, Name: runtime.GOARCH, Memory: availableMemory() / uint64(n), Speed: processorSpeed / float64(n)})
	}
	return nil
}

// usable are the GPUs that a server could use. One that is split into MIG
// instances cannot be used whole.
func (f *Fleet) usable() []gpu.GPU {
	return slices.DeleteFunc(slices.Clone(f.Inventory.GPUs), func(g gpu.GPU) bool {
		return g.Error != "" || g.MIG != nil && *g.MIG
	})
}

// Managed says whether the servers are perg's own.
func (f *Fleet) Managed() bool { return len(f.hosts) == 0 }

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
		s := settings{slots: 1, cache: models.KVF16}
		if len(f.byID) == 0 {
			// On a processor it is most likely just what the first lane needs.
			devices, s.slots = devices[:1], processorSlots
		}
		m, err := f.start(ctx, laneName(devices), devices, s)
		if err != nil {
			return nil, err
		}
		f.front = m
		f.say(fmt.Sprintf("started an Ollama server at %s, its log is %s", m.Host(), f.log(laneName(devices))))
	}
	return f.front.Client, nil
}

// open gives a lane its server.
func (f *Fleet) open(ctx context.Context, lane string, devices []string, s settings) (server, func() error, error) {
	if !f.Managed() {
		return f.hosts[devices[0]], func() error { return nil }, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.front; m != nil {
		f.front = nil
		if slices.Equal(m.devices, devices) && m.settings == s {
			return m, m.server.Stop, nil
		}
		if err := m.server.Stop(); err != nil {
			return nil, nil, err
		}
	}
	m, err := f.start(ctx, lane, devices, s)
	if err != nil {
		return nil, nil, err
	}
	return m, m.server.Stop, nil
}

func (f *Fleet) start(ctx context.Context, lane string, devices []string, s settings) (*managed, error) {
	if err := os.MkdirAll(f.logs, 0o755); err != nil {
		return nil, &Problem{Err: fmt.Errorf("run directory: %w", err), Hint: "choose a directory you may write to with --out"}
	}
	cfg := models.ServerConfig{
		Program: f.program, Slots: s.slots, KVType: s.cache, GPUs: f.gpus(devices),
		Log: f.log(lane), Report: f.report,
	}
	srv, err := models.StartServer(ctx, cfg)
	if err != nil {
		return nil, err
	}
	client, err := models.NewClient(srv.URL())
	if err != nil {
		return nil, errors.Join(err, srv.Stop())
	}
	client.Report = f.report
	return &managed{Client: client, server: srv, devices: devices, settings: s}, nil
}

func (f *Fleet) log(lane string) string { return filepath.Join(f.logs, "ollama-"+lane+".log") }

// Close ends the servers that no lane took over.
func (f *Fleet) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.front == nil {
		return nil
	}
	m := f.front
	f.front = nil
	return m.server.Stop()
}

func (f *Fleet) gpus(devices []string) []string {
	var uuids []string
	for _, d := range devices {
		if g, ok := f.byID[d]; ok {
			uuids = append(uuids, g.UUID)
		}
	}
	return uuids
}

func laneName(devices []string) string {
	if len(devices) == 1 && strings.Contains(devices[0], "://") {
		return devices[0]
	}
	return strings.Join(devices, "+")
}

// local says whether the servers run on this machine, so that its GPUs are
// theirs.
func (f *Fleet) local() bool {
	for _, client := range f.hosts {
		if !client.Local() {
			return false
		}
	}
	return true
}

// owns says whether a process is one of the servers' own: a child of a server
// that perg started, or any runner of Ollama where the servers are the user's.
func (f *Fleet) owns(pid int) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return err == nil && strings.HasPrefix(string(name), "ollama")
}

const (
	settleTime = 10 * time.Second
	// settleSlack is what the driver may take its time to give back, or
	// another program take in the meantime.
	settleSlack = 512 << 20
)

// settle waits until GPUs that nothing runs on have their memory back: as much
// as before perg used them. Ollama says that a model is gone a moment before
// its memory is.
func (f *Fleet) settle(ctx context.Context, devices []string) error {
	uuids := f.gpus(devices)
	if len(uuids) == 0 {
		return nil
	}
	n, err := gpu.Open()
	if err != nil {
		return nil // reported once, by the sampler
	}
	defer n.Close()
	deadline := time.Now().Add(settleTime)
	for {
		used, err := n.Memory(uuids)
		if err != nil {
			return nil
		}
		var held []string
		for _, d := range devices {
			g := f.byID[d]
			now, ok := used[g.UUID]
			if ok && g.MemoryUsed != nil && now > *g.MemoryUsed+settleSlack {
				held = append(held, fmt.Sprintf("%s holds %s more than before the run", d, humanize.IBytes(now-*g.MemoryUsed)))
			}
		}
		if len(held) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after unloading, %s; another program may be using it", strings.Join(held, ", "))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}
