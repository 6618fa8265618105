package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
)

// The embedded figures are those of the file they were taken from.
func TestPublishedFiguresAreTheSources(t *testing.T) {
	text, err := os.ReadFile("../../../shared/paper/published_results.csv")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no ../shared/paper/published_results.csv to compare with")
	}
	if err != nil {
		t.Fatal(err)
	}
	want, err := parsePublished(text)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, publishedFigures()); d != "" {
		t.Error(d)
	}
}

func TestPublishedFigures(t *testing.T) {
	figures := publishedFigures()
	models := map[string]int{}
	for c, f := range figures {
		models[c.Model]++
		for i, v := range f {
			if undefined := c.Setting == string(prompt.Irrelevant) && i == 1; (v == nil) != undefined {
				t.Errorf("%v: %s is %v", c, comparedMetrics[i].name, v)
			}
		}
	}
	// The tables have four rows, three sources and all, for each cell.
	want := map[string]int{
		"DeepSeek-R1-70B": 4, "GPT-4o-mini": 4, "Gemma-2-27B": 4, "Gemma-2-9B": 20, "Janus-7B": 32, "Llama3-70B": 36, "Llama3-8B": 36,
		"Mistral-7B": 36, "Mixtral-8x7B": 36, "Qwen3-32B": 4, "Qwen3-32B-Thinking": 4, "Qwen3-8B": 16, "Qwen3-8B-Thinking": 4,
	}
	if d := cmp.Diff(want, models); d != "" {
		t.Error(d)
	}
	// As the paper's text has them: Pref-Aligner takes Llama-70B's Breakage Rate
	// from 5.6 to 1.1, 6.9 to 1.2 and 5.5 to 1.2.
	for setting, pair := range map[string][2]float64{"relevant": {0.056, 0.011}, "mixed": {0.069, 0.012}, "irrelevant": {0.055, 0.012}} {
		for i, method := range []string{"zero-shot", "pref-aligner"} {
			if got := figures[publishedCell{setting, method, "Llama3-70B", metrics.All}][0]; got == nil || *got != pair[i] {
				t.Errorf("%s %s: %s, want %v", setting, method, percent(got), pair[i])
			}
		}
	}
	for _, c := range counterparts {
		if models[c.model] == 0 {
			t.Errorf("no figures of %s, which variants are matched to", c.model)
		}
	}
}

