package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"perg/harness/rundir"
)

// fullPipe is a pipe that takes nothing more until it is read.
func fullPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	size, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(bytes.Repeat([]byte("\n"), size)); err != nil {
		t.Fatal(err)
	}
	return r, w
}

// begun is a run in a process of its own, whose end comes on the channel.
func (b bench) begun(stdout, stderr *os.File, args ...string) (ended <-chan int) {
	b.t.Helper()
	perg := exec.Command(b.program(), b.args(append([]string{"steady", "--limit", "3"}, args...)...)...)
	perg.Stdout, perg.Stderr = stdout, stderr
	if err := perg.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { perg.Process.Kill() })
	status := make(chan int, 1)
	go func() {
		perg.Wait()
		status <- perg.ProcessState.ExitCode()
	}()
	return status
}

// ends waits for a run to end well.
func (b bench) ends(ended <-chan int) {
	b.t.Helper()
	select {
	case status := <-ended:
		if status != exitDone {
			b.t.Errorf("exit status %d", status)
		}
	case <-time.After(time.Minute):
		b.t.Fatal("it does not end")
	}
	b.finishes()
}

// finishes waits until run.json says that the run is finished.
func (b bench) finishes() {
	b.t.Helper()
	state := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if m, err := rundir.ReadManifest(filepath.Join(b.dir, "run")); err == nil {
			if state = m.State; state == rundir.StateFinished {
				return
			}
		}
	}
	b.t.Fatalf("the run does not finish, it is %q", state)
}

// A pipe that nobody reads stops no lane, and does not keep perg from ending.
func TestMessagesThatNobodyReads(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, stderr := fullPipe(t)
	file, err := os.Create(filepath.Join(b.dir, "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	b.ends(b.begun(file, stderr))
	if text, err := os.ReadFile(file.Name()); err != nil || !strings.Contains(string(text), "12 of 12 generations done") {
		t.Errorf("the result is not there: %v\n%s", err, text)
	}
}

// Nor does it keep a run that fails from saying so by its exit status.
func TestAnErrorThatNobodyReads(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, stderr := fullPipe(t)
	select {
	case status := <-b.begun(nil, stderr, "nosuch"):
		if status != exitUsage {
			t.Errorf("exit status %d", status)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}

// Events, the result with them, wait for a reader who comes late. The run does
// not.
func TestEventsThatAreReadLate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	stdout, w := fullPipe(t)
	_, stderr := fullPipe(t)
	ended := b.begun(w, stderr, "--json")
	w.Close()
	b.finishes()
	select {
	case <-ended:
		t.Error("it ended before its result was read")
	case <-time.After(3 * screenPatience): // more than it gives what is told
	}
	text, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for line := range bytes.Lines(bytes.TrimLeft(text, "\n")) {
		var event struct{ Event, Text string }
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if event.Event == "start" || event.Event == "result" || strings.HasPrefix(event.Text, "no judge") {
			seen = append(seen, event.Event)
		}
	}
	if want := []string{"warning", "start", "result"}; !slices.Equal(seen, want) {
		t.Errorf("events %v, want %v:\n%s", seen, want, text)
	}
	b.ends(ended)
}

// Nor does it end with its reader: perg run --json 2>&1 | head -1.
func TestAReaderWhoGoes(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--json"}, nil} {
		b := newBench(t)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		ended := b.begun(w, w, args...)
		w.Close()
		if _, err := bufio.NewReader(r).ReadString('\n'); err != nil {
			t.Error(err)
		}
		r.Close()
		b.ends(ended)
	}
}
