package store

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"perg/models"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// made is a closed store of n replies.
func made(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	for i := range n {
		put(t, s, numbered(i), sized(i, 700))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func execute(t testing.TB, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// files is what lies in the directory of path: names and hashes.
func files(t testing.TB, path string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(filepath.Dir(path), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			found[name] = fmt.Sprintf("%x", sha256.Sum256(read(t, name)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(t *testing.T) (path string)
		want error
		says string
	}{
		{"a newer store", func(t *testing.T) string {
			path := made(t, 10)
			execute(t, path, "PRAGMA user_version = 3")
			return path
		}, ErrNewer, "made by a newer perg: schema 3, this one knows 2"},
		{"a database of another program", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "other.db")
			execute(t, path, "PRAGMA application_id = 7; CREATE TABLE reply (key)")
			return path
		}, ErrNotStore, "application_id 7"},
		{"a database without an application", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "other.db")
			execute(t, path, "CREATE TABLE t (a); INSERT INTO t VALUES (1)")
			return path
		}, ErrNotStore, "application_id 0"},
		{"a database of another program with its log", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "other.db")
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec("CREATE TABLE t (a); PRAGMA journal_mode = WAL; INSERT INTO t VALUES (1)"); err != nil {
				t.Fatal(err)
			}
			copied := filepath.Join(t.TempDir(), "other.db")
			write(t, copied, read(t, path))
			write(t, copied+"-wal", read(t, path+"-wal"))
			return copied
		}, ErrNotStore, "application_id 0"},
		{"a text", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "notes.txt")
			write(t, path, bytes.Repeat([]byte("not a database\n"), 1000))
			return path
		}, ErrNotStore, "whose beginning is damaged"},
		{"a short text", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "notes.txt")
			write(t, path, []byte("x"))
			return path
		}, ErrNotStore, "1 bytes are too few"},
		{"a directory", func(t *testing.T) string {
			return t.TempDir()
		}, ErrNotStore, "is not a file"},
		{"a directory that is not there", func(t *testing.T) string {
			return filepath.Join(t.TempDir(), "none", "replies.db")
		}, fs.ErrNotExist, "make the directory first"},
		{"half a store", func(t *testing.T) string {
			path := made(t, 500)
			write(t, path, read(t, path)[:150_000])
			return path
		}, ErrCorrupt, ".recover"},
		{"a store without its last page", func(t *testing.T) string {
			path := made(t, 500)
			content := read(t, path)
			write(t, path, content[:len(content)-4096])
			return path
		}, ErrCorrupt, ".recover"},
		{"a store with a hole", func(t *testing.T) string {
			path := made(t, 500)
			content := read(t, path)
			copy(content[len(content)/2&^4095:], make([]byte, 4096))
			write(t, path, content)
			return path
		}, ErrCorrupt, ".recover"},
		{"a store without its table", func(t *testing.T) string {
			path := made(t, 10)
			execute(t, path, "DROP TABLE reply")
			return path
		}, ErrCorrupt, "no such table"},
		{"a store of a version that never was", func(t *testing.T) string {
			path := made(t, 10)
			execute(t, path, "PRAGMA user_version = 0")
			return path
		}, ErrCorrupt, "schema 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := test.make(t)
			before := files(t, path)
			s, err := Open(path)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			t.Log(err)
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want one that is %q", err, test.want)
			}
			if !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %q, want it to say %q and the path", err, test.says)
			}
			if diff := cmp.Diff(before, files(t, path)); diff != "" {
				t.Errorf("files changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestEmptyFileBecomesAStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	write(t, path, nil)
	s := open(t, path)
	put(t, s, Key{1}, Reply{Response: models.Response{Content: "a"}})
	s.Close()
	wantReply(t, open(t, path), Key{1}, Reply{Response: models.Response{Content: "a"}})
}

func TestTruncatedAnywhere(t *testing.T) {
	path := made(t, 300)
	content := read(t, path)
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 60 {
		size := 1 + rnd.IntN(len(content)-4096) // within the last page, it is the row's checksum that tells
		write(t, path, content[:size])
		if s, err := Open(path); err == nil {
			s.Close()
			t.Errorf("opened with %d of %d bytes", size, len(content))
		} else if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNotStore) {
			t.Errorf("%d of %d bytes: %v", size, len(content), err)
		}
	}
}

// TestGarbledAnywhere overwrites some bytes of a store, and reads it as a file
// too large to be read through by Open. It is turned away or it opens, and then
// every reply is the one that was put, missing, or an error: never another one.
func TestGarbledAnywhere(t *testing.T) {
	defer func(bytes int64) { fullCheckBytes = bytes }(fullCheckBytes)
	fullCheckBytes = 0
	const n = 300
	path := made(t, n)
	content := read(t, path)
	var refused, damaged, missing, exact int
	for seed := range uint64(80) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		garbled := bytes.Clone(content)
		at := rnd.IntN(len(garbled))
		if seed%8 == 0 {
			at = rnd.IntN(4096) // the page with the header and the schema
		}
		for i := range garbled[at:min(len(garbled), at+1<<rnd.IntN(14))] {
			garbled[at+i] = byte(rnd.Uint32())
		}
		write(t, path, garbled)
		s, err := Open(path)
		if err != nil {
			refused++
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNotStore) && !errors.Is(err, ErrNewer) {
				t.Errorf("seed %d: Open: %v", seed, err)
			}
			continue
		}
		for i := range n {
			got, ok, err := s.Get(t.Context(), numbered(i))
			switch {
			case err != nil:
				damaged++
				if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), numbered(i).String()) {
					t.Errorf("seed %d: Get: %v", seed, err)
				}
			case !ok:
				missing++
			case !reflect.DeepEqual(got, sized(i, 700)):
				t.Errorf("seed %d: reply %d is not the one that was put", seed, i)
			default:
				exact++
			}
		}
		for i := range 20 {
			s.Put(t.Context(), numbered(n+i), sized(n+i, 700))
		}
		if err := s.Close(); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("seed %d: Close: %v", seed, err)
		}
	}
	t.Logf("refused %d of 80; of the replies in the others: %d damaged, %d missing, %d exact", refused, damaged, missing, exact)
	if refused == 0 || damaged == 0 || exact == 0 {
		t.Error("the test did not meet every case")
	}
}

