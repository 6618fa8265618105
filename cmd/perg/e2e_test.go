package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ollama/ollama/api"

	"perg/data"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/rundir"
	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

func TestMetricsOfScriptedModels(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const limit = 18
	items := sample(t, limit)
	status, stdout, stderr := b.run("steady", "swayed", "wavering", "vague", "endless", "--judge", "judge", "--limit", fmt.Sprint(limit), "--parallel", "8", "--null", "1", "--rotate-options")
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
	all := (4 + 2) * limit // and two controls
	for key, want := range map[string]int{"steady:latest ok stop": all, "vague:latest ok stop": all, "endless:latest truncated loop": all} {
		if byStatus[key] != want {
			t.Errorf("%d rows are %q, want %d: %v", byStatus[key], key, want, byStatus)
		}
	}

	// Again: there is nothing to do. Where a table is lost every reply is known.
	// The judge's rows are the same ones.
	before := table[data.Judgment](t, out, "judgments")
	again := []string{"steady", "swayed", "wavering", "vague", "endless", "--judge", "judge", "--limit", fmt.Sprint(limit), "--null", "1", "--rotate-options"}
	status, stdout, stderr = b.run(again...)
	if status != exitDone || !strings.Contains(stdout, "nothing to do, no call was made: the run is finished") || !strings.Contains(stdout, "steady:latest") {
		t.Errorf("a finished run: exit status %d\n%s\n%s", status, stdout, stderr)
	}
	if err := os.RemoveAll(filepath.Join(out, "judgments")); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr = b.run(again...)
	if status != exitDone || !strings.Contains(stdout, "no call was made: every reply came from the store") {
		t.Errorf("the second run: exit status %d\n%s\n%s", status, stdout, stderr)
	}
	if after := table[data.Judgment](t, out, "judgments"); len(after) != len(before) {
		t.Errorf("%d judgments, %d before", len(after), len(before))
	}
	// Another run shares what it can: here, everything.
	status, stdout, stderr = b.perg(t.Context(), append(b.args("steady", "--limit", fmt.Sprint(limit), "--judge", "judge", "--null", "1"), "--out", filepath.Join(b.dir, "other"))...)
	if status != exitDone || !strings.Contains(stdout, "no call was made") {
		t.Errorf("a run with the same store: exit status %d\n%s\n%s", status, stdout, stderr)
	}
	checkDuck(t, out, len(items))
	checkExport(t, b, out)
}

