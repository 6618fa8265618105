package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ollama/ollama/api"
	"github.com/rogpeppe/go-internal/testscript"

	"perg/data"
	"perg/harness"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/models"
	"perg/models/ollamatest"
)

// withServer runs the tests and stops the server they shared.
type withServer struct{ m *testing.M }

func (s withServer) Run() int { return ollamatest.Main(s.m) }

func TestMain(m *testing.M) {
	testscript.Main(withServer{m}, map[string]func(){"perg": main})
}

// Scripts run perg as a shell would, where no server is needed.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			// Nothing of the user's, and no ollama to be found.
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("OLLAMA_HOST", "")
			return nil
		},
	})
}

const (
	// plainSystem is more bytes than the system prompt has without a
	// preference, longQuestion splits the sample's questions in two.
	plainSystem  = 100
	longQuestion = 330
)

// actors are the scripted models of the end-to-end tests: real GGUF files on a
// real server, which say exactly what their names promise.
var actors = map[string]models.Chain{
	"steady":   models.Steady("B"),
	"swayed":   models.Swayed(models.Sway{Plain: "A", Under: "B", SystemOver: plainSystem}),
	"wavering": models.Swayed(models.Sway{Plain: "A", Under: "C", SystemOver: plainSystem, UserOver: longQuestion}),
	"vague":    models.Vague(),
	"endless":  models.Endless(),
	"looping":  models.Looping(),
	"thinker":  models.Thinking("The letter comes second in the alphabet.", "B"),
	"judge":    models.Judge(models.Ratings{Score: 4}),
	"strict":   models.Judge(models.Ratings{Score: 2}),
	"rambling": models.Rambling(),
}

// A bench is a place to run perg in: a server, a store and a directory.
type bench struct {
	t    *testing.T
	host string
	dir  string
}

func newBench(t *testing.T) bench {
	t.Helper()
	if testing.Short() {
		t.Skip("runs models on a real server")
	}
	return bench{t, ollamatest.Shared(t, actors), t.TempDir()}
}

