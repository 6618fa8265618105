package store

import (
	"maps"
	"math"
	"path/filepath"
	"testing"
	"time"
)

var (
	llama = Paced{Digest: "abc", KVCache: "q8_0", Engine: "llama-server", Version: "0.33.0", Work: "answers"}
	eight = Pace{InFlight: 8, Servers: 2, Gain: 1.2, Prompt: 1e-4, New: 2e-3, Calls: 300, Answer: 62}
)

func remember(t *testing.T, s *Store, of Paced, devices string, p Pace) {
	t.Helper()
	if err := s.Remember(t.Context(), of, devices, p, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func wantPaces(t *testing.T, s *Store, of Paced, want map[string]Pace) {
	t.Helper()
	if got := s.Paces(t.Context(), of); !maps.Equal(got, want) {
		t.Errorf("of %+v: %v, want %v", of, got, want)
	}
}

// A pace is that of one model with its cache on one kind of devices, with one
// program: the last that was measured, also after the file was closed.
func TestPacesAreRemembered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	wantPaces(t, s, llama, nil)
	remember(t, s, llama, "H200", Pace{InFlight: 4, Servers: 1, Gain: 1, Prompt: 1, New: 1, Calls: 3})
	remember(t, s, llama, "H200", eight)
	remember(t, s, llama, "RTX 4090", Pace{InFlight: 2, Servers: 1, Gain: 1, Prompt: 1, New: 1, Calls: 3})
	want := map[string]Pace{"H200": eight, "RTX 4090": {InFlight: 2, Servers: 1, Gain: 1, Prompt: 1, New: 1, Calls: 3}}
	wantPaces(t, s, llama, want)
	for _, other := range []Paced{
		{"abd", "q8_0", "llama-server", "0.33.0", "answers"}, {"abc", "f16", "llama-server", "0.33.0", "answers"},
		{"abc", "q8_0", "runner", "0.33.0", "answers"}, {"abc", "q8_0", "llama-server", "0.33.1", "answers"},
		{"abc", "q8_0", "llama-server", "0.33.0", "ratings"},
	} {
		wantPaces(t, s, other, nil)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantPaces(t, open(t, path), llama, want)
}

// A store of perg before it remembered paces gets them, and to that perg is what
// it was: its replies, and the schema that its readers have to know.
func TestAnEarlierStoreRemembersPaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	write(t, path, read(t, filepath.Join("..", "testdata", "v1", "store.db")))
	before, _ := contents(t, path)
	schema := schemaOf(t, path)
	s := open(t, path)
	wantPaces(t, s, llama, nil)
	remember(t, s, llama, "H200", eight)
	wantPaces(t, s, llama, map[string]Pace{"H200": eight})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after, _ := contents(t, path); len(after) != len(before) || schemaOf(t, path) != schema {
		t.Errorf("%d replies of %d, schema %d of %d", len(after), len(before), schemaOf(t, path), schema)
	}
}

// A pace that cannot be one is not known, and is not taken in.
func TestADamagedPaceIsNotKnown(t *testing.T) {
	path := made(t, 3)
	s := open(t, path)
	remember(t, s, llama, "H200", eight)
	remember(t, s, llama, "RTX 4090", eight)
	for _, damage := range []string{"in_flight = 0", "servers = -3", "gain = 0", "new = 9e999", "prompt = -1", "answer = -2"} {
		remember(t, s, llama, "H200", eight)
		execute(t, path, "UPDATE pace SET "+damage+" WHERE devices = 'H200'")
		wantPaces(t, s, llama, map[string]Pace{"RTX 4090": eight})
	}
	for _, wrong := range []Pace{{}, {InFlight: 1, Servers: 1, Gain: 1, Prompt: 1}, {InFlight: 1, Servers: 1, Gain: math.NaN(), Prompt: 1, New: 1}} {
		if err := s.Remember(t.Context(), llama, "H200", wrong, time.Now()); err == nil {
			t.Errorf("%+v is remembered", wrong)
		}
	}
	execute(t, path, "DROP TABLE pace; CREATE TABLE pace (other TEXT)")
	wantPaces(t, s, llama, nil)
	wantReply(t, s, numbered(1), sized(1, 700))
}
