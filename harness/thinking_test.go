package harness

import (
	"fmt"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/rundir"
	"perg/harness/tables"
	"perg/models/ollamatest"
)

// thinkingTemplate says nothing of thinking but where it is off, as many do.
const thinkingTemplate = chatML + `{{ if and .IsThinkSet (not .Think) }}<think></think>{{ end }}{{ if false }}{{ range .Messages }}{{ .Thinking }}{{ end }}{{ end }}`

// thinkingRun runs a scripted model that thinks, asked in some ways.
func thinkingRun(t *testing.T, version string, m ollamatest.Model, change func(*rundir.Config)) (*ollamatest.Scripted, *Run, []string) {
	t.Helper()
	m.Thinks = !m.Aloud
	s, c := scripted(t, version, map[string]ollamatest.Model{"a:latest": m})
	cfg := rundir.Defaults()
	cfg.Models, cfg.Think, cfg.Null = []string{"a:latest"}, []string{"on"}, 0
	change(&cfg)
	p, r, told, err := preparedOn(t, 3, cfg, c)
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Execute(t.Context())
	mustComplete(t, p, result, err)
	return s, r, told
}

// A thought that is cut at its budget never becomes an answer: it is a row with a
// status of its own, that no model reads and that is not correct.
func TestAThoughtCutAtItsBudgetIsNoAnswer(t *testing.T) {
	for _, v := range ollamatest.Versions {
		t.Run(v.Number, func(t *testing.T) {
			_, r, _ := thinkingRun(t, v.Number, ollamatest.Model{
				Template: thinkingTemplate, Thought: strings.Repeat("x", 3) + " So the answer is A, clearly. The answer is A." + fmt.Sprint(make([]int, 50)),
			}, func(c *rundir.Config) {
				c.Thought, c.Methods = "60", []string{"zero-shot", "self-critic"}
			})
			made := rows[data.Generation](t, r.Dir.Path, "generations")
			for _, g := range made {
				if g.Status != data.StatusThought || g.Answer != nil || *g.Correct || *g.Response != "" || g.ThinkingTokens == nil || *g.ThinkingTokens != 61 || g.DoneReason != "thinking_budget" {
					t.Fatalf("%s %s: %s, answer %v, %v thinking tokens, done %s", g.Method, g.Setting, g.Status, g.Answer, g.ThinkingTokens, g.DoneReason)
				}
				if g.PromptTokens != nil || g.LoadNS != nil {
					t.Errorf("prompt tokens %v of an answer that was ended", *g.PromptTokens)
				}
			}
			if len(made) != 3+2*3*3 {
				t.Errorf("%d rows", len(made))
			}
		})
	}
}

// A context follows the likely length of thoughts, and grows where one is longer: no
// thought within its budget is lost.
func TestTheContextGrowsWithThoughts(t *testing.T) {
	var words strings.Builder
	for i := 0; words.Len() < 7000; i++ {
		fmt.Fprintf(&words, "Step %d. ", i)
	}
	s, r, _ := thinkingRun(t, "0.33.0", ollamatest.Model{Template: thinkingTemplate, Thought: words.String()}, func(c *rundir.Config) {})
	for _, g := range rows[data.Generation](t, r.Dir.Path, "generations") {
		if g.Status != data.StatusOK || *g.Answer != "A" || *g.ThinkingTokens != int64(words.Len()) {
			t.Fatalf("%s: %s, %s", g.ItemID, g.Status, g.Error)
		}
	}
	contexts := []int{}
	for _, l := range s.Launches() {
		contexts = append(contexts, l.NumCtx)
	}
	if len(contexts) != 2 || contexts[1] <= contexts[0] || contexts[0] > 8192 {
		t.Errorf("contexts %v", contexts)
	}
	// What is known of its thoughts then is not guessed the next time.
	known, err := r.Plan.Task.ThoughtsOf(t.Context(), r.Plan.Variants[0], tables.Recorded(r.Store))
	if err != nil || known.Measured < 10 || known.Mean != words.Len() || known.Most != 8192 {
		t.Errorf("%+v, error %v", known, err)
	}
}

