package models_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

// The test binary plays other programs: a server that misbehaves, and a
// parent that dies.
const role = "PERG_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "stubborn server":
		signal.Ignore(syscall.SIGTERM)
		fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Getenv("OLLAMA_HOST"), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	case "silent server":
		fmt.Println("thinking about it")
		time.Sleep(time.Minute)
	case "broken server":
		fmt.Println(strings.Repeat("an earlier line\n", 1000) + "no such library: libfoo.so.1")
		os.Exit(7)
	case "fleeting server":
		fleeting(os.Getenv("PERG_TEST_STARTS"))
	case "dying server":
		dying()
	case "parent":
		parent()
	default:
		os.Exit(ollamatest.Main(m))
	}
}

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

// playing is a configuration whose server is this binary in a role.
func playing(t *testing.T, as string) models.ServerConfig {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return models.ServerConfig{Program: program, Env: []string{role + "=" + as}, Log: filepath.Join(t.TempDir(), "log")}
}

// groupOf is the process group of a server.
func groupOf(t *testing.T, pid int) int {
	t.Helper()
	pgid, err := syscall.Getpgid(pid)
	if err != nil {
		t.Fatal(err)
	}
	return pgid
}

// group lists the live processes of a process group, by command line.
func group(t *testing.T, pgid int) []string {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Skip("no /proc to look for processes in")
	}
	var all []string
	for _, stat := range stats {
		data, err := os.ReadFile(stat)
		if err != nil {
			continue // gone since
		}
		// pid (name) state ppid pgrp
		fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		if fields[0] == "Z" || fields[2] != strconv.Itoa(pgid) {
			continue
		}
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(stat), "cmdline"))
		all = append(all, strings.ReplaceAll(string(command), "\x00", " "))
	}
	return all
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 seconds: %s", what)
		}
	}
}

