package harness

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"perg/harness/store"
	"perg/models"
)

// A server is what a lane needs of an Ollama server.
type server interface {
	Host() string
	Load(ctx context.Context, model string, o models.Options) (models.Loaded, error)
	Unload(ctx context.Context, model string) error
	Chat(ctx context.Context, r models.Request) (models.Response, error)
}

// Settings are what is fixed when a lane's server starts. A server that the
// user named has its own, which perg does not know.
type settings struct {
	slots int // prompts it works on at once; 0: not known
	cache models.KVType
}

// A fleet gives lanes their servers.
type fleet interface {
	// open gives a server that has the devices to itself. close ends it where
	// it is perg's own.
	open(ctx context.Context, lane string, devices []string, s settings) (srv server, close func() error, err error)
	// gpus are the UUIDs of devices; nil where they are no GPUs, or not known.
	gpus(devices []string) []string
	// settle waits until the memory of devices that nothing runs on is free.
	settle(ctx context.Context, devices []string) error
}

// A lane is one set of devices with one server, and one variant in memory at a
// time. It makes the calls that the store has no reply to.
type lane struct {
	name     string
	devices  []string
	fleet    fleet
	store    *store.Store
	status   *laneStatus
	warn     func(string)
	loads    func(Load) // told of each, and again of what was learned of it
	allowCPU bool

	server   server // nil: none is open
	settings settings
	close    func() error
	inPlace  *Variant // the one in memory, as far as this lane knows
	last     Load     // the one that put it there
	loaded   models.Loaded

	variant *Variant // the one whose calls are made now
	want    settings
	numCtx  int // of its calls
	pace    *pace
	loading sync.Once
	loadErr error

	flight   *singleflight.Group // of the run
	counting *errgroup.Group     // of the run: what becomes durable
	began    time.Time           // when the run was taken up
}

// A laneLost is why a lane cannot go on with a variant, though another may.
type laneLost struct {
	err  error
	lane string
	load bool // the variant could not be loaded; the lane itself is well
}

func (e *laneLost) Error() string { return e.err.Error() }
func (e *laneLost) Unwrap() error { return e.err }

// use makes v the variant whose calls are made. No call may be in flight. The
// variant is loaded by its first call: where every reply is known, none is.
func (l *lane) use(v *Variant, s settings, numCtx int, p *pace) {
	l.variant, l.want, l.numCtx, l.pace = v, s, numCtx, p
	l.loading, l.loadErr = sync.Once{}, nil
}

// work takes a job's generations until there are no more. A generation counts
// as done when its replies are durable: the lane is free for its next load
// before that, and l.counting has an error where one could not become so.
func (l *lane) work(ctx context.Context, j *job) error {
	outcomes := make(chan outcome, 1<<10)
	status := l.status
	l.counting.Go(func() error {
		var err error
		for o := range outcomes {
			if o.commit != nil && err == nil {
				err = o.commit.Wait(context.WithoutCancel(ctx))
			}
			if err == nil {
				status.done(o.failed)
			}
		}
		return err
	})
	seats, seatCtx := errgroup.WithContext(ctx)
	more, enough := context.WithCancel(seatCtx) // until a seat finds nothing more to do
	defer enough()
	for l.pace.acquire(more) {
		seats.Go(func() error {
			defer l.pace.release()
			s := j.source.seat()
			defer s.leave()
			for l.pace.keeps() {
				g, ok := s.next(seatCtx)
				if !ok {
					enough()
					return nil
				}
				o, err := l.take(seatCtx, j, s, g)
				if err != nil {
					j.source.giveBack(g)
					return err
				}
				j.done(g)
				outcomes <- o
			}
			return nil
		})
	}
	err := seats.Wait()
	close(outcomes)
	if limit, settled := l.pace.limit(); settled {
		l.loadEnds(limit)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", j.stage, j.variant.Label, err)
	}
	return nil
}

// An outcome is what became of a generation, and the commit of the last of its
// replies that was not durable before.
type outcome struct {
	commit *store.Commit
	failed bool
}

