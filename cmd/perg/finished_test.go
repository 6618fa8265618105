package main

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perg/models/ollamatest"
)

// A finished run with templates, examples and a config of the user's own needs a
// server only where one of them has changed.
func TestFinishedRunWithFilesNeedsNoServer(t *testing.T) {
	template, err := os.ReadFile("../../harness/prompt/templates/judge_system.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("prompts", 0o700); err != nil {
		t.Fatal(err)
	}
	write("prompts/judge_system.tmpl", string(template)+"Be strict.\n")
	write("shots.json", `{"Example_0": "Question: 1+1?\nA. 2\nB. 3\nAnswer: A"}`)
	s := ollamatest.NewScripted(t, "0.33.0", map[string]ollamatest.Model{"m:latest": {Template: chatML}, "judge:latest": {Template: chatML}})
	server := httptest.NewServer(s)
	write("run.yaml", "models: m\njudge: judge\nmethods: [zero-shot, icl]\nlimit: 1\nsettings: [relevant]\nhost: "+server.URL+"\nstore: replies.db\n")
	command := []string{"run", "--config", "run.yaml", "--prompts", "prompts", "--icl", "shots.json", "--out", "run"}
	if code, said := say(t, command...); code != exitDone {
		t.Fatalf("exit %d\n%s", code, said)
	}
	server.Close()
	for _, again := range [][]string{command, {"run", "--out", "run"}, {"run", "--out", "run", "--prompts", "prompts"}, {"run", "--out", "run", "--icl", "shots.json"}} {
		if code, said := say(t, again...); code != exitDone || !strings.Contains(said, "nothing to do") {
			t.Errorf("%v: exit %d\n%s", again, code, said)
		}
	}
	write("shots.json", `{"Example_0": "Question: 2+2?\nA. 4\nB. 3\nAnswer: A"}`)
	if code, said := say(t, command...); code != exitFailed || !strings.Contains(said, "server not reachable") {
		t.Errorf("with other examples: exit %d\n%s", code, said)
	}
}

// What a finished run came to is shown where its server is gone; more than was
// asked for needs one.
func TestFinishedRunNeedsNoServer(t *testing.T) {
	t.Parallel()
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
	// Templates, examples, a config and the names of models may be given again.
	status, stdout, stderr = b.run("steady", "--judge", "judge", "--limit", "1", "--settings", "relevant")
	if status != exitDone || !strings.Contains(stdout, "nothing to do") {
		t.Errorf("the same command: exit status %d\n%s\n%s", status, stdout, stderr)
	}
	status, _, stderr = b.perg(t.Context(), "run", "--out", out, "--limit", "2")
	if status != exitFailed || !strings.Contains(stderr, "server not reachable") {
		t.Errorf("with a limit of its own: exit status %d\n%s", status, stderr)
	}
}