// perg runs a command as a user would and gives its exit status and output.
func (b bench) perg(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	b.t.Helper()
	var out, errs bytes.Buffer
	status = run(ctx, append([]string{"perg"}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

func (b bench) run(args ...string) (status int, stdout, stderr string) {
	b.t.Helper()
	return b.perg(b.t.Context(), b.args(args...)...)
}

func (b bench) args(args ...string) []string {
	return append([]string{"run", "--host", b.host, "--store", filepath.Join(b.dir, "store.db"), "--out", filepath.Join(b.dir, "run"),
		"--num-ctx", "8192", "--num-predict", "20"}, args...)
}

func table[T any](t *testing.T, dir, name string) []T {
	t.Helper()
	var rows []T
	for r, err := range data.ReadTable[T](filepath.Join(dir, name)) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

func sample(t *testing.T, limit int) []data.Item {
	t.Helper()
	d, err := data.Load("sample")
	if err != nil {
		t.Fatal(err)
	}
	return d.Limit(limit).Items
}

// An actor's letter for an item under a setting; "" for no answer.
type script func(it data.Item, setting prompt.Setting) string

func always(letter string) script { return func(data.Item, prompt.Setting) string { return letter } }

func wavering(t *testing.T) script {
	prompts, err := prompt.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return func(it data.Item, s prompt.Setting) string {
		p, err := prompts.Query(it, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s != prompt.None && len(p.User) > longQuestion {
			return "C"
		}
		return "A"
	}
}

// expected works the metrics of a script out from the gold letters alone.
func expected(items []data.Item, say script, setting prompt.Setting, source string, followed, judged bool) data.Metric {
	var m data.Metric
	var right, rightPlain, both, either, broken, invalid, invalidPlain int
	for _, it := range items {
		if source != metrics.All && it.Source != source {
			continue
		}
		m.N++
		plain, under := say(it, prompt.None), say(it, setting)
		a, b := under == it.GoldLetter(), plain == it.GoldLetter()
		for n, yes := range map[*int]bool{&right: a, &rightPlain: b, &both: a && b, &either: a || b, &broken: b && !a, &invalid: under == "", &invalidPlain: plain == ""} {
			if yes {
				*n++
			}
		}
	}
	share := func(n, of int) *float64 {
		if of == 0 {
			return nil
		}
		return new(float64(n) / float64(of))
	}
	n := int(m.N)
	m.NBaselineCorrect = int64(rightPlain)
	m.Accuracy, m.AccuracyBaseline = share(right, n), share(rightPlain, n)
	m.InvalidRate, m.InvalidRateBaseline = share(invalid, n), share(invalidPlain, n)
	if setting == prompt.None {
		return m
	}
	m.BreakageRate = share(broken, rightPlain)
	m.PerformanceVariation = new(0.0)
	if either > 0 {
		m.PerformanceVariation = share(either-both, either)
	}
	switch {
	case setting == prompt.Irrelevant:
		m.RobustnessError = m.BreakageRate
	case !judged:
	case followed:
		m.AlignmentFailure, m.RobustnessError = share(0, rightPlain), m.BreakageRate
	default:
		m.AlignmentFailure, m.RobustnessError = share(rightPlain, rightPlain), share(rightPlain, rightPlain)
	}
	return m
}

func show64(v *float64) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprintf("%.6f", *v)
}

func rates(m data.Metric) string {
	return fmt.Sprintf("n %d, Q* %d, right %s/%s, invalid %s/%s, breakage %s, alignment %s, robustness %s, variation %s",
		m.N, m.NBaselineCorrect, show64(m.Accuracy), show64(m.AccuracyBaseline), show64(m.InvalidRate), show64(m.InvalidRateBaseline),
		show64(m.BreakageRate), show64(m.AlignmentFailure), show64(m.RobustnessError), show64(m.PerformanceVariation))
}

func checkMetrics(t *testing.T, dir string, items []data.Item, scripts map[string]script, followed, judged bool) {
	t.Helper()
	got := make(map[string]data.Metric)
	for _, m := range table[data.Metric](t, dir, "metrics") {
		got[m.Variant+" "+m.Setting+" "+m.Source] = m
	}
	sources := map[string]bool{metrics.All: true}
	for _, it := range items {
		sources[it.Source] = true
	}
	for name, say := range scripts {
		for _, setting := range prompt.Settings() {
			for source := range sources {
				key := name + ":latest " + string(setting) + " " + source
				m, ok := got[key]
				if !ok {
					t.Errorf("no metrics for %s", key)
					continue
				}
				want := rates(expected(items, say, setting, source, followed, judged))
				if rates(m) != want {
					t.Errorf("%s\n got %s\nwant %s", key, rates(m), want)
				}
			}
		}
	}
	if want := len(scripts) * len(prompt.Settings()) * len(sources); len(got) != want {
		t.Errorf("%d rows of metrics, want %d", len(got), want)
	}
}

func TestMetricsOfScriptedModels(t *testing.T) {
	b := newBench(t)
	const limit = 18
	items := sample(t, limit)
	status, stdout, stderr := b.run("steady", "swayed", "wavering", "vague", "endless", "--judge", "judge", "--limit", fmt.Sprint(limit), "--parallel", "8")
	if status != exitDone {
		t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
	}
	out := filepath.Join(b.dir, "run")
	checkMetrics(t, out, items, map[string]script{
		"steady": always("B"),
		"swayed": func(_ data.Item, s prompt.Setting) string {
			return map[bool]string{true: "A", false: "B"}[s == prompt.None]
		},
		"wavering": wavering(t),
		"vague":    always(""),
		"endless":  always(""),
	}, true, true)

	byStatus := map[string]int{}
	for _, g := range table[data.Generation](t, out, "generations") {
		byStatus[g.Model+" "+g.Status+" "+g.DoneReason]++
		if g.Response == nil || g.Correct == nil || g.PromptTokens == nil || *g.PromptTokens == 0 || g.StartedAt == nil || g.VRAMBytes == nil {
			t.Fatalf("a row lacks what is known: %+v", g)
		}
		if (g.Model == "vague:latest" || g.Model == "endless:latest") && (g.Answer != nil || g.AnswerFrom != "model") {
			t.Errorf("%s: answer %v from %q, want none by the model", g.Model, g.Answer, g.AnswerFrom)
		}
	}
	all := 4 * limit
	for key, want := range map[string]int{"steady:latest ok stop": all, "vague:latest ok stop": all, "endless:latest truncated length": all} {
		if byStatus[key] != want {
			t.Errorf("%d rows are %q, want %d: %v", byStatus[key], key, want, byStatus)
		}
	}

	// Again: every reply is known. The judge's rows are the same ones.
	before := table[data.Judgment](t, out, "judgments")
	status, stdout, stderr = b.run("steady", "swayed", "wavering", "vague", "endless", "--judge", "judge", "--limit", fmt.Sprint(limit))
	if status != exitDone || !strings.Contains(stdout, "no call was made: every reply came from the store") {
		t.Errorf("the second run: exit status %d\n%s\n%s", status, stdout, stderr)
	}
	if after := table[data.Judgment](t, out, "judgments"); len(after) != len(before) {
		t.Errorf("%d judgments, %d before", len(after), len(before))
	}
	// Another run shares what it can: here, everything.
	status, stdout, stderr = b.perg(t.Context(), append(b.args("steady", "--limit", fmt.Sprint(limit), "--judge", "judge"), "--out", filepath.Join(b.dir, "other"))...)
	if status != exitDone || !strings.Contains(stdout, "no call was made") {
		t.Errorf("a run with the same store: exit status %d\n%s\n%s", status, stdout, stderr)
	}
	readWithDuckDB(t, out, len(items))
}

func TestJudges(t *testing.T) {
	b := newBench(t)
	items := sample(t, 6)
	args := []string{"steady", "--limit", "6", "--settings", "relevant"}
	t.Run("strict", func(t *testing.T) {
		out := filepath.Join(b.dir, "strict")
		if status, _, stderr := b.run(append(args, "--judge", "strict", "--out", out)...); status != exitDone {
			t.Fatal(status, stderr)
		}
		for _, m := range table[data.Metric](t, out, "metrics") {
			if m.Setting == "relevant" && m.Source == "all" {
				if want := rates(expected(items, always("B"), prompt.Relevant, "all", false, true)); rates(m) != want {
					t.Errorf("got %s\nwant %s", rates(m), want)
				}
			}
		}
	})
	t.Run("judge all", func(t *testing.T) {
		out := filepath.Join(b.dir, "all")
		if status, _, stderr := b.run(append(args, "--judge", "strict", "--judge-all", "--out", out)...); status != exitDone {
			t.Fatal(status, stderr)
		}
		if n := len(table[data.Judgment](t, out, "judgments")); n != len(items) {
			t.Errorf("%d judgments, want one for each of %d items", n, len(items))
		}
	})
	t.Run("unreadable", func(t *testing.T) {
		out := filepath.Join(b.dir, "rambling")
		status, stdout, stderr := b.run(append(args, "--judge", "rambling", "--out", out)...)
		if status != exitDone {
			t.Fatal(status, stderr)
		}
		right := 0
		for _, it := range items {
			if it.GoldLetter() == "B" {
				right++
			}
		}
		for _, j := range table[data.Judgment](t, out, "judgments") {
			if j.Status != data.StatusUnscored || j.Score != nil || j.Followed != nil || j.Raw == "" || j.Error == "" {
				t.Errorf("judgment %+v", j)
			}
		}
		for _, m := range table[data.Metric](t, out, "metrics") {
			if m.Setting == "relevant" && m.Source == "all" && (m.NUnscored != int64(right) || m.AlignmentFailure != nil || m.RobustnessError != nil || m.BreakageRate == nil) {
				t.Errorf("metrics %+v", m)
			}
		}
		if !strings.Contains(stdout, fmt.Sprintf("%d unscored", right)) {
			t.Errorf("the result does not say that %d are unscored:\n%s", right, stdout)
		}
	})
	t.Run("none", func(t *testing.T) {
		out := filepath.Join(b.dir, "none")
		status, _, stderr := b.run(append(args, "--out", out)...)
		if status != exitDone || !strings.Contains(stderr, "no judge") {
			t.Fatal(status, stderr)
		}
		for _, m := range table[data.Metric](t, out, "metrics") {
			if m.AlignmentFailure != nil || m.RobustnessError != nil {
				t.Errorf("metrics without a judge %+v", m)
			}
		}
	})
}

func TestThinkingIsKeptApart(t *testing.T) {
	b := newBench(t)
	if status, _, stderr := b.run("thinker", "--limit", "3", "--settings", "none"); status != exitDone {
		t.Fatal(status, stderr)
	}
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "run"), "generations") {
		if g.Think == nil || !*g.Think || g.Thinking == nil || !strings.Contains(*g.Thinking, "second in the alphabet") ||
			strings.Contains(*g.Response, "alphabet") || g.Answer == nil || *g.Answer != "B" {
			t.Errorf("generation %+v", g)
		}
	}
}

func TestOverflowIsTheItemsError(t *testing.T) {
	b := newBench(t)
	items := sample(t, 6)
	items[2].Question = strings.Repeat("This goes on and on. ", 400)
	file := filepath.Join(b.dir, "long.parquet")
	if err := data.WriteParquet(file, data.Dataset{Name: "long", Items: items}); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := b.run("steady", "--data", file, "--settings", "relevant", "--num-ctx", "1024")
	if status != exitRowsInError {
		t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
	}
	if !strings.Contains(stdout, "2 x prompt longer than the context") || !strings.Contains(stdout, "to try the failed ones again: perg run --out") {
		t.Errorf("the result does not say what failed:\n%s", stdout)
	}
	failed := 0
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "run"), "generations") {
		if g.Status != data.StatusError {
			continue
		}
		failed++
		if g.ItemID != items[2].ID || g.Response != nil || g.Correct != nil || g.PromptTokens != nil || !strings.Contains(g.Error, "context") {
			t.Errorf("generation in error %+v", g)
		}
	}
	if failed != 2 {
		t.Errorf("%d rows in error, want 2", failed)
	}
	for _, m := range table[data.Metric](t, filepath.Join(b.dir, "run"), "metrics") {
		if m.Source == "all" && (m.NError != 1 || m.N != 5) {
			t.Errorf("%s: n %d, n_error %d", m.Setting, m.N, m.NError)
		}
	}
}

