package task

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/harness/prompt"
	"perg/harness/store"
	"perg/models"
	"perg/models/ollamatest"
)

// Templates of models in Ollama's library, in what they say of thinking.
const (
	templateChat  = "{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}{{ end }}"
	templateQwen3 = "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}" +
		"{{ if and $.IsThinkSet (eq .Role \"user\") }}{{ if $.Think }} /think{{ else }} /no_think{{ end }}{{ end }}<|im_end|>\n{{ end }}<|im_start|>assistant\n" +
		"{{ if and $.IsThinkSet (not $.Think) }}<think>\n\n</think>\n\n{{ end }}"
	templateR1     = "{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}{{ end }}<|Assistant|>{{ if and $.IsThinkSet (not $.Think) }}<think>\n\n</think>{{ end }}"
	templateOldR1  = "{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}{{ end }}<|Assistant|><think>\n"
	templateOss    = "<|start|>system<|message|>{{ if .ThinkLevel }}Reasoning: {{ .ThinkLevel }}\n{{ end }}{{ range .Messages }}<|start|>{{ .Role }}<|message|>{{ .Content }}<|end|>{{ end }}"
	templateCogito = "{{ if $.Think }}Enable deep thinking subroutine.\n{{ end }}{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}{{ end }}"
)

// families are those of Ollama's integration lists (v0.32.15) with models of 7B to
// 70B: what a server shows of them, and what is asked of them with every way there is.
var families = []struct {
	name   string
	shown  ollamatest.Model
	thinks models.Thinks
	// labels are what variants are called after the name, on v0.17.4 and on v0.33.0;
	// sent is the think of each of the latter: "-" where none is.
	old, labels, sent string
	slots             int // that servers give it; 0: as many as are wanted
	floor             int // tokens of context that servers give it in any case
}{
	{"llama3.1:8b", ollamatest.Model{Template: templateChat}, models.ThinksNot, "", "", "-", 0, 0},
	{"llama3.3:70b", ollamatest.Model{Template: templateChat}, models.ThinksNot, "", "", "-", 0, 0},
	{"qwen3:8b", ollamatest.Model{Family: "qwen3", Thinks: true, Template: templateQwen3}, models.ThinksAsked, "on off", "on off", "true false", 0, 0},
	{"qwen3:30b-a3b-thinking-2507", ollamatest.Model{Family: "qwen3moe", Thinks: true, Reader: "qwen3-thinking", Template: templateChat}, models.ThinksAlways, "on", "on", "true", 0, 0},
	{"qwen3:30b-a3b-instruct-2507", ollamatest.Model{Family: "qwen3moe", Template: templateChat}, models.ThinksNot, "", "", "-", 0, 0},
	{"qwen3.5:27b", ollamatest.Model{Family: "qwen35", Thinks: true, Vision: true, Renderer: "qwen3.5", Reader: "qwen3.5"}, models.ThinksAsked, "on off", "on off", "true false", 1, 2048},
	{"qwen3.8:27b", ollamatest.Model{Family: "qwen35", Thinks: true, Vision: true, Renderer: "qwen3.8", Reader: "qwen3.5"}, models.ThinksAsked, "on off", "on off low medium high", "true false low medium high", 1, 2048},
	{"gemma4:31b", ollamatest.Model{Family: "gemma4", Thinks: true, Vision: true, Renderer: "gemma4-large", Reader: "gemma4"}, models.ThinksAsked, "on off", "on off", "true false", 0, 2048},
	{"gemma3:27b", ollamatest.Model{Family: "gemma3", Vision: true, Template: templateChat}, models.ThinksNot, "", "", "-", 0, 2048},
	{"gemma2:27b", ollamatest.Model{Family: "gemma2", Template: templateChat}, models.ThinksNot, "", "", "-", 0, 0},
	{"gpt-oss:20b", ollamatest.Model{Family: "gptoss", Thinks: true, Template: templateOss}, models.ThinksByLevel, "medium low high", "medium low high", "medium low high", 0, 0},
	{"gpt-oss-safeguard:20b", ollamatest.Model{Family: "gptoss", Thinks: true, Template: templateOss}, models.ThinksByLevel, "medium low high", "medium low high", "medium low high", 0, 0},
	{"deepseek-r1:32b", ollamatest.Model{Family: "qwen2", Thinks: true, Template: templateR1}, models.ThinksAsked, "on off", "on off", "true false", 0, 0},
	{"r1:70b", ollamatest.Model{Basename: "DeepSeek-R1-Distill-Llama", Aloud: true, Template: templateChat}, models.ThinksAloud, "", "", "-", 0, 0},
	{"openr:7b", ollamatest.Model{Family: "qwen2", Aloud: true, Template: templateOldR1}, models.ThinksAloud, "", "", "-", 0, 0},
	{"mistral-small3.2:24b", ollamatest.Model{Family: "mistral3", Vision: true, Template: templateChat}, models.ThinksNot, "", "", "-", 0, 2048},
	{"mistral-nemo:12b", ollamatest.Model{Template: templateChat}, models.ThinksNot, "", "", "-", 0, 0},
	{"phi4:14b", ollamatest.Model{Family: "phi3", Template: templateChat}, models.ThinksNot, "", "", "-", 0, 0},
	{"phi4-reasoning:14b", ollamatest.Model{Family: "phi3", Aloud: true, Template: templateChat}, models.ThinksAloud, "", "", "-", 0, 0},
	{"nemotron-3-nano:30b", ollamatest.Model{Family: "nemotron_h_moe", Thinks: true, Renderer: "nemotron-3-nano", Reader: "nemotron-3-nano"}, models.ThinksAsked, "on off", "on off", "true false", 1, 0},
	{"olmo-3.1:32b-instruct", ollamatest.Model{Family: "olmo3", Renderer: "olmo3.1", Reader: "olmo3"}, models.ThinksNot, "", "", "-", 0, 0},
	{"olmo-3:32b-think", ollamatest.Model{Family: "olmo3", Thinks: true, Renderer: "olmo3-32b-think", Reader: "olmo3-think"}, models.ThinksAlways, "on", "on", "true", 0, 0},
	{"granite4:32b-a9b", ollamatest.Model{Family: "granitehybrid", Template: templateChat}, models.ThinksNot, "", "", "-", 0, 0},
	{"glm-4.7-flash:30b", ollamatest.Model{Family: "glm4moelite", Thinks: true, Renderer: "glm-4.7", Reader: "glm-4.7"}, models.ThinksAsked, "on off", "on off", "true false", 0, 0},
	{"cogito:70b", ollamatest.Model{Template: templateChat}, models.ThinksNot, "", "", "-", 0, 0},
	{"cogito-imported:70b", ollamatest.Model{Thinks: true, Template: templateCogito}, models.ThinksAsked, "on off", "on off", "true false", 0, 0},
	{"magistral:24b", ollamatest.Model{Thinks: true, Template: templateR1}, models.ThinksAsked, "on off", "on off", "true false", 0, 0},
	{"qwq:32b", ollamatest.Model{Family: "qwen2", Aloud: true, Template: templateChat}, models.ThinksAloud, "", "", "-", 0, 0},
	{"laguna-xs.2:33b", ollamatest.Model{Family: "laguna", Thinks: true, Renderer: "laguna", Reader: "laguna"}, models.ThinksAsked, "on off", "on off", "true false", 0, 0},
	{"nemotron3:33b", ollamatest.Model{Family: "nemotron_h_omni", Thinks: true, Vision: true, Renderer: "nemotron-3-nano", Reader: "nemotron-3-nano"}, models.ThinksAsked, "on off", "on off", "true false", 1, 2048},
	{"granite4.1:8b", ollamatest.Model{Family: "granite", Template: templateChat}, models.ThinksNot, "", "", "-", 0, 0},
	{"exaone-deep:32b", ollamatest.Model{Family: "exaone", Aloud: true, Template: templateChat}, models.ThinksAloud, "", "", "-", 0, 0},
	{"command-r:35b", ollamatest.Model{Family: "command-r", Template: templateChat}, models.ThinksNot, "", "", "-", 0, 0},
	{"lfm2:24b-a2b", ollamatest.Model{Family: "lfm2moe", Renderer: "lfm2", Reader: "lfm2"}, models.ThinksNot, "", "", "-", 1, 0},
	{"lfm2.5-thinking:24b", ollamatest.Model{Family: "lfm2moe", Thinks: true, Renderer: "lfm2-thinking", Reader: "lfm2-thinking"}, models.ThinksAlways, "on", "on", "true", 1, 0},
	{"imported:8b", ollamatest.Model{Family: "qwen3", Thinks: true}, models.ThinksAsked, "on off", "on off low medium high max", "true false low medium high max", 0, 0},
}

