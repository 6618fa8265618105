package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"perg/models"
)

// A fakeServer is a client of a process, and does as *models.Client promises.
type fakeServer struct{ *process }

func (s *fakeServer) Host() string { return s.name }

func (s *fakeServer) Version(context.Context) (string, error) { return "0.33.0", nil }

func (s *fakeServer) Exits() int {
	if !s.own {
		return 0
	}
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return s.exits
}

// patiently waits while the server is away, within a patience that begins when
// it is first seen to be away.
func (s *fakeServer) patiently(ctx context.Context, once func() error) error {
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := once()
		var away *awayError
		if !errors.As(err, &away) {
			return err
		}
		if err := s.await(ctx, away); err != nil {
			return err
		}
	}
}

func (s *fakeServer) await(ctx context.Context, why error) error {
	w := s.world
	patience := time.NewTimer(w.patience)
	defer patience.Stop()
	for {
		w.mu.Lock()
		err, changed := s.unanswered(), w.changed
		w.mu.Unlock()
		var away *awayError
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &away):
			return err
		}
		select {
		case <-changed:
		case <-patience.C:
			return fmt.Errorf("%w: %w, waited %v for it to come back", models.ErrUnreachable, why, w.patience)
		case <-ctx.Done():
			if w.dice.of("stopped", s.name).IntN(2) == 0 {
				return fmt.Errorf("%w: %w", models.ErrUnreachable, why)
			}
			return ctx.Err()
		}
	}
}

// beside runs something that goes on when ctx is done.
func beside(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *fakeServer) Load(ctx context.Context, model string, o models.Options) (loaded models.Loaded, err error) {
	w, m := s.world, s.world.models[model]
	err = s.patiently(ctx, func() error {
		r, leave, err := s.request()
		if err != nil {
			return err
		}
		got := make(chan models.Loaded, 1)
		err = beside(ctx, func() error {
			defer leave()
			run, err := r.runner(m, o.NumCtx, true)
			if err != nil {
				return err
			}
			defer run.release()
			w.mu.Lock()
			defer w.mu.Unlock()
			if s.any(func(s *site) bool { return s.badList }) {
				return &models.ServerError{Status: 500, Message: "/api/ps fails"}
			}
			got <- run.listed()
			return nil
		})
		if err == nil {
			loaded = <-got
		}
		return err
	})
	if err != nil && ctx.Err() == nil {
		w.loadFailed(s.process, m, err)
		return models.Loaded{}, fmt.Errorf("load %s: %w", model, err)
	}
	return loaded, err
}

func (run *runner) listed() models.Loaded {
	return models.Loaded{Digest: run.digest, Size: int64(run.size), VRAM: int64(run.vram), ContextLength: run.numCtx}
}

func (s *fakeServer) InMemory(ctx context.Context, model string) (all []models.Loaded, err error) {
	w := s.world
	err = s.patiently(ctx, func() error {
		r, leave, err := s.request()
		if err != nil {
			return err
		}
		got := make(chan []models.Loaded, 1)
		err = beside(ctx, func() error {
			defer leave()
			if err := r.takes(2*time.Millisecond, nil); err != nil {
				return err
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if s.any(func(s *site) bool { return s.badList }) {
				return &models.ServerError{Status: 500, Message: "/api/ps fails"}
			}
			var list []models.Loaded
			for _, run := range s.runners {
				if run.model.Name == model && !run.loading() {
					list = append(list, run.listed())
				}
			}
			got <- list
			return nil
		})
		if err == nil {
			all = <-got
		}
		return err
	})
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		w.failed(s.process, err)
	}
	return all, err
}

func (s *fakeServer) Unload(ctx context.Context, model string) error {
	w := s.world
	return s.patiently(ctx, func() error {
		r, leave, err := s.request()
		if err != nil {
			return err
		}
		return beside(ctx, func() error {
			defer leave()
			if err := r.takes(5*time.Millisecond, nil); err != nil {
				return err
			}
			for {
				w.mu.Lock()
				stuck := s.any(func(s *site) bool { return s.stuckUnload })
				var wait <-chan struct{} = w.changed
				busy := stuck
				for _, run := range slices.Clone(s.runners) {
					switch {
					case run.model.Name != model || stuck:
					case run.busy > 0 || run.loading():
						run.leaving, busy, wait = true, true, run.gone
					default:
						run.unload()
					}
				}
				w.mu.Unlock()
				if !busy {
					return nil
				}
				select {
				case <-wait:
				case <-ctx.Done():
					return ctx.Err()
				case <-r.dead:
					return nil
				case <-r.limit.Done():
					return models.ErrTimeout
				}
			}
		})
	})
}

