package hosts

import (
	"context"
	"encoding/json"
	"slices"

	"perg/harness/hosts/wire"
	"perg/models"
)

// Manifest is that of a model in the machine's store of models.
func (m *Machine) Manifest(ctx context.Context, of models.Installed) (models.Manifest, error) {
	var text []byte
	if err := m.fetch(ctx, wire.Manifest, wire.Named{Name: of.Name, Digest: of.Digest}, &text); err != nil {
		return models.Manifest{}, err
	}
	return models.ParseManifest(of.Name, of.Digest, text)
}

// Read reads so many bytes of a file of the machine's store.
func (m *Machine) Read(ctx context.Context, b models.Blob, at int64, n int) (text []byte, err error) {
	for n > 0 {
		before := len(text)
		if err := m.fetch(ctx, wire.Read, wire.Part{Blob: b, At: at + int64(before), Bytes: min(n, wire.MaxRead)}, &text); err != nil {
			return nil, err
		}
		if len(text) == before {
			break // it ends here
		}
		n -= len(text) - before
	}
	return text, nil
}

// fetch adds all pieces of an answer to a text.
func (m *Machine) fetch(ctx context.Context, op wire.Op, what any, text *[]byte) error {
	return unreachable(m.ask(ctx, op, what, func(piece []byte) error {
		*text = append(*text, piece...)
		return nil
	}))
}

// Lacking are the files that the machine's store lacks of a model.
func (m *Machine) Lacking(ctx context.Context, of models.Manifest) (all []models.Rest, err error) {
	err = m.ask(ctx, wire.Lacking, named(of), func(piece []byte) error { return json.Unmarshal(piece, &all) })
	return all, unreachable(err)
}

// Write adds to a file of the machine's store what follows on what has come of it.
func (m *Machine) Write(ctx context.Context, b models.Blob, at int64, part []byte) error {
	for piece := range slices.Chunk(part, wire.MaxPart) {
		head, err := json.Marshal(wire.Part{Blob: b, At: at, Bytes: len(piece)})
		if err != nil {
			return err
		}
		if err := m.ask(ctx, wire.Write, slices.Concat(head, []byte("\n"), piece), nil); err != nil {
			return unreachable(err)
		}
		at += int64(len(piece))
	}
	return nil
}

// Install makes a model of files that have come.
func (m *Machine) Install(ctx context.Context, of models.Manifest) error {
	return unreachable(m.ask(ctx, wire.Install, named(of), nil))
}

func named(m models.Manifest) wire.Named {
	return wire.Named{Name: m.Name, Digest: m.Digest, Manifest: m.Text}
}
