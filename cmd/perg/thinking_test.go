package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ollama/ollama/api"

	"perg/data"
	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
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
	t.Parallel()
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

// Answers that are ended leave their slots to the next: on a server that has one, and
// of a model that writes a token in no time.
func TestEndedAnswersFreeTheirSlots(t *testing.T) {
	b := newBench(t)
	s := ollamatest.Start(t, models.ServerConfig{Slots: 1})
	ollamatest.Install(t, s.URL(), map[string]gguftest.Chain{"levelled": actors["levelled"]})
	b.host = s.URL()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if status, stdout, stderr := b.perg(ctx, b.args("levelled", "--think", "high", "--think-budget", "3", "--limit", "12", "--settings", "relevant")...); status != exitDone {
		t.Errorf("exit %d\n%s\n%s", status, stdout, stderr)
	}
}

// A thought that has more tokens than its budget is ended on a real server, and is no
// answer; what was answered in both cells stands beside.
func TestABudgetOnARealServer(t *testing.T) {
	t.Parallel()
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

// A judge is compared with itself without a thought: both rate what the other does, each
// by its own name, and 'judge agree' says how far they agree.
func TestAJudgeAgreesWithItsOwnOff(t *testing.T) {
	const chat = `{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}{{ end }}{{ if and .IsThinkSet (not .Think) }}<think></think>{{ end }}`
	s := ollamatest.NewScripted(t, "0.33.0", map[string]ollamatest.Model{"a:latest": {Template: "{{ .System }}{{ .Prompt }}"}, "judge:latest": {Thinks: true, Template: chat}})
	s.Says = func(api.ChatRequest) string { return "The answer is B." }
	s.Fills = func(r api.ChatRequest) string { // half as much, in every second question, where it does not think
		score := 1 + len(r.Messages[len(r.Messages)-1].Content)%4
		if !r.Think.Bool() && score > 2 {
			score--
		}
		return fmt.Sprintf(`{"explanation":"because","score":%d}`, score)
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "run")
	b := bench{t, s.URL, dir}
	status, _, stderr := b.run("a", "--judge", "judge", "--judge", "judge@think-on", "--extractor", "none", "--judge-all", "--settings", "relevant", "--limit", "30")
	if status != exitDone {
		t.Fatal(status, stderr)
	}
	status, stdout, stderr := b.perg(t.Context(), "judge", "agree", out)
	rated := regexp.MustCompile(`judge:latest: (\d+) rated, 0 unscored, 0 failed\njudge:latest@think-on: (\d+) rated, 0 unscored, 0 failed`).FindStringSubmatch(stdout)
	if status != exitDone || rated == nil || rated[1] != rated[2] || rated[1] == "0" {
		t.Fatalf("%d %s\n%s", status, stderr, stdout)
	}
	pair := regexp.MustCompile(`judge:latest, judge:latest@think-on\n +(\d+) +(\d+\.\d) +(\d+\.\d) +0\.\d\d \(`).FindStringSubmatch(stdout)
	if pair == nil || pair[1] != rated[1] || pair[2] == "100.0" || pair[2] == "0.0" {
		t.Errorf("the pair: %q\n%s", pair, stdout)
	}
}
