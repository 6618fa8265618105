package hosts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"perg/gpu"
	"perg/harness/hosts/wire"
)

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