func TestParsePublishedErrors(t *testing.T) {
	const header = "setting,method,model,source,breakage_rate_pct,alignment_failure_pct,robustness_error_pct,performance_variation_pct\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":           {"", "EOF"},
		"other columns":   {"a,b\n", "the columns are a,b; want setting,"},
		"ragged":          {header + "mixed,cot,m,all,1\n", "record on line 2: wrong number of fields"},
		"unknown setting": {header + "some,cot,m,all,1,1,1,1\n", `record 1: unknown setting "some"`},
		"unknown source":  {header + "mixed,cot,m,x,1,1,1,1\n", `record 1: unknown source "x"`},
		"no number":       {header + "mixed,cot,m,all,1,NaN,1,1\n", `record 1: "NaN" is no percentage`},
		"over a hundred":  {header + "mixed,cot,m,all,1,1,1,101\n", `record 1: "101" is no percentage`},
		"twice":           {header + "mixed,cot,m,all,1,1,1,1\nmixed,cot,m,all,1,1,1,1\n", "record 2: {mixed cot m all} is there twice"},
	} {
		if _, err := parsePublished([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func FuzzParsePublished(f *testing.F) {
	f.Add(publishedCSV)
	f.Fuzz(func(t *testing.T, text []byte) {
		figures, err := parsePublished(text)
		if err != nil {
			return
		}
		for c, f := range figures {
			for _, v := range f {
				if v != nil && !(*v >= 0 && *v <= 1) {
					t.Errorf("%v: %v", c, *v)
				}
			}
		}
	})
}

// The rows whose Variation holds the merge are the eleven of TruthfulQA at 70
// and more, and with each the one over all.
// Cells whose Q* is of another shuffle, and aligner rows that repeat relevant, are
// marked in all four metrics; the aligner's not where it was asked as the paper's.
func TestPublishedFaults(t *testing.T) {
	for _, prompts := range []string{"perg", prompt.Paper} {
		n := map[string]int{}
		models := map[string]bool{}
		for c := range publishedFigures() {
			switch c.fault(prompts) {
			case OtherShuffle:
				n[c.Setting+" "+c.Method+" "+c.Source]++
				models[c.Model] = true
			case RepeatsRelevant:
				if c.Method != "pref-aligner" || c.Setting == "relevant" {
					t.Errorf("%v repeats relevant", c)
				}
				n["repeats"]++
			}
		}
		want := map[string]int{
			"relevant self-critic truthfulqa": 3, "mixed zero-shot truthfulqa": 4, "irrelevant zero-shot truthfulqa": 4,
			"relevant self-critic all": 3, "mixed zero-shot all": 4, "irrelevant zero-shot all": 4,
		}
		if prompts != prompt.Paper {
			for c := range publishedFigures() {
				if c.Method == "pref-aligner" && c.Setting != "relevant" {
					want["repeats"]++
				}
			}
			if want["repeats"] == 0 {
				t.Error("there are no such rows")
			}
		}
		if d := cmp.Diff(want, n); d != "" {
			t.Errorf("prompts %s: %s", prompts, d)
		}
		if len(models) != 4 || !models["Llama3-8B"] || !models["Mistral-7B"] || !models["Janus-7B"] || !models["Mixtral-8x7B"] {
			t.Errorf("the models are %v", models)
		}
	}
}

// What is marked has no verdict, and where the paper's value is at fault no
// difference, in any metric; notes say why.
func TestMarkedCellsAreNotCompared(t *testing.T) {
	n := func(string) int64 { return 500 }
	three := []string{"truthfulqa", "commonsenseqa", "mmlu"}
	var rows []data.Metric
	for _, cell := range [][2]string{{"relevant", "zero-shot"}, {"mixed", "zero-shot"}, {"mixed", "pref-aligner"}} {
		rows = append(rows, published("llama3.1:8b", cell[0], cell[1], n, three...)...)
	}
	for i := range rows {
		rows[i].AlignmentFailureLow, rows[i].AlignmentFailureHigh = new(0.0), new(1.0)
		if rows[i].Source == "mmlu" && rows[i].Setting == "relevant" {
			rows[i].NUnscored = 3
		}
	}
	llama := []Measured{{Variant: "llama3.1:8b", Model: "llama3.1:8b", Family: "llama", ParameterSize: "8.0B", Quantization: "F16"}}
	c := ComparePublished(rows, llama, "perg", "perg.parquet", 1500)
	for _, b := range c.Rows {
		want := Cause("")
		switch {
		case b.Method == "pref-aligner":
			want = RepeatsRelevant
		case b.Setting == "mixed" && (b.Source == "truthfulqa" || b.Source == "all"):
			want = OtherShuffle
		case b.Setting == "relevant" && b.Source == "mmlu" && (b.Metric == "alignment_failure" || b.Metric == "robustness_error"):
			want = RatingsMissing
		}
		if b.Cause != want || (b.InInterval == nil) != (want != "") || (b.Difference == nil) != want.OfThePaper() {
			t.Errorf("%s %s %s %s: cause %q, want %q; difference %v, inside %v", b.Method, b.Setting, b.Source, b.Metric, b.Cause, want, b.Difference, b.InInterval)
		}
	}
	notes := strings.Join(c.Notes, "\n")
	for _, want := range []string{"marked ?: ", "none of the four metrics", "marked =: ", "marked ~: ", "prompts: perg's own", "counts a rating that cannot be read as not followed"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note %q in\n%s", want, notes)
		}
	}
	if notes := strings.Join(ComparePublished(rows, llama, prompt.Paper, "perg.parquet", 1500).Notes, "\n"); strings.Contains(notes, "marked =") || !strings.Contains(notes, "prompts: the paper's in substance") {
		t.Errorf("asked as the paper's: %s", notes)
	}
}

// The release and the precision of the paper's model are named, and a variant is
// said to be like it or not.
func TestPublishedPrecision(t *testing.T) {
	for _, c := range []struct {
		model, size, quantization string
		same                      *bool
		want                      string
	}{
		{"llama3.1:8b", "8.0B", "Q4_K_M", new(false), "Llama-3.1-8B-Instruct, decoded by its own generation_config, which may sample, in bf16: Q4_K_M is another precision, compare at 16 bits"},
		{"llama3.1:8b", "8.0B", "F16", new(true), "in bf16, with which F16 is like for like"},
		{"mixtral:8x7b", "46.7B", "Q4_0", new(true), "Mixtral-8x7B-Instruct-v0.1, decoded by its own generation_config, which may sample, in nf4, with which Q4_0 is like for like"},
		{"mixtral:8x7b", "46.7B", "Q8_0", new(false), "in nf4: Q8_0 is another precision, compare at 4 bits"},
		{"llama3.3:70b", "70.6B", "Q4_K_M", nil, "Llama-3.3-70B-Instruct-Turbo-Free, asked of a service at temperature 0, in a precision that is not stated"},
		{"mistral:7b", "7.2B", "", nil, "Mistral-7B-Instruct-v0.3, decoded by its own generation_config, which may sample, in bf16"},
	} {
		rows := published("v", "relevant", "zero-shot", func(string) int64 { return 500 }, "mmlu")
		for i := range rows {
			rows[i].Quantization = c.quantization
		}
		got := ComparePublished(rows, []Measured{{Variant: "v", Model: c.model, ParameterSize: c.size, Quantization: c.quantization}}, "perg", "d", 500)
		if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, c.want) {
			t.Errorf("%s %s: no %q in\n%s", c.model, c.quantization, c.want, notes)
		}
		if len(got.Rows) == 0 {
			t.Fatalf("%s: no rows", c.model)
		}
		if d := cmp.Diff(c.same, got.Rows[0].SamePrecision); d != "" {
			t.Errorf("%s %s: %s", c.model, c.quantization, d)
		}
	}
}

// Names, families and sizes are those that Ollama reports of its library's
// models and of GGUF files from Hugging Face.
func TestModelsAreMatched(t *testing.T) {
	yes, no := new(true), new(false)
	for _, c := range []struct {
		model, family, size string
		think               *bool
		want                string // a model of the paper, or part of why there is none
	}{
		{"llama3.1:latest", "llama", "8.0B", nil, "Llama3-8B"},
		{"llama3.1:8b-instruct-q4_K_M", "llama", "8.0B", nil, "Llama3-8B"},
		{"llama3.1:8b-instruct-fp16-q8_0-perg-0123456789ab", "llama", "8.0B", nil, "Llama3-8B"},
		{"hf.co/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q4_K_M", "llama", "8.03B", nil, "Llama3-8B"},
		{"llama3.3:70b", "llama", "70.6B", nil, "Llama3-70B"},
		{"llama3.3:70b", "", "", nil, "Llama3-70B"},
		{"mistral:7b-instruct-v0.3-q8_0", "llama", "7.2B", nil, "Mistral-7B"},
		{"mistral:latest", "llama", "7B", nil, "Mistral-7B"},
		{"mixtral:8x7b-instruct-v0.1-q4_K_M", "llama", "46.7B", nil, "Mixtral-8x7B"},
		{"hf.co/kaist-ai/janus-7b:f16", "llama", "7.2B", nil, "Janus-7B"},
		{"deepseek-r1:70b-llama-distill-q4_K_M", "llama", "70.6B", yes, "DeepSeek-R1-70B"},
		{"hf.co/unsloth/DeepSeek-R1-Distill-Llama-70B-GGUF:UD-IQ3_XXS", "llama", "70.6B", yes, "DeepSeek-R1-70B"},
		{"gemma2:9b", "gemma2", "9.2B", nil, "Gemma-2-9B"},
		{"hf.co/google/gemma-2-9b-it:BF16", "gemma2", "9.2B", nil, "Gemma-2-9B"},
		{"gemma2:27b", "gemma2", "27.2B", nil, "Gemma-2-27B"},
		{"qwen3:8b", "qwen3", "8.2B", yes, "Qwen3-8B-Thinking"},
		{"qwen3:8b", "qwen3", "8.2B", no, "Qwen3-8B"},
		{"qwen3:8b", "qwen3", "8.2B", nil, "Qwen3-8B"},
		{"qwen3:32b-q8_0", "qwen3", "32.8B", yes, "Qwen3-32B-Thinking"},
		{"qwen3:32b", "qwen3", "32.8B", no, "Qwen3-32B"},

		{"llama3:8b", "llama", "8.0B", nil, "the paper's Llama3-8B is Llama-3.1-8B-Instruct, another release"},
		{"hf.co/meta-llama/Meta-Llama-3-8B-Instruct-GGUF:Q8_0", "llama", "8.0B", nil, "another release"},
		{"llama3:70b", "", "", nil, "the paper's Llama3-70B is Llama-3.3-70B-Instruct-Turbo-Free, another release"},
		{"llama3.1:70b", "llama", "70.6B", nil, "another release"},
		{"mistral:7b-instruct-v0.2-q8_0", "llama", "7.2B", nil, "another release"},
		{"llama3.2:3b", "llama", "3.2B", nil, "no model of that name"},
		{"llama3.1:405b", "llama", "405.9B", nil, "in its size, 405.9B"},
		{"llama3:8b-text", "llama", "8.0B", nil, `"text" in its name`},
		{"llama3-gradient:8b", "llama", "8.0B", nil, `"gradient" in its name`},
		{"dolphin-llama3:8b", "llama", "8.0B", nil, "no model of that name"},
		{"codellama:7b", "llama", "7B", nil, "no model of that name"},
		{"llama2:7b", "llama", "7B", nil, "no model of that name"},
		{"mistral-nemo:12b", "llama", "12.2B", nil, `"nemo" in its name`},
		{"mistral-small:24b", "llama", "23.6B", nil, `"small" in its name`},
		{"mixtral:8x22b", "llama", "141B", nil, "in its size, 141B"},
		{"deepseek-r1:70b", "llama", "70.6B", no, "that does not think"},
		{"deepseek-r1:8b", "llama", "8.0B", yes, "in its size, 8.0B"},
		{"deepseek-r1:7b", "qwen2", "7.6B", yes, "of another family, qwen2"},
		{"gemma:7b", "gemma", "9B", nil, "no model of that name"},
		{"gemma3:27b", "gemma3", "27.4B", nil, "no model of that name"},
		{"gemma2:2b", "gemma2", "2.6B", nil, "in its size, 2.6B"},
		{"qwen3-coder:30b", "qwen3moe", "30.5B", nil, "of another family, qwen3moe"},
		{"qwen3:14b", "qwen3", "14.8B", yes, "in its size, 14.8B"},
		{"gemma2:9b", "gemma2", "", nil, "Gemma-2-9B"},
		{"gemma2:latest", "gemma2", "", nil, "in its size, -"},
		{"llama3:8b", "llama", "271.01K", nil, "in its size, 271.01K"},
		{"steady:latest", "llama", "8.0B", nil, "no model of that name"},
		{"", "", "", nil, "no model of that name"},
	} {
		match, why := Measured{Model: c.model, Family: c.family, ParameterSize: c.size, Think: c.think}.match()
		if match.model != c.want && (why == "" || !strings.Contains(why, c.want)) {
			t.Errorf("%s, %s, %s, think %v: %q, %q; want %q", c.model, c.family, c.size, c.think, match.model, why, c.want)
		}
		if (match.model == "") == (why == "") {
			t.Errorf("%s: matched to %q, and not because %q", c.model, match.model, why)
		}
	}
}

// published makes rows over PERGData, or so many items of each source.
func published(variant, setting, method string, n func(source string) int64, sources ...string) []data.Metric {
	var all []data.Metric
	for i, source := range append(sources, metrics.All) {
		m := data.Metric{
			Variant: variant, Model: variant, Quantization: "Q4_K_M", Setting: setting, Method: method, Source: source, Repeats: 1, N: n(source),
			BreakageRate: new(0.181), BreakageRateLow: new(0.151), BreakageRateHigh: new(0.211),
			RobustnessError: new(0.4), RobustnessErrorLow: new(0.35), RobustnessErrorHigh: new(0.45),
			PerformanceVariation: new(0.1 * float64(i+1)), PerformanceVariationLow: new(0.1*float64(i+1) - 0.05), PerformanceVariationHigh: new(0.1*float64(i+1) + 0.05),
		}
		if setting == string(prompt.Irrelevant) {
			m.RobustnessError, m.RobustnessErrorLow, m.RobustnessErrorHigh = m.BreakageRate, m.BreakageRateLow, m.BreakageRateHigh
		} else {
			m.AlignmentFailure = new(0.044) // no interval
		}
		all = append(all, m)
	}
	return all
}

func comparison() Comparison {
	whole := func(source string) int64 { return int64(publishedItems[source]) }
	three := []string{"truthfulqa", "commonsenseqa", "mmlu"}
	rows := []data.Metric{{Variant: "llama3.1:8b", Setting: "none", Method: "zero-shot", Source: metrics.All, N: 7208}}
	rows = append(rows, published("llama3.1:8b", "relevant", "zero-shot", whole, three...)...)
	rows = append(rows, published("llama3.1:8b", "irrelevant", "zero-shot", whole, three...)...)
	rows = append(rows, published("qwen3:8b@think", "relevant", "zero-shot", whole, three...)...)
	rows = append(rows, published("qwen3:8b@think", "mixed", "zero-shot", whole, three...)...)
	rows = append(rows, published("evil\x1b[31m:1b", "relevant", "zero-shot", whole, three...)...)
	return ComparePublished(rows, []Measured{
		{Variant: "llama3.1:8b", Model: "llama3.1:8b", Family: "llama", ParameterSize: "8.0B", Quantization: "Q4_K_M"},
		{Variant: "qwen3:8b@think", Model: "qwen3:8b", Family: "qwen3", ParameterSize: "8.2B", Quantization: "Q4_K_M", Think: new(true)},
		{Variant: "evil\x1b[31m:1b", Model: "evil\x1b[31m:1b", Family: "llama", ParameterSize: "1B"},
	}, "perg", "perg.parquet", 7208)
}

func TestComparePublished(t *testing.T) {
	c := comparison()
	find := func(variant, setting, source, metric string) Beside {
		t.Helper()
		i := slices.IndexFunc(c.Rows, func(b Beside) bool {
			return b.Variant == variant && b.Setting == setting && b.Source == source && b.Metric == metric
		})
		if i < 0 {
			t.Fatalf("no row for %s %s %s %s", variant, setting, source, metric)
		}
		return c.Rows[i]
	}
	near := func(v *float64, want float64) bool { return v != nil && *v > want-1e-9 && *v < want+1e-9 }
	// The paper: 18.1 in 15.1 to 21.1, and 11.8 below it.
	b := find("llama3.1:8b", "relevant", "truthfulqa", "breakage_rate")
	if b.PublishedModel != "Llama3-8B" || !near(b.Published, 0.181) || !near(b.Difference, 0) || b.InInterval == nil || !*b.InInterval {
		t.Errorf("%+v", b)
	}
	b = find("llama3.1:8b", "relevant", "commonsenseqa", "breakage_rate")
	if !near(b.Published, 0.118) || !near(b.Difference, 0.063) || b.InInterval == nil || *b.InInterval {
		t.Errorf("%+v", b)
	}
	if b = find("llama3.1:8b", "relevant", "all", "alignment_failure"); !near(b.Difference, 0.044-0.076) || b.InInterval != nil || b.OtherItems {
		t.Errorf("a rate without an interval: %+v", b)
	}
	if b = find("llama3.1:8b", "irrelevant", "truthfulqa", "performance_variation"); b.Cause != OtherShuffle || b.InInterval != nil {
		t.Errorf("%+v", b)
	}
	if b = find("qwen3:8b@think", "relevant", "all", "breakage_rate"); b.PublishedModel != "Qwen3-8B-Thinking" || !near(b.Published, 0.184) {
		t.Errorf("%+v", b)
	}
	for _, b := range c.Rows {
		if b.Setting == "irrelevant" && b.Metric == "alignment_failure" || b.Setting == "none" || strings.HasPrefix(b.Variant, "evil") {
			t.Errorf("a row that has no counterpart: %+v", b)
		}
	}
	if n := len(c.Rows); n != 4*(4+3+4) {
		t.Errorf("%d rows", n)
	}
	notes := strings.Join(c.Notes, "\n")
	for _, want := range []string{"llama3.1:8b stands beside Llama3-8B: Llama-3.1-8B-Instruct", "no figures in the paper for Qwen3-8B-Thinking in zero-shot mixed",
		"has no counterpart: the paper has no model of that name", "the paper has Llama 3 (8B, 70B)", "marked ?"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note %q in\n%s", want, notes)
		}
	}
	if strings.Contains(notes, "not comparable") || strings.Contains(notes, "fewer items") {
		t.Errorf("the whole of PERGData is not comparable:\n%s", notes)
	}
}

