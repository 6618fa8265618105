package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

// A Model is what a lane loads.
type Model struct {
	Label   string        // names it to those who watch; one of a kind in a run
	Name    string        // as servers know it
	Digest  string        // of its manifest: what another one answers is not its
	KVCache models.KVType // "": the server's own, not known
	Remote  bool          // it runs elsewhere: nothing is loaded here, and nothing seen of it
	// Contexts are the sizes, in tokens and the largest first, that hold each
	// of its calls: where the memory is short it is loaded with a smaller one.
	Contexts []int
	// Grown is the context that holds its calls however long it thinks, where those
	// have only as much as it is likely to; 0: they have that.
	Grown int
}

// A Unit is a piece of a job's work, by a number that its source gives it.
type Unit int

// A Stage names a kind of work to those who watch.
type Stage string

// A Job is one model's work on the units of a source.
type Job struct {
	ID    string
	Stage Stage
	Kind  schedule.Kind
	Model *Model
	// Fit says how the job would run on a set of devices; it must be pure.
	Fit    func(set []schedule.Device) schedule.Fit
	Source Source
	// Do makes a unit's calls and says whether the unit failed. Its error is
	// one of ask's that is no *FailedError, or one that ends the run.
	Do func(ctx context.Context, ask Ask, u Unit) (failed bool, err error)
	// Done is told of each unit that has its outcome, once its replies can be
	// asked for; Ended that there will be no further one, whatever became of
	// the job. Either may be nil.
	Done  func(Unit)
	Ended func()
	// Count is how much of the job is done, of how much as far as is known by now;
	// nil: the units that are through, of all. It is for a job most of whose units
	// may turn out to take nothing.
	Count func() (done, total int)
	// Name says what a unit is, for those who watch; may be nil.
	Name func(Unit) []string
}

// A Source hands out a job's units. It is used from many goroutines.
type Source interface {
	// Seat is a new seat on a lane of a class: devices of a kind with an engine
	// of a kind, as Fleet.Class names them. Where numbers differ between
	// classes, and units have to be like others, a source hands out to a class
	// what belongs there; to "" it hands out anything.
	Seat(class string) Seat
	GiveBack(Unit) // one that has no outcome
	Left() int     // neither handed out nor sure never to come
	// Ready says whether a seat would be handed a unit now, without waiting.
	Ready() bool
}

// A Seat is one unit after the other: it stands for a slot of the server, whose
// cache has the beginning of the prompt before. A unit may be asked for while ones
// before it are in flight, but not two at once.
type Seat interface {
	// Next waits where more may come; it is false where there is nothing more
	// for this seat, or ctx is done.
	Next(ctx context.Context) (Unit, bool)
	// Reply tells of a call that was made for a unit, perhaps while Next waits.
	Reply(Unit, store.Reply)
	// Leave is the seat's end.
	Leave()
}

// A Call is one request to a model. Equal calls have equal keys, and one reply
// serves them all.
type Call struct {
	Key     store.Key
	Earlier store.Key      // under which an earlier perg may have the reply; zero: none has
	Model   *Model         // nil: none makes it any more
	Request models.Request // but for num_ctx, which is the lane's
	Shared  bool           // several units make it: once in a run, also where it fails
	Bound   Bound
}

// A Bound is the most context that a call may have, wherever it is made. A thought
// that fills it was cut, and is a reply; one that fills less, where a lane has no
// more, is a failure of that lane's memory.
type Bound struct {
	NumCtx int       // tokens; 0: there is none
	Key    store.Key // of a reply that was cut: the call's own is for one that was not
	Reason string    // why, as its DoneReason
}

// An Ask gives the reply to a call. Those of a job's own model are made where
// the store has no reply; those of other models are only looked up. Its error
// is ErrNotAsked, a *FailedError, or one to be handed on.
type Ask func(ctx context.Context, c Call) (store.Reply, error)

// ErrNotAsked: the call was never made.
var ErrNotAsked = errors.New("not asked yet")

// A FailedError is a call that was made and failed.
type FailedError struct{ store.Failure }

func (f *FailedError) Error() string { return f.Message }

// known looks a call's reply up.
func known(ctx context.Context, r Replies, c Call) (store.Reply, bool, error) {
	for _, key := range []store.Key{c.Key, c.Earlier, c.Bound.Key} {
		if key == (store.Key{}) {
			continue
		}
		if reply, ok, err := r.Get(ctx, key); ok || err != nil {
			return reply, ok, err
		}
	}
	return store.Reply{}, false, nil
}

// Recorded asks the store alone.
func Recorded(r Replies) Ask {
	return func(ctx context.Context, c Call) (store.Reply, error) {
		reply, ok, err := known(ctx, r, c)
		if err != nil || ok {
			return reply, err
		}
		failure, ok, err := r.Failure(ctx, c.Key)
		if err != nil {
			return store.Reply{}, err
		}
		if ok {
			return store.Reply{}, &FailedError{failure}
		}
		return store.Reply{}, ErrNotAsked
	}
}

// A job is a Job on its way.
type job struct {
	*Job
	total   atomic.Int64 // units, as it began
	through atomic.Int64 // units whose replies are durable
	failed  atomic.Int64 // of them

	mu     sync.Mutex
	deaths []death // of servers with its model at work
}

// count is how much of the job is done, of how much.
func (j *job) count() (done, total int) {
	if j.Count != nil {
		return j.Count()
	}
	return int(j.through.Load()), int(j.total.Load())
}

func (j *job) done(u Unit) {
	if j.Done != nil {
		j.Done(u)
	}
}

func (j *job) ended() {
	if j.Ended != nil {
		j.Ended()
	}
}
