package main

import (
	"encoding/json"
	"html"
	"os"
	"strings"
	"testing"

	"perg/harness/advise"
	"perg/harness/rundir"
)

// A run of quantizations, types of KV cache, ways of thinking and two models says
// what to take of each, in the terminal, as JSON and on the page, in the same words.
func TestReportRecommends(t *testing.T) {
	t.Chdir(t.TempDir())
	info := func(variant, name, quantization, kv string, think *bool) rundir.ModelInfo {
		return rundir.ModelInfo{Name: name, Variant: variant, Family: "a", ParameterSize: "8B", Quantization: quantization, KVCacheType: kv, Think: think, Size: map[string]int64{"F16": 16 << 30, "Q8_0": 8 << 30, "Q4_K_M": 5 << 30}[quantization]}
	}
	on, off := true, false
	r := newWrittenRun("runs/x",
		info("a-f16", "a:8b-fp16", "F16", "f16", nil), info("a-q8", "a:8b-q8_0", "Q8_0", "f16", nil), info("a-q4", "a:8b-q4_K_M", "Q4_K_M", "f16", nil),
		info("a-f16/kv", "a:8b-fp16", "F16", "q8_0", nil),
		info("t-on", "t:8b", "Q4_K_M", "f16", &on), info("t-off", "t:8b", "Q4_K_M", "f16", &off),
	)
	for variant, under := range map[string]string{
		"a-f16": "400r 100w", "a-q8": "400r 100w", "a-q4": "300r 200w", "a-f16/kv": "400r 100w", "t-on": "250r 250w", "t-off": "250r 250w",
	} {
		r.cell(variant, "zero-shot", "none", "500r")
		r.cell(variant, "zero-shot", "relevant", under)
	}
	r.writeWithMetrics(t)
	status, screen := onTerminal(t, 80, "report", "runs/x")
	if status != exitDone {
		t.Fatal(status, screen)
	}
	screen = strings.Join(strings.Fields(screen), " ")
	sentences := []string{
		"Take a-q8, the smallest that is shown to be no worse than a-f16 by 2 points (zero-shot, relevant): Right 0.0 (-0.6 to +0.6), Breakage 0.0 (-0.6 to +0.6)",
		"a-q4: worse: Right -20.0",
		"Take a-f16/kv, the smallest KV cache that is shown to be no worse than a-f16 by 2 points",
		"Take t-off, the least thinking that is shown to be no worse than t-on by 2 points",
		"Models by Robustness Error in percent, the least first, with the places that their intervals leave (zero-shot, relevant): 1 a-f16 20.0 (17-24); 2 t-on 50.0 (46-54).",
		"Not known of any, and left out: tokens per second, energy.",
	}
	contains(t, screen, sentences...)

	var text strings.Builder
	if status := run(t.Context(), []string{"perg", "report", "runs/x", "--json"}, &text, &text); status != exitDone {
		t.Fatal(status, text.String())
	}
	var got struct {
		Metrics []map[string]any
		advise.Recommendation
	}
	if err := json.NewDecoder(strings.NewReader(text.String())).Decode(&got); err != nil {
		t.Fatal(err, text.String())
	}
	if len(got.Metrics) == 0 || len(got.Advice) != 3 || got.Advice[0].Kind != advise.Quantization || got.Advice[0].Take != "a-q8" || got.Ranking.Places[1].First != 2 {
		t.Errorf("%d rows, %+v, %+v", len(got.Metrics), got.Advice, got.Ranking)
	}
	// The f16 of 16 GiB has the Breakage of the q8 of 8 GiB; the q4 is smaller, and breaks more.
	front := make(map[string]string)
	for _, s := range got.Front {
		front[s.Variant] = strings.Join(s.DominatedBy, ",")
	}
	want := map[string]string{"a-f16": "a-q8", "a-f16/kv": "a-q8", "a-q8": "", "a-q4": "", "t-on": "a-q4", "t-off": "a-q4"}
	for variant, by := range want {
		if front[variant] != by {
			t.Errorf("%s is dominated by %q, want %q", variant, front[variant], by)
		}
	}
	if status, out := onTerminal(t, 80, "report", "runs/x", "--html", "x.html"); status != exitDone {
		t.Fatal(out)
	}
	page, err := os.ReadFile("x.html")
	if err != nil {
		t.Fatal(err)
	}
	shown, _, _ := strings.Cut(html.UnescapeString(string(page)), "<script")
	contains(t, strings.Join(strings.Fields(shown), " "), sentences[:5]...)
}
