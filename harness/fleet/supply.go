package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dustin/go-humanize"

	"perg/models"
)

// Supply notes which of the wanted models a machine has, and brings there what it
// lacks and may be given, one after the other. It says when there is something to
// work on, or more of it; what cannot be brought is left to other machines.
func (f *Fleet) Supply(ctx context.Context, m Machine, l *Locations, wanted []models.Installed, more func()) error {
	at := m.Devices()[0].ID
	known := l.Knows(at)
	catalogue, err := catalogueOf(ctx, m)
	if err != nil {
		return err
	}
	l.addOf(m, catalogue)
	brought := f.broughtTo(catalogue, wanted)
	if !known {
		f.warnOfMissing(m.Name(), catalogue, without(wanted, brought))
	}
	more()
	for _, w := range brought {
		err := f.bring(ctx, m, l, w)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, models.ErrUnreachable) {
			return err
		}
		if err == nil {
			if catalogue, err = catalogueOf(ctx, m); err == nil {
				l.addOf(m, catalogue)
			}
		}
		if err == nil && !l.Has(w)(at) {
			err = fmt.Errorf("another model has come by that name than %.12s", w.Digest)
		}
		if err != nil {
			f.options.Warn(fmt.Sprintf("%s does not get %s and will not work on it: %v", m.Name(), w.Name, err))
			continue
		}
		more()
	}
	return nil
}

// broughtTo are those models that are brought to a machine with a catalogue: what was
// made for the run always, others where models may be fetched. What has the name of
// another one there is not.
func (f *Fleet) broughtTo(catalogue, wanted []models.Installed) (all []models.Installed) {
	for _, w := range wanted {
		_, taken := models.Find(catalogue, w.Name)
		if !taken && w.Remote == "" && (f.options.Pull || len(f.options.Levels) > 0 && models.Made(w.Name)) {
			all = append(all, w)
		}
	}
	return all
}

func without(all, some []models.Installed) []models.Installed {
	return slices.DeleteFunc(slices.Clone(all), func(m models.Installed) bool { return slices.Contains(some, m) })
}

// bring has a machine get a model from one that has it, or else from its registry.
func (f *Fleet) bring(ctx context.Context, to Machine, l *Locations, m models.Installed) error {
	var faults []error
	for _, from := range f.givers(to, l, m) {
		err := f.copyTo(ctx, to, from, m)
		if err == nil || ctx.Err() != nil || errors.Is(err, models.ErrUnreachable) {
			return err
		}
		faults = append(faults, err)
	}
	switch {
	case faults != nil:
		return errors.Join(faults...)
	case !f.options.Pull || models.Made(m.Name):
		return errors.New("no machine has it any more")
	}
	client, err := to.Client(ctx)
	if err != nil {
		return err
	}
	return f.pullOn(ctx, client, []string{m.Name})
}

// A giver has a store of models that can be read.
type giver interface {
	Name() string
	Manifest(ctx context.Context, m models.Installed) (models.Manifest, error)
	Read(ctx context.Context, b models.Blob, at int64, n int) ([]byte, error)
}

// givers are those that have a model, this machine first.
func (f *Fleet) givers(to Machine, l *Locations, m models.Installed) (all []giver) {
	if f.Managed() {
		if _, err := models.Store().Manifest(m.Name, m.Digest); err == nil {
			all = append(all, here(models.Store()))
		}
	}
	for _, other := range f.Machines() {
		if other.Name() != to.Name() && l.Has(m)(other.Devices()[0].ID) {
			all = append(all, other)
		}
	}
	return all
}

// atOnce is how many bytes of a file are read at once.
const atOnce = 4 << 20

// copyTo copies a model's files to a machine. What has come of one stays there, and
// is gone on with another time. That the machine is not there any more is
// models.ErrUnreachable, and that the giver is not is another error.
func (f *Fleet) copyTo(ctx context.Context, to Machine, from giver, of models.Installed) error {
	m, err := from.Manifest(ctx, of)
	if err != nil {
		return fmt.Errorf("from %s: %v", from.Name(), err)
	}
	lacking, err := to.Lacking(ctx, m)
	if err != nil {
		return err
	}
	total, done := m.Size(), m.Size()
	for _, r := range lacking {
		done -= r.Size - r.Have
	}
	what := fmt.Sprintf("copying %s from %s to %s", m.Name, from.Name(), to.Name())
	f.options.Say(fmt.Sprintf("%s: %s", what, humanize.IBytes(uint64(total-done))))
	progress := fetching(f.options.Say, what)
	for _, r := range lacking {
		if err := copyBlob(ctx, to, from, r, func(n int) {
			done += int64(n)
			progress(done, total)
		}); err != nil {
			return err
		}
	}
	if err := to.Install(ctx, m); err != nil {
		return err
	}
	f.options.Say(fmt.Sprintf("%s has %s", to.Name(), m.Name))
	return nil
}

// copyBlob copies what is lacking of a file. The next part is read while one is
// written.
func copyBlob(ctx context.Context, to Machine, from giver, r models.Rest, wrote func(bytes int)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type part struct {
		at   int64
		text []byte
		err  error
	}
	parts := make(chan part, 1)
	go func() {
		defer close(parts)
		for at := r.Have; at < r.Size; at += atOnce {
			p := part{at: at}
			n := int(min(atOnce, r.Size-at))
			switch text, err := from.Read(ctx, r.Blob, at, n); {
			case err != nil:
				p.err = fmt.Errorf("from %s: %v", from.Name(), err)
			case len(text) != n:
				p.err = fmt.Errorf("from %s: %.19s ends at %d bytes of %d", from.Name(), r.Digest, at+int64(len(text)), r.Size)
			default:
				p.text = text
			}
			select {
			case parts <- p:
			case <-ctx.Done():
				return
			}
			if p.err != nil {
				return
			}
		}
	}()
	for p := range parts {
		if p.err != nil {
			return p.err
		}
		if err := to.Write(ctx, r.Blob, p.at, p.text); err != nil {
			return err
		}
		wrote(len(p.text))
	}
	return ctx.Err()
}

// here is this machine's store.
type here models.Folder

func (h here) Name() string { return "this machine" }

func (h here) Manifest(_ context.Context, m models.Installed) (models.Manifest, error) {
	return models.Folder(h).Manifest(m.Name, m.Digest)
}

func (h here) Read(_ context.Context, b models.Blob, at int64, n int) ([]byte, error) {
	return models.Folder(h).Read(b, at, n)
}
