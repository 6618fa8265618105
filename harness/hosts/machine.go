package hosts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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

// Machines are those that are there, by name.
func (h *Hub) Machines() []*Machine {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*Machine
	for _, name := range slices.Sorted(maps.Keys(h.machines)) {
		if m := h.machines[name]; m.gone.Err() == nil {
			all = append(all, m)
		}
	}
	return all
}

// welcome begins to let agents in, and to notice those that are lost.
func (h *Hub) welcome(ctx context.Context) error {
	if _, err := h.conn.Subscribe(h.subjects.Hellos(), func(msg *natsMsg) {
		var hello wire.Hello
		w := wire.Welcome{Boot: h.boot, Interval: h.Interval}
		if err := json.Unmarshal(msg.Data, &hello); err != nil {
			w.Refused = "what it says of itself cannot be read: " + err.Error()
		} else {
			w.Refused = h.refuses(hello, strings.TrimPrefix(msg.Subject, h.subjects.Hello("")))
		}
		var m *Machine
		if w.Refused == "" {
			var err error
			if m, err = h.come(hello); err != nil {
				w.Refused = err.Error()
			}
		}
		answer, _ := json.Marshal(w)
		msg.Respond(answer)
		if m != nil {
			h.tasks.Go(func() { h.lead(m) })
		}
	}); err != nil {
		return err
	}
	if _, err := h.conn.Subscribe(h.subjects.Byes(), func(msg *natsMsg) {
		if m := h.machine(strings.TrimPrefix(msg.Subject, h.subjects.Bye(""))); m != nil {
			m.lose(fmt.Errorf("%w: its agent was ended", errLost))
		}
		msg.Respond(nil)
	}); err != nil {
		return err
	}
	if _, err := h.conn.Subscribe(h.subjects.AllSamples(), func(msg *natsMsg) {
		var samples []gpu.Sample
		if m := h.machine(strings.TrimPrefix(msg.Subject, h.subjects.Samples(""))); m != nil && json.Unmarshal(msg.Data, &samples) == nil {
			m.mu.Lock()
			m.latest = samples
			m.mu.Unlock()
		}
	}); err != nil {
		return err
	}
	signs, err := h.present.Watch(ctx, h.subjects.Presence("*"))
	if err != nil {
		return fmt.Errorf("JetStream: %w", err)
	}
	h.tasks.Go(func() { h.watch(signs.Updates()) })
	context.AfterFunc(h.ctx, func() { signs.Stop() })
	return nil
}

var errLost = errors.New("machine was lost")

// refuses says why an agent is not let in; "" where it is.
func (h *Hub) refuses(a wire.Hello, subject string) string {
	switch {
	case a.Protocol != wire.Protocol || a.Perg != h.Perg:
		return fmt.Sprintf("it is perg %s, and the run is of perg %s: numbers of one run are of one program", a.Perg, h.Perg)
	case !same(a.Secret, h.Token.Password()):
		return "the token is another run's"
	case a.Name != subject || wire.CheckName(a.Name) != nil:
		return fmt.Sprintf("%q is not its name", a.Name)
	case a.Name == h.Machine:
		return fmt.Sprintf("%s has lanes in the run already, as the machine that it was begun on; on another one of that name give --name", a.Name)
	case len(a.Devices) == 0:
		return "it has no device"
	}
	return ""
}

func (h *Hub) machine(name string) *Machine {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.machines[name]
}

// come lets a machine in; nil where it is there already.
func (h *Hub) come(hello wire.Hello) (*Machine, error) {
	old := h.machine(hello.Name)
	if old != nil && old.hello.Boot == hello.Boot && old.gone.Err() == nil {
		h.sign(hello.Name, hello.Boot)
		return nil, nil
	}
	if old != nil {
		old.lose(fmt.Errorf("%w: its agent was started anew", errLost))
	}
	if err := h.work(hello.Name); err != nil {
		return nil, err
	}
	m := &Machine{hub: h, hello: hello, Joined: time.Now().UTC(), seen: time.Now()}
	m.Offset = time.Until(hello.Now).Round(time.Millisecond)
	m.gone, m.lose = context.WithCancelCause(h.ctx)
	m.outgoing = newOutgoing(m)
	h.mu.Lock()
	h.machines[hello.Name] = m
	h.mu.Unlock()
	return m, nil
}

// lead is a machine's time in the run.
func (h *Hub) lead(m *Machine) {
	m.list()
	if h.Came != nil {
		h.Came(m)
	}
	sending := make(chan struct{})
	go func() {
		defer close(sending)
		m.outgoing.run()
	}()
	<-m.gone.Done()
	<-sending
	h.calls.lost(m, context.Cause(m.gone))
	if h.door != nil {
		h.door.forget(m.Name()) // it may come back with another key
	}
	if h.Left != nil && h.ctx.Err() == nil {
		h.Left(m, context.Cause(m.gone))
	}
}

// sign notes that a machine is there.
func (h *Hub) sign(name, boot string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m := h.machines[name]; m != nil && m.hello.Boot == boot {
		m.seen = time.Now()
	}
}

// watch notes signs of machines, and loses those that give none.
func (h *Hub) watch(signs <-chan natsEntry) {
	every := time.NewTicker(500 * time.Millisecond)
	defer every.Stop()
	for {
		select {
		case s := <-signs:
			var p wire.Presence
			if s == nil || json.Unmarshal(s.Value(), &p) != nil {
				continue
			}
			h.sign(strings.TrimPrefix(s.Key(), h.subjects.Presence("")), p.Boot)
		case <-every.C:
			h.mu.Lock()
			for _, m := range h.machines {
				if silent := time.Since(m.seen); silent > wire.LostAfter && m.gone.Err() == nil {
					m.lose(fmt.Errorf("%w: nothing was heard of it for %s", errLost, silent.Round(time.Second)))
				}
			}
			h.mu.Unlock()
		case <-h.ctx.Done():
			return
		}
	}
}