func alive(url string) bool {
	resp, err := http.Get(url + "/api/version")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// load makes a server run a model, and returns how many processes it then is.
func load(t *testing.T, s *models.Server) int {
	t.Helper()
	ollamatest.Install(t, s.URL(), map[string]gguftest.Chain{"steady": gguftest.Steady("A")})
	client, err := models.NewClient(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Load(t.Context(), "steady", models.Options{NumCtx: 512}); err != nil {
		t.Fatal(err)
	}
	return len(group(t, groupOf(t, s.Pid())))
}

// complete is how many processes a server is that runs one model: itself, the
// runner, and the shell that guards them.
const complete = 3

func TestServer(t *testing.T) {
	log := filepath.Join(t.TempDir(), "logs", "ollama.log")
	s := ollamatest.Start(t, models.ServerConfig{Slots: 3, Log: log})
	if !strings.HasPrefix(s.URL(), "http://127.0.0.1:") {
		t.Errorf("it listens at %s, want loopback", s.URL())
	}
	pgid := groupOf(t, s.Pid())
	if pgid == groupOf(t, os.Getpid()) {
		t.Error("it is in this process's group")
	}
	if n := load(t, s); n != complete {
		t.Errorf("%d processes in its group, want %d: %q", n, complete, group(t, pgid))
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if left := group(t, pgid); len(left) > 0 {
		t.Errorf("left after Stop: %q", left)
	}
	if s.Pid() != 0 {
		t.Errorf("Pid is %d after Stop", s.Pid())
	}
	if alive(s.URL()) {
		t.Error("it answers after Stop")
	}
	if err := s.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"OLLAMA_NUM_PARALLEL:3", "OLLAMA_NO_CLOUD:true", "OLLAMA_NOPRUNE:true", "Parallel:3"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the log does not say %s", want)
		}
	}
}

func TestServerLeavesNoTemporaryLog(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	cfg := playing(t, "stubborn server")
	cfg.Log = ""
	cfg.SetStop(50 * time.Millisecond)
	s, err := models.StartServer(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Stop()
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
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

func TestServerDiesWithItsParent(t *testing.T) {
	program := ollamatest.Program(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(t *testing.T, pgid int, answer io.Reader){
		"idle":     func(*testing.T, int, io.Reader) {},
		"stubborn": func(*testing.T, int, io.Reader) {},
		// v0.17.4 may hang when it gets SIGTERM now.
		"loading": func(t *testing.T, pgid int, _ io.Reader) {
			eventually(t, "a runner runs", func() bool { return len(group(t, pgid)) == complete })
		},
		"answering": func(t *testing.T, _ int, answer io.Reader) {
			if _, err := io.ReadFull(answer, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, until := range tests {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(self, program, t.TempDir(), role+"=none")
			if name == "stubborn" {
				cmd = exec.Command(self, self, t.TempDir(), role+"=stubborn server")
			}
			cmd.Env = append(os.Environ(), role+"=parent")
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			var pid int
			var url string
			if _, err := fmt.Fscan(out, &pid, &url); err != nil {
				t.Fatal(err)
			}
			pgid := groupOf(t, pid)
			answer, w := io.Pipe()
			if name == "loading" || name == "answering" {
				ollamatest.Install(t, url, map[string]gguftest.Chain{"endless": gguftest.Endless()})
				const req = `{"model": "endless", "messages": [{"role": "user", "content": "Hello"}], "options": {"num_predict": 4000, "num_ctx": 4096, "temperature": 0}}`
				go func() {
					resp, err := http.Post(url+"/api/chat", "application/json", strings.NewReader(req))
					if err == nil {
						_, err = io.Copy(w, resp.Body)
						resp.Body.Close()
					}
					w.CloseWithError(err)
				}()
			}
			until(t, pgid, answer)
			go io.Copy(io.Discard, answer)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			eventually(t, "server and runner are gone", func() bool { return len(group(t, pgid)) == 0 })
		})
	}
}

// parent starts a server, says where it is, and waits to be killed.
func parent() {
	s, err := models.StartServer(context.Background(), models.ServerConfig{
		Program: os.Args[1],
		Models:  filepath.Join(os.Args[2], "models"),
		Env:     []string{"HOME=" + os.Args[2], os.Args[3]},
		Log:     filepath.Join(os.Args[2], "log"),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.Pid(), s.URL())
	time.Sleep(time.Minute)
}

func TestStartServerFails(t *testing.T) {
	t.Run("no program", func(t *testing.T) {
		_, err := models.StartServer(t.Context(), models.ServerConfig{Program: "/nowhere/ollama"})
		if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "install Ollama") {
			t.Errorf("got %v, want one that says to install Ollama", err)
		}
	})
	t.Run("exits", func(t *testing.T) {
		_, err := models.StartServer(t.Context(), playing(t, "broken server"))
		if err == nil {
			t.Fatal("no error")
		}
		for _, want := range []string{"exit status 7", "no such library: libfoo.so.1"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error does not say %q: %v", want, err)
			}
		}
		if len(err.Error()) > 3000 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
	t.Run("never answers", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := models.StartServer(ctx, playing(t, "silent server"))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "thinking about it") {
			t.Errorf("got %v, want a deadline and the log", err)
		}
	})
	t.Run("log in no folder", func(t *testing.T) {
		cfg := playing(t, "silent server")
		cfg.Log = "/dev/null/log"
		if _, err := models.StartServer(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "/dev/null") {
			t.Errorf("got %v, want an error that names the path", err)
		}
	})
}

func TestStopKillsAServerThatIgnoresIt(t *testing.T) {
	cfg := playing(t, "stubborn server")
	cfg.SetStop(200 * time.Millisecond)
	s, err := models.StartServer(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	pgid := groupOf(t, s.Pid())
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if left := group(t, pgid); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if alive(s.URL()) {
		t.Error("it answers after Stop")
	}
}

func TestStartServerTriesAnotherPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	ports := func(collisions int) func() (int, io.Closer, error) {
		return func() (int, io.Closer, error) {
			if collisions--; collisions >= 0 {
				return taken.Addr().(*net.TCPAddr).Port, io.NopCloser(nil), nil
			}
			return models.ReservePort()
		}
	}
	cfg := playing(t, "stubborn server")
	cfg.SetStop(time.Millisecond)

	s, err := models.StartServerOn(t.Context(), cfg, ports(2))
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Stop()

	if s, err := models.StartServerOn(t.Context(), cfg, ports(3)); err == nil {
		_ = s.Stop()
		t.Error("a server on a taken port")
	} else if !strings.Contains(err.Error(), "took the port") {
		t.Errorf("got %v, want one that says another program took the port", err)
	}
}

func TestReservePortKeepsIt(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux keeps a port")
	}
	port, hold, err := models.ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for range 2 { // a server, and the one after it
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		l.Close()
	}
	// Whoever asks for any free port, and has only this one to be given, gets none.
	var tooOld error
	only := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			const ipLocalPortRange = 51
			tooOld = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipLocalPortRange, port<<16|port)
		})
	}}
	l, err := only.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if tooOld != nil {
		t.Skipf("this kernel cannot narrow a socket's range of ports: %v", tooOld)
	}
	if err == nil {
		l.Close()
		t.Errorf("somebody else was given %v, which is reserved", l.Addr())
	}
	hold.Close()
	if l, err := only.Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Errorf("after Close the port is not given: %v", err)
	} else {
		l.Close()
	}
}

// A server that hangs is ended and started again, at the same address.
func TestAServerThatHangsIsStartedAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what needs a real server")
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