// What is not PERGData is marked, and a part of it is said to be one.
func TestComparePublishedOverOtherItems(t *testing.T) {
	fifty := func(string) int64 { return 50 }
	llama := []Measured{{Variant: "llama3.1:8b", Model: "llama3.1:8b", Family: "llama", ParameterSize: "8.0B"}}
	for name, tt := range map[string]struct {
		sources  []string
		compared int // rows
		other    bool
		notes    []string
	}{
		"the sample": {[]string{"misconceptions", "commonsense"}, 4, true,
			[]string{"marked *: source all is over 150 items of sample, not over PERGData's", "no figures in the paper for the sources misconceptions, commonsense"}},
		"part of PERGData":    {[]string{"truthfulqa", "commonsenseqa", "mmlu"}, 16, false, []string{"over fewer items than the paper's: truthfulqa 50 of 817, commonsenseqa 50 of 1221, mmlu 50 of 5170"}},
		"one source":          {[]string{"mmlu"}, 8, true, []string{"marked *", "mmlu 50 of 5170"}},
		"one more than three": {[]string{"truthfulqa", "commonsenseqa", "mmlu", "mine"}, 16, true, []string{"marked *", "no figures in the paper for the sources mine"}},
	} {
		rows := published("llama3.1:8b", "mixed", "zero-shot", fifty, tt.sources...)
		for i := range rows {
			rows[i].Repeats, rows[i].N = 3, 3*rows[i].N // each item was asked three times
		}
		c := ComparePublished(rows, llama, "perg", "sample", 150)
		if len(c.Rows) != tt.compared {
			t.Errorf("%s: %d rows, want %d", name, len(c.Rows), tt.compared)
		}
		for _, b := range c.Rows {
			if b.OtherItems != (tt.other && b.Source == metrics.All) || b.OtherItems && b.InInterval != nil {
				t.Errorf("%s: %+v", name, b)
			}
		}
		notes := strings.Join(c.Notes, "\n")
		for _, want := range tt.notes {
			if !strings.Contains(notes, want) {
				t.Errorf("%s: no note %q in\n%s", name, want, notes)
			}
		}
		if !tt.other && strings.Contains(notes, "*") {
			t.Errorf("%s: marked\n%s", name, notes)
		}
	}
}