func (s *fakeServer) Close() error {
	w := s.world
	if !s.own {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.end("it is closed")
	w.open = slices.DeleteFunc(w.open, func(p *process) bool { return p == s.process })
	return nil
}

func (s *fakeServer) Chat(ctx context.Context, r models.Request) (resp models.Response, err error) {
	w := s.world
	err = s.patiently(ctx, func() error {
		resp, err = s.chat(r)
		return err
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		if w.interrupted {
			w.tell("%s: answers %s", s.name, r.User)
		}
		for _, s := range s.sites {
			s.failures = 0
		}
		if r.User == probing {
			w.probed[s.name] = time.Now()
		}
		return resp, nil
	}
	if ctx.Err() == nil {
		w.tell("%s: %s gets: %v", s.name, r.User, err)
		w.fails(s.sites)
	}
	return resp, err
}

// probing is what the engine asks to see whether a lane answers at all.
const probing = "Hello"

// chat is one attempt at a call.
func (s *fakeServer) chat(r models.Request) (models.Response, error) {
	w := s.world
	req, leave, err := s.request()
	if err != nil {
		return models.Response{}, err
	}
	defer leave()
	started := time.Now()
	q := w.sent(s.process, r)
	defer w.received(s.process, q)
	run, err := req.runner(w.models[r.Model], r.Options.NumCtx, false)
	if err != nil {
		return models.Response{}, s.broken(q, nil, err)
	}
	defer run.release()
	select {
	case run.slots <- struct{}{}:
	case <-run.gone:
		return models.Response{}, s.broken(q, run, errGone)
	case <-req.dead:
		return models.Response{}, s.broken(q, run, fmt.Errorf("%w: %s ended", models.ErrCut, s.name))
	case <-req.limit.Done():
		return models.Response{}, s.broken(q, run, models.ErrTimeout)
	}
	w.mu.Lock()
	s.sites[0].calls++
	slowed := s.slow() * run.model.slowed(len(run.slots), s.sites[0].calls)
	took := time.Duration(float64(q.took) * slowed)
	if s.any(func(s *site) bool { return s.badCalls }) && q.poison == harmless {
		run.end("its GPU is broken", q.text)
	}
	w.mu.Unlock()
	err = req.takes(took, run.gone)
	<-run.slots
	w.mu.Lock()
	s.sites[0].calls--
	w.mu.Unlock()
	if err == nil {
		err = s.poisoned(req, run, q)
	}
	if err != nil {
		return models.Response{}, s.broken(q, run, err)
	}
	w.mu.Lock()
	q.worked++
	w.mu.Unlock()
	digest := run.digest
	length := q.took.Seconds() / run.model.call.Seconds()
	return models.Response{
		Content: digest + " " + q.text, DoneReason: "stop", PromptTokens: int(1000 * length), OutputTokens: int(200 * length),
		Total: time.Since(started), PromptEval: (took - run.model.gap) / 2, Eval: (took - run.model.gap) / 2, StartedAt: started,
	}, nil
}

// poisonous begins why a process ended that a call did.
const poisonous = "a call ended it: "

// poisoned does what a bad call does.
func (s *fakeServer) poisoned(req *request, run *runner, q *question) error {
	w := s.world
	switch q.poison {
	case killsRunner:
		w.mu.Lock()
		run.end("a call ended it", q.text)
		w.mu.Unlock()
		return errGone
	case killsServer:
		w.mu.Lock()
		s.end(poisonous + q.text)
		w.mu.Unlock()
		return fmt.Errorf("%w: %s ended", models.ErrCut, s.name)
	case neverAnswers:
		select {
		case <-run.gone:
			return errGone
		case <-req.dead:
			return fmt.Errorf("%w: %s ended", models.ErrCut, s.name)
		case <-req.limit.Done():
			return models.ErrTimeout
		}
	case always500:
		return &models.ServerError{Status: 500, Message: "cannot do that"}
	case always400:
		return &models.ServerError{Status: 400, Message: "will not do that"}
	case incomplete:
		return models.ErrIncomplete
	}
	return nil
}

// broken notes what became of a call, and why.
func (s *fakeServer) broken(q *question, run *runner, err error) error {
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	b := breakage{lane: s.name, at: time.Now(), err: err}
	if run != nil {
		b.by = run.killer
	}
	if text, ok := strings.CutPrefix(s.why, poisonous); ok && !s.alive {
		b.by = text
	}
	q.broken = append(q.broken, b)
	return err
}
