package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/models/gguftest"
)

// What the system texts of the second calls begin with: scripted models tell
// the stages apart by it.
const (
	criticBegins  = "You look at an answer"
	alignerBegins = "You adapt the style"
)

func staged(s gguftest.Stages) gguftest.Chain {
	s.SystemOver, s.CriticBegins, s.AlignerBegins = plainSystem, criticBegins, alignerBegins
	return gguftest.Staged(s)
}

// longResponse makes a response under a preference so long that the judge
// "measuring" takes the preference for followed.
const longResponse = 2000

func init() {
	for name, c := range map[string]gguftest.Chain{
		"mender":    staged(gguftest.Stages{Plain: "B", Under: "A", Critic: "B", Aligner: "B"}), // the self-critic mends, the aligner keeps
		"spoiler":   staged(gguftest.Stages{Plain: "B", Under: "B", Critic: "C", Aligner: "D"}), // both break
		"babbler":   staged(gguftest.Stages{Plain: "B", Under: "A"}),                            // never ends its JSON
		"follower":  staged(gguftest.Stages{Plain: "B", Under: "B", Critic: "B", Aligner: "B", Long: " " + strings.Repeat("For example. ", longResponse/13)}),
		"measuring": gguftest.Judge(gguftest.Ratings{Score: 1, UserOver: longResponse, LongScore: 5}),
	} {
		actors[name] = c
	}
	roleless := gguftest.Steady("B")
	roleless.Template = "{{ range .Messages }}{{ if eq .Role \"user\" }}user:\n{{ .Content }}\n{{ end }}{{ end }}<|plain|>"
	actors["roleless"] = roleless
}

// methodsOf gives the letters of a staged model by method and setting.
func methodsOf(plain, under, critic, aligner string) map[prompt.Method]script {
	say := func(letter string) script {
		return func(_ data.Item, s prompt.Setting) string {
			if s == prompt.None {
				return plain
			}
			return letter
		}
	}
	return map[prompt.Method]script{
		prompt.ZeroShot: say(under), prompt.CoT: say(under), prompt.ICL: say(under), prompt.SelfCritic: say(critic), prompt.PrefAligner: say(aligner),
	}
}

// shortExamples is a file of worked examples: a CPU reads perg's own for minutes.
func (b bench) shortExamples() string {
	b.t.Helper()
	file := filepath.Join(b.dir, "examples.json")
	if err := os.WriteFile(file, []byte(`{"Example_0": "Question: Is it?\nResponse: A. It is.", "Example_1": "Question: Was it?\nResponse: B. It was."}`), 0o644); err != nil {
		b.t.Fatal(err)
	}
	return file
}

