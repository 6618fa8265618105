package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"

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
	front *front // nil: none was started
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
		case errors.Is(err, models.ErrDenied):
			return &Problem{Err: err, Hint: "give the server's user and password in its URL, as in --host http://USER:PASSWORD@HOST, or name another server"}
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
		if same := f.sameServer(ctx, client); same != "" {
			f.say(fmt.Sprintf("%s and %s are one server: it is one lane", same, id))
			continue
		}
		f.hosts[id] = client
		f.Devices = append(f.Devices, schedule.Device{ID: id, Name: id, Speed: 1})
	}
	if !named && len(f.usable()) > 1 {
		f.say(fmt.Sprintf("the server at %s is one lane, and this machine has %d GPUs: --lanes auto starts one server on each", hosts[0], len(f.usable())))
	}
	return nil
}

// sameServer is the address of a server that was named before under another
// one; "" where there is none.
func (f *Fleet) sameServer(ctx context.Context, client *models.Client) string {
	for id, other := range f.hosts {
		if models.SameServer(ctx, other, client) {
			return id
		}
	}
	return ""
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
