//go:build cgo

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ollama/ollama/api"
	"golang.org/x/sync/errgroup"

	"perg/data"
	"perg/gpu"
	"perg/gpu/cudatest"
	"perg/harness/rundir"
	"perg/models"
	"perg/models/ollamatest"
)

// A machine is one with a GPU, on which perg starts servers of its own.
type machine struct {
	bench
	gpu   *gpu.GPU // nil: the processor stands in for one, and figures are not judged
	model string
}

// onMachine skips a test that needs a GPU, unless `make test-gpu` says that there
// is one. PERG_TEST_GPU=processor goes through the same motions without.
func onMachine(t *testing.T) machine {
	t.Helper()
	where := os.Getenv("PERG_TEST_GPU")
	if where == "" {
		t.Skip("waits for an NVIDIA GPU: make test-gpu")
	}
	if cache, err := os.UserCacheDir(); err == nil {
		t.Setenv("XDG_CACHE_HOME", cache) // where the weights are, while HOME is another
	}
	m := machine{bench: ownServers(t)}
	t.Run("weights", func(t *testing.T) { // the server stops with the subtest
		s := ollamatest.Start(t, models.ServerConfig{Models: os.Getenv("OLLAMA_MODELS")})
		m.model = ollamatest.SmolLM2(t, s.URL())
	})
	if m.model == "" {
		t.Skip("no real weights: models/fetch-smollm2.sh fetches them")
	}
	if where == "processor" {
		return m
	}
	inventory, err := gpu.Discover()
	if err != nil {
		t.Fatal(err)
	}
	m.gpu = &inventory.GPUs[0]
	return m
}

// start is a run of the model in a folder, on the first GPU alone.
func (m machine) start(name string, args ...string) (out string, status int, text string) {
	m.t.Helper()
	out = filepath.Join(m.dir, name)
	all := []string{"run", m.model, "--store", filepath.Join(m.dir, "store.db"), "--out", out, "--lanes", "1", "--extractor", "none", "--null", "0"}
	status, stdout, stderr := m.perg(m.t.Context(), append(all, args...)...)
	return out, status, stdout + stderr
}

// finished is a run that has to end well, with every row.
func (m machine) finished(name string, rows int, args ...string) (out string) {
	m.t.Helper()
	out, status, text := m.start(name, args...)
	if status != exitDone {
		m.t.Fatalf("%s: exit status %d\n%s", name, status, text)
	}
	m.whole(out, rows)
	return out
}

// whole checks that a run lost no row.
func (m machine) whole(out string, rows int) {
	m.t.Helper()
	found, err := rundir.ReadManifest(out)
	if err != nil {
		m.t.Fatal(err)
	}
	if c := found.Counts; c == nil || c.OK != rows || c.Failed+c.Missing+c.Unjudged > 0 {
		m.t.Errorf("%s: %+v, want %d rows and none lost", filepath.Base(out), c, rows)
	}
}

// speed is how many new tokens a second a run's answers had, from the first call's
// start to the last one's end.
func speed(rows []data.Generation) float64 {
	var first, last time.Time
	tokens := 0.0
	for _, g := range rows {
		end := g.StartedAt.Add(time.Duration(*g.TotalNS))
		if first.IsZero() || g.StartedAt.Before(first) {
			first = *g.StartedAt
		}
		if end.After(last) {
			last = end
		}
		tokens += float64(*g.OutputTokens)
	}
	return tokens / last.Sub(first).Seconds()
}

