package judge

import (
	"slices"
	"strings"
	"testing"
)

func TestPartial(t *testing.T) {
	party := func(name, family string) Party { return Party{name, "digest of " + name, family} }
	for _, c := range []struct {
		judge, candidate Party
		want             string // part of what is said; "": nothing
	}{
		{party("llama3.1:8b", "llama"), party("llama3.1:8b", "llama"), "judge llama3.1:8b rates its own answers"},
		{Party{"copy:latest", "digest of llama3.1:8b", "llama"}, party("llama3.1:8b", "llama"), "judge copy:latest rates its own answers"},
		{party("llama3.3:70b", "llama"), party("llama3.1:8b", "llama"), "is of the family of llama3.1:8b"},
		{party("llama3.1:8b-instruct-q8_0", "llama"), party("hf.co/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q4_K_M", "llama"), "is of the family of hf.co/"},
		{party("mixtral:8x7b", "llama"), party("mistral:7b", "llama"), "is of the family of mistral:7b"},
		{party("ministral:8b", ""), party("mistral-nemo:12b", ""), "is of the family of"},
		{party("mine:latest", "gemma2"), party("gemma2:9b", "gemma2"), "is of the family of gemma2:9b"},
		{party("qwen2.5:7b", "qwen2"), party("qwen3:8b", "qwen3"), "is of the family of qwen3:8b"},
		{party("mistral:7b", "llama"), party("llama3.1:8b", "llama"), ""}, // one architecture, two makers
		{party("gemma2:27b", "gemma2"), party("llama3.1:8b", "llama"), ""},
		{party("judge:latest", "llama"), party("steady:latest", "llama"), ""},
		{Party{Name: "a"}, Party{Name: "b"}, ""},
	} {
		got := Partial([]Party{c.judge}, []Party{c.candidate, c.candidate})
		if c.want == "" && got != nil || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
			t.Errorf("%s of %s: %q, want %q", c.judge.Name, c.candidate.Name, got, c.want)
		}
	}
	both := Partial([]Party{party("qwen3:8b", "qwen3"), party("gemma2:9b", "gemma2")}, []Party{party("qwen3:8b", "qwen3"), party("qwen3:32b", "qwen3")})
	if len(both) != 2 || !slices.ContainsFunc(both, func(s string) bool { return strings.Contains(s, "its own") }) || strings.Contains(strings.Join(both, ""), "gemma2:9b") {
		t.Errorf("a judge of itself and of its kin: %q", both)
	}
}

func TestOneSided(t *testing.T) {
	for _, c := range []struct {
		scores Scores
		want   string
	}{
		{Scores{0, 0, 10, 40, 49}, ""}, // too few to tell
		{Scores{0, 0, 10, 40, 50}, "never given 1 or 2 in 100 ratings"},
		{Scores{50, 40, 10, 0, 0}, "never given 4 or 5 in 100 ratings"},
		{Scores{0, 0, 300, 0, 0}, "gave 3 in all of its 300 ratings"},
		{Scores{0, 1, 10, 40, 5000}, ""},
		{Scores{500, 0, 0, 1, 0}, ""},
		{Scores{}, ""},
	} {
		if got := c.scores.OneSided("j"); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%v: %q, want %q", c.scores, got, c.want)
		}
	}
}
