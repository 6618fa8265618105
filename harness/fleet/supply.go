package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