func TestMethodsInAllSettings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const limit = 12
	items := sample(t, limit)
	examples := b.shortExamples()
	status, stdout, stderr := b.run("mender", "spoiler", "babbler", "--judge", "judge", "--limit", fmt.Sprint(limit), "--methods", "all", "--icl", examples, "--parallel", "8")
	if status != exitDone {
		t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
	}
	out := filepath.Join(b.dir, "run")
	actors := map[string]map[prompt.Method]script{
		"mender":  methodsOf("B", "A", "B", "B"),
		"spoiler": methodsOf("B", "B", "C", "D"),
		"babbler": methodsOf("B", "A", "A", "B"), // what the drafts say
	}
	rows := 0
	for _, m := range table[data.Metric](t, out, "metrics") {
		if m.Source != metrics.All {
			continue
		}
		rows++
		name, _, _ := strings.Cut(m.Variant, ":")
		method, setting := prompt.Method(m.Method), prompt.Setting(m.Setting)
		want := rates(expected(items, actors[name][method], setting, metrics.All, true, true))
		if rates(m) != want {
			t.Errorf("%s %s %s\n got %s\nwant %s", m.Variant, method, setting, rates(m), want)
		}
	}
	if want := 3 * (1 + 5*3); rows != want {
		t.Errorf("%d rows of metrics over all items, want %d", rows, want)
	}

	calls := map[string]int{}
	hashes := map[string]string{}
	for _, g := range table[data.Generation](t, out, "generations") {
		name, _, _ := strings.Cut(g.Variant, ":")
		method := prompt.Method(g.Method)
		two := method.TwoCalls()
		if (method == prompt.ICL) != strings.Contains(*g.SystemPrompt, "Was it?\nResponse: B. It was.") {
			t.Fatalf("%s: system prompt %q", g.Method, *g.SystemPrompt)
		}
		if two != (g.DraftResponse != nil) || two != (g.SecondReply != nil) || two != (g.FellBack != nil) {
			t.Fatalf("%s %s %s: draft %v, second reply %v, fell back %v", g.Variant, g.Method, g.Setting, g.DraftResponse, g.SecondReply, g.FellBack)
		}
		if !two {
			continue
		}
		calls[name]++
		if *g.FellBack != (name == "babbler") || *g.FellBack != (*g.Response == *g.DraftResponse && g.DoneReason == "length") {
			t.Errorf("%s %s %s: fell back %v, draft %q, response %q, done %q", g.Variant, g.Method, g.Setting, *g.FellBack, *g.DraftResponse, *g.Response, g.DoneReason)
		}
		if g.Status != data.StatusOK {
			t.Errorf("%s %s: status %s", g.Variant, g.Method, g.Status)
		}
		want := gguftest.Answer("B") // the baseline's
		if method == prompt.SelfCritic && name != "spoiler" {
			want = gguftest.Answer("A")
		}
		if *g.DraftResponse != want {
			t.Errorf("%s %s %s: the draft is %q, want %q", g.Variant, g.Method, g.Setting, *g.DraftResponse, want)
		}
		hashes[g.RequestHash] = g.Method
	}
	if n := 2 * 3 * limit; calls["mender"] != n || calls["babbler"] != n {
		t.Errorf("generations of two calls %v, want %d each", calls, n)
	}
	if fell := fmt.Sprintf("%d fell back to the draft", 2*3*limit); !strings.Contains(stdout, fell) {
		t.Errorf("the result does not say %q:\n%s", fell, stdout)
	}
	for _, m := range table[data.Metric](t, out, "metrics") {
		two := prompt.Method(m.Method).TwoCalls()
		if two != (m.NFellBack != nil) {
			t.Errorf("%s %s %s %s: fall-backs %v", m.Variant, m.Method, m.Setting, m.Source, m.NFellBack)
		} else if two && m.Source == metrics.All && (*m.NFellBack == limit) != strings.HasPrefix(m.Variant, "babbler") {
			t.Errorf("%s %s %s: %d fall-backs of %d", m.Variant, m.Method, m.Setting, *m.NFellBack, limit)
		}
	}

	readWithDuckDB(t, out)

	// The aligner's first stage is the baseline's reply, never a new call: with
	// the baseline in the store it makes one call for each generation.
	fresh := filepath.Join(b.dir, "fresh.db")
	if status, _, stderr := b.run("mender", "--limit", "4", "--settings", "none", "--store", fresh, "--out", filepath.Join(b.dir, "base")); status != exitDone {
		t.Fatal(status, stderr)
	}
	status, stdout, stderr = b.run("mender", "--limit", "4", "--methods", "pref-aligner", "--store", fresh, "--out", filepath.Join(b.dir, "aligned"))
	if status != exitDone || !strings.Contains(stdout, "12 calls made") {
		t.Errorf("exit status %d, want 12 calls\n%s\n%s", status, stdout, stderr)
	}
}

// perg's own examples serve the sample's sources, and a dataset with a source
// of the user's own needs a file.
func TestWorkedExamples(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if status, stdout, stderr := b.run("steady", "--limit", "1", "--settings", "relevant", "--methods", "icl"); status != exitDone {
		t.Fatal(status, stdout, stderr)
	}
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "run"), "generations") {
		stated := strings.Index(*g.SystemPrompt, g.Preference)
		shown := strings.Index(*g.SystemPrompt, "\nResponse: ")
		if g.Setting == "relevant" && (stated < 0 || shown < stated || strings.Count(*g.SystemPrompt, "\nResponse: ") < 5) {
			t.Errorf("system prompt %q", *g.SystemPrompt)
		}
	}
	items := sample(t, 3)
	items[0].Source = "riddles"
	file := filepath.Join(b.dir, "riddles.parquet")
	if err := data.WriteParquet(file, data.Dataset{Name: "riddles", Items: items}); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(b.dir, "riddles")
	status, _, stderr := b.run("steady", "--data", file, "--methods", "icl", "--out", out)
	if status != exitUsage || !strings.Contains(stderr, `no worked examples for source "riddles"`) {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
	status, _, stderr = b.run("steady", "--data", file, "--methods", "icl", "--icl", "riddles="+file, "--out", out)
	if status != exitUsage || !strings.Contains(stderr, "riddles.parquet") {
		t.Errorf("a file that is none of examples: exit status %d\n%s", status, stderr)
	}
}

func TestAPreferenceThatIsIgnored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const limit = 9
	items := sample(t, limit)
	if status, stdout, stderr := b.run("follower", "steady", "--judge", "measuring", "--num-ctx", "4096", "--limit", fmt.Sprint(limit), "--settings", "relevant"); status != exitDone {
		t.Fatal(status, stdout, stderr)
	}
	for _, m := range table[data.Metric](t, filepath.Join(b.dir, "run"), "metrics") {
		if m.Setting != "relevant" || m.Source != metrics.All {
			continue
		}
		followed := strings.HasPrefix(m.Variant, "follower")
		if want := rates(expected(items, always("B"), prompt.Relevant, metrics.All, followed, true)); rates(m) != want {
			t.Errorf("%s\n got %s\nwant %s", m.Variant, rates(m), want)
		}
	}
}
