package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"perg/data"
	"perg/models/ollamatest"
)

// sameResults compares two runs in all but times, names of runs and hosts;
// ignore names further fields of generations and judgments.
func sameResults(t *testing.T, a, b string, ignore ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(table[data.Generation](t, a, "generations"), table[data.Generation](t, b, "generations"), append(ignore,
		cmpopts.IgnoreFields(data.Generation{}, "RunID", "TotalNS", "LoadNS", "PromptEvalNS", "EvalNS", "StartedAt", "Host"))...); diff != "" {
		t.Errorf("generations differ:\n%s", diff)
	}
	if diff := cmp.Diff(table[data.Judgment](t, a, "judgments"), table[data.Judgment](t, b, "judgments"), append(ignore,
		cmpopts.IgnoreFields(data.Judgment{}, "RunID", "TotalNS"))...); diff != "" {
		t.Errorf("judgments differ:\n%s", diff)
	}
	if diff := cmp.Diff(table[data.Metric](t, a, "metrics"), table[data.Metric](t, b, "metrics"),
		cmpopts.IgnoreFields(data.Metric{}, "OutputTokensPerSecond", "OutputTokensPerSecondLow", "OutputTokensPerSecondHigh", "Seconds")); diff != "" {
		t.Errorf("metrics differ:\n%s", diff)
	}
}

func TestInterruptedAndResumed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	models := []string{"swayed", "vague", "--judge", "judge", "--limit", "9"}
	whole := filepath.Join(b.dir, "whole")
	if status, _, stderr := b.run(append(models, "--out", whole, "--store", filepath.Join(b.dir, "whole.db"))...); status != exitDone {
		t.Fatal(status, stderr)
	}

	ctx, interrupt := context.WithCancel(t.Context())
	var calls atomic.Int32
	host := b.host
	b.host = ollamatest.Proxy(t, host, func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		if !measures(body) && calls.Add(1) == 40 {
			interrupt()
		}
		return false
	})
	status, stdout, stderr := b.perg(ctx, b.args(models...)...)
	if status != exitInterrupted {
		t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
	}
	resume := "perg run --out " + filepath.Join(b.dir, "run")
	if !strings.Contains(stdout, "to finish it: "+resume) || !strings.Contains(stdout, "not finished") || !strings.Contains(stderr, "interrupted") {
		t.Errorf("the result does not say how to go on:\n%s\n%s", stdout, stderr)
	}
	// Each call in flight was let finish, and is kept: its row is there.
	done := len(table[data.Generation](t, filepath.Join(b.dir, "run"), "generations"))
	if done < 30 || done > 41+8 { // those of vague wait for the judge model to read them
		t.Errorf("%d generations after about 40 calls", done)
	}
	made := calls.Load()

	status, stdout, stderr = b.perg(t.Context(), strings.Fields(resume)[1:]...)
	if status != exitDone {
		t.Fatalf("resumed: exit status %d\n%s\n%s", status, stdout, stderr)
	}
	sameResults(t, whole, filepath.Join(b.dir, "run"))
	if n := len(table[data.Generation](t, whole, "generations")); int(calls.Load()-made) > n {
		t.Errorf("%d calls after the interruption for %d generations", calls.Load()-made, n)
	}
}

func TestHostileResponses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hostile := []string{"\x1b[2J\x1b]0;owned\a The answer is B.", "a\x00b", strings.Repeat("word ", 200_000), "</script><script>alert(1)</script>", "\u202eB si rewsna ehT"}
	var calls atomic.Int32
	b.host = ollamatest.Proxy(t, b.host, func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		if !strings.Contains(string(body), `"content"`) {
			return false // a load
		}
		answer := map[string]any{
			"message": map[string]string{"role": "assistant", "content": hostile[int(calls.Add(1)-1)%len(hostile)]},
			"done":    true, "done_reason": "stop", "prompt_eval_count": 1, "eval_count": 1,
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
		return true
	})
	status, stdout, stderr := b.run("steady", "--limit", "5", "--settings", "none", "--parallel", "1")
	if status != exitDone {
		t.Fatal(status, stderr)
	}
	for _, output := range []string{stdout, stderr} {
		if strings.ContainsAny(output, "\x1b\x00\a") {
			t.Errorf("output steers the terminal: %q", output)
		}
	}
	found := map[string]bool{}
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "run"), "generations") {
		found[*g.Response] = true
	}
	for _, h := range hostile {
		if !found[h] {
			t.Errorf("the table lost %.30q", h)
		}
	}
}

func TestARunDirectoryIsOneRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if status, _, stderr := b.run("steady", "--limit", "3", "--settings", "none"); status != exitDone {
		t.Fatal(status, stderr)
	}
	status, _, stderr := b.run("steady", "vague", "--limit", "3", "--settings", "none", "--seed", "7")
	if status != exitUsage || !strings.Contains(stderr, "holds a run with other settings") || !strings.Contains(stderr, "seed: 42 there, 7 here") || !strings.Contains(stderr, "models: ") {
		t.Errorf("other settings: exit status %d\n%s", status, stderr)
	}
	// Two at once: the second one leaves the first alone.
	hold := make(chan struct{})
	var once sync.Once
	started := make(chan struct{})
	slow := bench{t, ollamatest.Proxy(t, b.host, func(http.ResponseWriter, *http.Request, []byte) bool {
		once.Do(func() { close(started) })
		<-hold
		return false
	}), t.TempDir()}
	finished := make(chan int)
	go func() {
		status, _, _ := slow.run("steady", "--limit", "3", "--settings", "none")
		finished <- status
	}()
	<-started
	status, _, stderr = slow.run("steady", "--limit", "3", "--settings", "none")
	if status != exitFailed || !strings.Contains(stderr, "another perg is working on") {
		t.Errorf("two on one directory: exit status %d\n%s", status, stderr)
	}
	close(hold)
	if status := <-finished; status != exitDone {
		t.Errorf("the first one ended with %d", status)
	}
}

// program is perg as a program of its own: the test binary is perg where its
// name is, see testscript.Main.
func (b bench) program() string {
	b.t.Helper()
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	link := filepath.Join(b.dir, "perg")
	if err := os.Symlink(self, link); err != nil {
		b.t.Fatal(err)
	}
	return link
}

// The first Ctrl-C waits for the calls in flight, the second for nothing.
func TestASecondInterruptQuitsAtOnce(t *testing.T) {
	b := newBench(t)
	release := make(chan struct{})
	arrived := make(chan struct{})
	var once sync.Once
	b.host = ollamatest.Proxy(t, b.host, func(_ http.ResponseWriter, _ *http.Request, body []byte) bool {
		if strings.Contains(string(body), `"content"`) && !measures(body) {
			once.Do(func() { close(arrived) })
			<-release // a server that stalls
		}
		return false
	})
	defer close(release)
	perg := exec.Command(b.program(), b.args("steady", "--limit", "3")...)
	var stderr lockedBuffer
	perg.Stderr = &stderr
	if err := perg.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- perg.Wait() }()
	<-arrived
	perg.Process.Signal(os.Interrupt)
	for range 100 {
		if strings.Contains(stderr.String(), "Ctrl-C again quits at once") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	select {
	case err := <-ended:
		t.Fatalf("it did not wait for its call in flight: %v\n%s", err, stderr.String())
	case <-time.After(300 * time.Millisecond):
	}
	perg.Process.Signal(os.Interrupt)
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatalf("it did not quit\n%s", stderr.String())
	}
	if status := perg.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("it ended with %v; a shell shows 130 for an interrupt", perg.ProcessState)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestTwoProcessesShareAStore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	link := b.program()
	var wait sync.WaitGroup
	for i := range 2 {
		wait.Go(func() {
			out := filepath.Join(b.dir, fmt.Sprint("run", i))
			text, err := exec.Command(link, append(b.args("swayed", "--limit", "9", "--parallel", "2"), "--out", out)...).CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
	wait.Wait()
	if !t.Failed() {
		sameResults(t, filepath.Join(b.dir, "run0"), filepath.Join(b.dir, "run1"))
	}
}

func TestStoresThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := filepath.Join(b.dir, "store.db")
	args := []string{"steady", "--limit", "2", "--settings", "none"}
	if status, _, stderr := b.run(args...); status != exitDone {
		t.Fatal(status, stderr)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("pragma user_version = 99; pragma wal_checkpoint(truncate)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	refuse := func(name, want string) {
		t.Helper()
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// The run itself is finished and needs no store.
		status, _, stderr := b.run(append(args, "--out", filepath.Join(b.dir, "another"))...)
		if status != exitFailed || !strings.Contains(stderr, want) || !strings.Contains(stderr, path) || !strings.Contains(stderr, "--store") {
			t.Errorf("%s: exit status %d\n%s", name, status, stderr)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Errorf("%s: the file was changed (%v)", name, err)
		}
	}
	refuse("a newer store", "newer perg")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	refuse("no store", "not a store")
}
