package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"perg/models"
)

// ErrUndone: some units could be done nowhere. What they lacked is in the text.
var ErrUndone = errors.New("nothing is left to run it on")

// A LaneError is a lane's trouble: its server or its devices fail, whatever
// they are asked. The work goes elsewhere, or waits.
type LaneError struct {
	Lane string
	Err  error
}

func (e *LaneError) Error() string { return e.Err.Error() }
func (e *LaneError) Unwrap() error { return e.Err }

// A LoadError is a model that a lane could not load. It is tried elsewhere.
type LoadError struct {
	Lane  string
	Err   error
	Final bool // this lane cannot load it later either
}

func (e *LoadError) Error() string { return e.Err.Error() }
func (e *LoadError) Unwrap() error { return e.Err }

// A RefusedError is a model that is not run any more, anywhere.
type RefusedError struct{ Err error }

func (e *RefusedError) Error() string { return e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }

const (
	// mostDeaths is how many servers may end with a model at work, within
	// deathsWithin, before it is refused.
	mostDeaths   = 2
	deathsWithin = time.Hour
	// together is how far apart servers on the same devices end by one cause.
	together = 10 * time.Second
)

// A death is a server that ended with a job's model at work.
type death struct {
	at   time.Time
	lane string
	set  string // of its devices
}

// died notes that a lane's server ended with a job's model at work, and refuses
// it where they were too many.
func (j *job) died(now death) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if slices.ContainsFunc(j.deaths, func(d death) bool { return d.set == now.set && d.lane != now.lane && now.at.Sub(d.at) < together }) {
		return nil
	}
	j.deaths = append(j.deaths, now)
	recent := 0
	for _, d := range j.deaths {
		if now.at.Sub(d.at) < deathsWithin {
			recent++
		}
	}
	if recent < mostDeaths {
		return nil
	}
	return &RefusedError{fmt.Errorf("%s: %d servers ended while it was at work, within %v; it is not tried on another one", j.Model.Label, recent, deathsWithin)}
}

// A culprit is what an error of a call is put down to.
type culprit int

const (
	theCall    culprit = iota // the same everywhere: an error of its unit
	aBreak                    // the call may have broken it, or been broken by another, or by neither
	theLane                   // its server is away
	theLoad                   // the model is not, or does not fit, there
	theStopped                // the run was stopped
)

// blame says what an error of Server.Chat is put down to.
func blame(ctx context.Context, err error) culprit {
	var said *models.ServerError
	switch {
	case errors.Is(err, models.ErrUnreachable), errors.Is(err, models.ErrDenied), errors.Is(err, models.ErrBusy), errors.Is(err, models.ErrNotOllama), errors.Is(err, models.ErrTLS):
		return theLane
	case errors.Is(err, models.ErrModelNotFound), errors.Is(err, models.ErrMemory):
		return theLoad
	case errors.Is(err, models.ErrContextOverflow):
		return theCall
	case errors.Is(err, models.ErrCut), errors.Is(err, models.ErrRunner), errors.Is(err, models.ErrTimeout), errors.Is(err, models.ErrIncomplete), errors.Is(err, models.ErrUnloaded):
		return aBreak
	case ctx.Err() != nil:
		return theStopped
	case errors.As(err, &said) && said.Status >= http.StatusInternalServerError:
		return aBreak
	}
	return theCall
}

// endsOthers says whether what broke a call may have broken those that were in
// flight beside it.
func endsOthers(err error) bool {
	return errors.Is(err, models.ErrCut) || errors.Is(err, models.ErrRunner)
}

// tried is what was said in the attempts at one thing, each text once.
func tried(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	var texts []string
	for _, err := range errs {
		if n := len(texts); n == 0 || texts[n-1] != err.Error() {
			texts = append(texts, err.Error())
		}
	}
	return &triedError{fmt.Sprintf("asked %d times: %s", len(errs), strings.Join(texts, "; then: ")), errs[len(errs)-1]}
}

// A triedError is the last of several errors, with the text of all.
type triedError struct {
	text string
	last error
}

func (e *triedError) Error() string { return e.text }
func (e *triedError) Unwrap() error { return e.last }
