package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

const frameEvery = 500 * time.Millisecond

// A live terminal keeps its lower lines up to date: whatever is written to it
// comes to stand above them, and they are drawn anew. A [spool] writes to it,
// as a terminal that is stopped (Ctrl-S) must not stop the lanes.
//
// What goes to the terminal is text and the few sequences that move the cursor
// up and erase, a frame in one write, and nothing is read: no mode of the
// terminal is changed, no cursor hidden and no alternate screen needed, so
// whatever ends perg, a second Ctrl-C, a panic or a kill, there is nothing to
// put right. Bubbletea hides the cursor while it draws, and waits with a
// terminal that is stopped.
type live struct {
	terminal *os.File
	screen   screen
	subject  atomic.Pointer[subject] // what is shown; nil: nothing
	resumed  atomic.Bool             // perg was stopped, and a shell has written since
	warnings atomic.Int64            // told since there was something to show
}

// A subject is what is shown live.
type subject struct {
	name     string
	followed followed
	stopping func() bool
	recent   recent
}

func (l *live) Write(told []byte) (int, error) {
	columns, rows, err := term.GetSize(int(l.terminal.Fd()))
	ours := err == nil && inForeground(l.terminal)
	if l.resumed.Swap(false) || !ours {
		l.screen.forget()
	}
	var frame []string
	if s := l.subject.Load(); s != nil && ours {
		frame = s.picture(int(l.warnings.Load())).lines(columns-1, rows-1)
	}
	// An error is one of a terminal that has gone: nobody looks any more.
	io.WriteString(l.terminal, l.screen.draw(string(told), frame, columns))
	return len(told), nil
}

// picture is what there is to show now.
func (s *subject) picture(warnings int) picture {
	p := picture{
		at: time.Now(), name: s.name, lanes: s.followed.Progress(), whole: s.followed.Overview(),
		warnings: warnings, stopping: s.stopping(),
	}
	p.rates = s.recent.rates(p.at, p.lanes)
	p.whole.Left = atLeast(p.whole.Left, p.rates)
	return p
}

// A screen is what stands at the end of a terminal and is to be written over,
// with the cursor at the beginning of the line below it: there a shell's prompt
// or a panic may come.
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
