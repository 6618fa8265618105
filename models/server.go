package models

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	startTimeout  = time.Minute // v0.17.4 answers only after it has probed the GPUs
	startAttempts = 3           // where its port is taken, or it ends at once
	maxRestarts   = 3           // in a row, without being well in between
	logTail       = 2000        // bytes of the log that an error carries
)

// A ServerConfig says how to run `ollama serve`.
type ServerConfig struct {
	Program string   // path; "ollama" on PATH where empty
	Models  string   // model store, OLLAMA_MODELS; inherited where empty
	Slots   int      // OLLAMA_NUM_PARALLEL; inherited where 0
	KVType  KVType   // OLLAMA_KV_CACHE_TYPE; f16 where empty, never inherited: it changes responses
	GPUs    []string // UUIDs, CUDA_VISIBLE_DEVICES; inherited where nil
	Env     []string // "KEY=value", on top of the inherited environment
	Log     string   // file the server's output is appended to; a temporary one where empty
	// Report is told of unexpected exits and restarts; may be nil. It is
	// called from another goroutine and must not call Stop.
	Report func(msg string)

	limits limits
}

// A limits is how patient a server is kept; what is zero has a default.
type limits struct {
	stop   time.Duration // for each of SIGTERM and SIGKILL to end it; 5 s
	well   time.Duration // up for so long, it counts its restarts anew; 10 minutes
	health health
}

// A Server is an Ollama server process of our own, on a loopback port. It has a
// process group of its own, so that Ctrl-C at a terminal does not reach it, and
// it ends with its runners when this process ends, however that ends.
type Server struct {
	cfg  ServerConfig
	port int
	hold io.Closer // keeps the port ours
	log  *os.File

	phase    atomic.Int32  // starting, then one of serving and failed
	exits    atomic.Int32  // unasked
	stopping chan struct{} // closed by Stop
	done     chan struct{} // closed when no process is left and none will be started
	exit     error         // how the last process ended; read after done

	stop    sync.Once
	stopErr error

	mu      sync.Mutex
	process *os.Process // nil between two processes
	guard   *guard      // of the process
}

// The phases of a server. Its first answer and its end may come at one time:
// only one of them leads out of starting.
const (
	starting = iota
	serving  // it has answered, and is started again when it exits
	failed   // it exited first
)

var (
	errPortTaken = errors.New("another program took the port")
	errFleeting  = errors.New("it answered once and exited")
)

// StartServer runs `ollama serve` and returns once it answers. A server that
// exits unexpectedly is started again on the same port, three times in a row;
// ten minutes of being up end the row.
//
// It never reaches out (OLLAMA_NO_CLOUD) and never removes files from the
// model store (OLLAMA_NOPRUNE), which other servers may be using.
func StartServer(ctx context.Context, cfg ServerConfig) (*Server, error) {
	if cfg.Program == "" {
		cfg.Program = "ollama"
	}
	program, err := exec.LookPath(cfg.Program)
	if err != nil {
		return nil, fmt.Errorf("start an Ollama server: %w; install Ollama (https://ollama.com/download) or name its program", err)
	}
	cfg.Program = program
	return startServer(ctx, cfg, reservePort)
}

func startServer(ctx context.Context, cfg ServerConfig, reserve func() (int, io.Closer, error)) (*Server, error) {
	for attempt := 1; ; attempt++ {
		s, err := startOnce(ctx, cfg, reserve)
		if err == nil {
			return s, nil
		}
		if attempt == startAttempts || !errors.Is(err, errPortTaken) && !errors.Is(err, errFleeting) {
			return nil, fmt.Errorf("start an Ollama server: %w", err)
		}
	}
}

func startOnce(ctx context.Context, cfg ServerConfig, reserve func() (int, io.Closer, error)) (*Server, error) {
	log, err := openLog(cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("open its log: %w", err)
	}
	port, hold, err := reserve()
	if err != nil {
		log.Close()
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	s := &Server{
		cfg: cfg, port: port, hold: hold, log: log,
		stopping: make(chan struct{}), done: make(chan struct{}),
	}
	s.cfg.limits = cfg.limits.orDefault()
	go s.supervise()
	err = s.await(ctx)
	switch {
	case err == nil && s.phase.CompareAndSwap(starting, serving):
		return s, nil
	case err == nil:
		<-s.done
		err = fmt.Errorf("%w: %w", errFleeting, s.exit)
	case closed(s.done) && portTaken(port):
		err = errPortTaken
	}
	err = fmt.Errorf("%s serve on port %d: %w%s", cfg.Program, port, err, s.tail())
	return nil, errors.Join(err, s.Stop())
}

func (l limits) orDefault() limits {
	return limits{
		stop: cmp.Or(l.stop, 5*time.Second), well: cmp.Or(l.well, 10*time.Minute),
		health: cmp.Or(l.health, patientHealth),
	}
}

// URL is where the server listens: http://127.0.0.1:PORT.
func (s *Server) URL() string { return "http://127.0.0.1:" + strconv.Itoa(s.port) }

// Pid is the server's process, or 0 while none runs.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.Pid
}

// Exits is how many times the server's process has ended unasked so far. Where
// it rises, what was in its memory is gone.
func (s *Server) Exits() int { return int(s.exits.Load()) }

