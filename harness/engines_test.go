package harness

import (
	"net/http"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/fleet"
	"perg/harness/rundir"
	"perg/models"
)

// Replies of before engines were told apart serve any engine; those of one
// engine serve no other.
func TestRepliesAreOfAnEngine(t *testing.T) {
	v := variant("a:latest")
	p := testPlan(t, 5, v)
	r, _ := testRun(t, p, fake(t, replying(answerA)))
	execute := func(engine models.Engine) Result {
		t.Helper()
		v.Engine = engine
		if err := r.Dir.Adopt(rundir.Manifest{PergVersion: string(engine)}, func(string) {}); err != nil {
			t.Fatal(err)
		}
		result, err := r.Execute(t.Context())
		if err != nil || result.OK != 20 {
			t.Fatalf("%+v, error %v", result, err)
		}
		return result
	}
	for _, step := range []struct {
		engine models.Engine
		calls  int
	}{{models.Runner, 20}, {models.Runner, 0}, {models.LlamaServer, 20}, {models.Runner, 0}} {
		if got := execute(step.engine); got.Calls != step.calls {
			t.Errorf("%s: %d calls, want %d", step.engine, got.Calls, step.calls)
		}
	}

	r, _ = testRun(t, testPlan(t, 5, v), fake(t, replying(answerA)))
	if got := execute(""); got.Calls != 20 {
		t.Errorf("of no engine: %d calls", got.Calls)
	}
	if got := execute(models.LlamaServer); got.Calls != 0 || got.Known != 20 {
		t.Errorf("what was kept without an engine is asked again: %+v", got)
	}
	for _, g := range rows[data.Generation](t, r.Dir.Path, "generations") {
		if g.Engine != "runner" || g.OllamaVersion != "0.17.4" {
			t.Fatalf("a row is of %q, %q", g.Engine, g.OllamaVersion)
		}
	}
	if loads := r.Dir.Manifest.Loads; len(loads) == 0 || loads[0].Version != "0.17.4" {
		t.Errorf("loads %+v", loads)
	}
}

// Each model is loaded once on a server, with the context that its calls have,
// and none to be counted with.
func TestEachModelIsLoadedOnce(t *testing.T) {
	s := newStandIn(t, "a:latest", "b:latest", "judge:latest")
	s.vocabulary = true
	c := rundir.Defaults()
	c.Models, c.Judge = []string{"a", "b"}, rundir.Names{"judge"}
	p, r, err := prepared(t, 10, c, s)
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Execute(t.Context())
	mustComplete(t, p, result, err)
	for model, contexts := range s.loads {
		if len(contexts) != 1 {
			t.Errorf("%s was loaded with %v", model, contexts)
		}
	}
	if len(s.loads) != 3 || s.number(count) != 0 || result.Rated == 0 {
		t.Errorf("%d models were loaded, %d prompts counted by the server, %d rated", len(s.loads), s.number(count), result.Rated)
	}
}

// The user is told where servers compute in different ways, and where a run goes
// on with another server than it was begun with.
func TestOtherServersAreToldOf(t *testing.T) {
	old := newStandIn(t, "a:latest")
	today := newStandIn(t, "a:latest")
	today.tamper = func(w http.ResponseWriter, a asked) bool {
		if a.kind != "version" {
			return false
		}
		w.Write([]byte(`{"version":"0.33.0"}`))
		return true
	}
	var told []string
	o := fleet.Options{Say: func(string) {}, Warn: func(text string) { told = append(told, text) }}
	for _, c := range []struct {
		servers []fleet.Client
		engine  models.Engine
		warning string
	}{
		{[]fleet.Client{old.client}, models.Runner, ""},
		{[]fleet.Client{today.client}, models.LlamaServer, ""},
		{[]fleet.Client{old.client, today.client}, "", "have different engines"},
	} {
		told = nil
		engine, err := fleet.Of(o, c.servers...).Engine(t.Context())
		if err != nil || engine != c.engine || !strings.Contains(strings.Join(told, ""), c.warning) || (c.warning == "") != (told == nil) {
			t.Errorf("%d servers: %q, told %q, error %v", len(c.servers), engine, told, err)
		}
	}

	dir, err := rundir.Hold(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	with := func(version string) rundir.Manifest {
		return rundir.Manifest{Ollama: rundir.ServerInfo{Version: version}}
	}
	if err := dir.Adopt(with("0.17.4"), nil); err != nil {
		t.Fatal(err)
	}
	if err := dir.Begin(dir.Manifest.StartedAt); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"0.17.4": "", "0.17.5": "those of before are kept", "0.33.0": "all is asked anew", "": ""} {
		var text string
		if err := dir.Adopt(with(version), func(s string) { text = s }); err != nil || !strings.Contains(text, want) || (want == "") != (text == "") {
			t.Errorf("%s: told %q, error %v", version, text, err)
		}
	}
}
