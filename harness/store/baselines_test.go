package store

import (
	"maps"
	"path/filepath"
	"testing"
	"time"
)

// A baseline is that of one model with its cache, thinking or not: the one of most
// answers, also after the file was closed.
func TestBaselinesAreNoted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	note := func(of Answerer, answers, right int) error {
		return s.NoteBaseline(t.Context(), of, Baseline{answers, right}, time.Now())
	}
	if got := s.Baselines(t.Context()); len(got) > 0 {
		t.Errorf("of a new file: %v", got)
	}
	plain, thinks := Answerer{Digest: "abc", KVCache: "q8_0"}, Answerer{Digest: "abc", KVCache: "q8_0", Thinks: true}
	for _, n := range []struct {
		of             Answerer
		answers, right int
	}{{plain, 20, 3}, {plain, 150, 60}, {plain, 10, 10}, {plain, 150, 90}, {thinks, 30, 30}} {
		if err := note(n.of, n.answers, n.right); err != nil {
			t.Fatal(err)
		}
	}
	if note(plain, 0, 0) == nil || note(plain, 5, 6) == nil || note(plain, 5, -1) == nil {
		t.Error("what cannot be a baseline is noted")
	}
	want := map[Answerer]Baseline{plain: {150, 90}, thinks: {30, 30}}
	if got := s.Baselines(t.Context()); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := open(t, path).Baselines(t.Context()); !maps.Equal(got, want) {
		t.Errorf("opened again: %v, want %v", got, want)
	}
}
