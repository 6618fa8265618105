package fleet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"perg/harness/engine"
	"perg/harness/schedule"
	"perg/models"
)

// A Machine is another one that has come to the fleet, with servers of its own. Its
// devices have names of the form MACHINE/DEVICE.
type Machine interface {
	Sampling
	Name() string
	Devices() []schedule.Device
	Version() string   // of its Ollama
	Processor() string // its name, and the number of its cores

	// Client asks what is installed there.
	Client(ctx context.Context) (Client, error)
	Open(ctx context.Context, lane string, devices []string, s engine.ServerConfig) (engine.Server, error)
	Memory(ctx context.Context, devices []string) []engine.Memory
	ReadAhead(ctx context.Context, m *engine.Model)

	// Of its store of models, as of models.Folder. Lacking says also where its disk
	// has no room for what is lacking.
	Manifest(ctx context.Context, m models.Installed) (models.Manifest, error)
	Read(ctx context.Context, b models.Blob, at int64, n int) ([]byte, error)
	Lacking(ctx context.Context, m models.Manifest) ([]models.Rest, error)
	Write(ctx context.Context, b models.Blob, at int64, part []byte) error
	Install(ctx context.Context, m models.Manifest) error
}

// Come takes a machine into the fleet, or one back that had left.
func (f *Fleet) Come(m Machine) {
	f.members.Lock()
	defer f.members.Unlock()
	f.machines[m.Name()], f.seen[m.Name()] = m, m
	maps.Copy(f.byID, m.GPUs())
}

// Leave takes a machine out of the fleet. What is known of it stays known: replies
// name it, and its GPUs.
func (f *Fleet) Leave(m Machine) {
	f.members.Lock()
	defer f.members.Unlock()
	if f.machines[m.Name()] == m {
		delete(f.machines, m.Name())
	}
}

// Machines are those that are there, by name.
func (f *Fleet) Machines() []Machine {
	f.members.Lock()
	defer f.members.Unlock()
	var all []Machine
	for _, name := range slices.Sorted(maps.Keys(f.machines)) {
		all = append(all, f.machines[name])
	}
	return all
}

// All are the devices of the fleet, those of other machines among them.
func (f *Fleet) All() []schedule.Device {
	all := slices.Clone(f.Devices)
	for _, m := range f.Machines() {
		all = append(all, m.Devices()...)
	}
	return all
}

// machineOf is the machine that has a device, or that is called so; nil: this one.
// The address of a server that the user named is no machine's name.
func (f *Fleet) machineOf(device string) Machine {
	name, _, _ := strings.Cut(device, "/")
	f.members.Lock()
	defer f.members.Unlock()
	return f.machines[name]
}

// seenMachine is the machine that has a device, or that is called so, be it there or
// not; nil where it never came.
func (f *Fleet) seenMachine(device string) Machine {
	name, _, _ := strings.Cut(device, "/")
	f.members.Lock()
	defer f.members.Unlock()
	return f.seen[name]
}

// elsewhere says whether a device is another machine's, be that there or not.
func (f *Fleet) elsewhere(device string) bool {
	return f.options.Awaits && strings.Contains(device, "/")
}

// gone is the error of what needs a machine that left.
func gone(device string) error {
	name, _, _ := strings.Cut(device, "/")
	return fmt.Errorf("%w: the machine %s has left the run", models.ErrUnreachable, name)
}

// engineAt is what computes on a machine.
func engineAt(m Machine) models.Engine { return models.EngineOf(m.Version()) }
