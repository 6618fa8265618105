package main

import (
	"io"
	"slices"
	"sync"
	"time"
)

// A spool writes what it is given, in that order, in a goroutine of its own. A
// terminal that is stopped (Ctrl-S), a pager that nobody scrolls, a pipe that
// nobody reads: they stop that goroutine, and none that has something to say.
//
// Progress is worth something only while it is new: of what waits the oldest is
// left out where there is too much of it. Nothing else is ever left out.
type spool struct {
	w    io.Writer
	most int                   // messages of progress that wait
	gap  func(lost int) string // what stands in the place of so many

	mu       sync.Mutex
	waiting  []message
	progress int           // of those
	writing  chan struct{} // closed once nothing waits any more; nil: nothing does
	stuck    chan struct{} // the writing that somebody gave up waiting for
	err      error         // of the last write
}

// A message is written whole.
type message struct {
	text     string
	progress bool
	lost     int // messages of progress left out before this one
}

// put never waits. A message without text has a [live] writer draw anew what it
// shows; so does any that waits.
func (s *spool) put(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.text == "" && len(s.waiting) > 0 {
		return
	}
	s.waiting = append(s.waiting, m)
	if m.progress {
		if s.progress++; s.progress > s.most {
			s.loseOldest()
		}
	}
	if s.writing == nil {
		s.writing = make(chan struct{})
		go s.write()
	}
}

// loseOldest leaves the oldest progress out; the progress after it tells.
func (s *spool) loseOldest() {
	isProgress := func(m message) bool { return m.progress }
	i := slices.IndexFunc(s.waiting, isProgress)
	lost := s.waiting[i].lost + 1
	s.waiting = slices.Delete(s.waiting, i, i+1)
	s.progress--
	s.waiting[i+slices.IndexFunc(s.waiting[i:], isProgress)].lost += lost
}

// write ends when there is nothing more to write.
func (s *spool) write() {
	for {
		m, ok := s.next()
		if !ok {
			return
		}
		if m.lost > 0 {
			m.text = s.gap(m.lost) + m.text
		}
		_, err := io.WriteString(s.w, m.text)
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
	}
}

func (s *spool) next() (m message, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		close(s.writing)
		s.writing, s.waiting = nil, nil
		return message{}, false
	}
	m, s.waiting = s.waiting[0], s.waiting[1:]
	if m.progress {
		s.progress--
	}
	return m, true
}

// flush waits until all is written, however long that takes, and returns the
// error of the last write.
func (s *spool) flush() error {
	s.mu.Lock()
	writing := s.writing
	s.mu.Unlock()
	if writing != nil {
		<-writing
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// flushWithin is flush for so long at most. Where it gave up once it does not
// wait again for what waited then.
func (s *spool) flushWithin(limit time.Duration) {
	s.mu.Lock()
	writing, stuck := s.writing, s.stuck
	s.mu.Unlock()
	if writing == nil || writing == stuck {
		return
	}
	select {
	case <-writing:
	case <-time.After(limit):
		s.mu.Lock()
		s.stuck = writing
		s.mu.Unlock()
	}
}
