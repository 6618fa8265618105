package agent

import (
	"bytes"
	"fmt"
	"io"

	"github.com/dustin/go-humanize"

	"perg/harness/hosts/wire"
	"perg/models"
)

// manifest sends that of a model which is here.
func manifest(what []byte, send send) error {
	var n wire.Named
	if err := read(what, &n); err != nil {
		return err
	}
	m, err := models.Store().Manifest(n.Name, n.Digest)
	if err != nil {
		return err
	}
	return stream(bytes.NewReader(m.Text), send)
}

// readPart sends a part of a file of models.
func readPart(what []byte, send send) error {
	var p wire.Part
	if err := read(what, &p); err != nil {
		return err
	}
	if p.At < 0 || p.Bytes < 0 || p.Bytes > wire.MaxRead {
		return fmt.Errorf("%d bytes from %d on are no part of a file", p.Bytes, p.At)
	}
	text, err := models.Store().Read(p.Blob, p.At, p.Bytes)
	if err != nil {
		return err
	}
	return stream(bytes.NewReader(text), send)
}

// lacking are the files that are lacking here of a model, for which there is room.
func lacking(n wire.Named) ([]models.Rest, error) {
	m, err := models.ParseManifest(n.Name, n.Digest, n.Manifest)
	if err != nil {
		return nil, err
	}
	store := models.Store()
	all, err := store.Lacking(m)
	if err != nil {
		return nil, err
	}
	need := uint64(models.SpareDisk)
	for _, r := range all {
		need += uint64(r.Size - r.Have)
	}
	if free, ok := store.Free(); ok && free < need {
		return nil, fmt.Errorf("%s has %s free, and needs %s, %s of them to spare", store, humanize.IBytes(free), humanize.IBytes(need), humanize.IBytes(models.SpareDisk))
	}
	return all, nil
}

// writePart adds to a file of models.
func writePart(what []byte) error {
	head, text, _ := bytes.Cut(what, []byte("\n"))
	var p wire.Part
	if err := read(head, &p); err != nil {
		return err
	}
	if p.At < 0 || p.Bytes != len(text) {
		return fmt.Errorf("%d bytes from %d on came as %d: %w", p.Bytes, p.At, len(text), io.ErrUnexpectedEOF)
	}
	return models.Store().Write(p.Blob, p.At, text)
}

func install(n wire.Named) error {
	m, err := models.ParseManifest(n.Name, n.Digest, n.Manifest)
	if err != nil {
		return err
	}
	return models.Store().Install(m)
}
