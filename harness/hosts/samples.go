package hosts

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"perg/data"
	"perg/gpu"
	"perg/harness/fleet"
	"perg/harness/hosts/wire"
)

// Latest is what the machine's GPUs were last seen doing.
func (m *Machine) Latest() []gpu.Sample {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.latest)
}

// Use tells the machine what its GPUs are used for, which it notes with their
// samples.
func (m *Machine) Use(ctx context.Context, uses map[string]fleet.Work) error {
	said := make(map[string]wire.Use)
	for uuid, w := range uses {
		said[uuid] = wire.Use(w)
	}
	return m.do(ctx, wire.Uses, said, nil, wire.SilentAfter)
}

// Samples fetches the files of samples that the machine has, one by one, and lets it
// forget each that was taken.
func (m *Machine) Samples(ctx context.Context, now bool, take func([]data.GPUSample) bool) error {
	for {
		var name string
		var file bytes.Buffer
		first := true
		err := m.ask(ctx, wire.Samples, now, func(piece []byte) error {
			if first {
				first, name = false, string(piece)
				return nil
			}
			file.Write(piece)
			return nil
		})
		if err != nil || name == "" {
			return err
		}
		rows, err := data.ReadPart[data.GPUSample](file.Bytes())
		if err != nil {
			return fmt.Errorf("%s of %s: %w", name, m.Name(), err)
		}
		if !take(rows) {
			return nil
		}
		if err := m.do(ctx, wire.Received, name, nil, time.Minute); err != nil {
			return err
		}
		now = false
	}
}