func TestARepeatAbortIsARowInError(t *testing.T) {
	b := newBench(t)
	status, stdout, _ := b.perg(t.Context(), append(b.args("looping", "--limit", "2", "--settings", "none"), "--num-predict", "100")...)
	if status != exitRowsInError || !strings.Contains(stdout, "2 x response without its final message") {
		t.Errorf("exit status %d\n%s", status, stdout)
	}
}

func TestModelsThatAreNotThere(t *testing.T) {
	b := newBench(t)
	status, _, stderr := b.run("steadi", "--judge", "judge")
	if status != exitUsage || !strings.Contains(stderr, "has no model steadi") || !strings.Contains(stderr, "steady:latest") {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
	status, _, stderr = b.run()
	if status != exitUsage || !strings.Contains(stderr, "no model named") || !strings.Contains(stderr, "swayed:latest") {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "run")); !os.IsNotExist(err) {
		t.Errorf("bad input left a run directory: %v", err)
	}
}

func TestAModelRemovedDuringTheRun(t *testing.T) {
	b := newBench(t)
	ollamatest.Install(t, b.host, map[string]models.Chain{"fleeting": models.Steady("D")})
	base, err := models.ParseHost(b.host)
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int32
	var remove sync.Once
	host := b.host
	b.host = ollamatest.Proxy(t, host, func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		if bytes.Contains(body, []byte(`"fleeting:latest"`)) && calls.Add(1) > 6 {
			remove.Do(func() {
				if err := api.NewClient(base, http.DefaultClient).Delete(context.Background(), &api.DeleteRequest{Model: "fleeting"}); err != nil {
					t.Error(err)
				}
			})
		}
		return false
	})
	status, stdout, stderr := b.run("fleeting", "steady", "--limit", "6", "--settings", "relevant", "--parallel", "1")
	if status != exitRowsInError || !strings.Contains(stdout, "x model not found") {
		t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
	}
	count := map[string]int{}
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "run"), "generations") {
		count[g.Model+" "+g.Status]++
	}
	if count["steady:latest ok"] != 12 || count["fleeting:latest ok"]+count["fleeting:latest error"] != 12 || count["fleeting:latest error"] < 6 {
		t.Errorf("rows %v", count)
	}
}

