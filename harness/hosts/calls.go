package hosts

import (
	"sync"

	"perg/harness/hosts/wire"
)

// calls are those that wait for their answer.
type calls struct {
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]*waiting
}

// A waiting is one call at an agent.
type waiting struct {
	machine *Machine
	answer  chan wire.Answer
}

func (c *calls) begin(m *Machine) (uint64, *waiting) {
	w := &waiting{m, make(chan wire.Answer, 1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	if c.waiting == nil {
		c.waiting = make(map[uint64]*waiting)
	}
	c.waiting[c.last] = w
	return c.last, w
}

func (c *calls) end(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}

// answer gives an answer to the call that waits for it, if one does.
func (c *calls) answer(id uint64, a wire.Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w, ok := c.waiting[id]; ok {
		delete(c.waiting, id)
		w.answer <- a
	}
}
