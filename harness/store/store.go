// Package store keeps what servers answered, so that no request has to be made
// twice: a SQLite file that maps a 32-byte hash of everything that determines
// a reply to that reply. Picking up an interrupted job, sharing one reply
// between several uses and sharing replies between jobs are all one look-up.
//
// The first reply to a key is kept for good. Several processes may use one
// file. What was put is durable when its Commit says so, and not before.
// Hashing, requests and what a reply means are the caller's.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Store is an open file of replies, safe for concurrent use.
type Store struct {
	path string

	readers       *sql.DB
	reply, failed *sql.Stmt

	writer              *sql.DB // one connection, used by the committing goroutine alone
	putReply, putFailed *sql.Stmt
	schema              int // the file is known to have, at least; the same goroutine's

	mu      sync.Mutex
	filling *group // what the next transaction writes
	writing *group // what the transaction in progress writes, or nil
	broken  error  // the first commit that failed
	closed  bool

	lags lags

	pending chan struct{} // something is in filling
	closing chan struct{}
	stopped chan struct{} // the committing goroutine has ended
}

const (
	selectReply = `SELECT content, thinking, facts, checksum FROM reply WHERE key = ?`
	insertReply = `INSERT INTO reply (key, content, thinking, facts, checksum) VALUES (?, ?, ?, ?, ?)
	ON CONFLICT (key) DO NOTHING`

	selectFailure = `SELECT reason, message, at FROM failure WHERE key = ?`
	insertFailure = `INSERT INTO failure (key, reason, message, at)
	SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM reply WHERE key = ?1)
	ON CONFLICT (key) DO UPDATE SET reason = excluded.reason, message = excluded.message, at = excluded.at`
)

// Get returns the reply to k, and whether there is one. It also sees what was
// put and is not durable yet. A row that does not match its checksum is
// ErrCorrupt, never a reply. A look-up that has begun is not cut short by ctx.
func (s *Store) Get(ctx context.Context, k Key) (Reply, bool, error) {
	if err := ctx.Err(); err != nil {
		return Reply{}, false, err
	}
	// In this order: a group leaves memory only after it is in the file.
	waiting := s.waiting(k)
	r, ok, err := s.read(ctx, k)
	if err == nil && !ok && waiting.reply != nil {
		r, err = waiting.reply.decode(k)
		ok = err == nil
	}
	if err != nil {
		return Reply{}, false, s.unread(k, err)
	}
	return r, ok, nil
}

// Failure returns the last failed attempt at k, and whether there is one. A
// key with a reply has none.
func (s *Store) Failure(ctx context.Context, k Key) (Failure, bool, error) {
	if err := ctx.Err(); err != nil {
		return Failure{}, false, err
	}
	waiting := s.waiting(k)
	if waiting.reply != nil {
		return Failure{}, false, nil
	}
	if waiting.failure != nil {
		_, replied, err := s.Get(ctx, k)
		if err != nil || replied {
			return Failure{}, false, err
		}
		return *waiting.failure, true, nil
	}
	var f Failure
	var at sql.NullInt64
	err := s.failed.QueryRowContext(context.WithoutCancel(ctx), k[:]).Scan(&f.Reason, &f.Message, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return Failure{}, false, nil
	}
	if err != nil {
		return Failure{}, false, s.unread(k, err)
	}
	if at.Valid {
		f.At = time.Unix(0, at.Int64).UTC()
	}
	return f, true, nil
}

// read is Get from the file alone.
func (s *Store) read(ctx context.Context, k Key) (Reply, bool, error) {
	// A context that can end costs the driver a goroutine for every query.
	rows, err := s.reply.QueryContext(context.WithoutCancel(ctx), k[:])
	if err != nil {
		return Reply{}, false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return Reply{}, false, rows.Err()
	}
	var content, thinking, facts sql.RawBytes
	var checksum uint32
	if err := rows.Scan(&content, &thinking, &facts, &checksum); err != nil {
		return Reply{}, false, fmt.Errorf("%w: %w", errCheck, err)
	}
	r, err := row{content: content, thinking: thinking, facts: facts, checksum: checksum}.decode(k)
	return r, err == nil, err
}

func (s *Store) unread(k Key, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	return s.explain("read "+k.String(), err)
}
