package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"perg/harness/store"
	"perg/models"
)

// An answer is a reply, and its receipt where it is not kept yet.
type answer struct {
	reply   store.Reply
	receipt *receipt
	made    bool // by a call of now
}

// ask gives the reply to a call. Equal calls in flight at once are made once,
// whatever their lanes, and so is a failed one that several units share. A
// failed call is kept as such; one that was cut off by the end of the run, or
// by its lane's, is not.
func (s *seat) ask(ctx context.Context, c Call) (answer, error) {
	if c.Model != s.job.Model {
		reply, err := Recorded(s.engine.Replies)(ctx, c)
		return answer{reply: reply}, err
	}
	for {
		f, own := s.engine.flights.board(c.Key)
		if own {
			a, err := s.reply(ctx, c)
			s.engine.flights.land(c.Key, f, a, err)
		} else {
			select {
			case <-f.landed:
			case <-s.lost:
				return answer{}, context.Cause(ctx)
			}
		}
		switch {
		case f.err == nil:
			if !f.answer.made {
				s.status.known()
			}
			return f.answer, nil
		case !s.anothers(ctx, f.err):
			return answer{}, f.err
		}
	}
}

// reply is the one that is there, else that of a call.
func (s *seat) reply(ctx context.Context, c Call) (answer, error) {
	for _, key := range []store.Key{c.Key, c.Bound.Key} {
		if r := s.engine.held.of(key); r != nil {
			return answer{reply: r.reply, receipt: r}, nil
		}
	}
	if reply, ok, err := known(ctx, s.engine.Replies, c); ok || err != nil {
		return answer{reply: reply}, err
	}
	if failure, ok := s.engine.past.of(c.Key); ok && c.Shared {
		return answer{}, &FailedError{failure}
	}
	return s.call(ctx, c)
}

// anothers says whether an error is that of another lane, which made the same
// call and was left or stopped: this one can make it.
func (l *lane) anothers(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	var lane *LaneError
	var load *LoadError
	return errors.Is(err, context.Canceled) ||
		errors.As(err, &lane) && lane.Lane != l.name || errors.As(err, &load) && load.Lane != l.name
}

// call makes a call. One that broke is made again, a few times; where it breaks
// in the same way each time, whose fault that is is found out by another one.
func (s *seat) call(ctx context.Context, c Call) (answer, error) {
	var said []error
	for {
		a, err := s.attempt(ctx, c, said)
		switch {
		case err == nil, decided(err):
			return a, err
		case ctx.Err() != nil:
			return answer{}, context.Cause(ctx)
		}
		var full *fullError
		if errors.As(err, &full) && c.Request.Thought > 0 {
			grown, e := s.grow(ctx, full.numCtx)
			if e != nil {
				return answer{}, e
			}
			if grown {
				continue
			}
			if full.thoughtFills(c.Bound) {
				full.said.DoneReason = c.Bound.Reason
				c.Key = c.Bound.Key
				return s.answered(c, full.said, full.took), nil
			}
		}
		said = append(said, err)
		switch blame(ctx, err) {
		case theLane:
			return answer{}, &LaneError{s.name, err}
		case theLoad:
			return answer{}, &LoadError{Lane: s.name, Err: fmt.Errorf("%s on %s: %w", s.job.Model.Label, s.name, err), Final: errors.Is(err, models.ErrModelNotFound)}
		case theStopped:
			return answer{}, ctx.Err()
		case theCall:
			return answer{}, s.failed(ctx, c, said)
		}
		if exhausted(said) {
			return answer{}, s.failed(ctx, c, said)
		}
	}
}

// exhausted says whether a call broke as often as it may: twice in one way, or
// three times where its connection was cut or its runner ended, which a proxy,
// or whoever kills runners, may do to any call twice.
func exhausted(said []error) bool {
	last := said[len(said)-1]
	times := 0
	for _, err := range said {
		if models.Reason(err) == models.Reason(last) {
			times++
		}
	}
	return times > 2 || times == 2 && !endsOthers(last)
}

// decided says whether an error says already whose it is.
func decided(err error) bool {
	var lane *LaneError
	var load *LoadError
	var refused *RefusedError
	return errors.As(err, &lane) || errors.As(err, &load) || errors.As(err, &refused)
}

// attempt makes a call once. After one that may have broken others it has the
// lane to itself. After one that broke a second time, or to which nothing came
// in time, the lane has to answer another one: a lane that does not is left.
func (s *seat) attempt(ctx context.Context, c Call, said []error) (answer, error) {
	if err := s.ready(ctx); err != nil {
		return answer{}, err
	}
	weight := int64(1)
	if n := len(said); n > 0 && endsOthers(said[n-1]) {
		weight = everything
	}
	if err := s.gate.Acquire(ctx, weight); err != nil {
		return answer{}, err
	}
	defer s.gate.Release(weight)
	alone := weight == everything
	if alone {
		if err := s.loadAlone(ctx); err != nil {
			return answer{}, err
		}
	}
	c.Request.Options.NumCtx = s.numCtx
	turn := s.turns.send(s.atOnce())
	r, err := s.send(ctx, c)
	took := s.turns.back(turn, s.atOnce())
	if err == nil {
		return s.answered(c, r, took), nil
	}
	if full, ok := errors.AsType[*fullError](err); ok {
		full.took = took
	}
	if ctx.Err() != nil || blame(ctx, err) != aBreak {
		return answer{}, err
	}
	s.broke(err)
	if !exhausted(append(slices.Clip(said), err)) && !errors.Is(err, models.ErrTimeout) {
		return answer{}, err
	}
	return answer{}, s.probe(ctx, err, alone)
}

