package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"perg/models"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// putLater puts a reply with fields that no perg has yet.
func putLater(s *Store, k Key, r Reply) (*Commit, error) {
	encoded := encode(k, r, later...)
	return s.add(context.Background(), entry{key: k, reply: &encoded})
}

// schemaOf is the schema that readers of the file have to know, as the file says
// to whoever opens it.
func schemaOf(t *testing.T, path string) (schema int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("PRAGMA user_version").Scan(&schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// A file has schema 1, which every perg reads, until a row needs a later one. The
// row and the schema come together, and what was there before stays.
func TestAFileIsRaisedByTheFirstRowThatNeedsIt(t *testing.T) {
	path := made(t, 20)
	s := open(t, path)
	put(t, s, numbered(20), sized(20, 700))
	fail(t, s, Key{1}, Failure{Reason: "x"})
	flush(t, s)
	if schema := schemaOf(t, path); schema != 1 {
		t.Errorf("schema %d once it was opened and written to, want 1", schema)
	}
	c, err := putLater(s, numbered(21), sized(21, 700))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if schema := schemaOf(t, path); schema != 2 {
		t.Errorf("schema %d with a row of schema 2, want 2", schema)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	put(t, again, numbered(22), sized(22, 700))
	flush(t, again)
	for n := range 23 {
		wantReply(t, again, numbered(n), sized(n, 700))
	}
	if f, ok, err := again.Failure(t.Context(), Key{1}); !ok || err != nil || f.Reason != "x" {
		t.Errorf("failure %+v, found %v, error %v", f, ok, err)
	}
	if schema := schemaOf(t, path); schema != 2 {
		t.Errorf("schema %d after a row of schema 1, want 2", schema)
	}
}

// The store of today's perg that is kept as test data has all that it had when
// it was raised.
func TestAStoreOfTodayIsRaised(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	write(t, path, read(t, filepath.Join("..", "testdata", "v1", "store.db")))
	before, failures := contents(t, path)
	if len(before) != 134 || len(failures) != 24 {
		t.Fatalf("%d replies and %d failures, want 134 and 24", len(before), len(failures))
	}
	s := open(t, path)
	if _, err := putLater(s, Key{1}, Reply{Response: models.Response{Content: "later"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before[Key{1}] = Reply{Response: models.Response{Content: "later"}}
	after, failuresAfter := contents(t, path)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("replies (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(failures, failuresAfter); diff != "" {
		t.Errorf("failures (-before +after):\n%s", diff)
	}
	if schema := schemaOf(t, path); schema != 2 {
		t.Errorf("schema %d, want 2", schema)
	}
}

// contents are all replies and failures of a store, as Get and Failure give them.
func contents(t *testing.T, path string) (map[Key]Reply, map[Key]Failure) {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	replies, failures := make(map[Key]Reply), make(map[Key]Failure)
	rows, err := s.readers.Query("SELECT key FROM reply UNION ALL SELECT key FROM failure")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key []byte
		if err := rows.Scan(&key); err != nil {
			t.Fatal(err)
		}
		k := Key(key)
		r, replied, err := s.Get(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		f, failed, err := s.Failure(t.Context(), k)
		if err != nil || replied == failed {
			t.Fatalf("key %s: reply %v, failure %v, error %v", k, replied, failed, err)
		}
		if replied {
			replies[k] = r
		} else {
			failures[k] = f
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return replies, failures
}

// A row that cannot be written leaves the file as it was, to every perg.
func TestAFileThatCannotBeRaised(t *testing.T) {
	path := made(t, 20)
	s := open(t, path)
	if _, err := s.writer.Exec("PRAGMA max_page_count = 20"); err != nil {
		t.Fatal(err)
	}
	c, err := putLater(s, Key{1}, Reply{Response: models.Response{Content: strings.Repeat("x", 1<<20)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(t.Context()); !errors.Is(err, ErrFull) {
		t.Errorf("error %v, want %q", err, ErrFull)
	}
	s.Close()
	if schema := schemaOf(t, path); schema != 1 {
		t.Errorf("schema %d, want 1", schema)
	}
	again := open(t, path)
	wantNone(t, again, Key{1})
	for n := range 20 {
		wantReply(t, again, numbered(n), sized(n, 700))
	}
}

// Several that have the file open raise it at a time, and go on.
func TestAFileRaisedByManyAtOnce(t *testing.T) {
	for range 5 {
		path := made(t, 3)
		var stores []*Store
		for range 6 {
			stores = append(stores, open(t, path))
		}
		var wg sync.WaitGroup
		for i, s := range stores {
			wg.Go(func() {
				for n := range 4 {
					put := putLater
					if n%2 == 1 {
						put = func(s *Store, k Key, r Reply) (*Commit, error) { return s.Put(t.Context(), k, r) }
					}
					c, err := put(s, numbered(100*i+n+10), sized(n, 50))
					if err == nil {
						err = c.Wait(t.Context())
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for i := range stores {
			for n := range 4 {
				wantReply(t, stores[0], numbered(100*i+n+10), sized(n, 50))
			}
		}
		if schema := schemaOf(t, path); schema != 2 {
			t.Errorf("schema %d, want 2", schema)
		}
	}
}

// A perg of later that raised the file further while this one has it open is
// not undone.
func TestAFileIsNeverLowered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	execute(t, path, "PRAGMA user_version = 3")
	c, err := putLater(s, Key{1}, Reply{Response: models.Response{Content: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if schema := schemaOf(t, path); schema != 3 {
		t.Errorf("schema %d, want 3 as it was", schema)
	}
}
