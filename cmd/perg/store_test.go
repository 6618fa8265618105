package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perg/harness/store"
	"perg/models/ollamatest"
)

// storeBench has two runs of two models, which share what both ask.
func storeBench(t *testing.T) (b bench, s *ollamatest.Scripted, file string) {
	t.Helper()
	const chat = "{{ .System }}{{ .Prompt }}"
	s = ollamatest.NewScripted(t, "0.33.0", map[string]ollamatest.Model{"a:latest": {Template: chat}, "b:latest": {Template: chat}})
	b = bench{t, s.URL, t.TempDir()}
	for name, models := range map[string][]string{"one": {"a"}, "two": {"a", "b"}} {
		args := append(models, "--settings", "relevant", "--limit", "3", "--null", "0", "--out", filepath.Join(b.dir, "runs", name))
		if status, _, stderr := b.run(args...); status != exitDone {
			t.Fatal(status, stderr)
		}
	}
	return b, s, filepath.Join(b.dir, "store.db")
}

// held is what 'perg store' says of a store.
type heldJSON struct {
	Replies int
	Prompts struct{ Replies int }
	Models  []struct {
		Model   *string
		Replies int
	}
	Runs []struct {
		Run, State   string
		Takes, Alone *struct{ Replies int }
	}
}

func heldIn(t *testing.T, b bench, file string) (h heldJSON) {
	t.Helper()
	status, stdout, stderr := b.perg(t.Context(), "store", "--store", file, "--json", filepath.Join(b.dir, "runs"))
	if status != exitDone {
		t.Fatal(status, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &h); err != nil {
		t.Fatal(err)
	}
	return h
}

// A store says what it holds, by model and by run, each reply of a run counted once.
func TestStoreSaysWhatItHolds(t *testing.T) {
	b, _, file := storeBench(t)
	h := heldIn(t, b, file)
	byModel := make(map[string]int)
	for _, m := range h.Models {
		if m.Model == nil {
			t.Fatalf("a reply of now has no model: %+v", h.Models)
		}
		byModel[*m.Model] = m.Replies
	}
	if byModel["a:latest"] != 6 || byModel["b:latest"] != 6 || h.Prompts.Replies != h.Replies-12 {
		t.Errorf("by model %v of %d", byModel, h.Replies)
	}
	if len(h.Runs) != 2 {
		t.Fatalf("%+v", h.Runs)
	}
	for _, r := range h.Runs {
		takes, alone := 6, 0
		if filepath.Base(r.Run) == "two" {
			takes, alone = 12, 6
		}
		if r.State != "finished" || r.Takes == nil || r.Takes.Replies != takes || r.Alone.Replies != alone {
			t.Errorf("%s is %s, takes %v, alone %v", r.Run, r.State, r.Takes, r.Alone)
		}
	}
	status, stdout, _ := b.perg(t.Context(), "store", "--store", file)
	if status != exitDone || !strings.Contains(stdout, "a:latest") || !strings.Contains(stdout, "runs/two  finished") && !strings.Contains(stdout, "two  finished") {
		t.Errorf("%d\n%s", status, stdout)
	}
	if status, _, stderr := b.perg(t.Context(), "store", "--store", file+"x"); status != exitUsage || !strings.Contains(stderr, "there is no store") {
		t.Errorf("%d %s", status, stderr)
	}
}

// Replies go by model, by what is installed and by runs that are gone; none goes without
// --yes, nor while the store is in use, and what a run takes that is there stays.
func TestStorePrune(t *testing.T) {
	b, s, file := storeBench(t)
	all := heldIn(t, b, file).Replies
	prune := func(want int, said string, args ...string) string {
		t.Helper()
		status, stdout, stderr := b.perg(t.Context(), append([]string{"store", "prune", "--store", file}, args...)...)
		if status != want || !strings.Contains(stdout+stderr, said) {
			t.Errorf("%q: status %d, want %d and %q\n%s%s", args, status, want, said, stdout, stderr)
		}
		return stdout
	}
	runs := filepath.Join(b.dir, "runs")
	prune(exitUsage, "which replies?", runs)
	prune(exitUsage, "is no age", "--older-than", "soon", runs)
	prune(exitUsage, "it has those of a:latest, b:latest", "--model", "c", runs)
	prune(exitDone, "nothing to remove", "--older-than", "1h", runs)
	prune(exitDone, "nothing to remove", "--uninstalled", "--host", b.host, runs)
	prune(exitDone, "nothing to remove", "--gone", runs)
	if said := prune(exitDone, "nothing was removed", "--model", "b", runs); !strings.Contains(said, "two, which would ask again: 6") {
		t.Errorf("who needs them is not said:\n%s", said)
	}
	if n := heldIn(t, b, file).Replies; n != all {
		t.Fatalf("%d of %d replies are there, and nobody said --yes", n, all)
	}

	open, err := store.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	prune(exitFailed, "it is in use", "--model", "b", "--yes", runs)
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}

	delete(s.Models, "b:latest")
	if err := os.RemoveAll(filepath.Join(runs, "two")); err != nil {
		t.Fatal(err)
	}
	prune(exitDone, "of b:latest", "--uninstalled", "--host", b.host, runs)
	prune(exitDone, "removed; ", "--gone", "--yes", runs)
	h := heldIn(t, b, file)
	if h.Replies-h.Prompts.Replies != 6 || len(h.Runs) != 2 || h.Runs[0].Takes == nil || h.Runs[0].Takes.Replies != 6 || h.Runs[1].State != "gone" {
		t.Errorf("%+v", h)
	}
}
