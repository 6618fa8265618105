// Package fleet is the devices and servers behind the engine: servers that the
// user named, or the GPUs of this machine, or its processor, with servers that
// perg starts on them.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"

	"perg/gpu"
	"perg/harness/hint"
	"perg/harness/schedule"
	"perg/models"
)

// HowToInstall is what to do where there is no Ollama.
const HowToInstall = "install Ollama from https://ollama.com/download and run 'ollama serve', or name a server with --host"

// howToStart is what to do where there is no Ollama that could be started.
const howToStart = "install Ollama from https://ollama.com/download; it need not be running"

// HowToComplete is what to do where Ollama came without llama-quantize.
const HowToComplete = "install Ollama from https://ollama.com/download: it has llama-quantize beside llama-server; or pull ready-made quantizations"

// A Fleet is what lanes are made of.
type Fleet struct {
	Devices   []schedule.Device
	Inventory gpu.Inventory // of this machine; empty where NVML is not

	options Options
	hosts   map[string]Client // by device; empty where the servers are perg's own
	program string            // ollama, where servers are started
	looks   bool              // it starts nothing

	mu    sync.Mutex
	front *front // nil: none was started

	members  sync.Mutex         // of the fleet; held for moments
	byID     map[string]gpu.GPU // the devices that are GPUs
	machines map[string]Machine // that have come, by name
	seen     map[string]Machine // also those that have left
	engine   models.Engine      // of this machine's servers; "": not asked

	ownMu sync.Mutex // held for moments, not while a server starts
	own   []*models.Server
}

// Open reaches the servers that are named, or running at the default address.
// Where there are none, and where the options ask for servers of perg's own,
// they are started from the ollama program on PATH. Close ends those.
func Open(ctx context.Context, o Options) (*Fleet, error) {
	f := newFleet(o)
	if o.Elsewhere {
		f.Inventory = gpu.Inventory{GPUs: []gpu.GPU{}}
		return f, nil
	}
	var err error
	if f.Inventory, err = gpu.Discover(); err != nil && len(f.Inventory.GPUs) == 0 {
		f.Inventory = gpu.Inventory{GPUs: []gpu.GPU{}}
		if len(o.GPUs) > 0 {
			return nil, &hint.Error{Err: fmt.Errorf("gpus %s: %w", strings.Join(o.GPUs, ", "), err), Hint: "'perg gpu' shows what NVML sees", Usage: true}
		}
	}
	if !o.Own {
		if err := f.connect(ctx); err != nil || len(f.hosts) > 0 {
			return f, err
		}
	}
	switch f.program, err = exec.LookPath("ollama"); {
	case err != nil && o.Own:
		return nil, &hint.Error{Err: errors.New("no ollama program is on PATH, and perg has to start servers for this (--lanes, --kv-cache, --gpus, --listen, perg agent)"), Hint: howToStart}
	case err != nil:
		return nil, &hint.Error{Err: fmt.Errorf("%w: nothing answers at %s, and no ollama program is on PATH", models.ErrUnreachable, models.DefaultHost), Hint: HowToInstall}
	}
	return f, f.survey()
}

// Preview is the fleet that Open would come to, or one of GPUs that are not
// here, written as in "2x3090" or "2x24GiB". It starts nothing and has nothing to close.
func Preview(ctx context.Context, o Options) (*Fleet, error) {
	f := newFleet(o)
	f.looks = true
	if o.Elsewhere {
		return f, nil
	}
	if len(o.GPUs) > 0 && Imagined(o.GPUs[0]) {
		devices, guessed, err := imagine(o.GPUs)
		if err != nil {
			return nil, err
		}
		for _, d := range devices {
			f.Devices = append(f.Devices, d)
			f.byID[d.ID] = gpu.GPU{UUID: d.ID, Name: d.Name}
		}
		if guessed {
			f.options.Say("the speed of these GPUs is guessed from their size; named, as in --gpus 2x3090, it is known")
		}
		return f, nil
	}
	var err error
	if f.Inventory, err = gpu.Discover(); err != nil && len(f.Inventory.GPUs) == 0 {
		f.options.Say(fmt.Sprintf("%v: placed on the processor; --gpus 1x24GiB plans for a GPU that is not here", err))
	}
	if len(o.Hosts) > 0 {
		return f, f.connect(ctx)
	}
	if len(o.GPUs) > 0 && len(f.Inventory.GPUs) == 0 {
		return nil, notAGPU(o.GPUs[0], o.GPUs[0])
	}
	return f, f.survey()
}