func TestWriteBeside(t *testing.T) {
	rows := comparison().Rows
	rows[3].OtherItems = true
	for name, format := range map[string]Format{"published_table": Table, "published_markdown": Markdown, "published_csv": CSV, "published_json": JSON} {
		t.Run(name, func(t *testing.T) {
			some := rows
			if format == JSON {
				some = rows[:2]
			}
			var b bytes.Buffer
			if err := WriteBeside(&b, format, some); err != nil {
				t.Fatal(err)
			}
			switch format {
			case Table:
				for line := range strings.Lines(b.String()) {
					if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
						t.Errorf("%d columns: %s", n, line)
					}
				}
			case CSV:
				if records, err := csv.NewReader(bytes.NewReader(b.Bytes())).ReadAll(); err != nil || len(records) != len(rows)+1 {
					t.Error(len(records), err)
				}
			case JSON:
				var got []Beside
				if err := json.Unmarshal(b.Bytes(), &got); err != nil {
					t.Error(err)
				}
				if d := cmp.Diff(some, got); d != "" {
					t.Error(d)
				}
			}
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Errorf("differs from %s (-want +got):\n%s", path, d)
			}
		})
	}
	var b bytes.Buffer
	if err := WriteBeside(&b, JSON, nil); err != nil || b.String() != "[]\n" {
		t.Errorf("no rows as JSON: %q, %v", b.String(), err)
	}
}
