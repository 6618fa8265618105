package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"perg/models"
)

// What tests of one fault need besides a world: what was told in it, and an
// engine whose fleet or source does something odd.

// troubledWorld is one in which something will go wrong: what holds only of worlds
// that nothing happens to is not asked of it.
func troubledWorld(t *testing.T) *world {
	w := newWorld(t)
	w.faults = append(w.faults, "what the test does")
	return w
}

// A moment is an event of a story.
type moment struct {
	at   time.Duration
	text string
}

// told are the events with a text in them, from a number on.
func (s *story) told(text string) []moment { all, _ := s.toldSince(text, 0); return all }

func (s *story) toldSince(text string, from int) (all []moment, next int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events[from:] {
		if told := fmt.Sprintf(e.format, e.args...); strings.Contains(told, text) {
			all = append(all, moment{e.at, told})
		}
	}
	return all, len(s.events)
}

// when has something happen as soon as an event with a text was told.
func (w *world) when(text string, f func()) {
	from := 0
	var look func()
	look = func() {
		var found []moment
		if found, from = w.toldSince(text, from); len(found) > 0 {
			f()
			return
		}
		w.after(5*time.Millisecond, look)
	}
	look()
}

// warnings are what the engine said that contains a text.
func (w *world) warnings(text string) (all []string) {
	for _, m := range w.told("warning: ") {
		if strings.Contains(m.text, text) {
			all = append(all, m.text)
		}
	}
	return all
}

// mustNotWarn is for what is no trouble at all.
func (w *world) mustNotWarn(t *testing.T) {
	t.Helper()
	for _, text := range w.warnings("") {
		t.Error(text)
	}
}

// took is when the run ended, by its own account.
func (w *world) took() time.Duration {
	all := w.told("the run ends")
	return all[len(all)-1].at
}

// tookTo is the time from the first event with a text to the next one with
// another; -1 where there is none.
func (w *world) tookTo(from, to string) time.Duration {
	begins := w.told(from)
	if len(begins) == 0 {
		return -1
	}
	for _, m := range w.told(to) {
		if m.at >= begins[0].at {
			return m.at - begins[0].at
		}
	}
	return -1
}

// runWith is run with an engine that is changed before.
func (w *world) runWith(ctx context.Context, change func(*Engine)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.mu.Lock()
	w.stop = cancel
	w.engine = w.newEngine()
	w.mu.Unlock()
	change(w.engine)
	err := w.engine.Run(ctx)
	w.tell("the run ends: %v", err)
	release, done := context.WithTimeout(context.Background(), 5*time.Minute)
	defer done()
	w.engine.Release(release)
	return err
}

// An oddFleet is a world's, with what a test does first: where that is an
// error, it is what the lane gets.
type oddFleet struct {
	Fleet
	open func(lane string) error
	load func(lane, model string) error
	chat func(lane string) error
}

func (f oddFleet) Open(ctx context.Context, lane string, devices []string, s ServerConfig) (Server, error) {
	if f.open != nil {
		if err := f.open(lane); err != nil {
			return nil, err
		}
	}
	server, err := f.Fleet.Open(ctx, lane, devices, s)
	if err != nil {
		return nil, err
	}
	return oddServer{server, f, lane}, nil
}

type oddServer struct {
	Server
	odd  oddFleet
	lane string
}

func (s oddServer) Load(ctx context.Context, model string, o models.Options) (models.Loaded, error) {
	if s.odd.load != nil {
		if err := s.odd.load(s.lane, model); err != nil {
			return models.Loaded{}, fmt.Errorf("load %s: %w", model, err)
		}
	}
	return s.Server.Load(ctx, model, o)
}

func (s oddServer) Chat(ctx context.Context, r models.Request) (models.Response, error) {
	if s.odd.chat != nil {
		if err := s.odd.chat(s.lane); err != nil {
			return models.Response{}, err
		}
	}
	return s.Server.Chat(ctx, r)
}

// A watchedSource counts the seats that lanes take.
type watchedSource struct {
	Source
	seats *atomic.Int64
}

func (s watchedSource) Seat(class string) Seat {
	s.seats.Add(1)
	return s.Source.Seat(class)
}

// stops is another client's "ollama stop": what is at work goes with its last
// call.
func (w *world) stops(id string) {
	w.loses(id)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.processes() {
		for _, run := range p.runners {
			run.leaving = run.leaving || slices.Contains(p.sites, w.site(id))
		}
	}
}
