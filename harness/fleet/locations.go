package fleet

import (
	"context"
	"fmt"
	"sync"

	"perg/models"
)

// Locations say which of several servers have a model: by device and digest,
// since the same name may be another model elsewhere. Nil: each has it.
type Locations struct {
	mu sync.RWMutex
	at map[string]map[string]bool // by device
}

// LocationsOf are some, by device and then by name and digest of the models.
func LocationsOf(at map[string]map[string]bool) *Locations { return &Locations{at: at} }

func located(m models.Installed) string { return m.Name + " " + m.Digest }

// Has says whether a model can run on a device; it is nil where each can.
func (l *Locations) Has(m models.Installed) func(device string) bool {
	if l == nil {
		return nil
	}
	return func(device string) bool {
		l.mu.RLock()
		defer l.mu.RUnlock()
		return l.at[device][located(m)]
	}
}

// Knows says whether it is known what a device's server has.
func (l *Locations) Knows(device string) bool {
	if l == nil {
		return true
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.at[device] != nil
}

func (l *Locations) addOf(m Machine, catalogue []models.Installed) {
	for _, d := range m.Devices() {
		l.add(d.ID, catalogue)
	}
}

func (l *Locations) add(device string, catalogue []models.Installed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	has := make(map[string]bool)
	for _, m := range catalogue {
		has[located(m)] = true
	}
	l.at[device] = has
}

// Locate asks the servers which models they have, and warns of those that are
// not everywhere and will not be brought there. A plan takes those as there that
// will be.
func (f *Fleet) Locate(ctx context.Context, wanted []models.Installed) (*Locations, error) {
	if f.Managed() && !f.options.Awaits {
		return nil, nil
	}
	l := LocationsOf(make(map[string]map[string]bool))
	for _, d := range f.Devices {
		client := f.hosts[d.ID]
		if client == nil && f.looks {
			l.add(d.ID, wanted) // or it is told as for a run without other machines
			continue
		}
		if client == nil {
			var err error
			if client, err = f.Client(ctx); err != nil {
				return nil, err
			}
		}
		catalogue, err := client.Catalogue(ctx)
		if err != nil {
			return nil, err
		}
		l.add(d.ID, catalogue)
		f.warnOfMissing(d.ID, catalogue, wanted)
	}
	for _, m := range f.Machines() {
		catalogue, err := catalogueOf(ctx, m)
		if err != nil {
			f.options.Warn(fmt.Sprintf("%s: %v", m.Name(), err))
			continue
		}
		brought := f.broughtTo(catalogue, wanted)
		if f.looks {
			catalogue = append(catalogue, brought...)
		}
		l.addOf(m, catalogue)
		f.warnOfMissing(m.Name(), catalogue, without(wanted, brought))
	}
	return l, nil
}

func (f *Fleet) warnOfMissing(where string, catalogue, wanted []models.Installed) {
	for _, m := range wanted {
		switch at, ok := models.Find(catalogue, m.Name); {
		case ok && at.Digest == m.Digest:
		case ok:
			f.options.Warn(fmt.Sprintf("%s has another %s (%.12s) than is meant (%.12s) and will not work on it", where, m.Name, at.Digest, m.Digest))
		case f.options.Awaits && !f.options.Pull:
			f.options.Warn(fmt.Sprintf("%s does not have %s (%.12s) and will not work on it; --pull copies it there", where, m.Name, m.Digest))
		default:
			f.options.Warn(fmt.Sprintf("%s does not have %s (%.12s) and will not work on it", where, m.Name, m.Digest))
		}
	}
}

func catalogueOf(ctx context.Context, m Machine) ([]models.Installed, error) {
	client, err := m.Client(ctx)
	if err != nil {
		return nil, err
	}
	return client.Catalogue(ctx)
}
