package engine

import (
	"sync"

	"perg/harness/store"
)

// Flights are the calls that are being made, so that equal ones are made once,
// whatever their lanes. One that waits for another lane's may leave it.
type flights struct {
	mu  sync.Mutex
	all map[store.Key]*flight
}

type flight struct {
	landed chan struct{}
	answer answer // read after landed
	err    error  // read after landed
}

// board gives the flight of a key. Where it is the caller's own, it must land
// it.
func (f *flights) board(k store.Key) (fl *flight, own bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.all[k]; fl != nil {
		return fl, false
	}
	if f.all == nil {
		f.all = make(map[store.Key]*flight)
	}
	fl = &flight{landed: make(chan struct{})}
	f.all[k] = fl
	return fl, true
}

func (f *flights) land(k store.Key, fl *flight, a answer, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl.answer, fl.err = a, err
	delete(f.all, k)
	close(fl.landed)
}
