package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"perg/data"
	"perg/models"
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
		cmpopts.IgnoreFields(data.Metric{}, "OutputTokensPerSecond")); diff != "" {
		t.Errorf("metrics differ:\n%s", diff)
	}
}

func TestInterruptedAndResumed(t *testing.T) {
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
		if calls.Add(1) == 40 {
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

// killRunners kills the processes that an Ollama server runs models in.
func killRunners(t *testing.T, server int) (killed int) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// pid (name) state ppid ...
		_, rest, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 2 || fields[1] != strconv.Itoa(server) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		if unix.Kill(pid, unix.SIGKILL) == nil {
			killed++
		}
	}
	return killed
}

func TestServerFaultsDuringARun(t *testing.T) {
	b := newBench(t)
	args := []string{"steady", "wavering", "--judge", "judge", "--limit", "9", "--parallel", "4"}
	whole := filepath.Join(b.dir, "whole")
	if status, _, stderr := b.run(append(args, "--out", whole, "--store", filepath.Join(b.dir, "whole.db"))...); status != exitDone {
		t.Fatal(status, stderr)
	}
	own := func(t *testing.T) *models.Server {
		s := ollamatest.Start(t, models.ServerConfig{Slots: 4})
		ollamatest.Install(t, s.URL(), actors)
		return s
	}
	at := func(n int32, fault func()) func(http.ResponseWriter, *http.Request, []byte) bool {
		var calls atomic.Int32
		return func(http.ResponseWriter, *http.Request, []byte) bool {
			if calls.Add(1) == n {
				go fault()
			}
			return false
		}
	}
	step := func(steps map[int32]http.HandlerFunc) func(http.ResponseWriter, *http.Request, []byte) bool {
		var calls atomic.Int32
		return func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			h, ok := steps[calls.Add(1)]
			if ok {
				h(w, r)
			}
			return ok
		}
	}
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for _, tt := range []struct {
		name string
		host func(t *testing.T) string
	}{
		{"the server dies and comes back", func(t *testing.T) string {
			s := own(t)
			return ollamatest.Proxy(t, s.URL(), at(30, func() { unix.Kill(s.Pid(), unix.SIGKILL) }))
		}},
		{"a runner is killed during generation", func(t *testing.T) string {
			s := own(t)
			return ollamatest.Proxy(t, s.URL(), at(30, func() {
				if killRunners(t, s.Pid()) == 0 {
					t.Error("there was no runner to kill")
				}
			}))
		}},
		{"streams are cut, the server is busy, errors come inside a 200", func(t *testing.T) string {
			return ollamatest.Proxy(t, b.host, step(map[int32]http.HandlerFunc{
				1: say(503, `{"error":"server busy, please try again.  maximum pending requests exceeded"}`),
				5: cut, 9: cut, 20: say(200, `{"error":"an error was encountered while running the model: unexpected EOF"}`),
				33: say(200, `{"message":{"role":"assistant","content":"The corr"},"done":false}`),
				40: say(500, `{"error":"model runner has unexpectedly stopped, this may be due to resource limitations or an internal error"}`),
			}))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(b.dir, strconv.Itoa(len(tt.name)))
			b := bench{t, tt.host(t), dir}
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			status, stdout, stderr := b.run(args...)
			if status != exitDone {
				t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
			}
			// Another server gives the same model another digest: it notes when it was made.
			sameResults(t, whole, filepath.Join(dir, "run"),
				cmpopts.IgnoreFields(data.Generation{}, "Digest", "RequestHash"), cmpopts.IgnoreFields(data.Judgment{}, "JudgeDigest", "RequestHash"))
		})
	}
}

func TestHostileResponses(t *testing.T) {
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
		if strings.Contains(string(body), `"content"`) {
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
		status, _, stderr := b.run(args...)
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

// smallDisk mounts a file system of a few kilobytes, where that is allowed.
func smallDisk(t *testing.T, kilobytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", kilobytes)); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		for range 50 {
			if unix.Unmount(dir, 0) == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Errorf("cannot unmount %s", dir)
	})
	return dir
}

func TestDirectoriesThatCannotBeWritten(t *testing.T) {
	b := newBench(t)
	args := []string{"steady", "--limit", "3", "--settings", "none"}
	file := filepath.Join(b.dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := b.run(append(args, "--out", filepath.Join(file, "run"))...)
	if status != exitFailed || !strings.Contains(stderr, "run directory") || !strings.Contains(stderr, "--out") {
		t.Errorf("a file where the directory should be: exit status %d\n%s", status, stderr)
	}
	disk := smallDisk(t, 64)
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skipf("cannot make a file system read-only: %v", err)
	}
	status, _, stderr = b.run(append(args, "--out", filepath.Join(disk, "run"))...)
	if status != exitFailed || !strings.Contains(stderr, "read-only file system") || !strings.Contains(stderr, "--out") {
		t.Errorf("a read-only file system: exit status %d\n%s", status, stderr)
	}
	status, _, stderr = b.run(append(args, "--store", filepath.Join(disk, "store.db"))...)
	if status != exitFailed || !strings.Contains(stderr, "--store") {
		t.Errorf("a store on a read-only file system: exit status %d\n%s", status, stderr)
	}
}

func TestFullDisks(t *testing.T) {
	b := newBench(t)
	args := []string{"swayed", "--judge", "judge", "--limit", "30", "--parallel", "8"}
	t.Run("under the store", func(t *testing.T) {
		disk := smallDisk(t, 100)
		out := filepath.Join(b.dir, "out")
		full := append(args, "--store", filepath.Join(disk, "store.db"), "--out", out)
		status, stdout, stderr := b.run(full...)
		if status != exitFailed || !strings.Contains(stderr, "full") {
			t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
		}
		// With room again the same command finishes.
		if err := unix.Mount("", disk, "", unix.MS_REMOUNT, "size=64m"); err != nil {
			t.Fatal(err)
		}
		if status, stdout, stderr := b.run(full...); status != exitDone {
			t.Errorf("with room: exit status %d\n%s\n%s", status, stdout, stderr)
		}
	})
	t.Run("under the tables", func(t *testing.T) {
		disk := smallDisk(t, 16)
		out := filepath.Join(disk, "out")
		status, stdout, stderr := b.run(append(args, "--out", out)...)
		if status != exitFailed || !strings.Contains(stderr, "no space left on device") {
			t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
		}
		for _, name := range []string{"generations", "judgments", "metrics"} {
			if parts, _ := filepath.Glob(filepath.Join(out, name, "*")); len(parts) != 0 {
				t.Errorf("half a table was left: %v", parts)
			}
		}
		if err := unix.Mount("", disk, "", unix.MS_REMOUNT, "size=64m"); err != nil {
			t.Fatal(err)
		}
		status, stdout, stderr = b.run(append(args, "--out", out)...)
		if status != exitDone || !strings.Contains(stdout, "no call was made") {
			t.Errorf("with room: exit status %d\n%s\n%s", status, stdout, stderr)
		}
	})
}
