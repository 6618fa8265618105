package harness

import (
	"context"
	"sync/atomic"

	"perg/harness/store"
)

// A job is one stage of the run with one model: a variant's generations, or
// the judge's ratings of all of them. Several lanes may work on it; each
// generation goes to one.
type job struct {
	id      string
	variant *Variant
	stage   Stage
	total   int
	source  source
	do      doing
	// done is told of each generation that went through the stage.
	done    func(generation)
	through atomic.Int64 // generations whose replies are durable
	failed  atomic.Int64 // of them
}

// A doing makes a generation's calls and says whether it failed; its error is
// one that concerns more than that generation.
type doing func(context.Context, ask, generation) (failed bool, err error)

// A source hands out a job's generations.
type source interface {
	seat() seat
	giveBack(generation) // one that was not finished
	left() int           // not handed out yet
}

// A seat is one generation in flight after the other: it stands for a slot of
// the server, whose cache has the beginning of the prompt before.
type seat interface {
	// next waits where more may come; it is false where there is nothing more
	// for this seat, or ctx is done.
	next(ctx context.Context) (generation, bool)
	// reply tells of a call that was made.
	reply(store.Reply)
	// leave is the seat's end.
	leave()
}
