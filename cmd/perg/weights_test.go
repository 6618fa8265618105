package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ollama/ollama/api"

	"perg/data"
	"perg/harness/judge"
	"perg/harness/metrics"
	"perg/harness/rundir"
	"perg/models"
	"perg/models/ollamatest"
)

// What a real model says is its own affair, and another engine has it say
// something else: these tests look at what holds of it whatever it says.

// checkRealRun checks a run of one model over the baseline and one setting, of
// which a judge rated every answer: that each question has an answer in words,
// and each answer a rating.
func checkRealRun(t *testing.T, out string, items, most int) {
	t.Helper()
	generations := table[data.Generation](t, out, "generations")
	if len(generations) != 2*items {
		t.Errorf("%d generations, want %d", len(generations), 2*items)
	}
	texts := map[string]bool{}
	unread := map[string]int{}
	for _, g := range generations {
		if g.Response == nil || strings.TrimSpace(*g.Response) == "" || strings.Contains(*g.Response, "<|im_") {
			t.Errorf("%s, %s: no text, or one with the template's marks: %+v", g.ItemID, g.Setting, g)
			continue
		}
		texts[*g.Response] = true
		cut := g.DoneReason == "length"
		if cut != (g.Status == data.StatusTruncated) || cut && *g.OutputTokens != int64(most) || !cut && *g.OutputTokens > int64(most) || g.Status == data.StatusError {
			t.Errorf("%s, %s: status %s, %d tokens, ended by %s", g.ItemID, g.Setting, g.Status, *g.OutputTokens, g.DoneReason)
		}
		if g.Answer == nil {
			unread[g.Setting]++
			if g.Correct == nil || *g.Correct {
				t.Errorf("%s, %s: no answer, and correct is %v", g.ItemID, g.Setting, g.Correct)
			}
		} else if !strings.Contains("ABCDEFGHIJ"[:len(g.Options)], *g.Answer) {
			t.Errorf("%s, %s: %q is the letter of no option", g.ItemID, g.Setting, *g.Answer)
		}
	}
	if len(texts) <= items/2 {
		t.Errorf("%d different texts in %d answers", len(texts), len(generations))
	}
	for _, m := range table[data.Metric](t, out, "metrics") {
		if share := float64(unread[m.Setting]) / float64(items); m.Source == metrics.All && (m.N != int64(items) || *m.InvalidRate != share) {
			t.Errorf("%s: %d items, %v of them unread, want %d and %v", m.Setting, m.N, *m.InvalidRate, items, share)
		}
	}

	judgments := table[data.Judgment](t, out, "judgments")
	for _, j := range judgments {
		r, err := judge.Parse(j.Raw)
		if err != nil || j.Status != data.StatusOK || int(*j.Score) != r.Score || *j.Followed != r.Followed() || !r.Bounded() || j.Explanation != r.Explanation {
			t.Errorf("%s: %v: %+v", j.ItemID, err, j)
		}
	}
	m, err := rundir.ReadManifest(out)
	if err != nil {
		t.Fatal(err)
	}
	want := rundir.Counts{Planned: 2 * items, OK: 2 * items, Rated: items}
	if got := *m.Counts; len(judgments) != items || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%d judgments, counts %+v, want %+v", len(judgments), got, want)
	}
	if v := m.Models[0]; v.NoSystemRole || v.Quantization != "Q4_1" || v.Family != "llama" || v.ParameterSize == "" {
		t.Errorf("the manifest says of the model: %+v", v)
	}
}