func TestJudges(t *testing.T) {
	t.Parallel()
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
		out := filepath.Join(b.dir, "escaping")
		status, stdout, stderr := b.run(append(args, "--judge", "escaping", "--out", out)...)
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
	// A judge that would never end its explanation comes to a score all the same.
	t.Run("rambling", func(t *testing.T) {
		out := filepath.Join(b.dir, "rambling")
		if status, _, stderr := b.run(append(args, "--judge", "rambling", "--out", out)...); status != exitDone {
			t.Fatal(status, stderr)
		}
		judgments := table[data.Judgment](t, out, "judgments")
		for _, j := range judgments {
			if j.Score == nil || len(j.Explanation) > judge.MaxExplanation || !strings.HasPrefix(j.Explanation, "There is more to say. One thing leads to another.") {
				t.Errorf("judgment %+v", j)
			}
		}
		if len(judgments) == 0 {
			t.Error("no judgments")
		}
	})
	t.Run("failed calls", func(t *testing.T) {
		out := filepath.Join(b.dir, "overflow") // the judge's prompt is longer than the candidate's
		status, stdout, stderr := b.run(append(args, "--judge", "judge", "--num-ctx", "512", "--out", out)...)
		if status != exitRowsInError || !strings.Contains(stdout, "ratings failed") || !strings.Contains(stdout, "x judge: prompt longer than the context") {
			t.Fatal(status, stdout, stderr)
		}
		for _, j := range table[data.Judgment](t, out, "judgments") {
			if j.Status != data.StatusError || j.Score != nil || j.Raw != "" || !strings.Contains(j.Error, "context") {
				t.Errorf("judgment %+v", j)
			}
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

// A context that does not hold every prompt is found before the first answer.
func TestOverflowIsFoundBeforeTheRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	items := sample(t, 6)
	items[2].Question = strings.Repeat("This goes on and on. ", 400)
	file := filepath.Join(b.dir, "long.parquet")
	if err := data.WriteParquet(file, data.Dataset{Name: "long", Items: items}); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := b.run("steady", "--data", file, "--settings", "relevant", "--num-ctx", "1024")
	if status != exitUsage || !strings.Contains(stderr, "num_ctx 1024: the longest prompt of steady:latest (item "+items[2].ID) || !strings.Contains(stderr, "hint: --num-ctx ") {
		t.Fatalf("exit status %d\n%s", status, stderr)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "run")); !os.IsNotExist(err) {
		t.Errorf("a directory is left of a run that did not start: %v", err)
	}
	if status, stdout, stderr := b.run("steady", "--data", file, "--settings", "relevant"); status != exitDone {
		t.Fatalf("with a context from the data: exit status %d\n%s\n%s", status, stdout, stderr)
	}
	m, err := rundir.ReadManifest(filepath.Join(b.dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	longest := int64(0)
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "run"), "generations") {
		longest = max(longest, *g.PromptTokens)
	}
	// 20 tokens are left to the answer; buckets are at most half as large again.
	if n := int64(m.Models[0].NumCtx); n < longest+20 || n > (longest+20)*3/2 {
		t.Errorf("num_ctx %d for a longest prompt of %d tokens", n, longest)
	}
}

func TestARepeatAbortIsARowInError(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	status, stdout, _ := b.perg(t.Context(), append(b.args("looping", "--limit", "2", "--settings", "none"), "--num-predict", "100")...)
	if status != exitRowsInError || !strings.Contains(stdout, "2 x response without its final message") {
		t.Errorf("exit status %d\n%s", status, stdout)
	}
}

func TestModelsThatAreNotThere(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	b := newBench(t)
	ollamatest.Install(t, b.host, map[string]gguftest.Chain{"fleeting": gguftest.Steady("D")})
	base, err := models.ParseHost(b.host)
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int32
	var remove sync.Once
	host := b.host
	b.host = ollamatest.Proxy(t, host, func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		if bytes.Contains(body, []byte(`"fleeting:latest"`)) && !measures(body) && calls.Add(1) > 6 {
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
	t.Parallel()
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
	t.Parallel()
	b := newBench(t)
	if status, _, stderr := b.run("steady", "vague", "--judge", "judge", "--limit", "3"); status != exitDone {
		t.Fatal(status, stderr)
	}
	base, err := models.ParseHost(b.host)
	if err != nil {
		t.Fatal(err)
	}
	running, err := api.NewClient(base, http.DefaultClient).ListRunning(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range running.Models {
		// Another test's model, removed while in memory, cannot be unloaded.
		if slices.Contains([]string{"steady:latest", "vague:latest", "judge:latest"}, m.Name) {
			t.Errorf("%s is still in memory", m.Name)
		}
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
		t.Skip("needs the default address free, and an Ollama server runs there: stop it")
	}
	program := ollamatest.Program(t)
	kept := filepath.Join(b.dir, "models")
	t.Run("models", func(t *testing.T) { // the server stops with the subtest
		s := ollamatest.Start(t, models.ServerConfig{Models: kept})
		ollamatest.Install(t, s.URL(), map[string]gguftest.Chain{"steady": gguftest.Steady("B")})
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
	// A plan of what is installed is made with a server that is started to look.
	status, stdout, stderr := b.perg(t.Context(), "plan", "steady", "--gpus", "1x24GiB")
	if status != exitDone || !strings.Contains(stdout, "one was started to look what is installed") || !strings.Contains(stdout, "steady:latest") {
		t.Errorf("plan: exit status %d\n%s\n%s", status, stdout, stderr)
	}
	if status, _, stderr = b.perg(t.Context(), "plan", "nobody:1b"); status != exitUsage || !strings.Contains(stderr, "model nobody:1b is not installed") {
		t.Errorf("plan of nobody: exit status %d\n%s", status, stderr)
	}
	status, stdout, stderr = b.perg(t.Context(), args...)
	if status != exitDone || !strings.Contains(stderr, "started an Ollama server at http://127.0.0.1:") {
		t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
	}
	if log, err := os.ReadFile(filepath.Join(out, "ollama-cpu.log")); err != nil || len(log) == 0 {
		t.Errorf("the server's log: %d bytes, %v", len(log), err)
	}
	m, err := rundir.ReadManifest(out)
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
