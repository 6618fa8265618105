package fleet

import (
	"context"
	"fmt"

	"github.com/dustin/go-humanize"

	"perg/models"
)

// A giver has a store of models that can be read.
type giver interface {
	Name() string
	Manifest(ctx context.Context, m models.Installed) (models.Manifest, error)
	Read(ctx context.Context, b models.Blob, at int64, n int) ([]byte, error)
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
