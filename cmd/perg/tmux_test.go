package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"perg/models/ollamatest"
)

// A window is a real terminal, tmux's, that a command runs in.
type window struct {
	t      *testing.T
	socket string
	raw    string // file of all bytes that came to it
}

// openWindow starts a shell command in a terminal of 80 columns and 24 rows.
func openWindow(t *testing.T, dir, command string) window {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("needs tmux on PATH, to see what a terminal shows")
	}
	w := window{t, filepath.Join(dir, "tmux"), filepath.Join(dir, "raw")}
	env := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return name == "TMUX" || plainWanted(func(other string) string {
			return map[string]string{"TERM": "xterm", name: "set"}[other]
		})
	})
	cmd := exec.CommandContext(t.Context(), "tmux", "-S", w.socket, "-f", os.DevNull, "new-session", "-d", "-x", "80", "-y", "24", "sh")
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v\n%s", err, out)
	}
	t.Cleanup(func() { exec.Command("tmux", "-S", w.socket, "kill-server").Run() })
	w.tmux("pipe-pane", "cat > "+w.raw)
	w.tmux("send-keys", command, "Enter")
	return w
}

func (w window) tmux(args ...string) string {
	w.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", w.socket}, args...)...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (w window) screen() string { return w.tmux("capture-pane", "-p") }

// waitFor waits until the screen is as it should be.
func (w window) waitFor(what string, is func(screen string) bool) string {
	w.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		s := w.screen()
		if is(s) {
			return s
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s does not come; on the screen is\n%s", what, s)
		}
	}
}

