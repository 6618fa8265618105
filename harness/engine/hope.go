package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

// A hope is what is to be expected of a job that no lane is at work on.
type hope int

const (
	hopeful           hope = iota
	refusedEverywhere      // no lane that it fits on can load it
	devicesLost            // what it fits on is gone, or it fits nowhere
	devicesAway            // what it fits on has left, or may join yet
)

func (e *executor) hope(j *job) hope {
	at := time.Now()
	spent := false
	loads := schedule.Job{ID: j.ID, Kind: j.Kind, Fit: func(set []schedule.Device) schedule.Fit {
		f := j.Fit(set)
		if f.Short == 0 && (e.trouble.refused(j.ID, f.Devices, at) || e.trouble.tooSmall(j.ID, memoryOf(set))) {
			spent = true
			f.Short, f.Dimension = 1, "GPU memory"
		}
		return f
	}}
	hopeless := func() hope {
		if _, ok := e.awaited(j); ok {
			return devicesAway
		}
		if spent {
			return refusedEverywhere
		}
		return devicesLost
	}
	if !schedule.Fits(e.there, loads) {
		return hopeless()
	}
	if len(e.work) > 0 {
		return hopeful // a device may come back while others work
	}
	loadable := loads.Fit
	loads.Fit = func(set []schedule.Device) schedule.Fit {
		f := loadable(set)
		if f.Short == 0 && (e.trouble.lost(f.Devices, at) || e.trouble.inTheWay(j.ID, f.Devices, at) || e.nothing[onLane{j.ID, setOf(f.Devices)}]) {
			return nowhere(set) // or what is left has to be done elsewhere
		}
		return f
	}
	if schedule.Fits(e.there, loads) {
		return hopeful
	}
	return hopeless()
}

// condemn ends a job that is not to be run any more: its units are failed once
// its lanes have given back theirs.
func (e *executor) condemn(j *job, why error) {
	for _, name := range e.lanesOf(j) {
		e.work[name].lane.fail(why)
	}
	if e.condemned[j] == nil {
		e.condemned[j] = why
	}
}

// refusal is why no lane can load a job.
func (e *executor) refusal(j *job) error {
	return tried(e.trouble.why(j.ID))
}

// refuse fails what is left of a job, beside the lanes.
func (e *executor) refuse(ctx context.Context, j *job, why error) {
	e.Warn(fmt.Sprintf("%v; what is left of it is in error, the others go on", why))
	e.refused[j] = true
	failure := store.Failure{Reason: reason(why), Message: why.Error(), At: now()}
	refuse := func(ctx context.Context, c Call) (store.Reply, error) {
		if c.Model != j.Model {
			return Recorded(e.Replies)(ctx, c)
		}
		if reply, ok, err := known(ctx, e.Replies, c); ok || err != nil {
			return reply, err
		}
		if _, err := e.Replies.Fail(context.WithoutCancel(ctx), c.Key, failure); err != nil {
			return store.Reply{}, err
		}
		e.tally.failed(j.Model.Label, failure)
		return store.Reply{}, &FailedError{failure}
	}
	go func() { e.ended <- ended{job: j, err: j.failAll(ctx, refuse)} }()
}

// failAll goes through what is left of a job with an ask that makes no call.
func (j *job) failAll(ctx context.Context, ask Ask) error {
	s := j.Source.Seat("")
	defer s.Leave()
	for {
		u, ok := s.Next(ctx)
		if !ok {
			return ctx.Err()
		}
		failed, err := j.Do(ctx, ask, u)
		if err != nil {
			j.Source.GiveBack(u)
			return err
		}
		j.done(u)
		j.through.Add(1)
		if failed {
			j.failed.Add(1)
		}
	}
}

// abandon leaves what is left of a job undone.
func (e *executor) abandon(j *job, why []error) error {
	err := fmt.Errorf("%s: %w", j.ID, ErrUndone)
	if len(why) > 0 {
		err = fmt.Errorf("%s: %w: %w", j.ID, ErrUndone, tried(why))
	}
	e.Warn(err.Error())
	e.forget(j)
	return err
}

// reason is the short name under which a failure is counted.
func reason(err error) string {
	if errors.Is(err, ErrRemade) {
		return ErrRemade.Error()
	}
	return models.Reason(err)
}
