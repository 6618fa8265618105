package hosts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"perg/gpu"
	"perg/harness/engine"
	"perg/harness/fleet"
	"perg/harness/hosts/wire"
	"perg/harness/schedule"
	"perg/models"
)

// A Machine is another machine of a run, as its agent says it is. It is a
// [fleet.Machine]: its devices are named after it, as in gpu02/gpu0.
type Machine struct {
	hub   *Hub
	hello wire.Hello
	// Offset is how far its clock is ahead of this one's.
	Offset time.Duration
	Joined time.Time

	gone     context.Context // ends where it is lost, or was started anew
	lose     context.CancelCauseFunc
	seen     time.Time // guarded by the hub
	outgoing *outgoing

	holds holdings

	mu     sync.Mutex
	exits  map[string]int // of the servers, by lane
	latest []gpu.Sample
}

func (m *Machine) Name() string { return m.hello.Name }

// there ends where the machine is not there any more.
func (m *Machine) there() context.Context { return m.gone }

// Devices are the machine's, by their names in the run.
func (m *Machine) Devices() []schedule.Device {
	devices := slices.Clone(m.hello.Devices)
	for i := range devices {
		devices[i].ID, devices[i].Host = m.Name()+"/"+devices[i].ID, m.Name()
	}
	return devices
}

// GPUs are those of the devices that are some, by the devices' names in the run.
func (m *Machine) GPUs() map[string]gpu.GPU {
	all := make(map[string]gpu.GPU)
	for id, g := range m.hello.GPUs {
		all[m.Name()+"/"+id] = g
	}
	return all
}

// Inventory is what NVML says of the machine.
func (m *Machine) Inventory() gpu.Inventory { return m.hello.Inventory }

// Version is that of its Ollama, and Perg that of its perg.
func (m *Machine) Version() string { return m.hello.Ollama }

// Perg is the version of its perg.
func (m *Machine) Perg() string { return m.hello.Perg }

// Processor names its processor and the number of its cores.
func (m *Machine) Processor() string {
	if m.hello.Processor == "" {
		return fmt.Sprintf("processor, %d cores", m.hello.Cores)
	}
	return fmt.Sprintf("%s, %d cores", m.hello.Processor, m.hello.Cores)
}

// Describe says what the machine has.
func (m *Machine) Describe() string {
	var gpus []string
	for _, d := range m.hello.Devices {
		if g, ok := m.hello.GPUs[d.ID]; ok {
			gpus = append(gpus, g.Name)
		}
	}
	if len(gpus) == 0 {
		return fmt.Sprintf("%s; Ollama %s", m.Processor(), m.Version())
	}
	return fmt.Sprintf("%s; Ollama %s", strings.Join(gpus, ", "), m.Version())
}

// local are devices by their names on the machine.
func (m *Machine) local(devices []string) []string {
	own := make([]string, len(devices))
	for i, d := range devices {
		own[i] = strings.TrimPrefix(d, m.Name()+"/")
	}
	return own
}

// Client asks what is installed there.
func (m *Machine) Client(context.Context) (fleet.Client, error) { return m.client(""), nil }

func (m *Machine) client(lane string) *remote {
	c := models.ClientOver(m.Name(), &tunnel{m, lane})
	c.Report, c.Patience = m.hub.Warn, wire.LostAfter
	return &remote{c, m.Name()}
}

// A remote is a client of a server of the machine's.
type remote struct {
	*models.Client
	name string
}

func (r *remote) Host() string { return r.name }
func (r *remote) Local() bool  { return false }

// openWithin is as long as an agent may take for a server: an earlier one has to end,
// which may be in the middle of a load.
const openWithin = 3 * time.Minute

// Open gives a lane a server on the machine.
func (m *Machine) Open(ctx context.Context, lane string, devices []string, s engine.ServerConfig) (engine.Server, error) {
	own := strings.TrimPrefix(lane, m.Name()+"/")
	var opened wire.Opened
	if err := m.do(ctx, wire.Open, wire.Opening{Lane: own, Devices: m.local(devices), Config: s}, &opened, openWithin); err != nil {
		return nil, fmt.Errorf("open a server on %s: %w", m.Name(), unreachable(err))
	}
	return &laneServer{remote: m.client(own), machine: m, lane: own, version: opened.Version}, nil
}

// unreachable has what an agent did not answer match ErrUnreachable.
func unreachable(err error) error {
	if errors.Is(err, errAbsent) || errors.Is(err, errSilent) {
		return fmt.Errorf("%w: %w", models.ErrUnreachable, err)
	}
	return err
}

// Memory is what NVML sees in use on devices of the machine.
func (m *Machine) Memory(ctx context.Context, devices []string) (all []engine.Memory) {
	if len(m.hello.GPUs) == 0 || m.do(ctx, wire.Memory, m.local(devices), &all, time.Minute) != nil {
		return nil
	}
	return all
}

// ReadAhead has the machine read a model's files into memory.
func (m *Machine) ReadAhead(ctx context.Context, of *engine.Model) {
	m.ask(ctx, wire.ReadAhead, of, nil)
}

// ended is how often the server of a lane ended unasked.
func (m *Machine) ended(lane string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.exits[lane]
}

func (m *Machine) note(lane string, exits int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.exits == nil {
		m.exits = make(map[string]int)
	}
	m.exits[lane] = max(m.exits[lane], exits)
}