// Gone is closed when no process is left and none will be started: the server
// exited too often, or was stopped. See [Client.Gone].
func (s *Server) Gone() <-chan struct{} { return s.done }

// Stop ends the server and its runners and waits until they are gone: SIGTERM,
// and SIGKILL to those that are left after 5 seconds. Calls after the first
// wait for it and return what it returned: an error where even SIGKILL does
// not end the server, as when a GPU driver hangs.
func (s *Server) Stop() error {
	s.stop.Do(func() { s.stopErr = s.shutdown() })
	return s.stopErr
}

func (s *Server) shutdown() error {
	defer s.hold.Close()
	defer s.log.Close()
	if s.cfg.Log == "" {
		defer os.Remove(s.log.Name())
	}
	close(s.stopping)
	s.mu.Lock()
	if s.process != nil {
		terminate(s.process)
	}
	s.mu.Unlock()
	if s.gone() {
		return nil
	}
	s.mu.Lock()
	if s.process != nil {
		s.guard.kill()
	}
	s.mu.Unlock()
	if s.gone() {
		return nil
	}
	return fmt.Errorf("the Ollama server (process %d) does not end, not even on SIGKILL; what it holds in GPU memory stays there", s.Pid())
}

func (s *Server) gone() bool {
	select {
	case <-s.done:
		return true
	case <-time.After(s.cfg.limits.stop):
		return false
	}
}

// supervise starts the server and starts it again when it exits.
func (s *Server) supervise() {
	defer close(s.done)
	for restart := 0; ; restart++ {
		started := time.Now()
		s.exit = s.runOnce()
		if closed(s.stopping) {
			return
		}
		s.exits.Add(1)
		if s.phase.CompareAndSwap(starting, failed) {
			return // StartServer reports why, or tries again
		}
		// One that hangs is ended after a minute (watchHealth), so this one
		// was well.
		if time.Since(started) >= s.cfg.limits.well {
			restart = 0
		}
		if restart == maxRestarts {
			s.report("the Ollama server exited (%v) and was started %d times; giving up; its log: %s", s.exit, maxRestarts+1, s.log.Name())
			return
		}
		s.report("the Ollama server exited (%v); starting it again, %d of %d", s.exit, restart+1, maxRestarts)
		select {
		case <-s.stopping:
			return
		case <-time.After(time.Duration(restart) * time.Second):
		}
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// runOnce runs one server process to its end, and its runners with it: they
// outlive a server that was killed.
func (s *Server) runOnce() error {
	cmd := exec.Command(s.cfg.Program, "serve")
	cmd.Env = s.environment()
	cmd.Stdout, cmd.Stderr = s.log, s.log
	g, err := s.start(cmd)
	if err != nil {
		return err
	}
	ended, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		s.watchHealth(ended, g)
	}()
	err = cmd.Wait()
	s.mu.Lock()
	s.process, s.guard = nil, nil
	s.mu.Unlock()
	close(ended)
	<-watched
	g.end()
	if err == nil {
		err = errors.New("exit status 0")
	}
	return err
}

func (s *Server) start(cmd *exec.Cmd) (*guard, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.stopping:
		return nil, errors.New("stopped")
	default:
	}
	g, err := startGuard()
	if err != nil {
		return nil, err
	}
	if err := g.start(cmd); err != nil {
		g.end()
		return nil, err
	}
	s.process, s.guard = cmd.Process, g
	return g, nil
}

func (s *Server) environment() []string {
	env := append(withoutArguments(os.Environ()), ownEnvironment...)
	cache := s.cfg.KVType
	if cache == "" {
		cache = KVF16
	}
	env = append(env, "OLLAMA_KV_CACHE_TYPE="+string(cache))
	if cache != KVF16 {
		// Without it Ollama stays with f16 and does not say so.
		env = append(env, "OLLAMA_FLASH_ATTENTION=1")
	}
	if s.cfg.GPUs != nil {
		env = append(env, "CUDA_VISIBLE_DEVICES="+strings.Join(s.cfg.GPUs, ","))
	}
	if s.cfg.Models != "" {
		env = append(env, "OLLAMA_MODELS="+s.cfg.Models)
	}
	if s.cfg.Slots > 0 {
		env = append(env, "OLLAMA_NUM_PARALLEL="+strconv.Itoa(s.cfg.Slots))
	}
	env = append(env, s.cfg.Env...)
	return append(env, "OLLAMA_HOST="+net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
}

// await waits for the first answer from /api/version.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("no answer within %v", startTimeout))
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	for {
		if answers(ctx, client, s.URL()+"/api/version") {
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("it exited before it answered: %w", s.exit)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func answers(ctx context.Context, client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (s *Server) report(format string, args ...any) {
	if s.cfg.Report != nil {
		s.cfg.Report(fmt.Sprintf(format, args...))
	}
}

// tail is the end of the log, from the start of a line, for an error.
func (s *Server) tail() string {
	data, err := os.ReadFile(s.log.Name())
	if err != nil {
		return ""
	}
	if len(data) > logTail {
		data = data[len(data)-logTail:]
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			data = data[i+1:]
		}
	}
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return "; it wrote nothing"
	}
	return "; the end of its log:\n" + string(data)
}

func openLog(path string) (*os.File, error) {
	if path == "" {
		return os.CreateTemp("", "ollama-*.log")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
}

func portTaken(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return true
	}
	l.Close()
	return false
}
