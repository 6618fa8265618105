package compare

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/models"
)

func cell(variant, method, setting string) *metrics.Cell {
	c := &metrics.Cell{Variant: variant, Method: prompt.Method(method)}
	c.Setting = prompt.Setting(setting)
	return c
}

var some = []*metrics.Cell{
	cell("llama3.1:8b", "zero-shot", "none"), cell("llama3.1:8b", "zero-shot", "relevant"), cell("llama3.1:8b", "cot", "relevant"),
	cell("llama3.1:8b-instruct-fp16", "zero-shot", "none"), cell("llama3.1:8b-instruct-fp16", "zero-shot", "relevant"),
	cell("mistral:latest@kv-q8_0", "zero-shot", "none"), cell("mistral:latest@kv-q8_0", "zero-shot", "relevant"), cell("mistral:latest@kv-q8_0", "zero-shot", "mixed"),
}

func TestSelect(t *testing.T) {
	for _, tt := range []struct {
		parts string
		want  Selector
		fails string
	}{
		{parts: "llama3.1:8b", want: Selector{Variant: "llama3.1:8b"}}, // though it begins another
		{parts: "fp16, cot", want: Selector{Variant: "llama3.1:8b-instruct-fp16", Method: "cot"}},
		{parts: "mixed,mistral@kv-q8_0,zero-shot", want: Selector{Variant: "mistral:latest@kv-q8_0", Method: "zero-shot", Setting: "mixed"}},
		{parts: "mis", want: Selector{Variant: "mistral:latest@kv-q8_0"}},
		{parts: "llama", fails: `"llama" could be llama3.1:8b or llama3.1:8b-instruct-fp16`},
		{parts: "gemma", fails: `no method, setting or variant "gemma": there are llama3.1:8b, llama3.1:8b-instruct-fp16, mistral:latest@kv-q8_0; zero-shot, cot; none, relevant, mixed`},
		{parts: "icl", fails: "no method icl: there are zero-shot, cot"},
		{parts: "irrelevant", fails: "no setting irrelevant: there are none, relevant, mixed"},
		{parts: "cot,zero-shot", fails: "two methods, cot and zero-shot"},
		{parts: "none,mixed", fails: "two settings, none and mixed"},
		{parts: "mistral,fp16", fails: "two variants, mistral:latest@kv-q8_0 and llama3.1:8b-instruct-fp16"},
		{parts: "cot,", fails: "an empty part"},
	} {
		got, err := Select(strings.Split(tt.parts, ","), some)
		if tt.fails == "" && (err != nil || got != tt.want) || tt.fails != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.fails)) {
			t.Errorf("%s: %+v, %v", tt.parts, got, err)
		}
	}
}

func TestCut(t *testing.T) {
	isRun := func(dir string) bool { return slices.Contains([]string{"runs/x", "a,b", "a"}, dir) }
	for text, want := range map[string]struct {
		run   string
		parts []string
	}{
		"runs/x":         {"runs/x", nil},
		"runs/x,m,mixed": {"runs/x", []string{"m", "mixed"}},
		"a,b,c":          {"a,b", []string{"c"}}, // the longest
		"m,mixed":        {"", []string{"m", "mixed"}},
		"":               {"", []string{""}},
	} {
		if run, parts := Cut(text, isRun); run != want.run || !slices.Equal(parts, want.parts) {
			t.Errorf("%q: %q, %q", text, run, parts)
		}
	}
}

// Cut loses nothing, and what Select takes matches cells' names.
func FuzzSelect(f *testing.F) {
	for _, s := range []string{"runs/x,llama3.1:8b,cot", "mistral,mixed", ",,", "a,b", "fp16, none"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		run, parts := Cut(text, func(s string) bool { return len(s)%3 == 0 })
		again := strings.Join(parts, ",")
		if run != "" {
			again = strings.TrimSuffix(run+","+again, ",")
		}
		if again != strings.TrimSuffix(text, ",") && again != text {
			t.Errorf("%q became %q, %q", text, run, parts)
		}
		s, err := Select(parts, some)
		if err != nil {
			if s2 := err.Error(); s2 == "" {
				t.Error("an error without words")
			}
			return
		}
		labels, methods, settings := names(some)
		if s.Variant != "" && !slices.Contains(labels, s.Variant) || s.Method != "" && !slices.Contains(methods, s.Method) || s.Setting != "" && !slices.Contains(settings, s.Setting) {
			t.Errorf("%q selects %+v", text, s)
		}
	})
}

