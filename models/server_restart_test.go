package models_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"perg/models"
	"perg/models/ollamatest"
)

// fleeting answers once and is gone, unless it is started the third time.
func fleeting(starts string) {
	f, err := os.OpenFile(starts, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(f, "started")
	info, err := f.Stat()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	often := info.Size() >= 3*int64(len("started\n"))
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Getenv("OLLAMA_HOST"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		if !often {
			os.Exit(3)
		}
	})))
}

// dying answers until it is asked to die.
func dying() {
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Getenv("OLLAMA_HOST"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/die" {
			os.Exit(3)
		}
	})))
}

func TestServerRestarts(t *testing.T) {
	reports := make(chan string, 10)
	s := ollamatest.Start(t, models.ServerConfig{Report: func(msg string) { reports <- msg }})
	for restart := 1; restart <= 3; restart++ {
		pid, pgid := s.Pid(), groupOf(t, s.Pid())
		if restart == 1 {
			load(t, s)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if got, want := <-reports, fmt.Sprintf("the Ollama server exited (signal: killed); starting it again, %d of 3", restart); got != want {
			t.Errorf("report %q, want %q", got, want)
		}
		eventually(t, "it answers again", func() bool { return alive(s.URL()) })
		if left := group(t, pgid); len(left) > 0 {
			t.Errorf("left of the killed server: %q", left)
		}
		if s.Pid() == pid || s.Pid() == 0 {
			t.Errorf("after a restart Pid is %d, before %d", s.Pid(), pid)
		}
	}
	if n := load(t, s); n != complete {
		t.Errorf("after restarts %d processes in the group, want %d", n, complete)
	}
	if err := syscall.Kill(s.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := <-reports; !strings.Contains(got, "was started 4 times; giving up; its log: ") {
		t.Errorf("report %q, want one that says it gives up and names the log", got)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// A server that hangs is ended and started again, at the same address.
func TestAServerThatHangsIsStartedAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a run without -short, which leaves out what needs a real server")
	}
	reports := make(chan string, 10)
	cfg := models.ServerConfig{Report: func(msg string) { reports <- msg }}
	cfg.SetHealth(200*time.Millisecond, 3)
	s := ollamatest.Start(t, cfg)
	first := s.Pid()
	if err := syscall.Kill(first, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"has not answered for 600ms", "starting it again, 1 of 3"} {
		select {
		case msg := <-reports:
			if !strings.Contains(msg, want) {
				t.Errorf("reported %q, want %q", msg, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("nothing was reported; want %q", want)
		}
	}
	client, err := models.NewClient(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := client.Version(t.Context()); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if second := s.Pid(); second == 0 || second == first {
		t.Errorf("process %d, %d before", second, first)
	}
}

// A server that ends as it gives its first answer is started again: it is never
// taken for one that runs, and not given up at once.
func TestAServerThatEndsAtItsFirstAnswerIsStartedAgain(t *testing.T) {
	for range 20 {
		cfg := playing(t, "fleeting server")
		cfg.Env = append(cfg.Env, "PERG_TEST_STARTS="+filepath.Join(t.TempDir(), "starts"))
		s, err := models.StartServer(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "it answers", func() bool { return closedNow(s.Gone()) || alive(s.URL()) })
		if closedNow(s.Gone()) {
			t.Error("it was started, and is gone")
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
}

func closedNow(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// die makes a dying server end, and waits until its end was seen.
func die(t *testing.T, s *models.Server) {
	t.Helper()
	eventually(t, "it answers", func() bool { return alive(s.URL()) })
	before := s.Exits()
	if resp, err := http.Get(s.URL() + "/die"); err == nil {
		resp.Body.Close()
	}
	eventually(t, "its end is seen", func() bool { return s.Exits() == before+1 })
}

// A client stops waiting for a server that has given up, long before its
// patience ends.
func TestAServerThatGivesUpIsGone(t *testing.T) {
	s, err := models.StartServer(t.Context(), playing(t, "dying server"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	c, err := models.NewClient(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	c.Gone = s.Gone()
	for range 3 {
		die(t, s)
		if closedNow(s.Gone()) {
			t.Fatalf("gone after %d exits", s.Exits())
		}
	}
	die(t, s)
	started := time.Now()
	if _, err := c.Catalogue(t.Context()); !errors.Is(err, models.ErrUnreachable) || !strings.Contains(err.Error(), "will not be started again") {
		t.Error(err)
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("waited %s", took)
	}
	if s.Exits() != 4 {
		t.Errorf("%d exits, want 4", s.Exits())
	}
}

func TestStopIsNoExit(t *testing.T) {
	s, err := models.StartServer(t.Context(), playing(t, "dying server"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if s.Exits() != 0 || !closedNow(s.Gone()) {
		t.Errorf("%d exits, gone %v", s.Exits(), closedNow(s.Gone()))
	}
}

// A run takes days: what a server did before it was well for a while is
// forgiven.
func TestRestartsCountAnewAfterAWhile(t *testing.T) {
	reports := make(chan string, 20)
	cfg := playing(t, "dying server")
	cfg.Report = func(msg string) { reports <- msg }
	const well = 300 * time.Millisecond
	cfg.SetWell(well)
	s, err := models.StartServer(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	for i := range 6 {
		eventually(t, "it answers", func() bool { return alive(s.URL()) })
		time.Sleep(well)
		die(t, s)
		if got := <-reports; !strings.HasSuffix(got, "starting it again, 1 of 3") {
			t.Fatalf("exit %d: %s", i+1, got)
		}
	}
}
