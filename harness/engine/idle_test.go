package engine

import (
	"slices"
	"strings"
	"time"

	"perg/harness/schedule"
)

const (
	// lookEach is how often a world looks for idle sites.
	lookEach = 20 * time.Second
	// idleFor is how long a site may have nothing to do that waits.
	idleFor = time.Minute
)

// An idleness is a site at which nothing was at work since a moment, while a
// job waited that fits there.
type idleness struct{ site, job string }

// watch looks at an engine at work until it is over: at its status, as those
// who watch a run do, and for sites that are idle.
//
// A site is idle for a job where, at each look for more than idleFor,
//   - nothing is at work there: no call, load or unload, no start of a server;
//     a lane that holds it and does nothing does not count;
//   - it is well, and was since before, as are others that a lane has with it,
//     and the time is over for which it is left alone after what failed there
//     so far in the run;
//   - the job has units left, fits on the site alone, beside what is resident
//     there, no lane is at work on it, and no load of its model failed there;
//   - the job generates; or it scores, has something to score, and no job
//     generates: until then the schedule may do more with the devices;
//   - no wide job waits, for which the site may be kept.
func (w *world) watch(e *Engine, over <-chan struct{}) {
	since := make(map[idleness]time.Time)
	for n := 0; ; n++ {
		select {
		case <-over:
			return
		case <-time.After(lookEach):
		}
		if n < 20 || n%100 == 0 {
			status := e.Status()
			for _, j := range status.Jobs {
				if j.Done > j.Total || j.Failed > j.Done {
					w.wrong("the status has %d units of %d of %s, %d failed", j.Done, j.Total, j.ID, j.Failed)
				}
			}
		}
		now := w.idle(e.Lanes())
		for i := range since {
			if !slices.Contains(now, i) {
				delete(since, i)
			}
		}
		for _, i := range now {
			if since[i].IsZero() {
				since[i] = time.Now()
			}
			if time.Since(since[i]) > idleFor {
				w.wrong("%s is idle since %v, and %s waits", i.site, clock(since[i].Sub(w.began)), i.job)
				since[i] = time.Now().Add(24 * time.Hour)
			}
		}
	}
}

// idle are the sites that are idle now, with a job that waits.
func (w *world) idle(lanes []LaneStatus) (all []idleness) {
	waits := w.waiting(lanes)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.interrupted || w.killed || w.ended || w.asleep > 0 || !w.held.IsZero() {
		return nil
	}
	for _, s := range w.sites {
		if s.away() || s.occupied > 0 || time.Since(s.occupiedAt) < lookEach || s.sick() || time.Since(s.illAt) < w.patience || time.Since(s.failedAt) < w.leftAlone(s) {
			continue
		}
		waited := func(s *site) bool { return s.sick() || time.Since(s.illAt) < w.patience }
		if slices.ContainsFunc(w.open, func(p *process) bool { return slices.Contains(p.sites, s) && p.any(waited) }) {
			continue
		}
		d := s.device()
		for _, p := range w.open {
			if strings.HasSuffix(p.name, "-beside") && slices.Contains(p.sites, s) {
				for _, run := range p.runners {
					d.Memory -= min(d.Memory-1, s.planned[run])
				}
			}
		}
		for _, j := range waits {
			if j.Fit([]schedule.Device{d}).Short == 0 && w.tried(j.model, s.id).failed == 0 && s.tags[j.model.Name] == "" {
				all = append(all, idleness{s.id, j.ID})
				break
			}
		}
	}
	return all
}

// leftAlone is how long a site may be left alone after what failed there.
func (w *world) leftAlone(s *site) time.Duration {
	if s.failed == 0 {
		return 0
	}
	return min(longestWait, w.patience/2<<min(s.failed, 16)) + time.Minute
}

// waiting are the jobs that no lane is at work on, and that could be.
func (w *world) waiting(lanes []LaneStatus) (all []*fakeJob) {
	if w.twins {
		return nil // a lane may wait for a call that another one makes
	}
	generating := false
	for _, stage := range w.stages {
		open := false
		for _, j := range stage {
			j.mu.Lock()
			ended := j.ended > 0
			j.mu.Unlock()
			if ended {
				continue
			}
			open = true
			generating = generating || j.Kind == schedule.Generate
			atWork := slices.ContainsFunc(lanes, func(l LaneStatus) bool { return l.Model == j.model.Label })
			if j.Kind == schedule.Score && (generating || !j.Source.Ready()) || j.Source.Left() == 0 || atWork || j.alike {
				continue
			}
			var devices []schedule.Device
			alone := false
			for _, s := range w.sites {
				devices = append(devices, s.device())
				alone = alone || j.Fit([]schedule.Device{s.device()}).Short == 0
			}
			if failed := w.failedToLoad(j.model); !alone || failed {
				if failed || schedule.Fits(devices, schedule.Job{ID: j.ID, Kind: j.Kind, Fit: j.Fit}) {
					return nil // sites may be kept for it
				}
				continue
			}
			all = append(all, j)
		}
		if open {
			break // the next stage has not begun
		}
	}
	return all
}

// failedToLoad says whether a model could not be loaded somewhere: it may be
// wide, then.
func (w *world) failedToLoad(m *fakeModel) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for at, t := range w.loads {
		if at.model == m.Label && (t.failed > 0 || t.final) {
			return true
		}
	}
	return false
}