// broke notes that the model may have to be loaded again.
func (l *lane) broke(err error) {
	if endsOthers(err) {
		l.cut.Store(true)
	}
	l.fresh.Store(false)
}

// probe asks for one token of anything: where that comes, err is not the
// lane's, and is what it returns.
func (l *lane) probe(ctx context.Context, err error, alone bool) error {
	if alone {
		if e := l.loadAlone(ctx); e != nil {
			return e
		}
	}
	_, e := l.send(ctx, Call{Request: models.Request{Model: l.job.Model.Name, User: "Hello", Options: models.Options{NumCtx: l.numCtx, NumPredict: 1}}})
	if e == nil || ctx.Err() != nil {
		return err
	}
	l.broke(e)
	return &LaneError{l.name, fmt.Errorf("%s answers nothing any more: %w; then to another call: %w", l.name, err, e)}
}

// send makes one request. It leaves a call in flight to itself only where the
// lane is left: what is in flight when a run is stopped has been paid for.
func (l *lane) send(ctx context.Context, c Call) (models.Response, error) {
	r := c.Request
	if ctx.Err() != nil {
		return models.Response{}, ctx.Err()
	}
	type result struct {
		models.Response
		error
	}
	came := make(chan result, 1)
	server := l.server
	l.widen()
	l.status.sent()
	l.callers.run(func() {
		resp, err := chat(ctx, server, c, short(l.job.Model.Digest))
		came <- result{resp, err}
	})
	select {
	case got := <-came:
		l.status.answered(got.OutputTokens)
		if got.error == nil && got.Full(r) {
			// The key of a call leaves num_ctx out, because a context that is
			// large enough changes nothing. This one was not.
			return got.Response, &fullError{numCtx: r.Options.NumCtx, said: got.Response}
		}
		return got.Response, got.error
	case <-l.lost:
		l.loose.Store(true)
		l.status.answered(0)
		return models.Response{}, context.Cause(ctx)
	}
}

// A Keeper is a server that keeps a reply under its call's key, as that of a model's
// digest, before it gives it.
type Keeper interface {
	ChatFor(ctx context.Context, k store.Key, digest string, r models.Request) (models.Response, error)
}

func chat(ctx context.Context, s Server, c Call, digest string) (models.Response, error) {
	if keeper, ok := s.(Keeper); ok && c.Key != (store.Key{}) {
		return keeper.ChatFor(ctx, c.Key, digest, c.Request)
	}
	return s.Chat(ctx, c.Request)
}

// widen tells the server how many calls are to be under way at once, where that is
// another number than before.
func (l *lane) widen() {
	server, ok := l.server.(Widens)
	if !ok {
		return
	}
	l.widening.Lock()
	defer l.widening.Unlock()
	if width := l.pace.at().width; width != l.width {
		l.width = width
		server.Widen(width)
	}
}

// atOnce is how many calls the server works on at once: all that it is sent, where
// none is sent ahead.
func (l *lane) atOnce() int {
	if l.ahead.Load() == 0 {
		return everything
	}
	return l.pace.at().width
}

// answered takes in a reply for which the server took so long.
func (l *lane) answered(c Call, r models.Response, took time.Duration) answer {
	l.answers.Add(1)
	l.pace.answered(l, r, took)
	of := l.job.Model
	reply := store.Reply{Response: r, Model: of.Name, Digest: short(of.Digest), Host: l.server.Host(), Version: l.version}
	if !of.Remote {
		reply.GPUs, reply.VRAM = l.engine.Fleet.GPUs(l.devices), new(l.loaded.VRAM)
	}
	return answer{reply, l.voucher.hold(c.Key, reply), true}
}

// short is a digest as Ollama lists it.
func short(digest string) string {
	digest = strings.TrimPrefix(digest, "sha256:")
	return digest[:min(len(digest), 12)]
}

// failed keeps a call as failed, with what was tried.
func (l *lane) failed(ctx context.Context, c Call, said []error) error {
	err := tried(said)
	failure := store.Failure{Reason: models.Reason(err), Message: err.Error(), At: now()}
	if _, err := l.engine.Replies.Fail(context.WithoutCancel(ctx), c.Key, failure); err != nil {
		return err
	}
	if c.Shared {
		l.engine.past.add(c.Key, failure)
	}
	l.status.callFailed(failure)
	return &FailedError{failure}
}
