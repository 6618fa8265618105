package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"perg/models"
)

// Replies say which model gave them, and those of before do not.
func TestRepliesListed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	of := Reply{Response: models.Response{DoneReason: "stop", Content: "12345", Thinking: "123", StartedAt: at}, Model: "a:latest", Digest: "0123456789ab", Version: "0.33.0"}
	put(t, s, Key{1}, of)
	put(t, s, Key{2}, Reply{Response: models.Response{PromptTokens: 12}})
	flush(t, s)
	wantReply(t, s, Key{1}, of)
	listed := make(map[Key]Held)
	for h, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		listed[h.Key] = h
	}
	if h := listed[Key{1}]; h.Model != "a:latest" || h.Digest != "0123456789ab" || !h.At.Equal(at) || h.Bytes < 32+8 || !h.Answer {
		t.Errorf("%+v", h)
	}
	if h := listed[Key{2}]; h.Model != "" || h.Digest != "" || h.Answer || !h.At.IsZero() || len(listed) != 2 {
		t.Errorf("%+v", h)
	}
}

// The store of a perg that knew no models is listed, with none.
func TestAStoreOfBeforeIsListed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	write(t, path, read(t, filepath.Join("..", "testdata", "v1", "store.db")))
	s := open(t, path)
	n := 0
	for h, err := range s.All(t.Context()) {
		if err != nil || h.Model != "" || h.At.IsZero() {
			t.Fatalf("%+v, error %v", h, err)
		}
		n++
	}
	if users, err := s.Users(t.Context()); n != 134 || len(users) > 0 || err != nil {
		t.Errorf("%d replies; runs %v, error %v", n, users, err)
	}
}

// What goes is gone, the rest stays as it was, and the file is smaller.
func TestPrune(t *testing.T) {
	path := made(t, 400)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	if err := s.Used(t.Context(), User{ID: "r", Path: "/r", At: time.Unix(1, 0)}); err != nil {
		t.Fatal(err)
	}
	goes := make(map[Key]bool)
	for n := range 300 {
		goes[numbered(n)] = true
	}
	removed, _, err := Prune(t.Context(), path, func(h Held) bool { return goes[h.Key] })
	if !errors.Is(err, ErrInUse) || removed != 0 {
		t.Fatalf("while it is in use: %d removed, error %v", removed, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	reading, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Prune(t.Context(), path, func(h Held) bool { return goes[h.Key] }); !errors.Is(err, ErrInUse) {
		t.Errorf("while it is read: %v", err)
	}
	if err := reading.Close(); err != nil {
		t.Fatal(err)
	}
	removed, freed, err := Prune(t.Context(), path, func(h Held) bool { return goes[h.Key] })
	after, e := os.Stat(path)
	if err != nil || e != nil || removed != 300 || freed != before.Size()-after.Size() && freed <= 0 || after.Size() > before.Size()/2 {
		t.Fatalf("%d removed, %d freed, of %d bytes are left %d; error %v", removed, freed, before.Size(), after.Size(), err)
	}
	s = open(t, path)
	for n := range 400 {
		if n >= 300 {
			wantReply(t, s, numbered(n), sized(n, 700))
		} else if _, ok, err := s.Get(t.Context(), numbered(n)); ok || err != nil {
			t.Fatalf("reply %d is there: %v, error %v", n, ok, err)
		}
	}
	if users, err := s.Users(t.Context()); err != nil || len(users) != 1 || users[0].Path != "/r" {
		t.Errorf("runs %v, error %v", users, err)
	}
	put(t, s, numbered(1), sized(1, 700))
	flush(t, s)
}

// A disk without the room for a copy keeps everything.
func TestPruneWantsRoom(t *testing.T) {
	dir := t.TempDir()
	var short *SpaceError
	if err := roomFor(dir, 1<<60); !errors.As(err, &short) || short.Need != 1<<60 || short.Free <= 0 || short.Dir != dir {
		t.Errorf("%v", err)
	}
	if err := roomFor(dir, 1); err != nil {
		t.Error(err)
	}
}

// One that opens the file while it is pruned waits, and has it whole.
func TestPruneKeepsOthersWaiting(t *testing.T) {
	path := made(t, 50)
	opened := make(chan error, 1)
	first := true
	removed, _, err := Prune(t.Context(), path, func(h Held) bool {
		if first {
			first = false
			go func() {
				s, err := Open(path)
				if err == nil {
					_, err = s.Put(context.Background(), Key{9}, Reply{Response: models.Response{Content: "new"}})
					err = errors.Join(err, s.Close())
				}
				opened <- err
			}()
			time.Sleep(200 * time.Millisecond)
		}
		return true
	})
	if err != nil || removed != 50 {
		t.Fatalf("%d removed, error %v", removed, err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	if _, ok, err := s.Get(t.Context(), Key{9}); !ok || err != nil {
		t.Errorf("what was put is there: %v, error %v", ok, err)
	}
}
