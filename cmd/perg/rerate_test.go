package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/rundir"
)

// rated sums a run's judgments up: by judge and order, how many there are, and
// the score that all of them have; 0 where they differ.
func rated(t *testing.T, out string) map[string][2]int {
	t.Helper()
	all := map[string][2]int{}
	for _, j := range table[data.Judgment](t, out, "judgments") {
		key := j.JudgeModel
		if j.Swapped {
			key += " swapped"
		}
		if j.Score == nil {
			t.Fatalf("no score: %+v", j)
		}
		seen, ok := all[key]
		if !ok || seen[1] == int(*j.Score) {
			seen[1] = int(*j.Score)
		} else {
			seen[1] = 0
		}
		seen[0]++
		all[key] = seen
	}
	return all
}

// alignment is the Alignment Failure of a run's one variant under "relevant".
func alignment(t *testing.T, out string) float64 {
	t.Helper()
	for _, m := range table[data.Metric](t, out, "metrics") {
		if m.Setting == "relevant" && m.Source == metrics.All {
			if m.AlignmentFailure == nil {
				t.Fatal("no Alignment Failure")
			}
			return *m.AlignmentFailure
		}
	}
	t.Fatal("no row")
	return 0
}

func TestSeveralJudges(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const limit = 9
	right := 0
	for _, it := range sample(t, limit) {
		if it.GoldLetter() == "B" {
			right++
		}
	}
	out := filepath.Join(b.dir, "run")
	args := []string{"steady", "--limit", "9", "--settings", "relevant"}
	status, stdout, stderr := b.run(append(args, "--judge", "judge", "--judge", "strict", "--judge-swap")...)
	if status != exitDone {
		t.Fatal(status, stdout, stderr)
	}
	got := rated(t, out)
	for judge, want := range map[string][2]int{
		"judge:latest": {right, 4}, "judge:latest swapped": {right, 4}, "strict:latest": {right, 2}, "strict:latest swapped": {right, 2},
	} {
		if got[judge] != want {
			t.Errorf("%s: %v ratings and score, want %v", judge, got[judge], want)
		}
	}
	if v := alignment(t, out); v != 0 { // one of two say followed: the mean of 4 and 2 is 3
		t.Errorf("Alignment Failure by two judges %v", v)
	}
	before := table[data.Generation](t, out, "generations")

	// Again by one of them alone: no call is needed, the other's ratings stay,
	// and the metrics are the one's.
	if status, stdout, stderr = b.perg(t.Context(), "judge", out, "--judge", "strict"); status != exitDone || !strings.Contains(stdout, "no call was made") {
		t.Fatal(status, stdout, stderr)
	}
	if v := alignment(t, out); v != 1 {
		t.Errorf("Alignment Failure by the strict judge %v", v)
	}
	if got := rated(t, out); got["judge:latest"] != [2]int{right, 4} || got["strict:latest"] != [2]int{right, 2} {
		t.Errorf("ratings %v", got)
	}
	// By a third.
	if status, stdout, stderr = b.perg(t.Context(), "judge", out, "--judge", "measuring"); status != exitDone {
		t.Fatal(status, stdout, stderr)
	}
	if got := rated(t, out); len(got) < 3 || got["measuring:latest"] != [2]int{right, 1} {
		t.Errorf("ratings %v", got)
	}
	after := table[data.Generation](t, out, "generations")
	if len(after) != len(before) {
		t.Fatalf("%d generations, %d before", len(after), len(before))
	}
	for i := range after {
		if after[i].RequestHash != before[i].RequestHash || *after[i].Response != *before[i].Response || after[i].AnswerFrom != before[i].AnswerFrom {
			t.Errorf("generation %d changed: %+v", i, after[i])
		}
	}
	m, err := rundir.ReadManifest(out)
	if err != nil || m.State != rundir.StateFinished || len(m.Judges) != 1 || m.Judges[0].Name != "measuring:latest" || m.Extractor == nil || m.Extractor.Name != "judge:latest" {
		t.Errorf("manifest: state %s, judges %v, extractor %v, error %v", m.State, m.Judges, m.Extractor, err)
	}
	// The run can still be resumed as it is now.
	if status, stdout, stderr = b.perg(t.Context(), "run", "--out", out); status != exitDone || !strings.Contains(stdout, "no call was made") {
		t.Error(status, stdout, stderr)
	}

	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no run":          {[]string{"judge", b.dir, "--judge", "strict"}, "is no run"},
		"no judge":        {[]string{"judge", out}, "no judge named"},
		"unknown":         {[]string{"judge", out, "--judge", "stric"}, "has no model stric"},
		"another store":   {[]string{"judge", out, "--judge", "strict", "--store", filepath.Join(b.dir, "empty.db")}, "has none of the run's replies"},
		"a rule mistyped": {[]string{"judge", out, "--judge", "strict", "--judge-rule", "mode"}, "unknown rule"},
	} {
		if status, _, stderr := b.perg(t.Context(), c.args...); status == exitDone || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit status %d\n%s", name, status, stderr)
		}
	}
}

