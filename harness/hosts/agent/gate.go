package agent

import "sync"

// A gate lets so many calls through at once, in the order in which they came. How
// many may change at any time.
type gate struct {
	mu      sync.Mutex
	width   int
	inside  int
	waiting []chan struct{}
}

func (g *gate) widen(width int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if width > 0 {
		g.width = width
	}
	g.let()
}

// enter waits for its turn; leave ends it.
func (g *gate) enter() {
	g.mu.Lock()
	turn := make(chan struct{})
	g.waiting = append(g.waiting, turn)
	g.let()
	g.mu.Unlock()
	<-turn
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.let()
}

// let lets in who may come. It is called with g.mu held.
func (g *gate) let() {
	for len(g.waiting) > 0 && g.inside < max(1, g.width) {
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
		g.inside++
	}
}
