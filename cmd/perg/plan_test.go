package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perg/harness"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

// A model that nobody described is planned from its file, and from the head of
// it at the registry that it would be pulled from; both say the same.
func TestAPlanReadsGGUF(t *testing.T) {
	t.Setenv("OLLAMA_HOST", "127.0.0.1:9")
	dir := t.TempDir()
	path := filepath.Join(dir, "own.gguf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	layout := gguftest.Layout{Architecture: "llama", Embedding: 512, Layers: 8, Heads: 8, KVHeads: 2, HeadLength: 64, FeedForward: 2048, Vocabulary: 500}
	if err := layout.WriteGGUF(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	url, sent := ollamatest.ServeFile(t, "own", path, "{{ .Prompt }}", true)
	plan := func(model string) harness.Summary {
		t.Helper()
		var stdout, stderr strings.Builder
		status := run(t.Context(), []string{"perg", "plan", model, "--gpus", "4090", "--store", filepath.Join(dir, "store.db"), "--json"}, &stdout, &stderr)
		if status != exitDone {
			t.Fatalf("exit status %d\n%s", status, stderr.String())
		}
		var s harness.Summary
		if err := json.Unmarshal([]byte(stdout.String()), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	file, tag := plan(path), plan(url+"/library/own")
	if file.Memory[0].Footprint != tag.Memory[0].Footprint || file.Memory[0].Variant != "own.gguf" || sent.Load() == 0 {
		t.Errorf("the file: %+v\nthe registry: %+v", file.Memory[0], tag.Memory[0])
	}
	if said := strings.Join(file.Notes, "\n") + strings.Join(tag.Notes, "\n"); !strings.Contains(said, "planned from its GGUF file: own.gguf") || !strings.Contains(said, "planned from the registry: "+url) {
		t.Error(said)
	}
	var stdout, stderr strings.Builder
	status := run(t.Context(), []string{"perg", "plan", url + "/library/other", "--gpus", "4090"}, &stdout, &stderr)
	if status != exitUsage || !strings.Contains(stderr.String(), "is not installed, and the registry has none of that name") {
		t.Errorf("a tag that is not there: exit status %d\n%s", status, stderr.String())
	}
}

// A plan says how a model works best where an earlier run found it, and between
// which bounds its time lies.
func TestAPlanSaysWhatIsRemembered(t *testing.T) {
	var b strings.Builder
	work := []harness.PlannedWork{
		{Job: "two", Slots: 8, Servers: 2, Gain: 1.2, Reason: "fits gpu0"},
		{Job: "one", Slots: 16, Servers: 1, Gain: 1, Reason: "fits gpu0"},
		{Job: "new", Slots: 16, Servers: 1, Reason: "fits gpu0"},
	}
	s := harness.Summary{Makespan: time.Hour, Least: 40 * time.Minute, Most: 2 * time.Hour, Bound: 30 * time.Minute, Lanes: []harness.PlannedLane{{Lane: "gpu0", Work: work}}}
	s.Judges, s.Ratings, s.Expected = []rundir.ModelInfo{{Variant: "judge"}}, 1200, 480
	showPlan(&b, s)
	for _, want := range []string{
		"; some 480, and at most 1,200 ratings by judge\n",
		"two\n      fits gpu0; 2 servers of 8 slots, as an earlier run found best\n",
		"one\n      fits gpu0; 16 slots, as an earlier run found best\n",
		"new\n      fits gpu0\n",
		"time: about 60 min, between 40 min and 2.0 h; no plan could take less than 30 min\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in:\n%s", want, b.String())
		}
	}
}

// What the store remembers of a model on a server is in the plan of a run there:
// its time, and how far that may be off. A store that is damaged is a note.
func TestAPlanRestsOnTheStore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	client, err := models.NewClient(b.host)
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := client.Catalogue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	version, err := client.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m, _ := models.Find(catalogue, "steady")
	path := filepath.Join(b.dir, "store.db")
	plan := func() (s harness.Summary) {
		t.Helper()
		status, stdout, stderr := b.perg(t.Context(), "plan", "steady", "--host", b.host, "--store", path, "--limit", "10", "--null", "0", "--json")
		if status != exitDone {
			t.Fatalf("exit status %d\n%s", status, stderr)
		}
		if err := json.Unmarshal([]byte(stdout), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := plan(); s.Lanes[0].Work[0].Gain != 0 || s.Most < s.Least*39/10 {
		t.Errorf("nothing is remembered: between %v and %v, %+v", s.Least, s.Most, s.Lanes)
	}
	kept, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	err = kept.Remember(t.Context(), store.Paced{Digest: m.Digest, Engine: models.EngineOf(version), Version: version, Work: "answers"}, client.Host(),
		store.Pace{InFlight: 8, Servers: 1, Gain: 1, Prompt: 1e-9, New: 2, Calls: 100, Answer: 5}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	s := plan()
	work := s.Lanes[0].Work[0]
	// 40 answers of 5 tokens of 2 s each.
	if took := (work.End - work.Begin).Round(time.Second); work.Gain != 1 || took < 400*time.Second || took > 410*time.Second || s.Least != time.Duration(float64(s.Makespan)/1.25) {
		t.Errorf("in %v, between %v and %v: %+v", took, s.Least, s.Most, work)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("damage ", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	if s := plan(); len(s.Notes) == 0 || !strings.Contains(s.Notes[len(s.Notes)-1], "how fast models were in earlier runs is not known") {
		t.Errorf("of a damaged store: %q", s.Notes)
	}
}