func TestRealWeights(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	model := ollamatest.SmolLM2(t, b.host)
	const items, most = 3, 24
	args := func(most int, more ...string) []string {
		return append([]string{model, "--limit", fmt.Sprint(items), "--num-predict", fmt.Sprint(most)}, more...)
	}
	judged := args(most, "--settings", "relevant", "--judge", model, "--judge-all")
	out := filepath.Join(b.dir, "run")
	t.Run("a whole run", func(t *testing.T) {
		if status, stdout, stderr := b.run(judged...); status != exitDone {
			t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
		}
		checkRealRun(t, out, items, most)
	})
	t.Run("once more", func(t *testing.T) {
		if status, stdout, stderr := b.run(judged...); status != exitDone || !strings.Contains(stdout, "nothing to do, no call was made") {
			t.Errorf("a finished run: exit status %d\n%s\n%s", status, stdout, stderr)
		}
		if err := os.RemoveAll(filepath.Join(out, "judgments")); err != nil {
			t.Fatal(err)
		}
		if status, stdout, stderr := b.run(judged...); status != exitDone || !strings.Contains(stdout, "no call was made: every reply came from the store") {
			t.Errorf("a run whose ratings were lost: exit status %d\n%s\n%s", status, stdout, stderr)
		}
		checkRealRun(t, out, items, most)
	})
	t.Run("its own template and stop words", func(t *testing.T) {
		base, err := models.ParseHost(b.host)
		if err != nil {
			t.Fatal(err)
		}
		show, err := api.NewClient(base, http.DefaultClient).Show(t.Context(), &api.ShowRequest{Model: model})
		if err != nil || !strings.Contains(show.Template, "<|im_start|>") || !strings.Contains(show.Parameters, "<|im_end|>") {
			t.Errorf("template %q, parameters %q, error %v", show.Template, show.Parameters, err)
		}
	})
	t.Run("cut answers", func(t *testing.T) {
		const most = 8
		out := filepath.Join(b.dir, "cut")
		status, stdout, stderr := b.run(args(most, "--settings", "none", "--extractor", "none", "--out", out)...)
		if status != exitDone {
			t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
		}
		truncated, unread := 0, 0
		for _, g := range table[data.Generation](t, out, "generations") {
			if (*g.OutputTokens == most && g.DoneReason == "length") != (g.Status == data.StatusTruncated) {
				t.Errorf("%d tokens, ended by %s: status %s", *g.OutputTokens, g.DoneReason, g.Status)
			}
			if g.Status == data.StatusTruncated {
				truncated++
			}
			if g.Answer == nil {
				unread++
			}
		}
		if truncated == 0 {
			t.Errorf("no answer is cut at %d tokens", most)
		}
		for _, m := range table[data.Metric](t, out, "metrics") {
			if share := float64(unread) / items; m.Source == metrics.All && *m.InvalidRate != share {
				t.Errorf("%v unread, want %v", *m.InvalidRate, share)
			}
		}
	})
	t.Run("quantizing", func(t *testing.T) {
		status, _, stderr := b.run(args(most, "--quantize", "q8_0", "--out", filepath.Join(b.dir, "quantized"))...)
		if status != exitUsage || !strings.Contains(stderr, "smollm2:135m is Q4_1, and only an F16 model can be quantized") || !strings.Contains(stderr, "hint: pull its -fp16 tag") {
			t.Errorf("exit status %d\n%s", status, stderr)
		}
	})
}

// Ollama before 0.30 has two engines of its own for this kind of model.
func TestRealWeightsOnEachEngine(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	kept := filepath.Join(b.dir, "models")
	for name, env := range map[string][]string{"the first": nil, "the new one": {"OLLAMA_NEW_ENGINE=1"}} {
		t.Run(name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "ollama.log")
			s := ollamatest.Start(t, models.ServerConfig{Models: kept, Env: env, Log: log})
			model := ollamatest.SmolLM2(t, s.URL())
			const items, most = 1, 20
			out := filepath.Join(b.dir, name)
			status, stdout, stderr := b.perg(t.Context(), "run", model, "--host", s.URL(), "--store", filepath.Join(b.dir, name+".db"), "--out", out,
				"--judge", model, "--judge-all", "--extractor", "none", "--limit", fmt.Sprint(items), "--settings", "relevant", "--null", "0", "--num-predict", fmt.Sprint(most))
			if status != exitDone {
				t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
			}
			checkRealRun(t, out, items, most)
			m, err := rundir.ReadManifest(out)
			if err != nil {
				t.Fatal(err)
			}
			said, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			if is := strings.Contains(string(said), "runner --ollama-engine --model"); strings.HasPrefix(m.Ollama.Version, "0.17.") && is != (env != nil) {
				t.Errorf("the new engine runs: %v", is)
			}
		})
	}
}