// bare is what a client that keeps nothing gets of a run's calls, so many at once
// at each of several servers on the GPU: new tokens a second.
func (m machine) bare(rows []data.Generation, numCtx, width, servers int) (perSecond float64) {
	m.t.Helper()
	m.t.Run(fmt.Sprintf("bare, %d servers, %d at a time", servers, width), func(t *testing.T) { // the servers stop with the subtest
		var clients []*api.Client
		for range servers {
			config := models.ServerConfig{Models: os.Getenv("OLLAMA_MODELS"), Slots: width}
			if m.gpu != nil {
				config.GPUs = []string{m.gpu.UUID}
			}
			base, err := models.ParseHost(ollamatest.Start(t, config).URL())
			if err != nil {
				t.Fatal(err)
			}
			clients = append(clients, api.NewClient(base, http.DefaultClient))
		}
		no := false
		ask := func(c *api.Client, g data.Generation, most int) (tokens int, err error) {
			r := &api.ChatRequest{
				Model: g.Model, Stream: &no, Messages: []api.Message{{Role: "system", Content: *g.SystemPrompt}, {Role: "user", Content: g.UserPrompt}},
				Options: map[string]any{"num_ctx": numCtx, "num_batch": 512, "num_predict": most, "seed": 42, "temperature": 0, "repeat_penalty": 1.0, "top_k": 1, "repeat_last_n": 0},
			}
			err = c.Chat(t.Context(), r, func(a api.ChatResponse) error {
				tokens += a.EvalCount
				return nil
			})
			return tokens, err
		}
		for _, c := range clients { // which loads the model
			if _, err := ask(c, rows[0], 1); err != nil {
				t.Fatal(err)
			}
		}
		todo, tokens := make(chan data.Generation, len(rows)), make(chan int, len(rows))
		for _, g := range rows {
			todo <- g
		}
		close(todo)
		began := time.Now()
		var all errgroup.Group
		for i := range servers * width {
			all.Go(func() error {
				for g := range todo {
					n, err := ask(clients[i%servers], g, answerTokens)
					if err != nil {
						return err
					}
					tokens <- n
				}
				return nil
			})
		}
		if err := all.Wait(); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		close(tokens)
		for n := range tokens {
			perSecond += float64(n)
		}
		perSecond /= took.Seconds()
		t.Logf("%.0f tokens/s", perSecond)
	})
	return perSecond
}

// answerTokens bounds an answer of the tests.
const answerTokens = 64

// perg gets of a card what a bare client gets at its best number of calls and
// servers, and keeps it busy: in a run that begins with what the one before found.
func TestMachineThroughput(t *testing.T) {
	m := onMachine(t)
	items, widths, servers := 150, []int{4, 8, 16}, []int{1, 2, 3}
	if m.gpu == nil {
		items, widths, servers = 6, []int{1, 2}, []int{1, 2}
	}
	args := []string{"--settings", "relevant", "--limit", strconv.Itoa(items), "--num-predict", strconv.Itoa(answerTokens)}
	m.finished("first", 2*items, args...)
	out := m.finished("second", 2*items, append(args, "--seed", "7")...)
	rows := table[data.Generation](t, out, "generations")
	manifest, err := rundir.ReadManifest(out)
	if err != nil {
		t.Fatal(err)
	}
	load := manifest.Loads[len(manifest.Loads)-1]
	best := 0.0
	for _, s := range servers {
		for _, width := range widths {
			best = max(best, m.bare(rows, load.NumCtx, width, s))
		}
	}
	got := speed(rows)
	t.Logf("perg %.0f tokens/s, a bare client at most %.0f: %.2f; %d loads, the last %+v", got, best, got/best, len(manifest.Loads), load)
	if m.gpu == nil {
		return
	}
	if got < 0.97*best {
		t.Errorf("perg %.0f tokens/s, a bare client %.0f", got, best)
	}
	used, n := 0.0, 0.0
	for _, s := range table[data.GPUSample](t, out, "gpu_samples") {
		if s.GPUUUID == m.gpu.UUID && s.Method != "" && s.GPUUtilization != nil {
			used, n = used+*s.GPUUtilization, n+1
		}
	}
	if t.Logf("GPU use %.1f %% in %.0f samples", 100*used/n, n); n == 0 || used/n < 0.9 {
		t.Errorf("the GPU was used %.1f %% of the time", 100*used/n)
	}
}

