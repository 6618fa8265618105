package engine

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"perg/harness/schedule"
)

// A change is of the devices that there are.
type change struct {
	joined []schedule.Device
	left   []string
	why    error
	at     time.Time
}

// Join brings devices to the run, before it or at any time of it. Ones of a known
// ID come back, as they are now, and what was held against them, or against sets
// with them, is forgiven.
func (e *Engine) Join(devices []schedule.Device) {
	e.change(change{joined: slices.Clone(devices), at: time.Now()})
}

// Leave takes devices off the schedule until they join again; why, which is not
// nil, says what became of them. Nothing is waited for there: calls in flight are
// left to themselves, and their units are done elsewhere. It is held against
// neither the devices nor the models. What can be done nowhere else waits for the
// engine's patience.
func (e *Engine) Leave(devices []string, why error) {
	e.closings.depart(devices, why)
	e.change(change{left: slices.Clone(devices), why: why, at: time.Now()})
}

func (e *Engine) change(c change) {
	e.mu.Lock()
	e.changes = append(e.changes, c)
	e.mu.Unlock()
	select {
	case e.changed <- struct{}{}:
	default: // it is about to be seen
	}
}

// A departure is a device that has left.
type departure struct {
	device schedule.Device
	at     time.Time
	why    error
}

// follow takes in who joined and who left since the last time.
func (e *executor) follow() {
	e.mu.Lock()
	changes := e.changes
	e.changes = nil
	e.mu.Unlock()
	for _, c := range changes {
		for _, d := range c.joined {
			e.there = append(slices.DeleteFunc(e.there, func(o schedule.Device) bool { return o.ID == d.ID }), d)
			delete(e.departed, d.ID)
			e.forgive([]string{d.ID})
		}
		if left := e.leaving(c); len(left) > 0 {
			e.forgive(left)
			e.depart(left, c.why)
		}
	}
}

// leaving takes the devices of a change away that are there.
func (e *executor) leaving(c change) (left []string) {
	e.there = slices.DeleteFunc(e.there, func(d schedule.Device) bool {
		if !slices.Contains(c.left, d.ID) {
			return false
		}
		e.departed[d.ID] = departure{d, c.at, c.why}
		left = append(left, d.ID)
		return true
	})
	return left
}

// depart ends what lanes do on devices that have left.
func (e *executor) depart(devices []string, why error) {
	e.Warn(fmt.Sprintf("%v; the run goes on without %s", why, schedule.LaneName(devices, 0)))
	for name, l := range e.lanes {
		if !overlap(l.devices, devices) {
			continue
		}
		l.depart(&LaneError{name, why})
		if _, busy := e.work[name]; !busy {
			e.leave(l)
		}
	}
	e.closings.depart(devices, why)
}

// forgive forgets what was held against devices, and against sets with them.
func (e *executor) forgive(devices []string) {
	with := func(set string) bool { return overlap(devicesOf(set), devices) }
	e.trouble.forgiveWhere(with)
	for of := range e.nothing {
		if with(of.lane) {
			delete(e.nothing, of)
		}
	}
	for _, d := range devices {
		delete(e.apart, d)
	}
}

// awaited says whether devices are waited for that a job could be done on, and
// when to ask again: ones that left not long ago, or, in a run that others may
// join, any for a while after its beginning.
func (e *executor) awaited(j *job) (until time.Time, ok bool) {
	now := time.Now()
	due := func(at time.Time) bool {
		at = at.Add(e.Patience)
		if now.Before(at) && (until.IsZero() || at.Before(until)) {
			until = at
		}
		return now.Before(at)
	}
	ok = e.Awaited && due(e.began)
	devices, lately := slices.Clone(e.there), make(map[string]bool)
	for id, d := range e.departed {
		devices = append(devices, d.device)
		lately[id] = due(d.at)
	}
	back := schedule.Job{ID: j.ID, Kind: j.Kind, Fit: func(set []schedule.Device) schedule.Fit {
		if !slices.ContainsFunc(set, func(d schedule.Device) bool { return lately[d.ID] }) {
			return nowhere(set)
		}
		return j.Fit(set)
	}}
	return until, ok || len(lately) > 0 && schedule.Fits(devices, back)
}

// whyAway is why devices are not there on which something could be done; nil where
// none has left.
func (e *executor) whyAway() error {
	if e.Awaited && len(e.there) == 0 && len(e.departed) == 0 {
		return fmt.Errorf("no device joined the run within %v", e.Patience)
	}
	var all []string
	left := slices.SortedFunc(maps.Values(e.departed), func(a, b departure) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.device.ID, b.device.ID))
	})
	for len(left) > 0 {
		n := slices.IndexFunc(left, func(d departure) bool { return d.at != left[0].at })
		if n < 0 {
			n = len(left)
		}
		var devices []string
		for _, d := range left[:n] {
			devices = append(devices, d.device.ID)
		}
		all = append(all, fmt.Sprintf("%s left %v ago: %v", schedule.LaneName(devices, 0), time.Since(left[0].at).Round(time.Second), left[0].why))
		left = left[n:]
	}
	if all == nil {
		return nil
	}
	return errors.New(strings.Join(all, "; "))
}

// departing says whether a lane's devices have left.
func (l *lane) departing() bool { return l.here.Err() != nil }
