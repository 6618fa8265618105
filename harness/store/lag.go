package store

import (
	"sync"
	"time"
)

// lags counts how long what was put took to be durable, in milliseconds rounded
// up; the last is of all that took longer.
type lags struct {
	mu     sync.Mutex
	counts [10_001]int
	n      int
}

func (l *lags) add(entries []entry, durable time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range entries {
		ms := int((durable.Sub(e.at) + time.Millisecond - 1) / time.Millisecond)
		l.counts[max(0, min(ms, len(l.counts)-1))]++
		l.n++
	}
}

// Lag is how long the given share of what was put since Open took at most to be
// durable, to the millisecond and up to ten seconds; false where nothing was.
func (s *Store) Lag(share float64) (time.Duration, bool) {
	l := &s.lags
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := 0
	for ms, n := range l.counts {
		if sum += n; n > 0 && float64(sum) >= share*float64(l.n) {
			return time.Duration(ms) * time.Millisecond, true
		}
	}
	return 0, false
}