// A thought that fills all the context that it may have was cut: it is no answer and no
// failure, its row says which limit ended it, and it is not asked for again.
func TestAThoughtThatFillsTheContextIsCut(t *testing.T) {
	var words strings.Builder
	for i := 0; words.Len() < 8000; i++ {
		fmt.Fprintf(&words, "Step %d. ", i)
	}
	for reason, tt := range map[string]struct {
		trained int
		change  func(*rundir.Config)
	}{
		"num_ctx":         {0, func(c *rundir.Config) { c.NumCtx = 6144 }},
		"trained_context": {6144, func(*rundir.Config) {}},
	} {
		t.Run(reason, func(t *testing.T) {
			s, r, _ := thinkingRun(t, "0.33.0", ollamatest.Model{Template: thinkingTemplate, Thought: words.String(), Trained: tt.trained}, tt.change)
			made := rows[data.Generation](t, r.Dir.Path, "generations")
			for _, g := range made {
				if g.Status != data.StatusThought || g.DoneReason != reason || g.Error != "" || g.Answer != nil || *g.Correct || g.ThinkingTokens == nil || *g.ThinkingTokens < 3000 {
					t.Fatalf("%s, done %s, error %q, answer %v, thinking tokens %v", g.Status, g.DoneReason, g.Error, g.Answer, g.ThinkingTokens)
				}
			}
			for _, m := range rows[data.Metric](t, r.Dir.Path, "metrics") {
				if m.NError != 0 || m.NTruncatedThinking == 0 {
					t.Fatalf("%d in error, %d cut", m.NError, m.NTruncatedThinking)
				}
			}
			calls := len(s.Asked())
			r.Dir.Manifest.Counts = nil
			if again, err := r.Execute(t.Context()); err != nil || again.Calls > 0 || len(s.Asked()) > calls || len(made) == 0 {
				t.Errorf("again %d calls, error %v", again.Calls, err)
			}
		})
	}
}

// What a level puts into prompts that no template shows is seen once the server
// renders them, and is in run.json; where it does not, nothing is said.
func TestWhatALevelPutsIntoAPromptIsRendered(t *testing.T) {
	sets := map[string]string{"true": "Think.\n", "low": "Think little.\n", "high": "Think hard.\n"}
	for name, m := range map[string]ollamatest.Model{
		"a template of its own":  {Jinja: jinja, Sets: sets},
		"a renderer of Ollama's": {Template: "{{ .Prompt }}", Renderer: "qwen3.8", Sets: sets},
	} {
		t.Run(name, func(t *testing.T) {
			_, r, told := thinkingRun(t, "0.33.0", m, func(c *rundir.Config) { c.Think = []string{"on", "off", "low", "high"} })
			want := map[string]string{"a:latest@think-on": `["Think."]`, "a:latest@think-off": "[]", "a:latest@think-low": `["Think little."]`, "a:latest@think-high": `["Think hard."]`}
			manifest, err := rundir.ReadManifest(r.Dir.Path)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range manifest.Models {
				if got := fmt.Sprintf("%q", m.ThinkLines); m.ThinkLines == nil || got != want[m.Variant] {
					t.Errorf("%s: %s, want %s", m.Variant, got, want[m.Variant])
				}
			}
			if len(manifest.Models) != 4 {
				t.Errorf("%d variants; told %q", len(manifest.Models), told)
			}
		})
	}
}

// A judge that thinks rates beside itself without a thought, each by its own name,
// and one that has levels with the one that it is named with.
func TestJudgesThatThink(t *testing.T) {
	s, c := scripted(t, "0.33.0", map[string]ollamatest.Model{
		"a:latest": {Template: chatML}, "judge:latest": {Thinks: true, Template: thinkingTemplate},
		"oss:latest": {Family: "gptoss", Thinks: true, Parser: true, Template: chatML},
	})
	cfg := judged("a:latest")
	cfg.Judge, cfg.Thought = rundir.Names{"judge:latest", "judge:latest@think-on", "oss:latest@think-high"}, "100"
	p, r, _, err := preparedOn(t, 3, cfg, c)
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Execute(t.Context())
	mustComplete(t, p, result, err)
	rated := make(map[string]int)
	for _, j := range rows[data.Judgment](t, r.Dir.Path, "judgments") {
		rated[j.JudgeModel]++
		if j.Status != data.StatusOK {
			t.Fatalf("%s: %s", j.JudgeModel, j.Error)
		}
		thinks := j.JudgeModel != "judge:latest"
		if both := int64(len(j.Raw) + len("Let me think.")); thinks != (*j.OutputTokens == both) {
			t.Errorf("%s took %d tokens", j.JudgeModel, *j.OutputTokens)
		}
	}
	if n := rated["judge:latest"]; len(rated) != 3 || n == 0 || rated["judge:latest@think-on"] != n || rated["oss:latest@think-high"] != n {
		t.Errorf("ratings %v", rated)
	}
	asked := make(map[string]int)
	for _, q := range structuredCalls(s) {
		asked[fmt.Sprint(q.Model, " ", q.Think.Value, " ", q.Options["num_predict"])]++
	}
	for _, what := range []string{"judge:latest false 300", "judge:latest true 400", "oss:latest high 400"} {
		if asked[what] < 3 {
			t.Errorf("asked %v, and not %s", asked, what)
		}
	}
}