func TestPairs(t *testing.T) {
	pairs := func(a, b Selector) []string {
		found, err := Pairs(some, some, a, b)
		if err != nil {
			return []string{err.Error()}
		}
		var all []string
		name := func(c *metrics.Cell) string { return c.Variant + " " + string(c.Method) + " " + string(c.Setting) }
		for _, p := range found {
			all = append(all, name(p.A)+" - "+name(p.B))
		}
		return all
	}
	small, big, other := "llama3.1:8b", "llama3.1:8b-instruct-fp16", "mistral:latest@kv-q8_0"
	for _, tt := range []struct {
		a, b Selector
		want []string
	}{
		{Selector{Variant: small}, Selector{Variant: big}, []string{small + " zero-shot none - " + big + " zero-shot none", small + " zero-shot relevant - " + big + " zero-shot relevant"}},
		{Selector{Variant: small, Method: "cot"}, Selector{Variant: other, Method: "zero-shot", Setting: "mixed"},
			[]string{"no two cells belong together:\n  A has llama3.1:8b; cot; relevant\n  B has mistral:latest@kv-q8_0; zero-shot; mixed"}},
		{Selector{Variant: small, Method: "cot", Setting: "relevant"}, Selector{Variant: other, Method: "zero-shot", Setting: "mixed"}, []string{small + " cot relevant - " + other + " zero-shot mixed"}},
		{Selector{Method: "cot"}, Selector{Method: "zero-shot"}, []string{small + " cot relevant - " + small + " zero-shot relevant"}},
		{Selector{Setting: "relevant"}, Selector{Setting: "mixed"}, []string{other + " zero-shot relevant - " + other + " zero-shot mixed"}},
		{Selector{Method: "cot"}, Selector{}, []string{small + " cot relevant - " + small + " cot relevant"}},
		{Selector{Setting: "mixed"}, Selector{}, []string{other + " zero-shot mixed - " + other + " zero-shot mixed"}},
	} {
		if diff := cmp.Diff(tt.want, pairs(tt.a, tt.b)); diff != "" {
			t.Errorf("%+v, %+v: %s", tt.a, tt.b, diff)
		}
	}
}

func TestSiblings(t *testing.T) {
	m := func(name, quantization string) Model {
		return Model{Variant: name, Name: name, Family: "llama", ParameterSize: "8.0B", Quantization: quantization}
	}
	kv := func(m Model, t models.KVType) Model {
		m.Variant, m.KVCache = m.Variant+"@kv-"+string(t), t
		return m
	}
	think := func(m Model, on bool, label string) Model {
		m.Variant, m.Think = m.Variant+label, &on
		return m
	}
	small := m("llama3.2:1b-fp16", "F16")
	small.ParameterSize = "1.0B"
	for name, tt := range map[string]struct {
		all     []Model
		want    map[string]string
		unknown []string
	}{
		"tags": {all: []Model{m("llama3.1:8b", "Q4_K_M"), m("llama3.1:8b-instruct-q8_0", "Q8_0"), m("llama3.1:8b-instruct-fp16", "F16"), m("mistral:7b", "Q4_0")},
			want: map[string]string{"llama3.1:8b": "llama3.1:8b-instruct-fp16", "llama3.1:8b-instruct-q8_0": "llama3.1:8b-instruct-fp16"}},
		"made": {all: []Model{m("tiny:latest", "F16"), m("tiny:latest-q4_K_M-perg-0123456789ab", "Q4_K_M"), m("tiny:latest-q8_0-perg-0123456789ab", "Q8_0")},
			want: map[string]string{"tiny:latest-q4_K_M-perg-0123456789ab": "tiny:latest", "tiny:latest-q8_0-perg-0123456789ab": "tiny:latest"}},
		"no f16":           {all: []Model{m("m:q4_0", "Q4_0"), m("m:q8_0", "Q8_0")}, want: map[string]string{"m:q4_0": "m:q8_0"}},
		"text and chat":    {all: []Model{m("m:8b-text-fp16", "F16"), m("m:8b-instruct-q4_0", "Q4_0")}, want: map[string]string{}},
		"sizes":            {all: []Model{small, m("llama3.2:latest", "Q4_K_M")}, want: map[string]string{}},
		"same precision":   {all: []Model{m("m:8b", "Q4_K_M"), m("m:8b-instruct-q4_K_M", "Q4_K_M")}, want: map[string]string{}},
		"KV cache":         {all: []Model{kv(m("m:q4_0", "Q4_0"), "q4_0"), kv(m("m:q4_0", "Q4_0"), "f16"), kv(m("m:q4_0", "Q4_0"), "q8_0")}, want: map[string]string{"m:q4_0@kv-q4_0": "m:q4_0@kv-f16", "m:q4_0@kv-q8_0": "m:q4_0@kv-f16"}},
		"weights go first": {all: []Model{kv(m("m:fp16", "F16"), "q4_0"), kv(m("m:q4_0", "Q4_0"), "f16")}, want: map[string]string{"m:q4_0@kv-f16": "m:fp16@kv-q4_0"}},
		"thinking": {all: []Model{think(m("m:fp16", "F16"), true, "@think-on"), think(m("m:q4_0", "Q4_0"), false, "@think-off"), think(m("m:q4_0", "Q4_0"), true, "@think-on")},
			want: map[string]string{"m:q4_0@think-on": "m:fp16@think-on"}},
		"unknown":         {all: []Model{m("m:fp16", "F16"), m("m:iq2_xs", "IQ2_XS")}, want: map[string]string{}, unknown: []string{"m:iq2_xs"}},
		"unknown, alone":  {all: []Model{m("m:iq2_xs", "IQ2_XS")}, want: map[string]string{}},
		"more than half":  {all: []Model{m("m:fp32", "F32"), m("m:bf16", "BF16")}, want: map[string]string{"m:bf16": "m:fp32"}},
		"nothing to name": {want: map[string]string{}},
	} {
		got, unknown := Siblings(tt.all)
		if diff := cmp.Diff(tt.want, got); diff != "" || !slices.Equal(unknown, tt.unknown) {
			t.Errorf("%s: unknown %v\n%s", name, unknown, diff)
		}
	}
}
