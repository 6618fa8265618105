package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sync/atomic"

	"perg/models/ollamatest"
)

// From another terminal a run is asked how far it is, paused, gone on with and
// stopped; --on-end hears how it ended.
func TestCtl(t *testing.T) {
	b := newBench(t)
	var calls atomic.Int32
	b.host = ollamatest.Proxy(t, b.host, func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		if strings.HasSuffix(r.URL.Path, "/chat") {
			calls.Add(1)
			time.Sleep(50 * time.Millisecond)
		}
		return false
	})
	out, said := filepath.Join(b.dir, "run"), filepath.Join(b.dir, "said")
	program, ended := b.program(), make(chan int, 1)
	go func() {
		c := exec.CommandContext(t.Context(), program, b.args("steady", "--judge", "judge", "--settings", "relevant", "--parallel", "1", "--on-end", `echo "$PERG_STATE $PERG_EXIT $PERG_RUN" > `+said)...)
		c.Run()
		ended <- c.ProcessState.ExitCode()
	}()
	ask := func(command string) steered {
		t.Helper()
		var s steered
		status, text, errs := b.perg(t.Context(), "ctl", out, command, "--json")
		if status != exitDone {
			t.Fatalf("ctl %s: exit status %d\n%s", command, status, errs)
		}
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		status, text, _ := b.perg(t.Context(), "ctl", out)
		if status == exitDone && strings.Contains(text, out+": running, answered ") && calls.Load() > 8 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the run does not answer: %s", text)
		}
	}
	if s := ask("pause"); s.State != "paused" {
		t.Errorf("after pause it is %s", s.State)
	}
	time.Sleep(time.Second) // what is in flight comes back
	before := calls.Load()
	time.Sleep(time.Second)
	if now := calls.Load(); now != before {
		t.Errorf("%d calls were made in a pause", now-before)
	}
	if status, text, _ := b.perg(t.Context(), "ctl", out, "status"); status != exitDone || !strings.Contains(text, ": paused, answered ") {
		t.Errorf("in a pause: exit status %d, %s", status, text)
	}
	if s := ask("retry"); s.State != "paused" {
		t.Errorf("after retry it is %s", s.State)
	}
	if s := ask("resume"); s.State != "running" {
		t.Errorf("after resume it is %s", s.State)
	}
	for deadline := time.Now().Add(20 * time.Second); calls.Load() < before+4; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not go on")
		}
	}
	if s := ask("stop"); s.State != "stopping" || s.Answered.Of != 300 || s.Answered.Done == 0 {
		t.Errorf("after stop: %+v", s)
	}
	if status := <-ended; status != exitInterrupted {
		t.Errorf("the run ends with exit status %d", status)
	}
	if text, err := os.ReadFile(said); err != nil || string(text) != "interrupted 130 "+out+"\n" {
		t.Errorf("--on-end was told %q, %v", text, err)
	}
	for args, want := range map[string]string{
		"ctl " + out + " status": "error: nothing is at work on " + out + ": it is interrupted\nperg: hint: to go on with it: perg run --out " + out + "\n",
		"ctl " + out + " pawse":  `error: ctl has no command "pawse"` + "\nperg: hint: did you mean pause? there are: status, pause, resume, retry, stop\n",
		"ctl":                    "error: ctl takes a run and a command, not 0 arguments",
		"ctl nothere pause":      "error: nothere is no run",
	} {
		if status, _, errs := b.perg(t.Context(), strings.Fields(args)...); status == exitDone || !strings.Contains(errs, want) {
			t.Errorf("perg %s: exit status %d\n%s", args, status, errs)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(out, ".ctl*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// --on-end hears of a run that could not begin, too, and changes nothing of how
// perg ends.
func TestOnEndOfAFailedRun(t *testing.T) {
	dir := t.TempDir()
	said := filepath.Join(dir, "said")
	b := bench{t: t, dir: dir, host: "http://127.0.0.1:9"}
	status, _, errs := b.run("steady", "--on-end", `echo "$PERG_STATE $PERG_EXIT $PERG_ERROR" > `+said+`; echo heard; exit 7`)
	if status != exitFailed || !strings.Contains(errs, "heard\n") || !strings.Contains(errs, "perg: warning: --on-end: exit status 7\n") {
		t.Errorf("exit status %d\n%s", status, errs)
	}
	if text, err := os.ReadFile(said); err != nil || !strings.HasPrefix(string(text), "failed 1 server not reachable") {
		t.Errorf("--on-end was told %q, %v", text, err)
	}
}
