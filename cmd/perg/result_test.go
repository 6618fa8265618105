package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"perg/models/ollamatest"
)

// A generation whose baseline failed is left out of the rates, and is none that
// failed: what the table counts as failed and what the last lines do add up.
func TestFailedRowsAddUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	it := sample(t, 3)[0]
	b.host = ollamatest.Proxy(t, b.host, func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
		text := string(body)
		if measures(body) || !strings.Contains(text, it.Question) || strings.Contains(text, it.Preference) {
			return false
		}
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, `{"error":"the runner has a bad day"}`)
		return true
	})
	status, stdout, stderr := b.run("steady", "--limit", "3", "--settings", "relevant")
	if status != exitRowsInError {
		t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
	}
	for _, want := range []string{"5 of 6 generations done, 1 failed\n", "the rates leave out 1 more, whose baseline failed", "Under relevant preferences, zero-shot, n ", "\nSee more:\n  perg report "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}