// take makes a generation's calls.
func (l *lane) take(ctx context.Context, j *job, s seat, g generation) (o outcome, err error) {
	limit, _ := l.pace.limit()
	l.status.took(g.Cell, limit)
	o.failed, err = j.do(ctx, func(ctx context.Context, c call) (store.Reply, error) {
		got, err := l.ask(ctx, c)
		if got.commit != nil {
			o.commit = got.commit
			s.reply(got.reply)
		}
		return got.reply, err
	}, g)
	return o, err
}

// A landed is a reply with the commit that makes it durable; nil where it is.
type landed struct {
	reply  store.Reply
	commit *store.Commit
}

// ask gives the reply to a call. Equal calls in flight at once are made once,
// whatever their lanes, and so is the failed first stage of several
// generations. A failed call is kept as such in the store; one that was cut off
// by the end of the run, or whose lane is lost, is not.
func (l *lane) ask(ctx context.Context, c call) (landed, error) {
	if c.variant != l.variant {
		reply, err := recorded(l.store)(ctx, c)
		return landed{reply: reply}, err
	}
	key := c.key()
	for {
		got, err, _ := l.flight.Do(key.String(), func() (any, error) {
			if reply, ok, err := l.store.Get(ctx, key); ok || err != nil {
				return landed{reply: reply}, err
			}
			if c.shared {
				if failure, ok, err := l.store.Failure(ctx, key); err != nil {
					return landed{}, err
				} else if ok && failure.At.After(l.began) {
					return landed{}, &pastFailure{failure}
				}
			}
			return l.call(ctx, key, c)
		})
		if err == nil {
			landed := got.(landed)
			if landed.commit == nil {
				l.status.known()
			}
			return landed, nil
		}
		if !l.others(ctx, err) {
			return landed{}, err
		}
	}
}

// others says whether an error is that of another lane, which made the same
// call and was lost or stopped: this one can make it.
func (l *lane) others(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	var lost *laneLost
	return errors.Is(err, context.Canceled) || errors.As(err, &lost) && lost.lane != l.name
}

func (l *lane) call(ctx context.Context, key store.Key, c call) (landed, error) {
	if ctx.Err() != nil {
		return landed{}, ctx.Err()
	}
	l.loading.Do(func() { l.loadErr = l.load(ctx) })
	if l.loadErr != nil {
		return landed{}, l.loadErr
	}
	c.request.Options.NumCtx = l.numCtx
	l.status.sent()
	r, err := l.server.Chat(ctx, c.request)
	l.status.answered(r.OutputTokens)
	if err == nil && r.DoneReason == "length" && r.OutputTokens < c.request.Options.NumPredict {
		// The key of a call leaves num_ctx out, because a context that is
		// large enough changes nothing. This one was not.
		err = fmt.Errorf("%w: %d tokens were full after %d of the answer's", models.ErrContextOverflow, l.numCtx, r.OutputTokens)
	}
	// What was paid for is kept, also when the run is being stopped.
	keep := context.WithoutCancel(ctx)
	switch {
	case err == nil:
		l.pace.answered(r.PromptTokens+r.OutputTokens, r.PromptEval+r.Eval)
	case errors.Is(err, models.ErrUnreachable):
		return landed{}, &laneLost{err: err, lane: l.name}
	case ctx.Err() != nil:
		return landed{}, ctx.Err()
	default:
		failure := store.Failure{Reason: models.Reason(err), Message: err.Error(), At: time.Now()}
		if _, err := l.store.Fail(keep, key, failure); err != nil {
			return landed{}, err
		}
		l.status.callFailed(failure)
		return landed{}, &pastFailure{failure}
	}
	vram := l.loaded.VRAM
	reply := store.Reply{
		Content: r.Content, Thinking: r.Thinking, DoneReason: r.DoneReason,
		PromptTokens: r.PromptTokens, OutputTokens: r.OutputTokens,
		TotalDuration: r.Total, LoadDuration: r.Load, PromptEvalDuration: r.PromptEval, EvalDuration: r.Eval,
		StartedAt: r.StartedAt, Host: l.server.Host(), GPUs: l.fleet.gpus(l.devices), VRAM: &vram,
	}
	commit, err := l.store.Put(keep, key, reply)
	return landed{reply, commit}, err
}