// What each family can, what is sent to it, and what is planned for it.
func TestFamiliesThatThink(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			for version, labels := range map[string]string{"0.17.4": f.old, "0.33.0": f.labels} {
				v, variants := shownAs(t, f.name, f.shown, version)
				if v.Thinker.Thinks != f.thinks {
					t.Fatalf("thinks %q, want %q", v.Thinker.Thinks, f.thinks)
				}
				var got []string
				for _, with := range variants {
					_, way, _ := strings.Cut(with.Label, "@think-")
					got = append(got, way)
				}
				if diff := cmp.Diff(labels, strings.Join(got, " ")); diff != "" {
					t.Errorf("%s: variants (-want +got):\n%s", version, diff)
				}
				if version == "0.33.0" {
					sent(t, variants, f.sent)
				}
				if v.LeastCtx != f.floor || v.Shape.OneSlot() != (f.slots == 1) {
					t.Errorf("%s: context of %d at least, one slot %v", version, v.LeastCtx, v.Shape.OneSlot())
				}
			}
		})
	}
}

// shownAs is a model as a server of a version shows it, and its variants.
func shownAs(t *testing.T, name string, shown ollamatest.Model, version string) (Variant, []*Variant) {
	t.Helper()
	s := ollamatest.NewScripted(t, version, map[string]ollamatest.Model{name: shown})
	c, err := models.NewClient(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Details(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	v := Variant{Installed: models.Installed{Name: name}, Label: name, Thinker: d.Thinker, Shape: d.Shape, LeastCtx: d.LeastContext(), Own: d.Own}
	variants, err := v.Variants(Ways(), version, nil, "", func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	return v, variants
}

// sent compares the think of each variant's calls, and the tokens that it may take:
// those that think have 8,192 for that alone, or the protocol's 1,024 for both.
func sent(t *testing.T, variants []*Variant, want string) {
	t.Helper()
	var got []string
	for _, v := range variants {
		task := testTask(t, 1)
		task.Thought = 8192
		r := task.call(v, testText, task.AnswerTokens(v, prompt.ZeroShot), nil).Request
		switch {
		case r.Level != "":
			got = append(got, string(r.Level))
		case r.Think != nil:
			got = append(got, fmt.Sprint(*r.Think))
		default:
			got = append(got, "-")
		}
		most, paper := 500, 500
		if v.Thinks() {
			most, paper = 8692, 1024
		}
		task.Thought = 0
		if inOne := task.call(v, testText, task.AnswerTokens(v, prompt.ZeroShot), nil).Request.Most(); r.Most() != most || inOne != paper {
			t.Errorf("%s: %d tokens, and %d in one limit; want %d and %d", v.Label, r.Most(), inOne, most, paper)
		}
	}
	if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
		t.Errorf("think (-want +got):\n%s", diff)
	}
}

// What a level puts into the prompt is known before the model is loaded, and said.
func TestWhatAWayOfThinkingPutsIntoThePrompt(t *testing.T) {
	for name, want := range map[string][]string{
		templateOss:    {`m@think-medium has in its prompts, by its way of thinking: ["<|start|>system<|message|>Reasoning: medium"]`},
		templateCogito: {`m@think-on has in its prompts, by its way of thinking: ["Enable deep thinking subroutine."]`},
	} {
		family := ""
		if name == templateOss {
			family = "gptoss"
		}
		_, variants := shownAs(t, "m", ollamatest.Model{Family: family, Thinks: true, Template: name}, "0.17.4")
		if diff := cmp.Diff(want, Roster{Variants: variants[:1]}.Brings(0)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// Where a server alone knows what a way of thinking puts into prompts, a plan says
// that it was not seen.
func TestWhatIsNotSeenIsSaid(t *testing.T) {
	_, variants := shownAs(t, "m", ollamatest.Model{Family: "qwen35", Thinks: true, Renderer: "qwen3.8"}, "0.33.0")
	want := []string{"not seen before it is loaded: what a way of thinking puts into the prompts of m; run.json has it then"}
	if diff := cmp.Diff(want, Roster{Variants: variants[:2]}.Brings(0)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A line names some, each once.
func TestALineNamesSome(t *testing.T) {
	for want, names := range map[string][]string{
		"a": {"a", "a"}, "a and b": {"a", "b", "a"}, "a, b, c and d": {"a", "b", "c", "d"}, "a, b, c and 2 others": {"a", "b", "c", "d", "e"},
	} {
		if got := Some(names); got != want {
			t.Errorf("%q: %s, want %s", names, got, want)
		}
	}
}

// What a thought that fills a context was is kept by that context: with more, the call
// is another one, and one that was not cut has the key that it always had.
func TestTheKeyOfAThoughtThatFillsTheContext(t *testing.T) {
	task, v := testTask(t, 1), named("a")
	task.Thought, v.Think, v.Shape.ContextLength = 8192, new(true), 40960
	call := func(wanted int) Call {
		bounded := v.Bounded(wanted)
		return task.call(&bounded, testText, 10, nil)
	}
	small, all := call(8192), call(0)
	if small.Key() != all.Key() || small.Bound().Key == all.Bound().Key || small.Bound().Key == small.Key() {
		t.Error("keys do not tell contexts apart")
	}
	if b := small.Bound(); b.NumCtx != 8192 || b.Reason != models.DoneNumCtx {
		t.Errorf("%+v", b)
	}
	if cut := (store.Reply{Response: models.Response{DoneReason: models.DoneNumCtx}}); small.KeyOf(cut) != small.Bound().Key || small.KeyOf(store.Reply{}) != small.Key() {
		t.Error("a reply that was cut has the key of one that was not")
	}
	if b := all.Bound(); b.NumCtx != 40960 || b.Reason != models.DoneTrained {
		t.Errorf("%+v", b)
	}
}

// A model's own PARAMETER, SYSTEM and MESSAGE are listed; the key changes where it has
// a penalty of its own, and nowhere else.
func TestWhatAModelBrings(t *testing.T) {
	task, v := testTask(t, 1), named("a")
	before := task.call(v, testText, 10, nil).Key()
	v.Own = models.Own{Parameters: []string{"temperature 0.6", "stop <end>"}, System: "Be kind."}
	if task.call(v, testText, 10, nil).Key() != before {
		t.Error("another key for a stop word, which the digest knows")
	}
	want := `a brings PARAMETER temperature 0.6; PARAMETER stop <end> (acts); SYSTEM "Be kind." (acts where a call has no system text)`
	if got := (Roster{Variants: []*Variant{v}}).Brings(0); len(got) != 1 || got[0] != want {
		t.Errorf("%q", got)
	}
	v.Own = models.Own{Parameters: []string{"presence_penalty 1.5"}, Messages: []string{"user: Hi"}}
	if task.call(v, testText, 10, nil).Key() == before {
		t.Error("a reply that was penalized serves a call that is not")
	}
	if got := (Roster{Variants: []*Variant{v}}).Concerns("0.34.0"); len(got) != 1 || !strings.Contains(got[0], "puts 1 messages of its own") {
		t.Errorf("%q", got)
	}
}

// Where answers are drawn each repeat has a seed of its own, and a control one that
// none of them has; where the likeliest is taken repeats share theirs.
func TestSeedsOfDrawnAnswers(t *testing.T) {
	task, v := testTask(t, 1), named("a")
	task.Repeats, task.Null = 3, 2
	seeds := func() map[int]int {
		all := make(map[int]int)
		a := task.Arrange(v)
		for place := range a.Len() {
			if g := a.Generation(place); g.Setting == prompt.None {
				c, err := task.first(g)
				if err != nil {
					t.Fatal(err)
				}
				all[c.Request.Options.Seed]++
				if c.Request.Options.Temperature != task.Temperature {
					t.Fatalf("temperature %v", c.Request.Options.Temperature)
				}
			}
		}
		return all
	}
	if diff := cmp.Diff(map[int]int{task.Seed: 3, task.Seed + 1: 1, task.Seed + 2: 1}, seeds()); diff != "" {
		t.Errorf("greedy (-want +got):\n%s", diff)
	}
	task.Temperature = 0.6
	if diff := cmp.Diff(map[int]int{task.Seed: 1, task.Seed + 1: 1, task.Seed + 2: 1, task.Seed + 3: 1, task.Seed + 4: 1}, seeds()); diff != "" {
		t.Errorf("drawn (-want +got):\n%s", diff)
	}
}
