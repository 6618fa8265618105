package harness

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ollama/ollama/api"

	"perg/data"
	"perg/harness/store"
	"perg/models"
	"perg/models/ollamatest"
)

func TestMain(m *testing.M) { os.Exit(ollamatest.Main(m)) }

// A witness stands between perg and a real server. It knows which calls were
// made, and which of them the store had a reply to when they were made again.
type witness struct {
	t       *testing.T
	digests map[string]string // of models

	mu        sync.Mutex
	made      map[store.Key]int
	committed map[store.Key]bool // at the last kill
	doubled   int
	calls     int
	killAt    int // number of calls after which kill is called
	kill      func()
}

func (w *witness) see(_ http.ResponseWriter, _ *http.Request, body []byte) bool {
	var r api.ChatRequest
	if err := json.Unmarshal(body, &r); err != nil {
		w.t.Error(err)
	}
	if len(r.Messages) == 0 {
		return false // a load, or an unload
	}
	key := w.key(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made[key]++
	if w.committed[key] {
		w.doubled++
	}
	if w.calls++; w.calls == w.killAt {
		w.kill()
	}
	return false
}

// key is that of the call which a request on the wire makes.
func (w *witness) key(r api.ChatRequest) store.Key {
	number := func(name string) int { return int(r.Options[name].(float64)) }
	c := call{
		variant: &Variant{Installed: models.Installed{Digest: w.digests[r.Model]}},
		request: models.Request{
			System: r.Messages[0].Content, User: r.Messages[1].Content, Format: r.Format,
			Options: models.Options{NumPredict: number("num_predict"), Seed: number("seed")},
		},
	}
	return c.key()
}

// remember notes which calls have a reply in the store, whose process is dead.
func (w *witness) remember(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := os.Stat(path); err != nil {
		return // killed before it was made
	}
	s, err := store.Open(path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Close()
	for key := range w.made {
		if _, ok, err := s.Get(w.t.Context(), key); err != nil {
			w.t.Fatal(err)
		} else if ok {
			w.committed[key] = true
		} else if w.committed[key] {
			w.t.Errorf("the store lost the reply to %s", key)
		}
	}
}

func rows[T any](t *testing.T, run, name string) []T {
	t.Helper()
	var all []T
	for r, err := range data.ReadTable[T](filepath.Join(run, name)) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// perg is killed -9 again and again, by calls and by the clock; then the same
// command finishes. Nothing is lost, nothing doubled, and the tables are those
// of a run that was left alone.
func TestKilledAtRandomPoints(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what needs a real server")
	}
	host := ollamatest.Shared(t, map[string]models.Chain{
		"swayed": models.Swayed(models.Sway{Plain: "A", Under: "B", SystemOver: 100}),
		"vague":  models.Vague(),
		"judge":  models.Judge(models.Ratings{Score: 4}),
	})
	dir := t.TempDir()
	perg := filepath.Join(dir, "perg")
	if text, err := exec.Command("go", "build", "-o", perg, "perg/cmd/perg").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	client, err := models.NewClient(host)
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := client.Catalogue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{t: t, digests: map[string]string{}, made: map[store.Key]int{}, committed: map[store.Key]bool{}}
	for _, m := range catalogue {
		w.digests[m.Name] = m.Digest
	}
	command := func(host, name string) *exec.Cmd {
		return exec.Command(perg, "run", "swayed", "vague", "--judge", "judge", "--limit", "12", "--num-ctx", "8192", "--parallel", "4",
			"--host", host, "--store", filepath.Join(dir, name+".db"), "--out", filepath.Join(dir, name))
	}
	if text, err := command(host, "whole").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}

	host = ollamatest.Proxy(t, host, w.see)
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	points := 0
	start := func(arm func(kill func())) {
		c := command(host, "killed")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		arm(func() { c.Process.Kill() })
		if err := c.Wait(); err != nil && c.ProcessState.ExitCode() == -1 {
			points++
		}
		w.mu.Lock()
		w.killAt = 0
		w.mu.Unlock()
		w.remember(filepath.Join(dir, "killed.db"))
		for _, name := range []string{"generations", "judgments", "metrics"} {
			for _, err := range data.ReadTable[struct {
				Variant string `parquet:"variant"`
			}](filepath.Join(dir, "killed", name)) {
				if err != nil && !errors.Is(err, data.ErrNoTable) {
					t.Errorf("after a kill: %v", err)
				}
			}
		}
	}
	for range 20 {
		start(func(kill func()) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.killAt, w.kill = w.calls+1+rng.IntN(10), kill
		})
	}
	if text, err := command(host, "killed").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	// Now every reply is known: these die while they look up and write tables.
	for range 12 {
		after := time.Duration(rng.IntN(200)) * time.Millisecond
		start(func(kill func()) { time.AfterFunc(after, kill) })
	}
	if text, err := command(host, "killed").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}

	if points < 15 {
		t.Errorf("only %d kills hit a running process", points)
	}
	whole, killed := filepath.Join(dir, "whole"), filepath.Join(dir, "killed")
	want, got := rows[data.Generation](t, whole, "generations"), rows[data.Generation](t, killed, "generations")
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(data.Generation{}, "RunID", "TotalNS", "LoadNS", "PromptEvalNS", "EvalNS", "StartedAt", "Host")); diff != "" {
		t.Errorf("generations differ:\n%s", diff)
	}
	if diff := cmp.Diff(rows[data.Judgment](t, whole, "judgments"), rows[data.Judgment](t, killed, "judgments"),
		cmpopts.IgnoreFields(data.Judgment{}, "RunID", "TotalNS")); diff != "" {
		t.Errorf("judgments differ:\n%s", diff)
	}
	if diff := cmp.Diff(rows[data.Metric](t, whole, "metrics"), rows[data.Metric](t, killed, "metrics"),
		cmpopts.IgnoreFields(data.Metric{}, "OutputTokensPerSecond")); diff != "" {
		t.Errorf("metrics differ:\n%s", diff)
	}
	if w.doubled > 0 {
		t.Errorf("%d calls were made again though their reply was committed", w.doubled)
	}
	again := 0
	for _, n := range w.made {
		again += n - 1
	}
	t.Logf("seed %d: %d kills, %d of %d rows, %d calls for %d requests (%d cut off by a kill and made again), %d made again though committed",
		seed, points, len(got), len(want), w.calls, len(w.made), again, w.doubled)
}
