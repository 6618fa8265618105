package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"perg/harness/store"
	"perg/models"
)

// lookEvery is the least time between two looks at what a server has loaded:
// one for each answer would cost a fast server a share of its time, and an
// answer is not durable any sooner, as the store commits no more often.
const lookEvery = 20 * time.Millisecond

// errDropped: an answer was not kept, as it cannot be told which model gave it.
var errDropped = errors.New("an answer of another model")

// A receipt stands for an answer that is not kept yet: a tag that is made anew
// during a run makes the server load another model for the next call, unasked
// and unsaid. An answer is kept once a look at the server's memory, begun after
// the answer came, shows the digest that it is kept under.
type receipt struct {
	key    store.Key
	reply  store.Reply
	done   chan struct{}
	commit Commit // read after done
	err    error  // read after done: errDropped, or the store's
}

// held are the answers that wait for that look, of all lanes.
type held struct {
	mu  sync.Mutex
	all map[store.Key]*receipt
}

func (h *held) of(k store.Key) *receipt {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[k]
}

func (h *held) add(r *receipt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = make(map[store.Key]*receipt)
	}
	h.all[r.key] = r
}

func (h *held) remove(r *receipt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, r.key)
}

// A voucher keeps a lane's answers as they are vouched for.
type voucher struct {
	lane *lane
	wake chan struct{} // something waits
	ends chan struct{} // nothing will be added any more
	done chan struct{}

	mu      sync.Mutex
	waiting []*receipt
}

func newVoucher(l *lane) *voucher {
	return &voucher{lane: l, wake: make(chan struct{}, 1), ends: make(chan struct{}), done: make(chan struct{})}
}

// hold takes an answer in.
func (v *voucher) hold(k store.Key, r store.Reply) *receipt {
	rec := &receipt{key: k, reply: r, done: make(chan struct{})}
	v.lane.engine.held.add(rec)
	v.mu.Lock()
	v.waiting = append(v.waiting, rec)
	v.mu.Unlock()
	select {
	case v.wake <- struct{}{}:
	default:
	}
	return rec
}

// run looks and keeps until end. What it finds wrong is the lane's failure.
func (v *voucher) run(ctx context.Context) {
	defer close(v.done)
	var last time.Time
	var failed error
	for open := true; open; {
		select {
		case <-v.wake:
			if wait := lookEvery - time.Since(last); wait > 0 {
				select {
				case <-time.After(wait):
				case <-v.ends:
					open = false
				}
			}
		case <-v.ends:
			open = false
		}
		last = time.Now()
		batch := v.take()
		if len(batch) == 0 {
			continue
		}
		var vram *int64
		if failed == nil {
			if vram, failed = v.lane.vouch(ctx); failed != nil {
				v.lane.fail(failed)
			}
		}
		v.keep(ctx, batch, vram, failed)
	}
}

func (v *voucher) take() []*receipt {
	v.mu.Lock()
	defer v.mu.Unlock()
	batch := v.waiting
	v.waiting = nil
	return batch
}

// end waits until each answer that was taken in is kept or dropped.
func (v *voucher) end() {
	close(v.ends)
	<-v.done
}

// keep puts answers in the store, with what was seen of their model in GPU
// memory where it was seen, or drops them.
func (v *voucher) keep(ctx context.Context, batch []*receipt, vram *int64, dropped error) {
	e := v.lane.engine
	// What was paid for is kept, also when the run is being stopped.
	ctx = context.WithoutCancel(ctx)
	for _, r := range batch {
		if dropped != nil {
			r.err = errDropped
		} else {
			reply := r.reply
			if vram != nil {
				reply.VRAM = vram
			}
			r.commit, r.err = e.Replies.Put(ctx, r.key, reply)
		}
		e.held.remove(r)
		close(r.done)
	}
}

// vouch says whether the model in the server's memory is the job's, and how
// much of it is in GPU memory; nil where it is not in memory any more, as another
// client unloaded it or its server ended. Then it is loaded again. Of one that
// runs elsewhere nothing can be seen.
func (l *lane) vouch(ctx context.Context) (vram *int64, err error) {
	if l.job.Model.Remote {
		return nil, nil
	}
	ctx, cancel := outlasting(ctx)
	defer cancel()
	defer context.AfterFunc(l.here, cancel)()
	vram, err = l.seen(ctx)
	if vram != nil || err != nil && !errors.Is(err, models.ErrCut) {
		return vram, err
	}
	if err != nil {
		l.broke(err)
	}
	l.fresh.Store(false)
	return nil, l.ready(ctx)
}

// seen looks at the server's memory, beside the calls. A call loads a model that
// has left, perhaps with less of it on the GPU.
func (l *lane) seen(ctx context.Context) (vram *int64, err error) {
	if err := l.gate.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer l.gate.Release(1)
	if l.server == nil {
		return nil, &LaneError{l.name, fmt.Errorf("%w: the server of %s was ended", models.ErrUnreachable, l.name)}
	}
	all, err := l.server.InMemory(ctx, l.job.Model.Name)
	if err != nil {
		return nil, &LaneError{l.name, err}
	}
	for _, m := range all {
		if err := l.same(m); err != nil {
			return nil, err
		}
		if spilled(m) > spilled(l.loaded) && !l.engine.AllowCPU {
			l.fresh.Store(false)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0].VRAM, nil
}

// afterStop is how long a server that hangs may hold up the end of a run that
// was stopped, once its calls in flight have come back.
const afterStop = 5 * time.Second

// outlasting is a context for what belongs to answers that were paid for: it
// ends a few seconds after another.
func outlasting(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(afterStop):
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}