// On a real terminal the frame is there once, whatever its size and whatever is
// told meanwhile, and nothing of it stays: not after Ctrl-C, and not where perg
// is killed.
func TestLiveDisplayOnATerminal(t *testing.T) {
	b := newBench(t)
	var calls atomic.Int32
	slow := ollamatest.Proxy(t, b.host, func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		if measures(body) {
			return false
		}
		if calls.Add(1) == 9 {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"the prompt has\u001b[2Ja bad day"}`)
			return true
		}
		time.Sleep(40 * time.Millisecond)
		return false
	})
	b.host = slow
	program := b.program()
	command := func(out string) string {
		args := b.args("steady", "swayed", "--judge", "judge", "--parallel", "2", "--out", filepath.Join(b.dir, out))
		return fmt.Sprintf("PS1='ready> '; clear; %s %s; echo status $?", program, strings.Join(args, " "))
	}
	w := openWindow(t, b.dir, command("run"))

	frames := func(s string) int { return strings.Count(s, "answered ") }
	s := w.waitFor("a frame with an error", func(s string) bool {
		return strings.Contains(s, "failed calls: 1 x server error") && strings.Contains(s, "1 failed") && strings.Contains(s, "BREAKAGE") && strings.Contains(s, "calls/s") && strings.Contains(s, " left")
	})
	for _, want := range []string{"perg: running ", "perg: warning: ", "zero-shot", "tok/s", "next: ", "1 failed", "bad day"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in\n%s", want, s)
		}
	}
	if frames(s) != 1 {
		t.Errorf("the frame is there %d times:\n%s", frames(s), s)
	}
	for _, size := range [][2]string{{"60", "24"}, {"40", "10"}, {"100", "30"}} {
		w.tmux("resize-window", "-x", size[0], "-y", size[1])
		time.Sleep(frameEvery) // that a frame is drawn that should not be
		if s := w.screen(); frames(s) != 1 || !strings.Contains(s, "no errors") && !strings.Contains(s, "1 failed") {
			t.Errorf("at %v the frame is there %d times:\n%s", size, frames(s), s)
		}
	}
	w.tmux("send-keys", "C-c")
	s = w.waitFor("the end", func(s string) bool { return strings.Contains(s, "status 130") })
	if frames(s) != 0 || !strings.Contains(s, "perg: error: interrupted") {
		t.Errorf("after Ctrl-C:\n%s", s)
	}

	w.tmux("send-keys", command("second"), "Enter")
	w.waitFor("a second frame", func(s string) bool { return frames(s) == 1 && strings.Contains(s, "calls/s") })
	w.tmux("send-keys", "C-c")
	w.waitFor("what the first Ctrl-C does", func(s string) bool { return strings.Contains(s, "Ctrl-C again") })
	w.tmux("send-keys", "C-c")
	w.waitFor("the prompt below the last frame", func(s string) bool {
		return frames(s) == 1 && strings.HasSuffix(strings.TrimSpace(s), "^C\nready>")
	})

	if got := strings.TrimSpace(w.tmux("display-message", "-p", "#{cursor_flag} #{alternate_on} #{wrap_flag} #{insert_flag}")); got != "1 0 1 0" {
		t.Errorf("the terminal is left with cursor, alternate screen, wrap and insert at %s, want 1 0 1 0", got)
	}
	raw, err := os.ReadFile(w.raw)
	if err != nil {
		t.Fatal(err)
	}
	if modes := regexp.MustCompile(`\x1b\[\?(7|25|47|104[79]|2026)[hl]`).FindAll(raw, -1); len(modes) > 0 {
		t.Errorf("modes of the terminal were changed: %q", modes)
	}
}

// While a shell has the terminal, after Ctrl-Z and for a job in the background,
// nothing is drawn, and what it wrote is not written over.
func TestAShellHasTheTerminalMeanwhile(t *testing.T) {
	b := newBench(t)
	b.host = ollamatest.Proxy(t, b.host, func(_ http.ResponseWriter, _ *http.Request, body []byte) bool {
		if !measures(body) {
			time.Sleep(100 * time.Millisecond)
		}
		return false
	})
	w := openWindow(t, b.dir, fmt.Sprintf("PS1='ready> '; clear; %s %s", b.program(), strings.Join(b.args("steady", "--limit", "150", "--parallel", "1"), " ")))
	w.tmux("resize-window", "-x", "80", "-y", "160") // a shell names its jobs by their long commands
	answered := regexp.MustCompile(`answered ([0-9,]+)/600`)
	frames := func(n int) func(string) bool {
		return func(s string) bool { return len(answered.FindAllString(s, -1)) == n }
	}
	prompts := func(n int) func(string) bool {
		return func(s string) bool { return strings.Count(s, "ready>") == n }
	}
	w.waitFor("a frame", func(s string) bool { return strings.Contains(s, "calls/s") })
	const stops = 4
	for i := range stops {
		w.tmux("send-keys", "C-z")
		w.waitFor("the shell", prompts(2*i+1))
		w.tmux("send-keys", "echo it stands still", "Enter")
		w.waitFor("the shell's answer", prompts(2*i+2))
		time.Sleep(2 * frameEvery) // as a person takes
		w.tmux("send-keys", "fg", "Enter")
		w.waitFor("another frame", frames(i+2))
	}
	w.tmux("send-keys", "C-z")
	w.waitFor("the shell", prompts(2*stops+1))
	w.tmux("send-keys", "bg", "Enter")
	s := w.waitFor("the shell again", prompts(2*stops+2))
	time.Sleep(3 * frameEvery)
	if after := w.screen(); after != s {
		t.Errorf("a job in the background wrote: before\n%safter\n%s", s, after)
	}
	w.tmux("send-keys", "fg", "Enter")
	s = w.waitFor("the last frame", frames(stops+2))
	if n := strings.Count(s, "\nit stands still\n"); n != stops {
		t.Errorf("of what the shell wrote %d of %d lines are there:\n%s", n, stops, s)
	}
	if at := answered.FindAllStringSubmatch(s, -1); at[stops][1] == at[stops+1][1] {
		t.Errorf("the run did not go on in the background:\n%s", s)
	}
	w.tmux("send-keys", "C-c")
	w.waitFor("the end", func(s string) bool { return strings.Contains(s, "perg: error: interrupted") })
}

// Ctrl-S stops the screen and nothing else. With Ctrl-Q all comes that was
// told meanwhile, and the frame is gone.
func TestCtrlSStopsTheScreenAlone(t *testing.T) {
	b := newBench(t)
	var calls atomic.Int32
	b.host = ollamatest.Proxy(t, b.host, func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
		if measures(body) {
			return false
		}
		if calls.Add(1) == 60 {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"the prompt has a bad day"}`)
			return true
		}
		time.Sleep(20 * time.Millisecond)
		return false
	})
	args := b.args("steady", "swayed", "--judge", "judge", "--limit", "12", "--parallel", "2")
	w := openWindow(t, b.dir, fmt.Sprintf("PS1='ready> '; clear; %s %s; echo status $?", b.program(), strings.Join(args, " ")))
	w.waitFor("a frame", func(s string) bool { return strings.Contains(s, "calls/s") })
	w.tmux("send-keys", "C-s")
	stopped := w.screen()
	if n := calls.Load(); n > 50 {
		t.Fatalf("%d calls were made before Ctrl-S, too many to see any after it", n)
	}
	b.finishes()
	time.Sleep(screenPatience + time.Second) // longer than a pipe is waited for
	if s := w.screen(); s != stopped {
		t.Errorf("the screen was not stopped; on it is\n%s", s)
	}
	w.tmux("send-keys", "C-q")
	s := w.waitFor("the end", func(s string) bool { return strings.Contains(s, "status 3") })
	if strings.Contains(s, "calls/s") || !strings.Contains(s, "95 of 96 generations done, 1 failed") {
		t.Errorf("after Ctrl-Q:\n%s", s)
	}
}

// Where the result goes elsewhere, a screen that stays stopped does not keep
// perg from ending.
func TestAStoppedScreenDoesNotPutOffTheEnd(t *testing.T) {
	b := newBench(t)
	b.host = ollamatest.Proxy(t, b.host, func(_ http.ResponseWriter, _ *http.Request, body []byte) bool {
		if !measures(body) {
			time.Sleep(50 * time.Millisecond)
		}
		return false
	})
	result, ended := filepath.Join(b.dir, "result"), filepath.Join(b.dir, "ended")
	args := b.args("steady", "--limit", "9", "--parallel", "1")
	w := openWindow(t, b.dir, fmt.Sprintf("clear; %s %s > %s; echo status $? > %s", b.program(), strings.Join(args, " "), result, ended))
	w.waitFor("a frame", func(s string) bool { return strings.Contains(s, "calls/s") })
	w.tmux("send-keys", "C-s")
	w.waitFor("its end", func(string) bool {
		text, err := os.ReadFile(ended)
		return err == nil && strings.TrimSpace(string(text)) == "status 0"
	})
	if text, err := os.ReadFile(result); err != nil || !strings.Contains(string(text), "36 of 36 generations done") {
		t.Errorf("the result: %v\n%s", err, text)
	}
	w.tmux("send-keys", "C-q")
}
