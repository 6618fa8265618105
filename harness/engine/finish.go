package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// finish takes note that a lane ended its work on a job. Its error is one that
// ends the run.
func (e *executor) finish(ctx context.Context, end ended) error {
	if end.lane == "" {
		delete(e.refused, end.job)
		if end.err != nil {
			return end.err
		}
		e.forget(end.job)
		return nil
	}
	a := e.work[end.lane]
	delete(e.work, end.lane)
	e.drop(a.lane.status)
	e.taken(a, end.err)
	if a.lane.answers.Load() > 0 {
		e.trouble.laneWorks(a.job.ID, a.lane.devices)
	}
	if a.lane.departing() {
		e.leave(a.lane)
	}
	return e.blamed(ctx, a, end.err)
}

// taken notes lanes that found nothing to do, so that they are not started on
// the same job again until another lane ended its work on it: that may have
// given units back.
func (e *executor) taken(a assignment, err error) {
	if err == nil && !a.stuck && a.lane.taken.Load() == 0 && a.job.Source.Left() > 0 {
		if e.ends[a.job] == a.ends {
			e.nothing[onLane{a.job.ID, setOf(a.lane.devices)}] = true
		}
		return
	}
	e.ends[a.job]++
	for of := range e.nothing {
		if of.job == a.job.ID {
			delete(e.nothing, of)
		}
	}
}

// blamed puts an error down to the lane, or to the model.
func (e *executor) blamed(ctx context.Context, a assignment, err error) error {
	at := time.Now()
	var lane *LaneError
	var load *LoadError
	var refused *RefusedError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return nil // what is left says whether that came too late
	case errors.As(err, &refused):
		e.leave(a.lane)
		e.condemn(a.job, err)
	case a.lane.departing() && (errors.As(err, &lane) || errors.As(err, &load)):
		// Nobody's fault.
	case a.shares && len(e.on(a.lane.devices)) > 0 && (errors.As(err, &lane) || errors.As(err, &load) && !load.Final):
		// Its server is its own, and the devices are at work for others.
		e.leave(a.lane)
		e.crowded(a, err)
	case errors.As(err, &load):
		if a.lane.inPlace != nil || a.lane.loose.Load() {
			e.leave(a.lane) // the model may be there still, or come back
		}
		if crowded := new(crowdedError); errors.As(err, &crowded) {
			e.separate(a.lane.devices)
			e.trouble.crowded(a.job.ID, a.lane.devices, at, err)
			e.Warn(fmt.Sprintf("%v; they are kept apart from now on", err))
			return nil
		}
		if occupied := new(occupiedError); errors.As(err, &occupied) {
			e.trouble.besideFailed(a.job.ID, a.lane.devices, at, err)
			e.Warn(fmt.Sprintf("%v; %s is tried elsewhere, or later", err, a.job.Model.Label))
			return nil
		}
		e.trouble.cannotLoad(a.job.ID, a.lane.devices, at, err, load.Final)
		tight := new(tightError)
		if errors.As(err, &tight) {
			e.trouble.tight(a.job.ID, a.lane.devices, memoryOf(e.devices(a.lane.devices)))
		} else if !load.Final && e.trouble.inRow(a.job.ID, a.lane.devices) && !a.beside {
			e.laneFailed(a, at, fmt.Errorf("%w; another model could not be loaded there either", err))
			return nil
		}
		e.Warn(fmt.Sprintf("%v; %s is tried elsewhere, or later", err, a.job.Model.Label))
	case errors.As(err, &lane) && a.beside:
		// Its server is its own; the devices are another lane's, too.
		e.trouble.besideFailed(a.job.ID, a.lane.devices, at, err)
		e.leave(a.lane)
		e.Warn(fmt.Sprintf("%v; the run goes on without %s for a while", err, a.lane.name))
	case errors.As(err, &lane):
		e.laneFailed(a, at, err)
	default:
		return err
	}
	return nil
}

// separate ends that a lane is beside another one on devices: their models take
// more than was planned.
func (e *executor) separate(devices []string) {
	for _, d := range devices {
		e.apart[d] = true
	}
	for name, a := range e.work {
		if a.beside && !a.stuck && overlap(a.lane.devices, devices) {
			a.stuck = true
			e.work[name] = a
			a.lane.recall()
		}
	}
}

func (e *executor) laneFailed(a assignment, at time.Time, err error) {
	if e.trouble.laneFailed(a.lane.devices, at, err) {
		e.Warn(fmt.Sprintf("%v; the run goes on without %s for a while", err, a.lane.name))
	}
	e.leave(a.lane)
}

// leave gives a lane's devices back: its server is ended, and another one is
// opened when they are used again.
func (e *executor) leave(l *lane) {
	if e.lanes[l.name] == l {
		delete(e.lanes, l.name)
		l.left = true
		if l.departing() {
			e.holdings.drop(l)
		}
		e.closings.shut(l)
	}
}

// releaseAll begins to give back what the lanes hold.
func (e *executor) releaseAll() {
	for _, l := range e.lanes {
		e.closings.shut(l)
	}
	clear(e.lanes)
}