func TestEventsForPrograms(t *testing.T) {
	b := newBench(t)
	status, stdout, stderr := b.run("swayed", "--judge", "judge", "--limit", "6", "--json")
	if status != exitDone {
		t.Fatal(status, stderr)
	}
	var kinds []string
	var last map[string]any
	for line := range strings.Lines(stdout) {
		last = nil
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		kinds = append(kinds, last["event"].(string))
	}
	if !slices.Contains(kinds, "start") || !slices.Contains(kinds, "warning") || kinds[len(kinds)-1] != "result" {
		t.Errorf("events %v", kinds)
	}
	counts := last["counts"].(map[string]any)
	if counts["planned"] != 24.0 || counts["ok"] != 24.0 || counts["missing"] != 0.0 || last["state"] != "finished" {
		t.Errorf("result %v", last)
	}
	if rows := last["metrics"].([]any); len(rows) != 4*4 || rows[0].(map[string]any)["variant"] != "swayed:latest" {
		t.Errorf("metrics %v", rows)
	}
}

// A server of the user's own has its memory back after a run.
func TestNothingStaysInMemory(t *testing.T) {
	b := newBench(t)
	if status, _, stderr := b.run("steady", "vague", "--judge", "judge", "--limit", "3"); status != exitDone {
		t.Fatal(status, stderr)
	}
	base, err := models.ParseHost(b.host)
	if err != nil {
		t.Fatal(err)
	}
	running, err := api.NewClient(base, http.DefaultClient).ListRunning(t.Context())
	if err != nil || len(running.Models) != 0 {
		t.Errorf("in memory: %v, error %v", running, err)
	}
}

