package fleet

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/harness/engine"
)

// process writes what /proc has of a process.
func process(t *testing.T, proc string, pid int, files map[string]string) {
	t.Helper()
	dir := filepath.Join(proc, fmt.Sprint(pid))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A runner is a server's by descent, whatever its name.
func TestDescent(t *testing.T) {
	proc := t.TempDir()
	for pid, stat := range map[int]string{
		100: "100 (ollama) S 50 99 99 0",
		101: "101 (llama-server) S 100 99 99 0",
		102: "102 (a (very) odd) name) R 101 99 99 0",
		50:  "50 (perg) S 1 50 50 0",
		200: "200 (llama-server) S 1 200 200 0",
		201: "201 (",
	} {
		process(t, proc, pid, map[string]string{"stat": stat})
	}
	for pid, want := range map[int]bool{100: true, 101: true, 102: true, 50: false, 200: false, 201: false, 300: false, 1: false, 0: false} {
		if got := descends(proc, pid, []int{100}); got != want {
			t.Errorf("%d: %v", pid, got)
		}
	}
	if descends(proc, 101, nil) {
		t.Error("a process of no server is owned")
	}
}

// A process that perg's own server begins is its own, by whatever name; another
// one of that name is not.
func TestTheProcessesOfOwnServersAreTheirs(t *testing.T) {
	dir := t.TempDir()
	// It begins a child, says which, and answers as a server does.
	script := `#!/bin/sh
sleep 600 &
echo $! > ` + dir + `/child
exec ` + os.Args[0] + `
`
	if err := os.WriteFile(filepath.Join(dir, "ollama"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PERG_TEST_SERVER", "1")
	f := newFleet(Options{Logs: t.TempDir(), Say: func(string) {}, Warn: func(string) {}})
	f.program = filepath.Join(dir, "ollama")
	s, err := f.Open(t.Context(), "cpu", []string{"cpu"}, engine.ServerConfig{Slots: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	text, err := os.ReadFile(filepath.Join(dir, "child"))
	if err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Sscan(string(text), &child); err != nil {
		t.Fatal(err)
	}
	other := exec.Command("sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer other.Process.Kill()
	if !f.Owns(child) || f.Owns(other.Process.Pid) || f.Owns(os.Getpid()) {
		t.Errorf("child %v, another's %v, perg itself %v", f.Owns(child), f.Owns(other.Process.Pid), f.Owns(os.Getpid()))
	}
}

// What decides how the user's own server runs a model is read of its process,
// where that may be read; what is secret is not.
func TestTheEnvironmentOfAServer(t *testing.T) {
	proc := t.TempDir()
	process(t, proc, 10, map[string]string{"cmdline": "/usr/bin/ollama\x00serve\x00", "environ": "HOME=/root\x00OLLAMA_HOST=0.0.0.0:11435\x00LLAMA_ARG_TOP_K=1\x00"})
	process(t, proc, 11, map[string]string{"cmdline": "ollama\x00serve\x00", "environ": "LLAMA_ARG_N_GPU_LAYERS=0\x00OLLAMA_API_KEY=secret\x00OLLAMA_NUM_PARALLEL=8\x00PATH=/bin\x00"})
	process(t, proc, 12, map[string]string{"cmdline": "ollama\x00run\x00m\x00", "environ": "LLAMA_ARG_TOP_K=2\x00"})
	process(t, proc, 13, map[string]string{"cmdline": "ollama\x00serve\x00"}) // not to be read
	for port, want := range map[string]map[string]string{
		"11434": {"LLAMA_ARG_N_GPU_LAYERS": "0", "OLLAMA_NUM_PARALLEL": "8"},
		"11435": {"LLAMA_ARG_TOP_K": "1"},
		"4711":  nil,
	} {
		if diff := cmp.Diff(want, environmentOf(proc, port)); diff != "" {
			t.Errorf("port %s (-want +got):\n%s", port, diff)
		}
	}
}

// What reaches perg's own servers of the user's environment is known.
func TestWhatOwnServersInherit(t *testing.T) {
	for _, name := range []string{"OLLAMA_NUM_PARALLEL", "OLLAMA_HOST", "CUDA_VISIBLE_DEVICES"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	t.Setenv("LLAMA_ARG_TOP_K", "1")
	t.Setenv("OLLAMA_GPU_OVERHEAD", "4711")
	got := newFleet(Options{}).Environment()
	if got["OLLAMA_GPU_OVERHEAD"] != "4711" || got["LLAMA_ARG_TOP_K"] != "" {
		t.Errorf("%v", got)
	}
}
