package engine

import (
	"slices"
	"sync"
	"time"
)

// Turns tell when a server begins with calls that it was sent ahead: it works on so
// many at once, the oldest first. What a call takes is from then on: the time that
// it waited there for others is theirs.
type turns struct {
	mu      sync.Mutex
	atWork  int
	waiting []*turn
}

type turn struct {
	sent, began time.Time // began: zero while it waits
}

// send notes a call that is sent to a server that works on so many at once.
func (t *turns) send(width int) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := &turn{sent: time.Now()}
	t.waiting = append(t.waiting, one)
	t.begin(width)
	return one
}

// back notes that a call came back, and says what it took.
func (t *turns) back(one *turn, width int) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if one.began.IsZero() { // out of its turn
		one.began = one.sent
		t.waiting = slices.DeleteFunc(t.waiting, func(o *turn) bool { return o == one })
	} else {
		t.atWork--
	}
	t.begin(width)
	return time.Since(one.began)
}

func (t *turns) begin(width int) {
	for ; t.atWork < width && len(t.waiting) > 0; t.atWork++ {
		t.waiting[0].began = time.Now()
		t.waiting = t.waiting[1:]
	}
}
