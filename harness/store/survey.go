package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"time"

	"perg/models"
)

// A Held is a reply in the file, without its texts.
type Held struct {
	Key    Key
	Model  string    // that gave it; "": it was kept before replies had that
	Digest string    // of the model, its first 12 digits; "": not known, or it runs elsewhere
	At     time.Time // its call was begun; zero: not known
	Bytes  int64     // of its texts and figures
	// Answer says that a model gave it: others are of how many tokens a prompt has, and of
	// what a server makes of one.
	Answer bool
}

const selectAll = `SELECT key, length(content) + length(thinking), facts FROM reply`

// All lists the replies in the file, in no order. It does not read their texts, and so
// does not check them.
func (s *Store) All(ctx context.Context) iter.Seq2[Held, error] {
	return func(yield func(Held, error) bool) {
		for h, err := range list(ctx, s.readers) {
			if !yield(h, s.explain("list", err)) {
				return
			}
		}
	}
}

func list(ctx context.Context, db *sql.DB) iter.Seq2[Held, error] {
	return func(yield func(Held, error) bool) {
		rows, err := db.QueryContext(ctx, selectAll)
		if err != nil {
			yield(Held{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var key, facts sql.RawBytes
			var texts int64
			if err := rows.Scan(&key, &texts, &facts); err != nil {
				yield(Held{}, err)
				return
			}
			h, err := heldOf(key, texts, facts)
			if !yield(h, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Held{}, err)
		}
	}
}

func heldOf(key []byte, texts int64, stored []byte) (Held, error) {
	h := Held{Bytes: int64(len(key)) + texts + int64(len(stored))}
	if len(key) != len(h.Key) {
		return h, fmt.Errorf("%w: a key of %d bytes", errCheck, len(key))
	}
	h.Key = Key(key)
	r, ok := readFacts(stored)
	if !ok {
		return h, nil // of a reply that Get takes for damaged: nothing is known of it
	}
	h.Model, h.Digest = r.Model, r.Digest
	h.Answer = r.DoneReason != "" && !slices.Contains([]string{models.Rendered, models.NotRendered, models.Refused}, r.DoneReason)
	if r.StartedAt.Unix() != (time.Time{}).Unix() {
		h.At = r.StartedAt
	}
	return h, nil
}

// Size is what the file and those beside it take on disk, in bytes.
func (s *Store) Size() (int64, error) {
	all := int64(0)
	for _, name := range []string{s.path, s.path + "-wal", s.path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			if errors.Is(err, os.ErrNotExist) && name != s.path {
				continue
			}
			return 0, s.explain("size", err)
		}
		all += info.Size()
	}
	return all, nil
}

// A User is a run that took replies from the file, or put them there.
type User struct {
	ID, Path string    // its directory, absolute
	At       time.Time // it first did
}

// Users are made with the first of them, which a perg that knows of none does not mind.
const createUser = `
CREATE TABLE IF NOT EXISTS user (
	path TEXT    NOT NULL PRIMARY KEY,
	id   TEXT    NOT NULL,
	at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID`

// Used notes a run that uses the file, so that what no run needs any more can be told.
func (s *Store) Used(ctx context.Context, by User) error {
	return s.explain("note a run", whileBusy(func() error {
		if _, err := s.writer.ExecContext(ctx, createUser); err != nil {
			return err
		}
		_, err := s.writer.ExecContext(ctx, `INSERT INTO user (path, id, at) VALUES (?, ?, ?) ON CONFLICT (path) DO UPDATE SET id = excluded.id`, by.Path, by.ID, by.At.UnixNano())
		return err
	}))
}

// Users are the runs that were noted, the first one first: none in a file from before
// they were.
func (s *Store) Users(ctx context.Context) ([]User, error) {
	var there int
	if err := s.readers.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'user'`).Scan(&there); err != nil || there == 0 {
		return nil, s.explain("list runs", err)
	}
	rows, err := s.readers.QueryContext(ctx, `SELECT path, id, at FROM user ORDER BY at, path`)
	if err != nil {
		return nil, s.explain("list runs", err)
	}
	defer rows.Close()
	var all []User
	for rows.Next() {
		var u User
		var at int64
		if err := rows.Scan(&u.Path, &u.ID, &at); err != nil {
			return nil, s.explain("list runs", err)
		}
		u.At = time.Unix(0, at).UTC()
		all = append(all, u)
	}
	return all, s.explain("list runs", rows.Err())
}
