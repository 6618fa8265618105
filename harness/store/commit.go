package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	// A transaction starts when there is something to commit and the last one
	// started this long ago: 50 syncs a second at most, and a put that comes
	// alone is committed at once.
	pace = 20 * time.Millisecond

	// Puts that find this much in a group wait for the next one. Two groups at
	// most are in memory; what they take to commit, some 60 ms where the disk
	// is not shared, bounds how long a put is not durable.
	groupPuts  = 512
	groupBytes = 32 << 20
)

// Commit is what becomes of a put. All puts of one transaction share it.
type Commit struct {
	done chan struct{}
	err  error
}

// Done is closed once the put is durable or has failed.
func (c *Commit) Done() <-chan struct{} { return c.done }

// Wait returns nil once the put is durable, the error that kept it from
// becoming so, or the error of ctx, which undoes nothing. After Done it
// returns the outcome at once, whatever ctx says.
func (c *Commit) Wait(ctx context.Context) error {
	select {
	case <-c.done:
		return c.err
	default:
	}
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// group is the puts of one transaction.
type group struct {
	commit  *Commit
	taken   chan struct{} // closed when the next group takes over
	entries []entry
	at      map[Key]int // index in entries
	bytes   int
}

// entry is a reply or a failure.
type entry struct {
	key     Key
	reply   *row
	failure *Failure
	at      time.Time // it was put
}

func newGroup() *group {
	return &group{commit: &Commit{done: make(chan struct{})}, taken: make(chan struct{}), at: map[Key]int{}}
}

func (g *group) full() bool { return len(g.entries) >= groupPuts || g.bytes >= groupBytes }

// add takes e in by the rules the file follows: the first reply stays, a reply
// replaces a failure, a failure replaces a failure.
func (g *group) add(e entry) {
	if i, ok := g.at[e.key]; !ok {
		g.at[e.key] = len(g.entries)
		g.entries = append(g.entries, e)
	} else if g.entries[i].reply == nil {
		g.entries[i] = e
	} else {
		return
	}
	if e.reply != nil {
		g.bytes += len(e.reply.content) + len(e.reply.thinking)
	} else {
		g.bytes += len(e.failure.Message)
	}
}

// Put takes in the reply to k and returns at once; Get sees it from then on.
// The Commit tells when it is durable, normally within 50 ms and at most 250 ms
// on a disk that keeps up. If k has a reply already, that one stays.
//
// Put waits only while a full group is ahead of it, and ctx ends only that
// wait. Once the file could not be written, every Put, Fail and Flush reports
// why, and so do the Commits of what was lost by it.
func (s *Store) Put(ctx context.Context, k Key, r Reply) (*Commit, error) {
	encoded := encode(k, r)
	return s.add(ctx, entry{key: k, reply: &encoded})
}

// Fail takes in a failed attempt at k, as Put does a reply. It replaces an
// earlier failure, and changes nothing where k has a reply.
func (s *Store) Fail(ctx context.Context, k Key, f Failure) (*Commit, error) {
	f.At = f.At.Round(0).UTC()
	return s.add(ctx, entry{key: k, failure: &f})
}

func (s *Store) add(ctx context.Context, e entry) (*Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.refusal() == nil && s.filling.full() {
		taken := s.filling.taken
		s.mu.Unlock()
		select {
		case <-taken:
			s.mu.Lock()
		case <-ctx.Done():
			s.mu.Lock()
			return nil, ctx.Err()
		}
	}
	if err := s.refusal(); err != nil {
		return nil, err
	}
	e.at = time.Now()
	s.filling.add(e)
	select {
	case s.pending <- struct{}{}:
	default:
	}
	return s.filling.commit, nil
}

// refusal is why nothing more is taken in, or nil.
func (s *Store) refusal() error {
	if s.closed {
		return ErrClosed
	}
	return s.broken
}

// Flush returns when everything put before it is durable, and gives back the
// memory that writing took.
func (s *Store) Flush(ctx context.Context) error {
	s.mu.Lock()
	err, g := s.refusal(), s.writing
	if len(s.filling.entries) > 0 {
		g = s.filling
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if g != nil {
		if err := g.commit.Wait(ctx); err != nil {
			return err
		}
	}
	_, err = s.writer.ExecContext(ctx, "PRAGMA shrink_memory")
	return s.explain("flush", err)
}

// Close makes what was put durable and closes the file. It returns the error
// that kept anything put from becoming durable, now or before.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.closed = true
	s.mu.Unlock()
	close(s.closing)
	<-s.stopped
	err := s.closeFile()
	if s.broken != nil && !errors.Is(s.broken, ErrReadOnly) {
		return s.broken
	}
	return s.explain("close", err)
}

// waiting is what was put under k and is not in the file yet.
func (s *Store) waiting(k Key) entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var older entry
	if s.writing != nil {
		if i, ok := s.writing.at[k]; ok {
			older = s.writing.entries[i]
		}
	}
	if i, ok := s.filling.at[k]; ok && older.reply == nil {
		return s.filling.entries[i]
	}
	return older
}

// commitGroups is the one goroutine that writes.
func (s *Store) commitGroups() {
	defer close(s.stopped)
	var last time.Time
	for open := true; open; {
		select {
		case <-s.pending:
			select {
			case <-time.After(time.Until(last.Add(pace))):
			case <-s.closing:
				open = false
			}
		case <-s.closing:
			open = false
		}
		last = time.Now()
		s.commitGroup()
	}
}

func (s *Store) commitGroup() {
	s.mu.Lock()
	g, err := s.filling, s.broken
	if len(g.entries) == 0 {
		s.mu.Unlock()
		return
	}
	s.filling, s.writing = newGroup(), g
	s.mu.Unlock()
	close(g.taken)

	if err == nil {
		err = s.explain(fmt.Sprintf("commit %d rows", len(g.entries)), s.write(g))
	}

	s.mu.Lock()
	s.writing, s.broken = nil, err
	s.mu.Unlock()
	if err == nil {
		s.lags.add(g.entries, time.Now())
	}
	g.commit.err = err
	close(g.commit.done)
}

// write stores g in one transaction.
func (s *Store) write(g *group) error {
	ctx := context.Background()
	return whileBusy(func() error {
		tx, err := s.writer.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		putReply, putFailed := tx.StmtContext(ctx, s.putReply), tx.StmtContext(ctx, s.putFailed)
		schema := s.schema
		for _, e := range g.entries {
			if r := e.reply; r != nil {
				if r.schema > schema {
					schema = r.schema
					if err := raise(ctx, tx, schema); err != nil {
						return err
					}
				}
				_, err = putReply.ExecContext(ctx, e.key[:], r.content, r.thinking, r.facts, r.checksum)
			} else {
				f := e.failure
				at := sql.NullInt64{Int64: f.At.UnixNano(), Valid: !f.At.IsZero()}
				_, err = putFailed.ExecContext(ctx, e.key[:], []byte(f.Reason), []byte(f.Message), at)
			}
			if err != nil {
				return err
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		s.schema = schema
		return nil
	})
}
