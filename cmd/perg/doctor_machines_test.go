package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The doctor says of a machine that joins what it has.
func TestDoctorOfMachines(t *testing.T) {
	b := ownServers(t)
	program := b.program()
	environment := append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
	doctor := exec.CommandContext(t.Context(), program, "doctor", "--listen", "127.0.0.1:0", "--json", "--store", filepath.Join(b.dir, "store.db"))
	doctor.Dir, doctor.Env = b.dir, environment
	var found strings.Builder
	doctor.Stdout = &found
	said, err := doctor.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := doctor.Start(); err != nil {
		t.Fatal(err)
	}
	var joined chan error
	for lines := bufio.NewScanner(said); lines.Scan(); {
		address, token, ok := asJoined(lines.Text())
		if !ok || joined != nil {
			continue
		}
		joined = make(chan error, 1)
		agent := exec.CommandContext(t.Context(), program, "agent", address, "--token", token, "--name", "gpu02", "--store", filepath.Join(b.dir, "agent.db"))
		agent.Dir, agent.Env = b.dir, append(environment, "OLLAMA_MODELS="+filepath.Join(b.dir, "none"))
		go func() { joined <- agent.Run() }()
	}
	if err := doctor.Wait(); err != nil {
		t.Fatalf("%v: %s", err, &found)
	}
	if joined == nil {
		t.Fatal("it names no token")
	}
	if err := <-joined; err != nil {
		t.Errorf("agent: %v", err)
	}
	var got struct{ Findings []finding }
	if err := json.Unmarshal([]byte(found.String()), &got); err != nil {
		t.Fatal(err)
	}
	var of []string
	for _, f := range got.Findings {
		if f.Subject == "machine" {
			of = append(of, f.State+" "+f.Text+" "+f.Advice)
		}
	}
	text := strings.Join(of, "\n")
	for _, want := range []string{"ok gpu02: ", "; Ollama ", "warning gpu02: no models are installed 'perg run --pull' copies a run's models there"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
}
