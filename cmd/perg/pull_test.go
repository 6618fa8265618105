package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"perg/models/ollamatest"
)

// What is missing is fetched before a run, once it is said how large it is;
// stopped on the way, the next command goes on.
func TestMissingModelsArePulled(t *testing.T) {
	t.Chdir(t.TempDir())
	chat := ollamatest.Model{Template: chatML}
	s := ollamatest.NewScripted(t, "0.17.4", map[string]ollamatest.Model{"here:latest": chat})
	s.Registry = ollamatest.Registry{Models: map[string]ollamatest.Model{"far:8b": chat, "judge:27b": chat}, Bytes: 4 << 30}
	args := func(out string, more ...string) []string {
		return append([]string{"run", "--host", s.URL, "--store", "replies.db", "--out", out, "--limit", "1", "--settings", "none", "--parallel", "1"}, more...)
	}

	code, said := say(t, args("none", "far:8b", "--judge", "judge:27b")...)
	if code != exitUsage || !strings.Contains(said, "has no model far:8b, judge:27b") || !strings.Contains(said, "--pull") {
		t.Errorf("without --pull: exit %d\n%s", code, said)
	}
	code, said = say(t, args("none", "far:9b", "--pull")...)
	if code != exitUsage || !strings.Contains(said, "file does not exist") || !strings.Contains(said, "check the name and the tag") {
		t.Errorf("a model that the registry lacks: exit %d\n%s", code, said)
	}
	code, said = say(t, "plan", "far:8b", "--host", s.URL, "--limit", "1")
	if code != exitUsage || !strings.Contains(said, "perg run --pull") {
		t.Errorf("plan: exit %d\n%s", code, said)
	}

	s.Serve(func(r *ollamatest.Registry) { r.Pause = 300 * time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	go func() {
		for s.Fetched("far:8b") < 1<<30 && t.Context().Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	if code := run(ctx, append([]string{"perg"}, args("run", "far:8b", "here", "--judge", "judge:27b", "--pull")...), &out, &out); code != exitInterrupted {
		t.Errorf("stopped: exit %d\n%s", code, out.String())
	}
	for _, want := range []string{
		"far:8b is not on " + s.URL + ": to be pulled, 4.0 GiB", "judge:27b is not on " + s.URL + ": to be pulled, 4.0 GiB",
		"whether the disk of " + s.URL + " holds them is not known", "what was fetched of far:8b is kept",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("stopped: it does not say %q:\n%s", want, out.String())
		}
	}
	s.Serve(func(r *ollamatest.Registry) { r.Pause = time.Millisecond })
	code, said = say(t, args("run", "far:8b", "here", "--judge", "judge:27b", "--pull")...)
	if code != exitDone || !strings.Contains(said, "pulled far:8b") || !strings.Contains(said, "pulled judge:27b") || strings.Contains(said, "pulled here") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if strings.Contains(said, "far:8b is not on "+s.URL+": to be pulled, 4.0 GiB") {
		t.Errorf("what was there of it counts again:\n%s", said)
	}
	if code, said = say(t, args("run", "far:8b", "here", "--judge", "judge:27b", "--pull")...); code != exitDone || strings.Contains(said, "pull") {
		t.Errorf("with all there: exit %d\n%s", code, said)
	}
}
