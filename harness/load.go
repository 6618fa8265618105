package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"perg/models"
)

// A Load is a variant put into memory, as the manifest lists them.
type Load struct {
	At      time.Time `json:"at"`
	Lane    string    `json:"lane"`
	Host    string    `json:"host"`
	Variant string    `json:"variant"`
	GPUs    []string  `json:"gpus"`    // UUIDs; null where there are none, or not known
	Slots   *int      `json:"slots"`   // null: the server's own, not known
	NumCtx  int       `json:"num_ctx"` // tokens for each slot
	Size    int64     `json:"size"`    // bytes, as the server reports them
	VRAM    int64     `json:"vram"`    // of them in GPU memory
	Took    Duration  `json:"took"`
	// InFlight is the number of calls at once that brought the most, or that
	// was asked for; null where the job ended before it was measured.
	InFlight *int `json:"in_flight"`
}

// A tight load is one for which there was too little memory.
type tight struct{ err error }

func (e *tight) Error() string { return e.err.Error() }
func (e *tight) Unwrap() error { return e.err }

// load puts the lane's variant in memory: where it does not fit, with fewer
// slots, and then with a smaller context as long as every call fits that.
func (l *lane) load(ctx context.Context) error {
	l.status.state(stateLoading)
	defer l.status.state(stateWorking)
	started := time.Now()
	for {
		err := l.loadOnce(ctx)
		var short *tight
		switch {
		case err == nil:
			l.report(started)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.As(err, &short):
			return &laneLost{err: err, lane: l.name, load: !errors.Is(err, models.ErrUnreachable)}
		}
		less, numCtx, ok := lower(l.want.slots, l.numCtx, l.variant.Need)
		if !ok {
			return &laneLost{err: err, lane: l.name, load: true}
		}
		what := fmt.Sprintf("%d slots instead of %d", less, l.want.slots)
		if numCtx != l.numCtx {
			what = fmt.Sprintf("a context of %d tokens instead of %d", numCtx, l.numCtx)
		}
		l.warn(fmt.Sprintf("%v; trying again with %s", err, what))
		l.want.slots, l.numCtx = less, numCtx
	}
}

// lower is the next smaller way to load a model: half the slots, then the next
// smaller context that holds every call. slots is 0 where they are not known.
func lower(slots, numCtx, need int) (lessSlots, lessCtx int, ok bool) {
	if slots > 1 {
		return slots / 2, numCtx, true
	}
	for i := len(buckets) - 1; i >= 0; i-- {
		if buckets[i] < numCtx && buckets[i] >= need {
			return slots, buckets[i], true
		}
	}
	return slots, numCtx, false
}

// loadOnce loads the variant as it is wanted now. What was in memory leaves
// first, and is seen to have left: its calls have all come back.
func (l *lane) loadOnce(ctx context.Context) error {
	if l.server != nil && l.settings != l.want {
		if err := l.shut(ctx); err != nil {
			return err
		}
	}
	if l.server == nil {
		if err := l.open(ctx); err != nil {
			return err
		}
	}
	if l.inPlace != nil && l.inPlace.Digest != l.variant.Digest {
		if err := l.unload(ctx); err != nil {
			l.warn(err.Error())
		}
	}
	name := l.variant.Name
	loaded, err := l.server.Load(ctx, name, models.Options{NumCtx: l.numCtx})
	if errors.Is(err, models.ErrMemory) {
		return &tight{err}
	}
	if err != nil {
		return err
	}
	l.inPlace, l.loaded = l.variant, loaded
	spilled := uint64(max(0, loaded.Size-loaded.VRAM))
	hasGPU := l.fleet.gpus(l.devices) != nil
	switch {
	case spilled == 0:
	case l.allowCPU, loaded.VRAM == 0 && !hasGPU:
		if loaded.VRAM == 0 {
			l.warn(name + " runs on the CPU, none of it in GPU memory")
		} else {
			l.warn(fmt.Sprintf("%s runs in part on the CPU: %s of its %s do not fit in GPU memory", name, humanize.IBytes(spilled), humanize.IBytes(uint64(loaded.Size))))
		}
	default:
		if err := l.unload(ctx); err != nil {
			l.warn(err.Error())
		}
		return &tight{fmt.Errorf("%s does not fit in GPU memory: %s of its %s would run on the CPU (--allow-cpu accepts that)", name, humanize.IBytes(spilled), humanize.IBytes(uint64(loaded.Size)))}
	}
	if loaded.ContextLength > 0 && loaded.ContextLength < l.numCtx {
		l.warn(fmt.Sprintf("%s has a context of %d tokens, less than the %d asked for: longer prompts will fail", name, loaded.ContextLength, l.numCtx))
	}
	return nil
}

func (l *lane) open(ctx context.Context) error {
	var err error
	l.server, l.close, err = l.fleet.open(ctx, l.name, l.devices, l.want)
	if err != nil {
		return err
	}
	l.settings = l.want
	l.status.host(l.server.Host())
	return nil
}

// unload takes what the lane loaded out of memory again, and waits until the
// memory is back.
func (l *lane) unload(ctx context.Context) error {
	if l.inPlace == nil {
		return nil
	}
	name := l.inPlace.Name
	l.inPlace = nil
	if err := l.server.Unload(ctx, name); err != nil {
		return err
	}
	return l.fleet.settle(ctx, l.devices)
}

// shut ends the lane's server, so that its devices are free for another lane.
// A server of the user's own only gets its memory back.
func (l *lane) shut(ctx context.Context) error {
	if l.server == nil {
		return nil
	}
	err := l.unload(ctx)
	if errors.Is(err, models.ErrUnreachable) {
		err = nil
	}
	err = errors.Join(err, l.close())
	l.server, l.close, l.settings = nil, nil, settings{}
	return err
}

func (l *lane) report(started time.Time) {
	load := Load{
		At: started.UTC(), Lane: l.name, Host: l.server.Host(), Variant: l.variant.Label, GPUs: l.fleet.gpus(l.devices),
		NumCtx: l.numCtx, Size: l.loaded.Size, VRAM: l.loaded.VRAM, Took: Duration(time.Since(started)),
	}
	if l.settings.slots > 0 {
		load.Slots = new(l.settings.slots)
	}
	l.status.slots(l.settings.slots)
	l.last = load
	l.loads(load)
}

// loadEnds notes how many calls in flight the load was worth.
func (l *lane) loadEnds(inFlight int) {
	if l.last.Variant != l.variant.Label {
		return // every reply was known
	}
	l.last.InFlight = &inFlight
	l.loads(l.last)
}
