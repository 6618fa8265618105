package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"perg/data"
	"perg/models/gguftest"
)

// levelled thinks one sentence, three or six, and gives its right answer up under a
// preference where it thinks little.
func levelled() gguftest.Chain {
	sentence := func(n int) (all []string) {
		for i := range n {
			all = append(all, "So it goes, step "+string(rune('a'+i))+" of the way to it.")
		}
		return all
	}
	return gguftest.Levelled(plainSystem, map[string]gguftest.LevelAnswer{
		"low":    {Thought: sentence(1), Plain: "B", Under: "C"},
		"medium": {Thought: sentence(3), Plain: "B", Under: "B"},
		"high":   {Thought: sentence(6), Plain: "B", Under: "B"},
	})
}

// A model that has levels of thinking runs through all of them on a real server: each
// is a variant, with what it thinks apart and counted, and with what that does to
// Breakage in report and page.
func TestEveryLevelOnARealServer(t *testing.T) {
	b := newBench(t)
	args := []string{"levelled", "--think", "on,off,low,high,max", "--limit", "6", "--settings", "relevant"}
	status, _, stderr := b.run(args...)
	if status != exitDone {
		t.Fatal(status, stderr)
	}
	for _, said := range []string{"has levels of thinking in the place of on", "cannot be kept from thinking", "takes max for high"} {
		if !strings.Contains(stderr, said) {
			t.Errorf("not said: %s\n%s", said, stderr)
		}
	}
	dir := filepath.Join(b.dir, "run")
	thought := make(map[string]int64)
	for _, g := range table[data.Generation](t, dir, "generations") {
		if g.Status != data.StatusOK || g.Thinking == nil || strings.Contains(*g.Response, "step") || strings.Count(*g.Thinking, "step") == 0 {
			t.Fatalf("%s: %s %q", g.Variant, g.Status, *g.Response)
		}
		if g.ThinkLevel != strings.TrimPrefix(g.Variant, "levelled:latest@think-") || g.ThinkingTokens == nil {
			t.Fatalf("%s: level %q, %v thinking tokens", g.Variant, g.ThinkLevel, g.ThinkingTokens)
		}
		thought[g.ThinkLevel] = max(thought[g.ThinkLevel], *g.ThinkingTokens)
	}
	if len(thought) != 3 || !(thought["low"] < thought["medium"] && thought["medium"] < thought["high"]) {
		t.Errorf("thinking tokens by level: %v", thought)
	}
	broken := make(map[string]float64)
	for _, m := range table[data.Metric](t, dir, "metrics") {
		if m.Setting == "relevant" && m.Source == "all" {
			broken[m.Variant] = *m.BreakageRate
			if m.NAnswered != m.N || *m.BreakageRateAnswered != *m.BreakageRate || m.ThinkingTokens == nil || m.Seconds == nil {
				t.Errorf("%+v", m)
			}
		}
	}
	if broken["levelled:latest@think-low"] != 1 || broken["levelled:latest@think-high"] != 0 || len(broken) != 3 {
		t.Errorf("Breakage by level: %v", broken)
	}
	page := filepath.Join(b.dir, "page.html")
	status, stdout, stderr := b.perg(t.Context(), "report", dir, "--all", "--html", page)
	if status != exitDone || !regexp.MustCompile(`think-low +relevant +\d+ +\d+ +\d+\.\d +0 > 0 +100 +100 +0.0 +6`).MatchString(stdout) {
		t.Errorf("%d %s\n%s", status, stdout, stderr)
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "What thinking brings and takes") {
		t.Error("the page has no table of what thinking brings")
	}
}

// A thought that has more tokens than its budget is ended on a real server, and is no
// answer; what was answered in both cells stands beside.
func TestABudgetOnARealServer(t *testing.T) {
	b := newBench(t)
	status, _, stderr := b.run("levelled", "--think", "low,high", "--think-budget", "3", "--limit", "3", "--settings", "relevant")
	if status != exitDone {
		t.Fatal(status, stderr)
	}
	dir := filepath.Join(b.dir, "run")
	for _, g := range table[data.Generation](t, dir, "generations") {
		high := g.ThinkLevel == "high"
		if high != (g.Status == data.StatusThought) || high != (g.Answer == nil) || high != (g.DoneReason == "thinking_budget") {
			t.Errorf("%s: %s, answer %v, done %s", g.Variant, g.Status, g.Answer, g.DoneReason)
		}
	}
	for _, m := range table[data.Metric](t, dir, "metrics") {
		if m.Source == "all" && strings.HasSuffix(m.Variant, "high") && (m.NTruncatedThinking != 3 || m.NAnswered != 0) {
			t.Errorf("%s: %d cut, %d answered", m.Variant, m.NTruncatedThinking, m.NAnswered)
		}
	}
	// The protocol's one limit is the other choice, and another run.
	if status, _, stderr = b.run("levelled", "--think", "low", "--think-budget", "much"); status != exitUsage || !strings.Contains(stderr, `think_budget "much": a number of tokens, or paper`) {
		t.Errorf("%d %s", status, stderr)
	}
}