func newFleet(o Options) *Fleet {
	return &Fleet{options: o, hosts: make(map[string]Client), byID: make(map[string]gpu.GPU), machines: make(map[string]Machine), seen: make(map[string]Machine)}
}

// Of is a fleet of servers that have answered.
func Of(o Options, servers ...Client) *Fleet {
	f := newFleet(o)
	for _, c := range servers {
		f.add(c)
	}
	return f
}

func (f *Fleet) add(server Client) {
	id := server.Host()
	f.hosts[id] = server
	f.Devices = append(f.Devices, schedule.Device{ID: id, Name: id, Speed: 1})
}

// connect makes a device of each server that is named, or that is running at
// the default address.
func (f *Fleet) connect(ctx context.Context) error {
	hosts, named := Hosts(f.options.Hosts)
	for _, host := range hosts {
		client, err := f.options.newClient(host)
		if err != nil {
			return err
		}
		_, err = client.Version(ctx)
		switch {
		case err == nil:
		case errors.Is(err, models.ErrDenied):
			return &hint.Error{Err: err, Hint: "give the server's user and password in its URL, as in --host http://USER:PASSWORD@HOST, or a header with --header Authorization=VARIABLE, or name another server"}
		case errors.Is(err, models.ErrTLS):
			return &hint.Error{Err: err, Hint: "'perg doctor --host URL' tries it again"}
		case errors.Is(err, models.ErrNotOllama):
			return &hint.Error{Err: err, Hint: "check --host and OLLAMA_HOST"}
		case named:
			return &hint.Error{Err: err, Hint: "start the server there, or leave out --host and OLLAMA_HOST to have perg start one"}
		default:
			return nil
		}
		id := client.Host()
		if f.hosts[id] != nil {
			return &hint.Error{Err: fmt.Errorf("host %s is named twice", id), Usage: true}
		}
		if same := f.sameServer(ctx, client); same != "" {
			f.options.Say(fmt.Sprintf("%s and %s are one server: it is one lane", same, id))
			continue
		}
		f.add(client)
	}
	if gpus := len(f.choice().GPUs); !named && gpus > 1 {
		f.options.Say(fmt.Sprintf("the server at %s is one lane, and this machine has %d GPUs: --lanes auto starts one server on each", hosts[0], gpus))
	}
	return nil
}

// sameServer is the address of a server that was named before under another
// one; "" where there is none.
func (f *Fleet) sameServer(ctx context.Context, client Client) string {
	for id, other := range f.hosts {
		if sameServer(ctx, other, client) {
			return id
		}
	}
	return ""
}

// Managed says whether the servers are perg's own.
func (f *Fleet) Managed() bool { return len(f.hosts) == 0 }

// Local says whether the servers run on this machine, so that its GPUs are
// theirs.
func (f *Fleet) Local() bool {
	for _, client := range f.hosts {
		if !client.Local() {
			return false
		}
	}
	return true
}

// Engine is what computes on the fleet's servers; "" where that is not known, or
// where they have several, of which the user is warned.
func (f *Fleet) Engine(ctx context.Context) (models.Engine, error) {
	var first models.Engine
	differ := func(where, version string) {
		f.options.Warn(fmt.Sprintf("the servers have different engines, %s (%s) and others: the same model answers otherwise on another engine, which will look like Breakage", where, version))
	}
	for i, d := range f.Devices {
		client, ok := f.hosts[d.ID]
		if !ok {
			var err error
			if client, err = f.Client(ctx); err != nil {
				return "", err
			}
		}
		version, err := client.Version(ctx)
		if err != nil {
			return "", err
		}
		engine := models.EngineOf(version)
		switch {
		case i == 0:
			first = engine
			f.members.Lock()
			f.engine = engine
			f.members.Unlock()
		case engine != first:
			differ(d.ID, version)
			return "", nil
		}
		if f.Managed() {
			break // all are started from one program
		}
	}
	for i, m := range f.Machines() {
		switch engine := engineAt(m); {
		case i == 0 && len(f.Devices) == 0:
			first = engine
		case engine != first:
			differ(m.Name(), m.Version())
			return "", nil
		}
	}
	return first, nil
}

// choice is which GPUs servers could use.
func (f *Fleet) choice() gpu.Choice { return f.Inventory.Choose(os.LookupEnv) }
