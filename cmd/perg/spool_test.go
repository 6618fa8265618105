package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"perg/harness"
)

// A tap is a reader that can be turned off: until it is turned on again a write
// waits, as that to a stopped terminal does.
type tap struct {
	mu   sync.Mutex
	off  bool
	turn *sync.Cond
	text strings.Builder

	writes int
}

func newTap() *tap {
	t := new(tap)
	t.turn = sync.NewCond(&t.mu)
	return t
}

func (t *tap) set(off bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.off = off
	t.turn.Broadcast()
}

func (t *tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.off {
		t.turn.Wait()
	}
	t.writes++
	return t.text.Write(p)
}

func (t *tap) read() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

func spoolTo(t *tap) *spool {
	return &spool{w: t, most: 3, gap: func(lost int) string { return fmt.Sprintf("%d left out\n", lost) }}
}

// What nobody reads holds nobody up, and once it is read there is all of it but
// old progress, in order, and the number of what is not there.
func TestASpoolHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen := newTap()
		s := spoolTo(screen)
		screen.set(true)
		began := time.Now()
		s.put(message{text: "begin\n"})
		synctest.Wait() // it is being written
		for i := range 5 {
			s.put(message{text: fmt.Sprintf("at %d\n", i), progress: true})
			s.put(message{text: fmt.Sprintf("warning %d\n", i)})
		}
		s.put(message{text: "end\n"})
		if waited := time.Since(began); waited > 0 {
			t.Errorf("telling took %v", waited)
		}
		screen.set(false)
		if err := s.flush(); err != nil {
			t.Error(err)
		}
		want := "begin\nwarning 0\nwarning 1\n2 left out\nat 2\nwarning 2\nat 3\nwarning 3\nat 4\nwarning 4\nend\n"
		if got := screen.read(); got != want {
			t.Errorf("on the screen is\n%swant\n%s", got, want)
		}
	})
}

// The end is put off for a while, once, where nobody reads; and not at all
// where all has been read.
func TestASpoolDoesNotPutOffTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen := newTap()
		s := spoolTo(screen)
		waited := func() time.Duration {
			began := time.Now()
			s.flushWithin(3 * time.Second)
			return time.Since(began)
		}
		s.put(message{text: "one\n"})
		if d := waited(); d > 0 {
			t.Errorf("what is read at once was waited for: %v", d)
		}
		screen.set(true)
		s.put(message{text: "two\n"})
		if d := waited(); d != 3*time.Second {
			t.Errorf("waited %v for a screen that nobody reads, want 3s", d)
		}
		s.put(message{text: "three\n"})
		if d := waited(); d > 0 {
			t.Errorf("waited again, for %v", d)
		}
		time.AfterFunc(time.Hour, func() { screen.set(false) })
		if err := s.flush(); err != nil {
			t.Error(err)
		}
		if got := screen.read(); got != "one\ntwo\nthree\n" {
			t.Errorf("on the screen is\n%s", got)
		}
		screen.set(true)
		s.put(message{text: "four\n"})
		time.AfterFunc(2*time.Second, func() { screen.set(false) })
		if d := waited(); d != 2*time.Second {
			t.Errorf("waited %v for a screen that is read again, want 2s", d)
		}
	})
}

// A frame that nobody sees is not drawn again and again once somebody looks.
func TestASpoolHasAFrameDrawnOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen := newTap()
		s := spoolTo(screen)
		screen.set(true)
		s.put(message{})
		synctest.Wait() // it is being drawn
		for range 100 {
			s.put(message{})
		}
		s.put(message{text: "warning\n"})
		s.put(message{})
		screen.set(false)
		if err := s.flush(); err != nil {
			t.Error(err)
		}
		if got := screen.read(); screen.writes != 3 || got != "warning\n" {
			t.Errorf("%d writes of %q, want 3: the first, one for the 100, the warning", screen.writes, got)
		}
	})
}

// A still is a run in which nothing happens.
type still struct{}

func (still) Progress() []harness.LaneStatus {
	return []harness.LaneStatus{lane("gpu0", "a", "zero-shot none", 1, 2)}
}
func (still) Overview() harness.Overview { return harness.Overview{} }

// Both programs and people are told where progress was left out, and lose
// nothing else.
func TestWhatIsLeftOutIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stdout, stderr := newTap(), newTap()
		v := newDisplay(stdout, stderr, true)
		stdout.set(true)
		stderr.set(true)
		v.event("start", map[string]any{}, false)
		v.progressLines(still{})
		synctest.Wait() // both are being written
		v.progressEvents(still{})
		for range mostProgress + 6 {
			v.progressEvents(still{})
			v.progressLines(still{})
		}
		v.warn("odd")
		stdout.set(false)
		stderr.set(false)
		if err := v.lastEvent(map[string]any{}); err != nil {
			t.Error(err)
		}
		if err := v.lines.flush(); err != nil {
			t.Error(err)
		}
		count := make(map[string]int)
		var order []string
		for text := range strings.Lines(stdout.read()) {
			var e struct {
				Event   string
				LeftOut int `json:"left_out"`
			}
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if count[e.Event]++; count[e.Event] == 1 {
				order = append(order, e.Event)
			}
			if e.Event == "note" && e.LeftOut != 7 {
				t.Errorf("%d are said to be left out, want 7: %s", e.LeftOut, text)
			}
		}
		if want := []string{"start", "note", "progress", "warning", "result"}; !slices.Equal(order, want) || count["progress"] != mostProgress {
			t.Errorf("events %v in the order of %v, want %v", count, order, want)
		}
		lines := slices.Collect(strings.Lines(stderr.read()))
		// The first was being written when the others came.
		if len(lines) != 1+1+mostProgress+1 || !slices.Contains(lines, "perg: 6 lines of progress left out: nobody read\n") || lines[len(lines)-1] != "perg: warning: odd\n" {
			t.Errorf("%d lines, the last %q, the second %q", len(lines), lines[len(lines)-1], lines[1])
		}
	})
}
