package main

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// What a finished run came to is shown where its server is gone; more than was
// asked for needs one.
func TestFinishedRunNeedsNoServer(t *testing.T) {
	b := newBench(t)
	at, err := url.Parse(b.host)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(httputil.NewSingleHostReverseProxy(at))
	b.host = server.URL
	if status, _, stderr := b.run("steady", "--judge", "judge", "--limit", "1", "--settings", "relevant"); status != exitDone {
		t.Fatalf("exit status %d\n%s", status, stderr)
	}
	server.Close()
	out := filepath.Join(b.dir, "run")
	status, stdout, stderr := b.perg(t.Context(), "run", "--out", out)
	if status != exitDone || !strings.Contains(stdout, "nothing to do, no call was made: the run is finished") {
		t.Errorf("a finished run: exit status %d\n%s\n%s", status, stdout, stderr)
	}
	status, _, stderr = b.perg(t.Context(), "run", "--out", out, "--limit", "2")
	if status != exitFailed || !strings.Contains(stderr, "server not reachable") {
		t.Errorf("with a limit of its own: exit status %d\n%s", status, stderr)
	}
}
