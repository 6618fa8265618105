package engine

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// A story is what happened in a world, in virtual time, and what of it must
// not have. Its texts are made only where it is told.
type story struct {
	mu     sync.Mutex
	began  time.Time
	events []event
	broken []string // invariants
	counts map[string]int
	steps  int
	most   int // steps
}

type event struct {
	at     time.Duration
	format string
	args   []any
}

// mostSteps ends a world in which something goes round in circles, if that is
// not a long one.
const mostSteps = 30_000

func newStory() *story {
	return &story{began: time.Now(), counts: make(map[string]int), most: mostSteps}
}

// tell adds an event. Arguments must not change any more.
func (s *story) tell(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, event{time.Since(s.began), format, args})
	s.steps++
}

// step counts what is not worth an event; it is false where there was too much.
func (s *story) step() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps++
	return s.steps < s.most
}

// count counts something for the statistics of many worlds.
func (s *story) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
}

// counted is how often something was counted.
func (s *story) counted(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[what]
}

// wrong says that an invariant does not hold. The first few are kept.
func (s *story) wrong(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := fmt.Sprintf("%9s ", clock(time.Since(s.began))) + fmt.Sprintf(format, args...)
	s.events = append(s.events, event{time.Since(s.began), "!!! " + format, args})
	if len(s.broken) < 10 {
		s.broken = append(s.broken, text)
	}
}

func (s *story) violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.broken)
}

// print tells the story. Of a very long one the middle is left out.
func (s *story) print(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const ends = 2000
	for i, e := range s.events {
		if i == ends && len(s.events) > 2*ends {
			fmt.Fprintf(w, "%9s ... %d events ...\n", "", len(s.events)-2*ends)
		}
		if i < ends || i >= len(s.events)-ends {
			fmt.Fprintf(w, "%9s %s\n", clock(e.at), fmt.Sprintf(e.format, e.args...))
		}
	}
}

// clock is a time since the beginning: 1:02:03.450.
func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d:%06.3f", int(d.Hours()), int(d.Minutes())%60, (d % time.Minute).Seconds())
}