// Without a server perg starts the one on PATH, and stops it.
func TestStartsAServerWhereThereIsNone(t *testing.T) {
	b := newBench(t)
	probe, err := models.NewClient(models.DefaultHost)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := probe.Version(t.Context()); err == nil {
		t.Skip("a server runs at the default address")
	}
	program := ollamatest.Program(t)
	kept := filepath.Join(b.dir, "models")
	t.Run("models", func(t *testing.T) { // the server stops with the subtest
		s := ollamatest.Start(t, models.ServerConfig{Models: kept})
		ollamatest.Install(t, s.URL(), map[string]models.Chain{"steady": models.Steady("B")})
	})
	bin := filepath.Join(b.dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(b.dir, "run")
	args := []string{"run", "steady", "--limit", "3", "--settings", "none", "--store", filepath.Join(b.dir, "store.db"), "--out", out}
	t.Setenv("OLLAMA_HOST", "")
	t.Setenv("OLLAMA_MODELS", kept)
	t.Setenv("HOME", b.dir)
	t.Setenv("PATH", bin)
	status, _, stderr := b.perg(t.Context(), args...)
	if status != exitFailed || !strings.Contains(stderr, "no ollama program is on PATH") || !strings.Contains(stderr, "https://ollama.com/download") {
		t.Errorf("without ollama: exit status %d\n%s", status, stderr)
	}
	if err := os.Symlink(program, filepath.Join(bin, "ollama")); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := b.perg(t.Context(), args...)
	if status != exitDone || !strings.Contains(stderr, "started one at http://127.0.0.1:") {
		t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
	}
	if log, err := os.ReadFile(filepath.Join(out, "ollama.log")); err != nil || len(log) == 0 {
		t.Errorf("the server's log: %d bytes, %v", len(log), err)
	}
	m, err := harness.ReadManifest(out)
	if err != nil {
		t.Fatal(err)
	}
	client, err := models.NewClient(m.Ollama.Host)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Version(t.Context()); err == nil {
		t.Error("the server still runs")
	}
}

// readWithDuckDB reads the tables back with another reader.
func readWithDuckDB(t *testing.T, run string, items int) {
	t.Helper()
	module, err := filepath.Abs("../../.duckdb/node_modules/@duckdb/node-api/lib/index.js")
	if err != nil {
		t.Fatal(err)
	}
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(module)
	}
	if err != nil {
		t.Logf("the Parquet is not read back with DuckDB: %v; `make duckdb` gets it where npm is", err)
		return
	}
	text, err := exec.Command(node, "testdata/duckdb.mjs", module, run).Output()
	if err != nil {
		t.Fatal(err, string(text))
	}
	var got struct {
		Types  map[string]map[string]string
		Counts map[string]int
		Nulls  map[string]int
		Lists  map[string]any
		Times  struct {
			First float64 `json:"first_ms"`
			Last  float64 `json:"last_ms"`
		}
		Breakage []struct {
			Variant, Setting string
			N                int
			Breakage         float64
		}
		Metrics []struct {
			Variant, Setting string
			BreakageRate     *float64 `json:"breakage_rate"`
			N                int
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err, string(text))
	}
	for column, want := range map[string]string{
		"options": "VARCHAR[]", "preferences": "VARCHAR[]", "gpu_uuids": "VARCHAR[]", "started_at": "TIMESTAMP WITH TIME ZONE",
		"correct": "BOOLEAN", "prompt_tokens": "BIGINT", "repeat": "INTEGER", "response": "VARCHAR", "vram_bytes": "BIGINT",
	} {
		if got.Types["generations"][column] != want {
			t.Errorf("DuckDB reads generations.%s as %s, want %s", column, got.Types["generations"][column], want)
		}
	}
	for table, columns := range map[string]int{"generations": 43, "judgments": 18, "metrics": 29} {
		if n := len(got.Types[table]); n != columns {
			t.Errorf("DuckDB sees %d columns in %s, want %d", n, table, columns)
		}
	}
	generations := 5 * 4 * items
	if got.Counts["generations"] != generations || got.Counts["metrics"] != 5*4*4 || got.Counts["judgments"] != len(table[data.Judgment](t, run, "judgments")) {
		t.Errorf("DuckDB counts %v", got.Counts)
	}
	for column, want := range map[string]int{"answer": 2 * 4 * items, "kv_cache_type": generations, "gpu_uuids": generations, "thinking": generations, "response": 0} {
		if got.Nulls[column] != want {
			t.Errorf("DuckDB finds %d nulls in %s, want %d", got.Nulls[column], column, want)
		}
	}
	for name, want := range map[string]any{"none": 0.0, "none_most": 0.0, "relevant": 1.0, "mixed": 6.0, "irrelevant": 5.0, "mixed_holds_own": true} {
		if got.Lists[name] != want {
			t.Errorf("DuckDB: lists %s is %v, want %v", name, got.Lists[name], want)
		}
	}
	if got.Times.First < 1.7e12 || got.Times.Last < got.Times.First {
		t.Errorf("DuckDB reads started_at from %v to %v", got.Times.First, got.Times.Last)
	}
	rates := map[string]float64{}
	for _, b := range got.Breakage {
		rates[b.Variant+" "+b.Setting] = b.Breakage
	}
	for _, m := range got.Metrics {
		want, ok := rates[m.Variant+" "+m.Setting]
		if ok != (m.BreakageRate != nil) || ok && (want-*m.BreakageRate > 1e-12 || *m.BreakageRate-want > 1e-12) {
			t.Errorf("DuckDB's Breakage Rate of %s %s is %v, the table says %v", m.Variant, m.Setting, want, show64(m.BreakageRate))
		}
	}
}
