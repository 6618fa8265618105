package main

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perg/models/ollamatest"
)

// guarded is a server with two models behind a proxy that lets in who has the
// password and the key. What it refuses it repeats, as some do.
func guarded(t *testing.T, user, password, key string) (url string) {
	t.Helper()
	s := ollamatest.NewScripted(t, "0.17.4", map[string]ollamatest.Model{"a:latest": {Template: chatML}, "judge:latest": {Template: chatML}})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, p, _ := r.BasicAuth()
		if u != user || p != password || r.Header.Get("X-Api-Key") != key {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, "<html><head><title>who is %s with %s and %s?</title></head></html>", u, p, r.Header.Get("X-Api-Key"))
			return
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// What a server is asked with is nowhere to be seen: on the screen, in a run's
// files, its pages and exports, and in errors.
func TestSecretsAreShownAndWrittenNowhere(t *testing.T) {
	const user, password, key = "ursula", "hunter2", "sesame-open"
	url := guarded(t, user, password, key)
	with := strings.Replace(url, "://", "://"+user+":"+password+"@", 1)
	dir := t.TempDir()
	t.Chdir(dir)
	// The variable has a name by which perg tells Ollama's own.
	t.Setenv("OLLAMA_PASS", key)
	config := filepath.Join(dir, "perg.yaml")
	written := func(text string) {
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	quiet := func(want int, args ...string) (said string) {
		t.Helper()
		code, said := say(t, args...)
		if code != want {
			t.Errorf("%s: exit %d, want %d\n%s", strings.Join(args, " "), code, want, said)
		}
		for _, secret := range []string{user, password, key} {
			if strings.Contains(said, secret) {
				t.Errorf("%s shows %q:\n%s", args[0], secret, said)
			}
		}
		return said
	}
	at := []string{"--host", with, "--header", "x-api-key=OLLAMA_PASS"}
	on := func(args ...string) []string { return append(args, at...) }
	quiet(exitDone, on("doctor", "--store", "replies.db")...)
	quiet(exitDone, on("models")...)
	quiet(exitDone, on("plan", "a", "--judge", "judge", "--limit", "3", "--json")...)
	quiet(exitDone, on("run", "a", "--judge", "judge", "--limit", "3", "--out", "run", "--store", "replies.db")...)
	quiet(exitDone, "report", "run", "--html", "report.html")
	quiet(exitDone, "export", "run", "-o", "results")
	quiet(exitDone, on("judge", "run", "--judge", "a")...)
	written(fmt.Sprintf("models: [a]\nhost: %s\nheader: X-Api-Key=OLLAMA_PASS\nlimit: 3\nstore: replies.db\n", with))
	quiet(exitDone, "run", "--config", config, "--out", "other")

	quiet(exitDone, on("run", "--out", "run")...)
	if said := quiet(exitFailed, "run", "a", "--host", url, "--out", "second", "--store", "replies.db"); !strings.Contains(said, "HTTP 401") || !strings.Contains(said, "credentials") {
		t.Errorf("without a password:\n%s", said)
	}
	wrong := strings.Replace(url, "://", "://"+user+":"+password+"x@", 1)
	quiet(exitFailed, "run", "a", "--host", wrong, "--header", "X-Api-Key=OLLAMA_PASS", "--out", "third", "--store", "replies.db")
	quiet(exitUsage, "run", "a", "--host", with, "--host", with)
	quiet(exitUsage, "run", "a", "--host", with, "--lanes", "2")
	quiet(exitUsage, "run", "a", "--host", with, "--header", "X-Api-Key="+key)
	quiet(exitUsage, "run", "a", "--host", with, "--header", "X-Api-Key: "+key)
	written("host: " + with + "\nnothing: 1\n")
	quiet(exitUsage, "run", "--config", config)
	if said := quiet(exitUsage, "plan", "a", "--host", with, "--header", "X-Api-Key=PERG_TEST_UNSET"); !strings.Contains(said, "PERG_TEST_UNSET") {
		t.Errorf("a variable that is missing is not named:\n%s", said)
	}
	quiet(exitFailed, "run", "a", "--host", strings.Replace("http://127.0.0.1:1", "://", "://"+user+":"+password+"@", 1), "--store", "replies.db")

	os.Remove(config) // the user's own
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, secret := range []string{user, password, key} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%q is in %s", secret, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
