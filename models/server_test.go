package models_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
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
	for _, want := range []string{"OLLAMA_NUM_PARALLEL:3", "OLLAMA_NO_CLOUD:true", "OLLAMA_NOPRUNE:true", " Parallel:3"} {
		// A version that does not know a setting does not speak of it: v0.13.5 not
		// of clouds, those from v0.30 on not of a runner's slots.
		name, _, _ := strings.Cut(want, ":")
		known := name == "OLLAMA_NUM_PARALLEL" || name == "OLLAMA_NOPRUNE" || strings.Contains(string(data), name+":")
		if known && !strings.Contains(string(data), want) {
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