// wantBroken checks that a failed commit stays known.
func wantBroken(t *testing.T, s *Store, lost *Commit, want error) {
	t.Helper()
	for what, err := range map[string]error{
		"Commit of what was lost": lost.Wait(t.Context()),
		"Flush":                   s.Flush(t.Context()),
	} {
		if !errors.Is(err, want) || !strings.Contains(err.Error(), s.path) {
			t.Errorf("%s: %v, want %q with the path", what, err, want)
		}
	}
	if _, err := s.Put(t.Context(), Key{0xff}, Reply{}); !errors.Is(err, want) {
		t.Errorf("Put: %v, want %q", err, want)
	}
	if _, err := s.Fail(t.Context(), Key{0xff}, Failure{}); !errors.Is(err, want) {
		t.Errorf("Fail: %v, want %q", err, want)
	}
	wantNone(t, s, Key{0xff})
	if err := s.Close(); !errors.Is(err, want) {
		t.Errorf("Close: %v, want %q", err, want)
	}
	t.Log(lost.Wait(t.Context()))
}

// fillUp puts until a put is refused, and returns the commits of all others.
func fillUp(t *testing.T, s *Store) []*Commit {
	t.Helper()
	var commits []*Commit
	for n := range 100_000 {
		c, err := s.Put(t.Context(), numbered(n), sized(n, 2000))
		if err != nil {
			return commits
		}
		commits = append(commits, c)
	}
	t.Fatal("the disk did not fill up")
	return nil
}

// wantDurableKept checks that exactly what was said to be durable is there.
func wantDurableKept(t *testing.T, path string, commits []*Commit) {
	t.Helper()
	s := open(t, path)
	durable := 0
	for n, c := range commits {
		if c.Wait(t.Context()) == nil {
			durable++
			wantReply(t, s, numbered(n), sized(n, 2000))
		} else {
			wantNone(t, s, numbered(n))
		}
	}
	t.Logf("%d of %d puts are durable", durable, len(commits))
	if durable == 0 || durable == len(commits) {
		t.Error("the test did not meet both cases")
	}
}

func TestFullDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	if _, err := s.writer.Exec("PRAGMA max_page_count = 1500"); err != nil {
		t.Fatal(err)
	}
	commits := fillUp(t, s)
	wantBroken(t, s, commits[len(commits)-1], ErrFull)
	wantDurableKept(t, path, commits)
}

func TestPutsBehindAFailureFailToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	if _, err := s.writer.Exec("PRAGMA max_page_count = 10"); err != nil {
		t.Fatal(err)
	}
	letGo := hold(t, path)
	large := put(t, s, Key{1}, Reply{Response: models.Response{Content: strings.Repeat("x", 1<<20)}})
	time.Sleep(5 * pace) // the writer has it and waits for the file
	behind := put(t, s, Key{2}, Reply{})
	if large == behind {
		t.Fatal("both are in one transaction")
	}
	letGo()
	for _, c := range []*Commit{large, behind} {
		if err := c.Wait(t.Context()); !errors.Is(err, ErrFull) {
			t.Errorf("Commit: %v, want %q", err, ErrFull)
		}
	}
	wantBroken(t, s, behind, ErrFull)
	again := open(t, path)
	wantNone(t, again, Key{1})
	wantNone(t, again, Key{2})
}

func TestDamageMetByACommit(t *testing.T) {
	defer func(bytes int64) { fullCheckBytes = bytes }(fullCheckBytes)
	fullCheckBytes = 0
	path := made(t, 2000)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	var root int
	if err := db.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = 'failure'").Scan(&root); err != nil {
		t.Fatal(err)
	}
	db.Close()
	content := read(t, path)
	copy(content[(root-1)*4096:], bytes.Repeat([]byte{0xee}, 4096))
	write(t, path, content)

	s := open(t, path)
	wantReply(t, s, numbered(7), sized(7, 700)) // what is whole can still be read
	c, err := s.Fail(t.Context(), Key{1}, Failure{Reason: "x"})
	if err != nil {
		t.Fatal(err)
	}
	wantBroken(t, s, c, ErrCorrupt)
}

func TestHeldByAnotherProcess(t *testing.T) {
	defer func(timeout, total time.Duration) { busyTimeout, patience = timeout, total }(busyTimeout, patience)
	busyTimeout = 20 * time.Millisecond
	path := made(t, 10)

	t.Run("for a while", func(t *testing.T) {
		patience = 20 * time.Second
		s := open(t, path)
		letGo := hold(t, path)
		time.AfterFunc(400*time.Millisecond, letGo)
		if err := put(t, s, Key{1}, Reply{}).Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("for good", func(t *testing.T) {
		patience = 200 * time.Millisecond
		s := open(t, path)
		defer hold(t, path)()
		wantBroken(t, s, put(t, s, Key{2}, Reply{}), ErrBusy)
	})
	t.Run("while it is opened", func(t *testing.T) {
		patience = 200 * time.Millisecond
		defer hold(t, path)()
		if s, err := Open(path); err == nil {
			s.Close()
			t.Error("opened")
		} else if !errors.Is(err, ErrBusy) {
			t.Errorf("error %v, want %q", err, ErrBusy)
		}
	})
}
