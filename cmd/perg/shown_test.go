package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/report/browsertest"
	"perg/harness/rundir"
	"perg/harness/standing"
	"perg/models/ollamatest"
)

// A held server answers so many calls, and the others when it is let go.
func held(t *testing.T, host string, calls int32) (url string, letGo func(), waiting func() bool) {
	var sent atomic.Int32
	gate := make(chan struct{})
	url = ollamatest.Proxy(t, host, func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		if !measures(body) && strings.HasSuffix(r.URL.Path, "/chat") && sent.Add(1) > calls {
			select {
			case <-gate:
			case <-r.Context().Done():
			}
		}
		return false
	})
	return url, func() { close(gate) }, func() bool { return sent.Load() > calls }
}

func filesOf(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, _ os.FileInfo, err error) error {
		all = append(all, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A run at work is reported, compared and exported as far as it came, and is
// left alone; so is one whose process died.
func TestRunAtWorkIsShown(t *testing.T) {
	b := newBench(t)
	host := b.host
	url, letGo, waiting := held(t, host, 9)
	b.host = url
	out := filepath.Join(b.dir, "run")
	ended := make(chan int, 1)
	go func() {
		status, _, _ := b.run("steady", "swayed", "--judge", "judge", "--limit", "3", "--settings", "relevant", "--parallel", "1")
		ended <- status
	}()
	for deadline := time.Now().Add(60 * time.Second); !waiting(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the run does not get there")
		}
	}
	time.Sleep(300 * time.Millisecond) // until what was answered is durable
	before := filesOf(t, out)
	status, text, errs := b.perg(t.Context(), "report", out)
	if status != exitDone || !strings.Contains(text, ": running, 3 items of sample") || !strings.Contains(text, "caveat: the run is running, ") || !strings.Contains(text, " of 12 answers are there") {
		t.Errorf("report: exit status %d\n%s%s", status, text, errs)
	}
	if status, text, errs := b.perg(t.Context(), "report", out, "--json"); status != exitDone || !json.Valid([]byte(text)) || !strings.Contains(errs, "of 12 answers are there") {
		t.Errorf("report --json: exit status %d\n%s%s", status, text, errs)
	}
	if status, text, errs := b.perg(t.Context(), "compare", out+",swayed,none", "swayed,relevant"); status != exitDone || !strings.Contains(strings.Join(strings.Fields(text), " "), "caveat: the run is running") {
		t.Errorf("compare: exit status %d\n%s%s", status, text, errs)
	}
	if status, text, errs := b.perg(t.Context(), "export", out, "-o", filepath.Join(b.dir, "flat")); status != exitDone || !strings.Contains(text, "caveat: the run is running") {
		t.Errorf("export: exit status %d\n%s%s", status, text, errs)
	}
	if status, text, _ := b.perg(t.Context(), "runs", b.dir); status != exitDone || !strings.Contains(text, "run  running") {
		t.Errorf("runs: exit status %d\n%s", status, text)
	}
	if after := filesOf(t, out); !slices.Equal(before, after) {
		t.Errorf("looking at a run left in its directory %v where there was %v", after, before)
	}
	page, endView := viewAtWork(t, b, out)
	browser := browsertest.Start(t).Tab(t, 1280, 900)
	browser.Do(chromedp.Navigate(page))
	if first := browsertest.Get(browser, chromedp.Text("header")); !strings.Contains(first, "the run is running · ") || !strings.Contains(first, " of 12 answers are there") {
		t.Errorf("perg view says at first: %s", first)
	}
	letGo()
	if status := <-ended; status != exitDone {
		t.Fatalf("the run that was looked at ended with %d", status)
	}
	for deadline := time.Now().Add(30 * time.Second); browsertest.Eval[bool](browser, `!document.querySelector(".found")?.textContent.includes("of 12 answers") || "standing" in document.body.dataset`); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the page does not come to show all: %s", browsertest.Get(browser, chromedp.Text("body")))
		}
	}
	endView()
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "perg-standing-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	// Of a run that is finished the tables are its own.
	m, err := rundir.ReadManifest(out)
	if err != nil {
		t.Fatal(err)
	}
	made := t.TempDir()
	now, err := standing.Write(t.Context(), out, m, made)
	if err != nil {
		t.Fatal(err)
	}
	if now.Answered != 12 || now.Planned != 12 || now.Uneven() {
		t.Errorf("%+v", now)
	}
	if diff := cmp.Diff(table[data.Generation](t, out, "generations"), table[data.Generation](t, made, "generations")); diff != "" {
		t.Errorf("generations of a finished run: %s", diff)
	}
	if diff := cmp.Diff(table[data.Judgment](t, out, "judgments"), table[data.Judgment](t, made, "judgments")); diff != "" {
		t.Errorf("judgments of a finished run: %s", diff)
	}

	// A process that died left a manifest that says running.
	m.State = rundir.StateRunning
	edited, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "run.json"), edited, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"generations", "judgments", "metrics"} {
		if err := os.RemoveAll(filepath.Join(out, name)); err != nil {
			t.Fatal(err)
		}
	}
	if status, text, errs := b.perg(t.Context(), "report", out); status != exitDone || !strings.Contains(text, "caveat: the run is stopped, 12 of 12 answers are there (100 %)") {
		t.Errorf("a run that died: exit status %d\n%s%s", status, text, errs)
	}
	if err := os.Remove(filepath.Join(b.dir, "store.db")); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := b.perg(t.Context(), "report", out); status != exitFailed || !strings.Contains(errs, "has no tables yet: the run is stopped, and how the run stands cannot be told") {
		t.Errorf("without its store: exit status %d\n%s", status, errs)
	}
}

// viewAtWork serves a run that goes on, until it is ended.
func viewAtWork(t *testing.T, b bench, dir string) (url string, end func()) {
	t.Helper()
	was := lookEvery
	lookEvery = 100 * time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		status, _, _ := b.perg(ctx, "view", dir, "--port", port)
		ended <- status
	}()
	url = "http://127.0.0.1:" + port + "/"
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if reply, err := http.Get(url); err == nil {
			reply.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("perg view does not answer")
		}
	}
	return url, func() {
		cancel()
		if status := <-ended; status != exitDone {
			t.Errorf("perg view ended with %d", status)
		}
		lookEvery = was
	}
}
