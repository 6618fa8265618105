package harness

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
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

// A lane is one server with one variant in memory at a time. It makes the
// calls that the store has no reply to.
type lane struct {
	server server
	store  *store.Store
	status *laneStatus
	warn   func(string)

	variant *Variant // the one whose calls are made now
	loading sync.Once
	loadErr error
	loaded  models.Loaded
	inPlace *Variant // the one in memory, as far as this lane knows

	flight singleflight.Group
}

// use makes v the variant whose calls are made. No call may be in flight. The
// variant is loaded by its first call: where every reply is known, none is.
func (l *lane) use(v *Variant) {
	l.variant = v
	l.loading = sync.Once{}
	l.loadErr = nil
}

// A landed is a reply with the commit that makes it durable; nil where it is.
type landed struct {
	reply  store.Reply
	commit *store.Commit
}

// ask gives the reply to a call. Equal calls in flight at once are made once.
// A failed call is kept as such in the store; one that was cut off by the end
// of the run, or whose server is gone, is not.
func (l *lane) ask(ctx context.Context, c call) (landed, error) {
	key := c.key()
	reply, ok, err := l.store.Get(ctx, key)
	if err != nil {
		return landed{}, err
	}
	if ok {
		if c.variant == l.variant {
			l.status.known()
		}
		return landed{reply: reply}, nil
	}
	if c.variant != l.variant {
		reply, err := recorded(l.store)(ctx, c)
		return landed{reply: reply}, err
	}
	got, err, _ := l.flight.Do(key.String(), func() (any, error) {
		// Another flight may have landed since the look-up.
		if reply, ok, err := l.store.Get(ctx, key); ok || err != nil {
			return landed{reply: reply}, err
		}
		return l.call(ctx, key, c)
	})
	if err != nil {
		return landed{}, err
	}
	return got.(landed), nil
}

func (l *lane) call(ctx context.Context, key store.Key, c call) (landed, error) {
	if ctx.Err() != nil {
		return landed{}, ctx.Err()
	}
	l.loading.Do(func() { l.loadErr = l.load(ctx, c) })
	err := l.loadErr
	var r models.Response
	if err == nil {
		l.status.sent()
		r, err = l.server.Chat(ctx, c.request)
		l.status.answered(r.OutputTokens)
	}
	// What was paid for is kept, also when the run is being stopped.
	keep := context.WithoutCancel(ctx)
	switch {
	case err == nil:
	case errors.Is(err, models.ErrUnreachable):
		return landed{}, err
	case ctx.Err() != nil:
		return landed{}, ctx.Err()
	default:
		failure := store.Failure{Reason: models.Reason(err), Message: err.Error(), At: time.Now()}
		if _, err := l.store.Fail(keep, key, failure); err != nil {
			return landed{}, err
		}
		return landed{}, &pastFailure{failure}
	}
	vram := l.loaded.VRAM
	reply := store.Reply{
		Content: r.Content, Thinking: r.Thinking, DoneReason: r.DoneReason,
		PromptTokens: r.PromptTokens, OutputTokens: r.OutputTokens,
		TotalDuration: r.Total, LoadDuration: r.Load, PromptEvalDuration: r.PromptEval, EvalDuration: r.Eval,
		StartedAt: r.StartedAt, Host: l.server.Host(), VRAM: &vram,
	}
	commit, err := l.store.Put(keep, key, reply)
	return landed{reply, commit}, err
}

// load puts the lane's variant in memory. What was there leaves first, and is
// seen to have left: its calls have all come back, so nothing waits for it.
func (l *lane) load(ctx context.Context, c call) error {
	if l.inPlace != nil && l.inPlace.Digest != l.variant.Digest {
		if err := l.unload(ctx); err != nil {
			l.warn(err.Error())
		}
	}
	l.status.state(stateLoading)
	defer l.status.state(stateWorking)
	loaded, err := l.server.Load(ctx, l.variant.Name, c.request.Options)
	if err != nil {
		return err
	}
	l.inPlace, l.loaded = l.variant, loaded
	switch {
	case loaded.VRAM == 0:
		l.warn(fmt.Sprintf("%s runs on the CPU, none of it in GPU memory", l.variant.Name))
	case loaded.VRAM < loaded.Size:
		l.warn(fmt.Sprintf("%s runs in part on the CPU: %s of its %s do not fit in GPU memory; a smaller quantization, --num-ctx or --parallel would help",
			l.variant.Name, humanize.IBytes(uint64(loaded.Size-loaded.VRAM)), humanize.IBytes(uint64(loaded.Size))))
	}
	if loaded.ContextLength > 0 && loaded.ContextLength < c.request.Options.NumCtx {
		l.warn(fmt.Sprintf("%s has a context of %d tokens, less than the %d asked for: longer prompts will fail", l.variant.Name, loaded.ContextLength, c.request.Options.NumCtx))
	}
	return nil
}

// unload takes what the lane loaded out of memory again.
func (l *lane) unload(ctx context.Context) error {
	if l.inPlace == nil {
		return nil
	}
	name := l.inPlace.Name
	l.inPlace = nil
	return l.server.Unload(ctx, name)
}
