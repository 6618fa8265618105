package engine

// Callers make calls in the place of a lane's seats, so that a seat can leave
// one to itself. They are used again: a call needs a stack of some size, and to
// grow one for each would cost a fast server a twentieth of its time.
type callers struct {
	next chan func()
	done <-chan struct{} // ends those that wait
}

func newCallers(done <-chan struct{}) callers { return callers{make(chan func()), done} }

// run makes a call beside the one who asks for it.
func (c callers) run(call func()) {
	select {
	case c.next <- call:
	default:
		go c.work(call)
	}
}

func (c callers) work(call func()) {
	for {
		call()
		select {
		case call = <-c.next:
		case <-c.done:
			return
		}
	}
}