// Templates of the user's own change what is asked, and are part of the key:
// a comment in one is enough to ask again.
func TestPromptsOfTheUsersOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dir := filepath.Join(b.dir, "prompts")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "user.tmpl"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"steady", "--limit", "3", "--settings", "none", "--prompts", dir}
	write("{{.Question}} {{range .Options}}{{.Letter}}) {{.Text}} {{end}}")
	if status, stdout, stderr := b.run(args...); status != exitDone || !strings.Contains(stdout, "3 calls made") {
		t.Fatal(status, stdout, stderr)
	}
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "run"), "generations") {
		if want := g.Question + " A) " + g.Options[0]; !strings.HasPrefix(g.UserPrompt, want) {
			t.Errorf("the prompt is %q, want one that begins with %q", g.UserPrompt, want)
		}
	}
	write("{{/* the same */}}{{.Question}} {{range .Options}}{{.Letter}}) {{.Text}} {{end}}")
	if status, _, stderr := b.run(args...); status != exitUsage || !strings.Contains(stderr, "prompt template user: its text has changed") {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
	if status, stdout, stderr := b.run(append(args, "--out", filepath.Join(b.dir, "again"))...); status != exitDone || !strings.Contains(stdout, "3 calls made") {
		t.Error(status, stdout, stderr)
	}
	write("{{.Qestion}}")
	if status, _, stderr := b.run(append(args, "--out", filepath.Join(b.dir, "wrong"))...); status != exitUsage || !strings.Contains(stderr, "Qestion") {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
}

// A model that can think is two variants, and what it thinks is read by nobody.
func TestThinkingOnAndOff(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if status, _, stderr := b.run("thinker", "--limit", "3", "--settings", "none"); status != exitDone {
		t.Fatal(status, stderr)
	}
	seen := map[string]int{}
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "run"), "generations") {
		seen[g.Variant]++
		on := g.Variant == "thinker:latest@think-on"
		if g.Think == nil || *g.Think != on || on != (g.Thinking != nil) || strings.Contains(*g.Response, "alphabet") || g.Answer == nil || *g.Answer != "B" {
			t.Errorf("generation %+v", g)
		}
		if on && !strings.Contains(*g.Thinking, "second in the alphabet") {
			t.Errorf("thinking %q", *g.Thinking)
		}
	}
	if len(seen) != 2 || seen["thinker:latest@think-on"] != 3 || seen["thinker:latest@think-off"] != 3 {
		t.Errorf("variants %v", seen)
	}
	if status, _, stderr := b.run("thinker", "--limit", "3", "--think", "of"); status != exitUsage || !strings.Contains(stderr, `think "of"; there are: on, off, low, medium, high, max`) {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
}

// Where the template has no system role, the system text stands in front of
// the user's, and the model sees it.
func TestAModelWithoutASystemRole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if status, _, stderr := b.run("roleless", "--limit", "3", "--settings", "relevant", "--judge", "judge"); status != exitDone {
		t.Fatal(status, stderr)
	}
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "run"), "generations") {
		if *g.SystemPrompt != "" || !strings.HasPrefix(g.UserPrompt, "You are a helpful assistant.") {
			t.Errorf("system %q, user %q", *g.SystemPrompt, g.UserPrompt)
		}
		if under := g.Setting == string(prompt.Relevant); under != strings.Contains(g.UserPrompt, "- "+g.Preference+"\n") {
			t.Errorf("%s: the prompt is %q", g.Setting, g.UserPrompt)
		}
	}
	m, err := rundir.ReadManifest(filepath.Join(b.dir, "run"))
	if err != nil || !m.Models[0].NoSystemRole || m.Judges[0].NoSystemRole {
		t.Errorf("manifest %+v, error %v", m.Models, err)
	}
}

// The paper's prompts come with perg: they are asked, named in the manifest and
// the report, and no run goes on with another set.
func TestPromptsOfThePaper(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	args := []string{"steady", "--limit", "3", "--settings", "relevant", "--methods", "zero-shot,self-critic", "--null", "0"}
	if status, _, stderr := b.run(append(args, "--prompts", "paper")...); status != exitDone {
		t.Fatal(status, stderr)
	}
	out := filepath.Join(b.dir, "run")
	for _, g := range table[data.Generation](t, out, "generations") {
		if strings.Contains(g.UserPrompt, "name the letter") || !strings.Contains(g.UserPrompt, "Which of these options answers the question best?") {
			t.Errorf("the prompt is %q", g.UserPrompt)
		}
	}
	m, err := rundir.ReadManifest(out)
	if err != nil || m.PromptSet != "paper" || m.Config.Prompts != "paper" {
		t.Errorf("the manifest names the prompts %q, its config %q, error %v", m.PromptSet, m.Config.Prompts, err)
	}
	if status, stdout, stderr := b.perg(t.Context(), "report", out); status != exitDone || !strings.Contains(stdout, "3 items of sample, prompts: paper\n") {
		t.Error(status, stdout, stderr)
	}
	// Finished as it is, and nothing is asked again.
	if status, stdout, stderr := b.run(append(args, "--prompts", "paper")...); status != exitDone || strings.Contains(stdout, "calls made") && !strings.Contains(stdout, "0 calls made") {
		t.Error(status, stdout, stderr)
	}
	if status, _, stderr := b.run(append(args, "--prompts", "perg")...); status != exitUsage || !strings.Contains(stderr, "prompts: paper there, perg here") {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
	if status, stdout, stderr := b.run(append(args, "--out", filepath.Join(b.dir, "own"), "--prompts", "perg")...); status != exitDone || !strings.Contains(stdout, "9 calls made") {
		t.Error("replies of one set served another", status, stdout, stderr)
	}
}
