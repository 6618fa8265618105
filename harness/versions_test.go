package harness

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ollama/ollama/api"

	"perg/harness/hint"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/harness/tables"
	"perg/harness/task"
	"perg/models"
	"perg/models/ollamatest"
)

const chatML = "{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}{{ end }}"

// jinja is the same as a template that a model brings itself.
func jinja(system, user string) (string, error) {
	return "<|system|>" + system + "<|user|>" + user, nil
}

// scripted is a server like a version of Ollama, and its client.
func scripted(t *testing.T, version string, installed map[string]ollamatest.Model) (*ollamatest.Scripted, *models.Client) {
	t.Helper()
	s := ollamatest.NewScripted(t, version, installed)
	c, err := models.NewClient(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func judged(names ...string) rundir.Config {
	c := rundir.Defaults()
	c.Models, c.Judge = names, []string{"judge:latest"}
	return c
}

// structuredCalls are those for a scorer's answers.
func structuredCalls(s *ollamatest.Scripted) (all []api.ChatRequest) {
	for _, r := range s.Asked() {
		if len(r.Format) > 0 {
			all = append(all, r)
		}
	}
	return all
}

// mustJudge has a candidate answered and judged on a server, all of it, and gives
// the run.
func mustJudge(t *testing.T, c *models.Client) *Run {
	t.Helper()
	p, r, _, err := preparedOn(t, 3, judged("a:latest"), c)
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Execute(t.Context())
	mustComplete(t, p, result, err)
	if result.Rated == 0 || result.Unscored > 0 {
		t.Errorf("%+v", result)
	}
	return r
}

// A run on each version comes to its end, and has each model loaded once.
func TestARunOnEachVersion(t *testing.T) {
	installed := map[string]ollamatest.Model{"a:latest": {Template: chatML}, "judge:latest": {Template: chatML}}
	for _, v := range ollamatest.Versions {
		t.Run(v.Number, func(t *testing.T) {
			s, c := scripted(t, v.Number, installed)
			r := mustJudge(t, c)
			loads := make(map[string]int)
			for _, l := range s.Launches() {
				if l.Shift || l.NumBatch != 512 {
					t.Errorf("launched with %+v", l)
				}
				loads[l.Model]++
			}
			if diff := cmp.Diff(map[string]int{"a:latest": 1, "judge:latest": 1}, loads); diff != "" {
				t.Errorf("loads (-want +got):\n%s", diff)
			}
			if hash := r.Dir.Manifest.Models[0].PromptHash; hash == "" || hash != r.Dir.Manifest.Judges[0].PromptHash {
				t.Errorf("the hash of one template is %q and %q", hash, r.Dir.Manifest.Judges[0].PromptHash)
			}
		})
	}
}

// Two runners that die, each while it answers, cost no row, whatever a version
// says of them.
func TestTwoDeadRunnersCostNoRow(t *testing.T) {
	for _, v := range ollamatest.Versions {
		t.Run(v.Number, func(t *testing.T) {
			s, c := scripted(t, v.Number, map[string]ollamatest.Model{"a:latest": {Template: chatML}, "judge:latest": {Template: chatML}})
			p, r, _, err := preparedOn(t, 3, judged("a:latest"), c)
			if err != nil {
				t.Fatal(err)
			}
			before, chats := len(s.Launches()), 0
			s.Dies = func(api.ChatRequest) bool {
				chats++
				return chats == 2 || chats == 7
			}
			result, err := r.Execute(t.Context())
			mustComplete(t, p, result, err)
			if loads := len(s.Launches()) - before; loads != 4 || result.Failed+result.Unjudged > 0 {
				t.Errorf("%d loads, want one of each model and two after its runner died; %+v", loads, result)
			}
		})
	}
}

// A judge that could think is found out before the first answer where its
// schema is dropped, and the error says what to install.
func TestAJudgeWhoseSchemaIsDroppedStopsTheRun(t *testing.T) {
	for version, stops := range map[string]bool{"0.17.4": true, "0.31.1": true, "0.33.0": false} {
		t.Run(version, func(t *testing.T) {
			s, c := scripted(t, version, map[string]ollamatest.Model{
				"a:latest": {Template: chatML}, "judge:latest": {Template: chatML, Family: "qwen35", Thinks: true, Parser: true},
			})
			p, r, told, err := preparedOn(t, 3, judged("a:latest"), c)
			warned := slices.ContainsFunc(told, func(text string) bool { return strings.Contains(text, "drops the schema") })
			if warned != stops {
				t.Errorf("told %q", told)
			}
			if !stops {
				if err != nil {
					t.Fatal(err)
				}
				result, err := r.Execute(t.Context())
				mustComplete(t, p, result, err)
				return
			}
			var schema *task.SchemaError
			var with *hint.Error
			if !errors.As(err, &schema) || !errors.As(err, &with) || !strings.Contains(with.Hint, "install Ollama 0.31.2 or newer") {
				t.Fatalf("error %v, %+v", err, with)
			}
			if n := len(s.Asked()); n != 1 { // the probe
				t.Errorf("%d calls until then", n)
			}
		})
	}
}

// What a judge says before the run is kept as its other replies are, with the
// version that it was said on.
func TestAProbesReplyNamesTheVersion(t *testing.T) {
	const version = "0.31.1"
	s, c := scripted(t, version, map[string]ollamatest.Model{
		"a:latest": {Template: chatML}, "judge:latest": {Template: chatML, Family: "gemma4", Thinks: true, Parser: true},
	})
	p, r, _, err := preparedOn(t, 3, judged("a:latest"), c)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(structuredCalls(s)); n != 2 {
		t.Fatalf("%d calls by a schema, want one for a rating and one for a choice", n)
	}
	kept := tables.Recorded(r.Store)
	looked := 0
	e := p.evaluator(func(ctx context.Context, call task.Call) (store.Reply, error) {
		reply, err := kept(ctx, call)
		if call.Request.Render {
			return reply, err // what a way of thinking puts into prompts is asked in the run
		}
		if err != nil || reply.Version != version {
			t.Errorf("%+v, error %v", reply, err)
		}
		looked++
		return reply, err
	})
	if err := e.Probe(t.Context(), p.Judges[0], true, true); err != nil || looked != 2 {
		t.Errorf("%d looked up, error %v", looked, err)
	}
}

// One whose prompts' tokens are known is not in memory before the run: it is
// found out by its first call.
func TestAJudgeIsProbedBeforeItsFirstRating(t *testing.T) {
	p := judgedPlan(t, 4, variant("a:latest"))
	s := newStandIn(t, "a:latest", "judge:latest")
	s.tamper = func(w http.ResponseWriter, a asked) bool {
		if len(a.chat.Format) == 0 {
			return false
		}
		io.WriteString(w, `{"message":{"content":"I rate it highly."},"done":true,"done_reason":"stop"}`)
		return true
	}
	r, _ := testRun(t, p, s.client)
	_, err := r.Execute(t.Context())
	var schema *task.SchemaError
	if !errors.As(err, &schema) || schema.By != p.Judges[0] || schema.Said != "I rate it highly." {
		t.Errorf("error %v", err)
	}
}

// gpt-oss is a judge on every version: it thinks a little.
func TestGPTOSSJudges(t *testing.T) {
	for _, v := range ollamatest.Versions {
		t.Run(v.Number, func(t *testing.T) {
			s, c := scripted(t, v.Number, map[string]ollamatest.Model{
				"a:latest": {Template: chatML}, "judge:latest": {Template: chatML, Family: "gptoss", Thinks: true, Parser: true},
			})
			mustJudge(t, c)
			for _, r := range structuredCalls(s) {
				if r.Think == nil || r.Think.String() != "low" {
					t.Errorf("asked for with think %v", r.Think)
				}
			}
		})
	}
}

// A model with no template but its own is asked how its prompts are made, once:
// it has a system role where those say so. It asks nothing of a store that knows.
func TestSystemTextsGoWhereTheRenderedPromptHasThem(t *testing.T) {
	deaf := func(_, user string) (string, error) { return "<|user|>" + user, nil }
	refusing := func(system, user string) (string, error) {
		if system != "" {
			return "", errors.New("Jinja Exception: System role not supported")
		}
		return user, nil
	}
	installed := map[string]ollamatest.Model{"imported:latest": {Jinja: jinja}, "deaf:latest": {Jinja: deaf}, "refusing:latest": {Jinja: refusing}}
	for version, roles := range map[string]map[string]bool{
		"0.17.4": {"imported:latest": false, "deaf:latest": false},
		"0.30.8": {"imported:latest": true, "deaf:latest": false},
		"0.33.0": {"imported:latest": true, "deaf:latest": false},
	} {
		t.Run(version, func(t *testing.T) {
			s, c := scripted(t, version, installed)
			config := rundir.Defaults()
			config.Models = []string{"imported:latest", "deaf:latest", "refusing:latest"}
			p, r, _, err := preparedOn(t, 3, config, c)
			if err != nil {
				t.Fatal(err)
			}
			counts := len(s.Asked())
			result, err := r.Execute(t.Context())
			mustComplete(t, p, result, err)
			for _, asked := range s.Asked()[counts:] {
				if has := asked.Messages[0].Role == "system"; has != roles[asked.Model] {
					t.Errorf("%s was asked with a system message: %v", asked.Model, has)
				}
			}
			for _, m := range r.Dir.Manifest.Models {
				known := m.Name != "refusing:latest" || version == "0.17.4"
				if m.NoSystemRole == roles[m.Name] || known != (m.PromptHash != "") {
					t.Errorf("the manifest says %+v", m)
				}
			}
			// The tables were written from the same calls, and so is a run again.
			calls, launches := len(s.Asked()), len(s.Launches())
			r.Dir.Manifest.Counts = nil
			p.roles = &task.Roles{}
			again, err := r.Execute(t.Context())
			mustComplete(t, p, again, err)
			if again.Calls > 0 || len(s.Asked()) > calls || len(s.Launches()) > launches {
				t.Errorf("again %d calls and %d loads", again.Calls, len(s.Launches())-launches)
			}
		})
	}
}

// A run that is killed leaves in run.json what was found out by then: before a
// model's first answer the manifest has its system role as the server has it.
func TestTheManifestHasSystemRolesBeforeTheFirstAnswer(t *testing.T) {
	for version, role := range map[string]bool{"0.17.4": false, "0.30.8": true, "0.33.0": true} {
		t.Run(version, func(t *testing.T) {
			s, c := scripted(t, version, map[string]ollamatest.Model{"imported:latest": {Jinja: jinja}, "judge:latest": {Jinja: jinja}})
			p, r, _, err := preparedOn(t, 2, judged("imported:latest"), c)
			if err != nil {
				t.Fatal(err)
			}
			answers := 0
			s.Says = func(api.ChatRequest) string {
				answers++
				m, err := rundir.ReadManifest(r.Dir.Path)
				if err != nil || m.State != rundir.StateRunning || m.Models[0].NoSystemRole == role || m.Models[0].PromptHash == "" {
					t.Errorf("at answer %d: %+v, error %v", answers, m.Models, err)
				}
				return "The answer is A."
			}
			result, err := r.Execute(t.Context())
			mustComplete(t, p, result, err)
			if m, err := rundir.ReadManifest(r.Dir.Path); err != nil || answers == 0 || m.Judges[0].NoSystemRole == role {
				t.Errorf("after %d answers: %+v, error %v", answers, m.Judges, err)
			}
		})
	}
}

// One slot and a context that servers do not go below are planned as they are
// given.
func TestThePlanHasTheSlotsAndContextsThatServersGive(t *testing.T) {
	s, c := scripted(t, "0.33.0", map[string]ollamatest.Model{
		"hybrid:latest": {Template: chatML, Family: "qwen35"}, "sees:latest": {Template: chatML, Family: "gemma3", Vision: true},
	})
	config := rundir.Defaults()
	config.Models = []string{"hybrid:latest", "sees:latest"}
	p, r, _, err := preparedOn(t, 2, config, c)
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Execute(t.Context())
	mustComplete(t, p, result, err)
	for _, l := range r.Dir.Manifest.Loads {
		switch {
		case l.Variant == "hybrid:latest" && (l.Slots == nil || *l.Slots != 1):
			t.Errorf("hybrid: %+v", l)
		case l.Variant == "sees:latest" && l.NumCtx != 2048:
			t.Errorf("sees: %+v", l)
		}
	}
	if launches := s.Launches(); len(launches) == 0 || len(r.Dir.Manifest.Loads) != 2 {
		t.Errorf("loads %+v", r.Dir.Manifest.Loads)
	}
}

// A judge of its own answers, and one of a candidate's family, is warned of before
// a run and in a plan.
func TestPartialJudgesAreWarnedOf(t *testing.T) {
	roster := task.Roster{Variants: []*task.Variant{variant("qwen3:8b"), variant("gemma2:9b")}, Judges: []*task.Variant{variant("qwen3:8b"), variant("gemma2:27b")}}
	told := roster.Concerns("0.34.1")
	if len(told) != 2 || !strings.Contains(told[0], "judge qwen3:8b rates its own answers") || !strings.Contains(told[1], "judge gemma2:27b is of the family of gemma2:9b") {
		t.Errorf("told %q", told)
	}
	c := rundir.Defaults()
	c.Models, c.Judge, c.GPUs = rundir.Names{"llama3.1:8b"}, rundir.Names{"llama3.1:8b"}, rundir.Names{"1x24GiB"}
	set, err := Items(c)
	if err != nil {
		t.Fatal(err)
	}
	_, _, notes, err := Preview(t.Context(), c, set.Limit(3), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(notes, func(s string) bool { return strings.Contains(s, "judge llama3.1:8b rates its own answers") }) {
		t.Errorf("the plan notes %q", notes)
	}
}

// What a version does is told to those whom it concerns.
func TestWhatIsToldOfAVersion(t *testing.T) {
	plain := []*task.Variant{variant("a:latest")}
	thinker := variant("judge:latest")
	thinker.Think = new(false) // as one that can think is told
	for _, tt := range []struct {
		version string
		roster  task.Roster
		want    []string
	}{
		{"0.17.4", task.Roster{Variants: plain}, nil},
		{"0.17.4", task.Roster{Variants: plain, Judges: []*task.Variant{thinker}}, []string{"drops the schema"}},
		{"0.30.7", task.Roster{Variants: plain}, []string{"reads the whole of every prompt anew"}},
		{"0.30.0", task.Roster{Variants: plain}, []string{"reads the whole of every prompt anew", "does not count the tokens"}},
		{"0.34.1", task.Roster{Variants: plain, Judges: []*task.Variant{thinker}}, nil},
	} {
		told := tt.roster.Concerns(tt.version)
		if len(told) != len(tt.want) {
			t.Errorf("%s: told %q, want %q", tt.version, told, tt.want)
			continue
		}
		for i, want := range tt.want {
			if !strings.Contains(told[i], want) || !strings.Contains(told[i], "install Ollama ") {
				t.Errorf("%s: told %q, want %q", tt.version, told[i], want)
			}
		}
	}
}

// On a machine without a GPU one line says that models run on the CPU, however many
// there are and however often they are loaded.
func TestTheCPUIsWarnedOfOnce(t *testing.T) {
	s, c := scripted(t, "0.33.0", map[string]ollamatest.Model{"a:latest": {Template: chatML}, "b:latest": {Template: chatML}, "judge:latest": {Template: chatML}})
	s.OnCPU = true
	p, r, _, err := preparedOn(t, 2, judged("a:latest", "b:latest"), c)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var warned []string
	r.Warn = func(text string) {
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(text, "CPU") {
			warned = append(warned, text)
		}
	}
	result, err := r.Execute(t.Context())
	mustComplete(t, p, result, err)
	if len(warned) != 1 || !strings.HasPrefix(warned[0], "models run on the CPU") {
		t.Errorf("%q", warned)
	}
}
