package main

import (
	"path/filepath"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/rundir"
	"perg/models/ollamatest"
)

// A cloud model runs where that is accepted: it is marked in all that is shown,
// what is not known of it is null, and its replies serve its run alone.
func TestModelsThatRunElsewhere(t *testing.T) {
	t.Chdir(t.TempDir())
	s := ollamatest.NewScripted(t, "0.17.4", map[string]ollamatest.Model{
		"here:latest": {Template: chatML}, "big:120b-cloud": {Family: "gptoss", Thinks: true, Remote: "https://ollama.com:443"},
	})
	ask := func(out string, more ...string) (said string, asked int) {
		t.Helper()
		before := len(s.Asked())
		args := append([]string{"run", "--host", s.URL, "--store", "replies.db", "--out", out}, more...)
		code, said := say(t, args...)
		if code != exitDone {
			t.Fatalf("%s: exit %d\n%s", out, code, said)
		}
		return said, len(s.Asked()) - before
	}
	first := []string{"big:120b-cloud", "here", "--judge", "big:120b-cloud", "--limit", "2", "--settings", "relevant", "--think", "on", "--parallel", "1", "--allow-remote"}
	said, asked := ask("one", first...)
	if asked == 0 || !strings.Contains(said, "big:120b-cloud runs elsewhere: prompts and answers go to https://ollama.com:443") {
		t.Errorf("%d calls were made, and it says\n%s", asked, said)
	}
	for _, l := range s.Launches() {
		if strings.Contains(l.Model, "cloud") {
			t.Errorf("%s was loaded here", l.Model)
		}
	}
	remote := "big:120b-cloud@remote@think-medium" // gpt-oss takes levels, of which that is its own
	for _, g := range table[data.Generation](t, "one", "generations") {
		switch g.Variant {
		case remote:
			if g.Digest != "" || g.VRAMBytes != nil || g.GPUUUIDs != nil || g.KVCacheType != "" {
				t.Errorf("of a model elsewhere the table has digest %q, VRAM %v, GPUs %v, cache %q", g.Digest, g.VRAMBytes, g.GPUUUIDs, g.KVCacheType)
			}
		case "here:latest":
			if g.Digest == "" || g.VRAMBytes == nil {
				t.Errorf("of a model here the table has digest %q, VRAM %v", g.Digest, g.VRAMBytes)
			}
		default:
			t.Errorf("variant %s", g.Variant)
		}
	}
	for _, m := range table[data.Metric](t, "one", "metrics") {
		if m.Variant == remote && (m.LoadedVRAMBytes != nil || m.PeakVRAMBytes != nil || m.EnergyJoules != nil) {
			t.Errorf("of a model elsewhere the metrics have memory %v, %v and energy %v", m.LoadedVRAMBytes, m.PeakVRAMBytes, m.EnergyJoules)
		}
	}
	manifest, err := rundir.ReadManifest("one")
	if err != nil {
		t.Fatal(err)
	}
	if m := manifest.Models[0]; m.Remote != "https://ollama.com:443" || m.Digest != "" || m.Size != 0 {
		t.Errorf("run.json has %+v", m)
	}
	if _, report := say(t, "report", "one"); !strings.Contains(report, remote) {
		t.Errorf("the report does not mark it:\n%s", report)
	}

	if _, again := ask("one"); again != 0 {
		t.Errorf("the same run asked %d times more", again)
	}
	// Another run has the reply of what runs here, and none of what does not.
	var elsewhere int
	before := len(s.Asked())
	ask("two", first...)
	for _, c := range s.Asked()[before:] {
		if c.Model == "here:latest" {
			t.Errorf("a model here was asked again by another run")
		}
		elsewhere++
	}
	if elsewhere == 0 {
		t.Error("replies of a model elsewhere served another run")
	}

	code, said := say(t, "plan", "big:120b-cloud", "--host", s.URL, "--store", filepath.Join(t.TempDir(), "none.db"), "--limit", "1", "--allow-remote")
	if code != exitDone || !strings.Contains(said, "runs elsewhere") {
		t.Errorf("plan: exit %d\n%s", code, said)
	}
	if code, said := say(t, "judge", "two", "--judge", "big:120b-cloud", "--host", s.URL, "--store", "replies.db"); code != exitDone {
		t.Errorf("judge: exit %d\n%s", code, said)
	}
	code, said = say(t, "plan", "big:120b-cloud", "--host", s.URL, "--limit", "1")
	if code != exitUsage || !strings.Contains(said, "--allow-remote") {
		t.Errorf("plan without --allow-remote: exit %d\n%s", code, said)
	}
}