// What a load takes is what was planned, by the server and by NVML; and nothing is
// left of it.
func TestMachineFootprint(t *testing.T) {
	m := onMachine(t)
	before := m.used()
	out := m.finished("run", 24, "--settings", "relevant", "--limit", "12", "--num-predict", strconv.Itoa(answerTokens))
	manifest, err := rundir.ReadManifest(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range manifest.Loads {
		if l.Estimate == nil {
			continue
		}
		off := float64(*l.Estimate)/float64(l.Size) - 1
		if t.Logf("%d bytes planned, %d reported: %+.1f %%", *l.Estimate, l.Size, 100*off); max(off, -off) > 0.05 {
			t.Errorf("%d bytes planned, %d reported", *l.Estimate, l.Size)
		}
	}
	if m.gpu == nil {
		return
	}
	peak, own := int64(0), int64(0)
	for _, s := range table[data.GPUSample](t, out, "gpu_samples") {
		if s.GPUUUID == m.gpu.UUID && s.MemoryUsed != nil {
			peak = max(peak, *s.MemoryUsed)
			if s.ProcessMemory != nil {
				own = max(own, *s.ProcessMemory)
			}
		}
	}
	t.Logf("NVML saw %d bytes more than before, %d of them the servers'", peak-before, own)
	if own == 0 || own > peak {
		t.Errorf("of %d bytes in use at most, %d are the servers'", peak, own)
	}
	if left := m.used() - before; left > 64<<20 {
		t.Errorf("%d bytes more are in use than before the run", left)
	}
}

// used are the bytes in use on the GPU; 0 without one.
func (m machine) used() int64 {
	m.t.Helper()
	if m.gpu == nil {
		return 0
	}
	all, err := gpu.MemoryInUse(m.t.Context(), []string{m.gpu.UUID})
	if err != nil {
		m.t.Fatal(err)
	}
	return int64(all[m.gpu.UUID].Used)
}

// A judge stays beside variants of several KV caches, and no row is lost to it.
func TestMachineResidentJudge(t *testing.T) {
	m := onMachine(t)
	items := 12
	if m.gpu == nil {
		items = 2
	}
	out := m.finished("run", 2*2*items, "--judge", "judge", "--judge-all", "--kv-cache", "f16,q8_0", "--settings", "relevant", "--limit", strconv.Itoa(items), "--num-predict", strconv.Itoa(answerTokens))
	ratings := table[data.Judgment](t, out, "judgments")
	if len(ratings) != 2*items || slices.ContainsFunc(ratings, func(j data.Judgment) bool { return j.Status != data.StatusOK }) {
		t.Errorf("%d ratings, want %d, all of them well", len(ratings), 2*items)
	}
}

// Another program takes most of the GPU's memory, and lets go of it: what could
// not be done meanwhile is done by the same command.
func TestMachineForeignMemory(t *testing.T) {
	m := onMachine(t)
	release := func() error { return nil }
	if m.gpu != nil {
		t.Setenv("CUDA_VISIBLE_DEVICES", m.gpu.UUID) // CUDA orders devices by its own lights
		if err := cudatest.Open(); err != nil {
			t.Fatal(err)
		}
		inventory, err := gpu.Discover()
		if err != nil {
			t.Fatal(err)
		}
		const left = 256 << 20
		if release, err = cudatest.Allocate(*inventory.GPUs[0].MemoryFree - left); err != nil {
			t.Fatal(err)
		}
		os.Unsetenv("CUDA_VISIBLE_DEVICES") // perg gives its servers their own
	}
	args := []string{"--settings", "relevant", "--limit", "12", "--num-predict", strconv.Itoa(answerTokens)}
	_, status, text := m.start("run", args...)
	t.Logf("while it is held: exit status %d", status)
	if m.gpu != nil && status == exitDone && !strings.Contains(text, "CPU") {
		t.Errorf("a model fits where %d MiB are free\n%s", 256, text)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	m.finished("run", 24, args...)
}

// Runners that are killed under load cost their calls' time, and no row.
func TestMachineKilledRunners(t *testing.T) {
	m := onMachine(t)
	// A call that two runners in a row died with is taken to have ended them: they
	// are killed so far apart that it was answered in between.
	items, apart := 150, 3*time.Second
	if m.gpu == nil {
		items, apart = 12, 20*time.Second
	}
	ended := make(chan struct{})
	killed := make(chan int, 1)
	go func() {
		n := 0
		defer func() { killed <- n }()
		for n < 2 {
			select {
			case <-ended:
				return
			case <-time.After(apart):
				for _, server := range servers(os.Getpid()) {
					n += min(1, killRunners(t, server))
				}
			}
		}
	}()
	out := m.finished("run", 2*items, "--settings", "relevant", "--limit", strconv.Itoa(items), "--num-predict", strconv.Itoa(answerTokens))
	close(ended)
	if n := <-killed; n < 2 {
		t.Errorf("%d runners were killed: the run was too short", n)
	}
	answers := make(map[string]int)
	for _, g := range table[data.Generation](t, out, "generations") {
		answers[cmp.Or(g.Status, "none")]++
	}
	t.Log(answers)
}

// servers are the processes `ollama serve` below another process.
func servers(of int) (found []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", of)) // the pattern is good
	for _, path := range tasks {
		text, _ := os.ReadFile(path) // a task may have ended
		for _, field := range strings.Fields(string(text)) {
			pid, _ := strconv.Atoi(field)
			command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if bytes.HasSuffix(bytes.TrimRight(command, "\x00"), []byte("\x00serve")) {
				found = append(found, pid)
			}
			found = append(found, servers(pid)...)
		}
	}
	return found
}
