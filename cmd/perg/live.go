package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"perg/harness"
)

const frameEvery = 500 * time.Millisecond

// A live view keeps the lower lines of a terminal up to date. It writes text
// and the few sequences that move the cursor up and erase, a frame in one
// write, and reads nothing: it changes no mode of the terminal, hides no
// cursor and needs no alternate screen, so whatever ends perg, a second Ctrl-C,
// a panic or a kill, there is nothing to put right.
type live struct {
	terminal *os.File
	name     string
	followed followed
	recent   recent
	warnings atomic.Int64

	// What is told waits here until the goroutine that draws has written it:
	// a terminal that is stopped (Ctrl-S) must not stop the lanes.
	mu    sync.Mutex
	told  strings.Builder
	ended bool // nothing more is drawn
	wake  chan struct{}
}

func newLive(terminal *os.File, name string, f followed) *live {
	return &live{terminal: terminal, name: name, followed: f, recent: make(recent), wake: make(chan struct{}, 1)}
}

// tell puts a line above the view. It is false where the view has ended.
func (l *live) tell(line string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.told.WriteString(line)
	select {
	case l.wake <- struct{}{}:
	default: // it is awake already
	}
	return true
}

// messages is what was told since; ok is false where the view was abandoned, and
// nothing more may be drawn.
func (l *live) messages() (text string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return "", false
	}
	return l.take(), true
}

func (l *live) take() string {
	text := l.told.String()
	l.told.Reset()
	return text
}

// end ends the view, unless something was told that is to stand above it.
func (l *live) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = l.ended || l.told.Len() == 0
	return l.ended
}

// abandon leaves the view as it stands, on a terminal that is stopped, and
// returns what was told and is not on it.
func (l *live) abandon() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	return l.take()
}

// run draws until quit is closed, and then takes the view off the screen.
// stopping is called once, when ctx is done.
func (l *live) run(ctx context.Context, quit <-chan struct{}, stopping func([]harness.LaneStatus)) {
	changes := make(chan os.Signal, 4)
	signal.Notify(changes, syscall.SIGWINCH, syscall.SIGCONT)
	defer signal.Stop(changes)
	tick := time.NewTicker(frameEvery)
	defer tick.Stop()
	var s screen
	interrupted := ctx.Done()
	for {
		columns, rows, err := term.GetSize(int(l.terminal.Fd()))
		var frame []string
		if err == nil && inForeground(l.terminal) {
			frame = l.picture(ctx.Err() != nil).lines(columns-1, rows-1)
		} else {
			s.forget() // the shell has written since
		}
		told, ok := l.messages()
		if !ok {
			return
		}
		// An error is one of a terminal that has gone: nobody looks any more.
		io.WriteString(l.terminal, s.draw(told, frame, columns))
		select {
		case <-quit:
			for ended := false; !ended; ended = l.end() {
				if told, ok := l.messages(); ok {
					io.WriteString(l.terminal, s.draw(told, nil, columns))
				}
			}
			return
		case <-interrupted:
			interrupted = nil
			stopping(l.followed.Progress())
		case sig := <-changes:
			if sig == syscall.SIGCONT {
				s.forget()
			}
		case <-l.wake:
		case <-tick.C:
		}
	}
}

// picture is what there is to show now.
func (l *live) picture(stopping bool) picture {
	p := picture{
		at: time.Now(), name: l.name, lanes: l.followed.Progress(), whole: l.followed.Overview(),
		warnings: int(l.warnings.Load()), stopping: stopping,
	}
	p.rates = l.recent.rates(p.at, p.lanes)
	return p
}

// A screen is what the view has on the terminal now, with the cursor at the
// beginning of the line below it: there a shell's prompt or a panic may come.
type screen struct {
	shown []string
	over  int // the terminal's columns then
}

// forget leaves what is shown where it is.
func (s *screen) forget() { s.shown = nil }

// draw is what to write to have some text, and below it a frame in the place
// of the one that is shown; "" where nothing changes.
func (s *screen) draw(told string, frame []string, columns int) string {
	if told == "" && columns == s.over && slices.Equal(frame, s.shown) {
		return ""
	}
	if len(frame) == 0 && len(s.shown) == 0 {
		return told
	}
	const eraseBelow = "\x1b[J"
	var b strings.Builder
	b.WriteString("\r") // the echo of a key may have moved the cursor
	// Where the terminal became narrower it wraps lines that are too long now.
	up := 0
	for _, line := range s.shown {
		up += 1 + max(0, measured(line)-1)/max(1, columns)
	}
	if up > 0 {
		b.WriteString(text.CursorUp.Sprintn(up))
	}
	if told != "" || columns != s.over {
		b.WriteString(eraseBelow)
	}
	b.WriteString(told)
	for _, line := range frame {
		b.WriteString(line + text.EraseLine.Sprint() + "\n")
	}
	b.WriteString(eraseBelow)
	s.shown, s.over = frame, columns
	return b.String()
}

// Recent are the counts of each lane over the last minute: over days a mean
// would hide that a server has stalled.
type recent map[string][]count

type count struct {
	at            time.Time
	variant       string
	stage         harness.Stage
	calls, tokens int
}

// A rate is what a lane does now, in a second.
type rate struct {
	calls, tokens float64
	left          *time.Duration // of its job; nil: not known
}

func (r recent) rates(now time.Time, lanes []harness.LaneStatus) map[string]rate {
	const (
		over  = time.Minute
		least = 5 * time.Second
	)
	rates := make(map[string]rate)
	for _, l := range lanes {
		c := count{now, l.Model, l.Stage, l.Calls, l.OutputTokens}
		past := r[l.Lane]
		if n := len(past); n > 0 && (past[n-1].variant != c.variant || past[n-1].stage != c.stage || past[n-1].calls > c.calls) {
			past = nil // the lane has another job
		}
		past = append(past, c)
		for len(past) > 2 && now.Sub(past[1].at) >= over {
			past = past[1:]
		}
		r[l.Lane] = past
		is := rate{calls: l.CallsPerSecond(), tokens: l.TokensPerSecond()}
		if d := now.Sub(past[0].at); d >= least {
			is.calls, is.tokens = float64(c.calls-past[0].calls)/d.Seconds(), float64(c.tokens-past[0].tokens)/d.Seconds()
		}
		if left, ok := l.Left(); ok {
			is.left = &left
		}
		rates[l.Lane] = is
	}
	for lane := range r {
		if _, ok := rates[lane]; !ok {
			delete(r, lane)
		}
	}
	return rates
}
