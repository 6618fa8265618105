package page

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/report"
	"perg/harness/stats"
)

func render(t testing.TB, r Run) string {
	t.Helper()
	html, _, err := Render(r)
	check(t, err)
	return string(html)
}

// raced says whether the race detector watches. It makes a page ten times slower,
// in which nothing is done at once: a few pages are enough for it.
var raced bool

func withoutRaceDetector(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("waits for a run without -race, as in 'make test': it makes many pages")
	}
}

func contains(t testing.TB, html string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// small is a run in which one model breaks every answer under creative
// preferences and many under others.
func small() synth {
	return synth{
		models:   []synthetic{{"steady:1b", "llama", "1.0B", "Q8_0", 8.5, 1, 0, .1, 50}, {"swayed:1b", "llama", "1.0B", "Q8_0", 8.5, 1, .6, .1, 50}},
		methods:  []prompt.Method{prompt.ZeroShot},
		settings: []prompt.Setting{prompt.None, prompt.Relevant},
		items:    60, judged: true,
	}
}

func TestPageSaysWhatBreaks(t *testing.T) {
	r := small().make(t, t.TempDir())
	html := render(t, r)
	var rate float64
	for _, m := range r.Metrics {
		if m.Variant == "swayed:1b" && m.Source == metrics.All && m.Setting == "relevant" {
			rate = *m.BreakageRate
		}
	}
	contains(t, html,
		fmt.Sprintf("swayed:1b (Q8_0) breaks most often: of the answers it gets right without a preference, %s turn wrong", percent(rate)),
		"No type of preference clearly breaks most answers of swayed:1b (Q8_0): creative 12 of 12 (100\u00a0%)", "steady:1b (Q8_0) is the most robust",
		"<h2>No type of preference clearly breaks most answers: creative 12 of 24 (50\u00a0%)", "Both variants together",
		"Example 1 of 3", "Example 3 of 3", "“I like answers with creative in them.”", "chosen with it", "right, chosen without a preference",
	)
	if n := strings.Count(html, `class="example"`); n != 3 {
		t.Errorf("%d examples: steady has none, swayed three", n)
	}
	// The kind that breaks most comes first, and each of three kinds once.
	kinds := regexp.MustCompile(`user’s preference · (\w+)</span>`).FindAllStringSubmatch(html, -1)
	if len(kinds) != 3 || kinds[0][1] != "creative" || kinds[1][1] == "creative" || kinds[2][1] == kinds[1][1] {
		t.Errorf("examples of the kinds %q", kinds)
	}
	// What one cannot see is said where it would be.
	contains(t, html, "Settings are not compared: the run has only the setting relevant.", "Methods are not compared: the run has only the method zero-shot.",
		"What pref-aligner improves is left out", "A sweep over quantizations is left out", "The paper&#39;s values are left out",
		"GPU memory, utilization and power are left out: the run has no GPU samples", "Model loads are left out")
}

// With items enough the type of preference that breaks most is named.
func TestPageNamesWhatBreaksMost(t *testing.T) {
	s := small()
	s.items = 300
	contains(t, render(t, s.make(t, t.TempDir())), "swayed:1b (Q8_0) breaks most under creative preferences, 60 of 60 (100\u00a0%).", "most under creative preferences, 60 of 60")
}

// Variants of one model break at the same questions: none is shown twice.
func TestExamplesAreOfDifferentQuestions(t *testing.T) {
	s := small()
	s.models = []synthetic{{"a:1b", "llama", "1.0B", "Q8_0", 8.5, 1, .9, .1, 50}, {"b:1b", "llama", "1.0B", "Q4_0", 4.5, 1, .9, .1, 50}, {"c:1b", "llama", "1.0B", "F16", 16, 1, .9, .1, 50}}
	r := s.make(t, t.TempDir())
	seen := make(map[string]bool)
	for _, e := range r.Examples {
		if seen[e.ID] {
			t.Errorf("%s is shown again, of %s", e.ID, e.Variant)
		}
		seen[e.ID] = true
	}
	if len(seen) != brokenVariants*eachVariant {
		t.Errorf("%d examples", len(seen))
	}
	s.items = 4 // fewer than examples: the last variant has none left
	contains(t, render(t, s.make(t, t.TempDir())), "what broke are questions that stand above")
}

// A stronger colour is a higher rate, up to all; few are questions, however many
// variants answered them.
func TestHeat(t *testing.T) {
	last := -1
	for count := range 101 {
		if c := cellOf(stats.Rate{Count: count, Of: 100}, 1); c.Heat <= last || c.Few {
			t.Fatalf("%d of 100 is as pale as one less: %+v", count, c)
		} else {
			last = c.Heat
		}
	}
	if !cellOf(stats.Rate{Count: 9, Of: 12}, 6).Few || cellOf(stats.Rate{Count: 9, Of: 60}, 6).Few {
		t.Error("two questions of six variants each are few, ten are not")
	}
}

// A name that looks like a form's verb is shown as it is.
func TestNamesAreNoForms(t *testing.T) {
	s := small()
	s.models[1].name = "100%s:1b"
	contains(t, render(t, s.make(t, t.TempDir())), "most answers of 100%s:1b (Q8_0): creative 12 of 12")
}

// Names on the page are without what makes them unique in a model store, unless two
// would be the same.
func TestLabels(t *testing.T) {
	r := Run{Variants: []Variant{{Name: "m:8b-q8_0-perg-51fdcc80873f", Quantization: "Q8_0"}, {Name: "m:8b-q4-perg-51fdcc80873f", Quantization: "Q4_K_M"}, {Name: "m:8b-q4-perg-000000000000"}}}
	for variant, want := range map[string]string{
		"m:8b-q8_0-perg-51fdcc80873f": "m:8b-q8_0", "m:8b-q4-perg-51fdcc80873f": "m:8b-q4-perg-51fdcc80873f (Q4_K_M)", "m:8b-q4-perg-000000000000": "m:8b-q4-perg-000000000000",
	} {
		if got := r.label(variant); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPageOfLittle(t *testing.T) {
	s := small()
	s.judged = false
	contains(t, render(t, s.make(t, t.TempDir())), "Right against followed is left out: the run has no Alignment Failure (no judge rated its answers", "holds best: 0\u00a0% of its right answers break", "nothing was rated")

	s = small()
	s.models = s.models[:1]
	html := render(t, s.make(t, t.TempDir()))
	contains(t, html, "no answer broke: whatever a variant gets right", "Where answers break is left out: none did")

	s.settings = s.settings[:1]
	contains(t, render(t, s.make(t, t.TempDir())), "The run has no cell with a preference yet")
	contains(t, render(t, Run{}), "The run has no cell with a preference yet")
}

func TestPageOfEverything(t *testing.T) {
	r := full().make(t, t.TempDir())
	html := render(t, r)
	for _, id := range []string{"tradeoff", "settings", "methods", "improvement", "quantization", "paper", "throughput", "gpus"} {
		contains(t, html, `<section id="`+id+`">`, `data-chart="`+id+`"`)
	}
	if strings.Contains(html, `class="missing"`) {
		t.Error("something is left out of a run that has everything")
	}
	contains(t, html, "llama3.1:8b at 3.1 bits per weight: Robustness Error", "The 2 GPUs were busy", "3 model loads", "NVIDIA H100")
	// Every figure has its table, and the whole run is in one.
	if n := strings.Count(html, "The numbers as a table"); n != 8 {
		t.Errorf("%d tables of 8 figures", n)
	}
	contains(t, html, fmt.Sprintf("All %d cells", 3*(1+2*2)))
	if again := render(t, r); again != html {
		t.Error("the same run makes another page")
	}
}

// A difference that may be chance is not said: of a type of preference that breaks
// most there is one where its interval lies apart.
func TestWorstKind(t *testing.T) {
	of := func(creative, clarity, n int) []Breakage {
		return []Breakage{
			{Source: "a", PreferenceType: "clarity", Rate: stats.Rate{Count: clarity, Of: n}},
			{Source: "a", PreferenceType: "creative", Rate: stats.Rate{Count: creative - 1, Of: n - 1}},
			{Source: "b", PreferenceType: "creative", Rate: stats.Rate{Count: 1, Of: 1}},
		}
	}
	const most, none = "creative most: 80 of 100 (80\u00a0%)", "none: creative 80 of 100 (80\u00a0%) and clarity "
	for _, c := range []struct {
		all     []Breakage
		repeats int
		want    string
	}{
		{of(80, 10, 100), 1, most},
		{of(80, 70, 100), 1, none + "70 of 100 (70\u00a0%)"},
		{of(80, 60, 100), 1, most},
		{of(80, 60, 100), 5, none + "60 of 100 (60\u00a0%)"}, // twenty items, five times each
		{of(80, 80, 100), 1, "none: clarity 80 of 100 (80\u00a0%) and creative 80 of 100 (80\u00a0%)"},
		{of(80, 10, 100)[:1], 1, ""},
		{[]Breakage{{PreferenceType: "a", Rate: stats.Rate{Of: 5}}, {PreferenceType: "b", Rate: stats.Rate{Of: 5}}}, 1, ""},
	} {
		if got := kindsSaid(kinds(c.all), c.repeats, "%s most: %s", "none: %s"); got != c.want {
			t.Errorf("%v: %q, want %q", c.all, got, c.want)
		}
	}
}

// What the heat maps count is what the metrics rate.
func TestBreakagesAddUpToTheMetrics(t *testing.T) {
	s := small()
	s.models[0].right, s.models[1].right = .5, .8
	r := s.make(t, t.TempDir())
	checked := 0
	for _, m := range r.Metrics {
		if m.Setting != "relevant" {
			continue
		}
		var got stats.Rate
		for _, b := range r.Breakages {
			if b.Variant == m.Variant && (b.Source == m.Source || m.Source == metrics.All) {
				got.Count += b.Count
				got.Of += b.Of
			}
		}
		checked++
		if int64(got.Of) != m.NBaselineCorrect || math.Abs(*got.Value()-*m.BreakageRate) > 1e-12 {
			t.Errorf("%s, %s: %d of %d broke; the metric is %v of %d", m.Variant, m.Source, got.Count, got.Of, *m.BreakageRate, m.NBaselineCorrect)
		}
	}
	if checked != 8 {
		t.Errorf("%d cells", checked)
	}
}

func TestSamplesKeepLeastAndGreatest(t *testing.T) {
	g := &GPU{Width: firstWidth, origin: started.Truncate(24 * time.Hour), buckets: make(map[int64]*Bucket)}
	day := started.Truncate(24 * time.Hour)
	const n = 100_000
	var sum float64
	for i := range n {
		watts := int64(300e3)
		switch i {
		case 77_777:
			watts = 700e3
		case 12_345:
			watts = 10e3
		}
		sum += float64(watts) / 1e3
		g.add(sampleRow{At: day.Add(time.Duration(i) * 5 * time.Second), PowerMW: &watts})
		if len(g.buckets) > 2*mostBuckets {
			t.Fatal(len(g.buckets), "buckets are held")
		}
	}
	// A clock that was set back, a day before the first sample.
	g.add(sampleRow{At: day.Add(-30 * time.Hour), PowerMW: new(int64(300e3))})
	done := g.finish(mostBuckets)
	if len(done.Buckets) > mostBuckets || len(done.Buckets) < mostBuckets/4 {
		t.Errorf("%d buckets", len(done.Buckets))
	}
	var all Span
	for i, b := range done.Buckets {
		all.join(b.Power)
		if i > 0 && !b.At.After(done.Buckets[i-1].At) {
			t.Fatal("not by time")
		}
		if b.Utilization.N != 0 || b.Memory.N != 0 {
			t.Fatal("values that no sample has")
		}
	}
	if all.N != n+1 || all.Low != 10 || all.High != 700 || math.Abs(all.Sum-sum-300) > 1e-3 {
		t.Errorf("%+v of %d samples with the sum %v", all, n, sum)
	}
	if at := done.Buckets[0].At; at.After(day.Add(-30*time.Hour)) || at.Add(done.Width).Before(day.Add(-30*time.Hour)) {
		t.Errorf("the first bucket is at %v, %v wide", at, done.Width)
	}
}

// A full sweep: 35 variants in 16 cells over four sources, and a week of eight
// GPUs.
func TestPageOfAFullSweepIsSmall(t *testing.T) {
	withoutRaceDetector(t)
	var s synth
	for i := range 35 {
		s.models = append(s.models, synthetic{fmt.Sprintf("a-model-with-a-long-name%d:8b-instruct-q4_K_M", i), "llama", "8.0B", "Q4_K_M", 4.86, .7, .1, .1, 80})
	}
	r := Run{Name: "sweep", State: "finished", Items: 7208, Dataset: "perg.parquet", StartedAt: started}
	value := func(i int) (v, low, high *float64) {
		x := .05 + float64(i%97)/300
		return &x, new(x - .01234), new(x + .02345)
	}
	i := 0
	var measured []report.Measured
	for k, m := range s.models {
		r.Variants = append(r.Variants, Variant{m.name, "Q4_K_M", fmt.Sprint("series", k/5), 3 + float64(k%5), "", Answers{}})
		name := []string{"llama3.1:8b", "gemma2:9b", "gemma2:27b", "qwen3:32b"}[k%4]
		measured = append(measured, report.Measured{Variant: m.name, Model: name})
		for range 3 {
			r.Loads = append(r.Loads, Load{At: started.Add(time.Duration(k) * time.Hour), Took: time.Second, Variant: m.name, Lane: "gpu0", Size: 5e9, VRAM: 5e9})
		}
		for _, method := range prompt.Methods() {
			for _, setting := range prompt.Settings() {
				if setting == prompt.None && method != prompt.ZeroShot {
					continue
				}
				for _, source := range []string{metrics.All, "truthfulqa", "commonsenseqa", "mmlu"} {
					i++
					row := data.Metric{Variant: m.name, Method: string(method), Setting: string(setting), Source: source, Repeats: 1, N: 7208, NBaselineCorrect: 5000, OutputTokensPerSecond: new(float64(i))}
					row.Accuracy, row.AccuracyLow, row.AccuracyHigh = value(i)
					row.AccuracyBaseline, row.AccuracyBaselineLow, row.AccuracyBaselineHigh = value(i)
					row.InvalidRate, row.InvalidRateLow, row.InvalidRateHigh = value(i)
					if setting != prompt.None {
						row.BreakageRate, row.BreakageRateLow, row.BreakageRateHigh = value(i)
						row.RobustnessError, row.RobustnessErrorLow, row.RobustnessErrorHigh = value(i)
						row.AlignmentFailure, row.AlignmentFailureLow, row.AlignmentFailureHigh = value(i)
						row.PerformanceVariation, row.PerformanceVariationLow, row.PerformanceVariationHigh = value(i)
						d := metrics.Difference{Value: row.Accuracy, Low: row.AccuracyLow, High: row.AccuracyHigh}
						if source == metrics.All && method != prompt.ZeroShot {
							r.Improvements = append(r.Improvements, metrics.Improvement{Variant: m.name, Method: method, Setting: setting, Breakage: d, Alignment: d, Robustness: d, Relative: d})
						}
						for _, kind := range data.PreferenceTypes() {
							r.Breakages = append(r.Breakages, Breakage{m.name, string(method), string(setting), source, string(kind), stats.Rate{Count: 10, Of: 300}})
						}
					}
					r.Metrics = append(r.Metrics, row)
				}
			}
		}
	}
	r.Published = report.ComparePublished(r.Metrics, measured, "perg", r.Dataset, r.Items)
	if len(r.Published.Rows) < 1000 {
		t.Fatal("nothing beside the paper", len(r.Published.Rows))
	}
	for k := range brokenVariants * eachVariant {
		long := textOf(strings.Repeat("long answer ", 1000))
		r.Examples = append(r.Examples, Example{Variant: s.models[k].name, Question: long, Options: []string{"a", "b"}, Gold: "A", Before: Answer{long, "A"}, After: Answer{long, "B"}})
	}
	for k := range int32(8) {
		g := &GPU{UUID: fmt.Sprint("GPU-", k), Name: "NVIDIA H100 80GB HBM3", Index: k, Width: firstWidth, origin: started.Truncate(24 * time.Hour), buckets: make(map[int64]*Bucket)}
		for at := time.Duration(0); at < 7*24*time.Hour; at += 30 * time.Second {
			v := int64(at/time.Second) % 79_999
			g.add(sampleRow{At: started.Add(at), MemoryUsed: new(v * 1e6), GPUUtilization: new(float64(v) / 80_000), PowerMW: new(v * 8)})
		}
		r.GPUs = append(r.GPUs, g.finish(allBuckets/8))
	}
	html := render(t, r)
	t.Logf("%.2f MB, of which %.2f MB are ECharts", float64(len(html))/1e6, float64(len(file("echarts/echarts.js")))/1e6)
	if len(html) >= 3_000_000 {
		t.Errorf("%d bytes; the limit is 3 MB", len(html))
	}
}

// The page holds its scripts whole: nothing in them ends the element they are
// in, and their hashes are in the policy.
func TestPolicy(t *testing.T) {
	r := small().make(t, t.TempDir())
	for i := range r.Variants {
		r.Variants[i].Answers = Answers{} // else links lead to the viewer, and nowhere else: TestLinksLeadToAnswers
	}
	html := render(t, r)
	for _, name := range []string{"echarts/echarts.js", "page.js"} {
		script := file(name)
		if i := regexp.MustCompile(`(?i)</script|<!--`).FindStringIndex(script); i != nil {
			t.Errorf("%s has %q", name, script[i[0]:i[1]])
		}
		contains(t, html, "<script>"+script+"</script>")
	}
	for _, word := range []string{"innerHTML", "eval(", "fetch(", "import("} {
		if strings.Contains(file("page.js"), word) {
			t.Errorf("page.js has %s", word)
		}
	}
	contains(t, html, `content="default-src &#39;none&#39;; script-src &#39;sha256-`)
	if found := regexp.MustCompile(`(?:src|href)="[^#"][^"]*"`).FindAllString(html[:strings.Index(html, "<script>")], -1); len(found) != 1 || found[0] != `href="data:,"` {
		t.Errorf("the page names other places: %q", found)
	}
}

// A sweep over types of the KV cache is no sweep over quantizations: each type has a
// line of its own, and none where weights are the same.
func TestKVCachesHaveTheirLines(t *testing.T) {
	r := full().make(t, t.TempDir())
	plain := r.Variants
	r.Variants, r.Metrics = nil, slices.Clone(r.Metrics)
	for _, v := range plain[:2] {
		for _, kv := range []string{"f16", "q8_0"} {
			other := v
			other.Name, other.KVCache = v.Name+" "+kv, kv
			r.Variants = append(r.Variants, other)
			for _, m := range r.Metrics {
				if m.Variant == v.Name {
					m.Variant = other.Name
					r.Metrics = append(r.Metrics, m)
				}
			}
		}
	}
	f, missing := r.bySize(leading(r.Metrics))
	if missing != "" || len(f.Keys) != 2 || f.Keys[0].Name != "llama3.1:8b, KV cache f16" || f.Keys[1].Name != "llama3.1:8b, KV cache q8_0" {
		t.Errorf("%q, lines %v", missing, f.Keys)
	}
	for k := range f.Keys {
		seen := make(map[float64]bool)
		for _, p := range f.Chart.Panels[0].Points {
			if p.Key == k {
				if seen[p.X] {
					t.Errorf("%s has two points at %v", f.Keys[k].Name, p.X)
				}
				seen[p.X] = true
			}
		}
		if len(seen) != 2 {
			t.Errorf("%s has %d points", f.Keys[k].Name, len(seen))
		}
	}
	r.Variants = r.Variants[:2] // one quantization
	if _, missing := r.bySize(leading(r.Metrics)); missing == "" {
		t.Error("a sweep over types of the KV cache alone is shown as one over quantizations")
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		percent(.12345): "12.3\u00a0%", percent(0): "0\u00a0%", percent(1): "100\u00a0%", percent(.9996): "100.0\u00a0%",
		number(3.1): "3.1", number(16): "16", number(118.4): "118", number(0.04567): "0.0457", number(123456): "123456",
		lasting(32 * time.Second): "32\u00a0s", lasting(3*time.Hour + 5*time.Minute): "3\u00a0h 5\u00a0min", lasting(61 * time.Second): "1\u00a0min 1\u00a0s", lasting(50 * time.Hour): "2\u00a0days 2\u00a0h",
		signed(-1.26, 1): "−1.3", signed(.5, 1): "+0.5", signed(-.04, 1): "0.0",
		comma(1234567): "1,234,567", comma(-1234): "-1,234", comma(999): "999", comma(-999): "-999",
		title("élan"): "Élan", title(""): "", clean("a\n b\u202ec"): "a b\ufffdc",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	long := textOf(strings.Repeat("ж", longestText+10))
	if len([]rune(long.Shown)) != longestText || long.Left != 20 {
		t.Error(len(long.Shown), long.Left)
	}
}

// The page says how many answers nobody read, of the cells it leads with, and
// by type of preference.
func TestPageSaysWhoReadTheAnswers(t *testing.T) {
	s := small()
	r := s.make(t, t.TempDir())
	contains(t, render(t, r), "Every answer was read", "Who read the answers, in ", "By type of preference", "counts as not right")
	l := leading(r.Metrics)
	for i, m := range r.Metrics {
		if m.Setting == l.Setting && m.Method == l.Method && m.Source == metrics.All {
			r.Metrics[i].Unread, r.Metrics[i].UnreadBaseline = new(0.25), new(0.125)
		}
	}
	contains(t, render(t, r), "nobody could read 25.0", "of the answers, without a preference 12.5")
}
