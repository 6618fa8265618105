package harness_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/models"
)

// What the run in testdata/v1 holds, as its README says.
const (
	v1Generations, v1Failed = 120, 24
	v1Judgments             = 32
	v1Metrics               = 80 // 5 variants in 4 settings, over 3 sources and all of them
)

var v1Run = filepath.Join("testdata", "v1", "run")

// v1Store is a copy of the store, which opening may change.
func v1Store(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "v1", "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func v1Rows[T any](t *testing.T, table string, want int) []T {
	t.Helper()
	var rows []T
	for r, err := range data.ReadTable[T](filepath.Join(v1Run, table)) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if len(rows) != want {
		t.Fatalf("%s has %d rows, want %d", table, len(rows), want)
	}
	return rows
}

func keyOf(t *testing.T, hash string) (k store.Key) {
	t.Helper()
	if n, err := hex.Decode(k[:], []byte(hash)); err != nil || n != len(k) {
		t.Fatalf("request hash %q: %d bytes, error %v", hash, n, err)
	}
	return k
}

// Every reply and every failure that the tables tell of is in the store, under
// the key that the tables give, and says what they say. It does so again when
// the store was opened, written to and closed once.
func TestAStoreOfSchema1(t *testing.T) {
	path := v1Store(t)
	added := store.Key{1}
	for _, when := range []string{"as it was", "once it was written to"} {
		t.Run(when, func(t *testing.T) {
			s, err := store.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}()
			v1Replies(t, s)
			if _, err := s.Put(t.Context(), added, store.Reply{Response: models.Response{Content: "of today"}}); err != nil {
				t.Fatal(err)
			}
			if r, ok, err := s.Get(t.Context(), added); !ok || err != nil || r.Content != "of today" {
				t.Errorf("a reply of today: %+v, found %v, error %v", r, ok, err)
			}
		})
	}
}

func v1Replies(t *testing.T, s *store.Store) {
	t.Helper()
	failed := 0
	for _, g := range v1Rows[data.Generation](t, "generations", v1Generations) {
		k := keyOf(t, g.RequestHash)
		r, ok, err := s.Get(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		if g.Status == data.StatusError {
			failed++
			f, failure, err := s.Failure(t.Context(), k)
			if err != nil || ok || !failure || f.Reason != "response without its final message" || f.Message != g.Error || f.At.Year() != 2026 {
				t.Errorf("%s: reply %v, failure %+v, found %v, error %v; want %q", g.RequestHash, ok, f, failure, err, g.Error)
			}
			continue
		}
		if !ok {
			t.Errorf("%s of %s: no reply", g.RequestHash, g.Variant)
			continue
		}
		thinking := ""
		if g.Thinking != nil {
			thinking = *g.Thinking
		}
		want := store.Reply{
			Response: models.Response{Content: *g.Response, Thinking: thinking, DoneReason: g.DoneReason, PromptTokens: int(*g.PromptTokens), OutputTokens: int(*g.OutputTokens), Total: time.Duration(*g.TotalNS), Load: time.Duration(*g.LoadNS), PromptEval: time.Duration(*g.PromptEvalNS), Eval: time.Duration(*g.EvalNS), StartedAt: *g.StartedAt},
			Host:     g.Host, GPUs: g.GPUUUIDs, VRAM: g.VRAMBytes,
		}
		r.StartedAt = r.StartedAt.Truncate(time.Microsecond) // as tables have it
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("%s of %s (-table +store):\n%s", g.RequestHash, g.Variant, diff)
		}
	}
	if failed != v1Failed {
		t.Errorf("%d failed generations, want %d", failed, v1Failed)
	}
	for _, j := range v1Rows[data.Judgment](t, "judgments", v1Judgments) {
		r, ok, err := s.Get(t.Context(), keyOf(t, j.RequestHash))
		if err != nil || !ok || r.Content != j.Raw || int64(r.OutputTokens) != *j.OutputTokens || int64(r.Total) != *j.TotalNS {
			t.Errorf("judgment %s: %+v, found %v, error %v; want %q", j.RequestHash, r, ok, err, j.Raw)
		}
	}
}

func TestTablesOfSchema1(t *testing.T) {
	thought, right := 0, 0
	for _, g := range v1Rows[data.Generation](t, "generations", v1Generations) {
		if g.Thinking != nil {
			thought++
		}
		if g.Correct != nil && *g.Correct {
			right++
		}
	}
	if thought != 24 || right == 0 {
		t.Errorf("%d generations with thinking, want 24; %d right", thought, right)
	}
	scores := make(map[int32]int)
	for _, j := range v1Rows[data.Judgment](t, "judgments", v1Judgments) {
		scores[*j.Score]++
	}
	if scores[4] == 0 || scores[2] == 0 || len(scores) != 2 {
		t.Errorf("scores %v, want some 4 and some 2", scores)
	}
	for _, m := range v1Rows[data.Metric](t, "metrics", v1Metrics) {
		if m.Variant == "" || m.Setting == "" {
			t.Errorf("a row of metrics without its cell: %+v", m)
		}
	}
	table, err := data.OpenTable(filepath.Join(v1Run, "generations"))
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	if table.Rows() != v1Generations {
		t.Errorf("%d rows", table.Rows())
	}
}

// Every field of the manifest is read: what is written back says all that the
// file says.
func TestAManifestOfSchema1(t *testing.T) {
	m, err := rundir.ReadManifest(v1Run)
	if err != nil {
		t.Fatal(err)
	}
	if m.State != rundir.StateFinished || m.Counts == nil || m.Counts.Planned != v1Generations || m.Counts.Failed != v1Failed || m.Counts.Rated != v1Judgments || len(m.Models) != 5 {
		t.Errorf("manifest %+v", m)
	}
	text, err := os.ReadFile(filepath.Join(v1Run, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	written, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var was, is any
	if err := json.Unmarshal(text, &was); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(written, &is); err != nil {
		t.Fatal(err)
	}
	kept(t, "run.json", was, is)
}

// kept checks that all of a JSON value is in another, which may hold more.
func kept(t *testing.T, path string, was, is any) {
	t.Helper()
	switch was := was.(type) {
	case map[string]any:
		is, _ := is.(map[string]any)
		for name, v := range was {
			kept(t, path+"."+name, v, is[name])
		}
	case []any:
		is, _ := is.([]any)
		if len(is) != len(was) {
			t.Errorf("%s: %d values are read as %d", path, len(was), len(is))
			return
		}
		for i, v := range was {
			kept(t, path, v, is[i])
		}
	default:
		if !cmp.Equal(was, is) {
			t.Errorf("%s: %v is read as %v", path, was, is)
		}
	}
}
