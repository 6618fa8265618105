package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/metrics"
)

var update = flag.Bool("update", false, "write the golden files anew")

func rows() []data.Metric {
	row := func(variant, setting, source string, n, q int64, rates ...float64) data.Metric {
		m := data.Metric{
			Variant: variant, Model: variant, Quantization: "Q4_K_M", Setting: setting, Method: "zero-shot", Source: source,
			Repeats: 3, N: n, NBaselineCorrect: q, AccuracyBaseline: new(0.5), Accuracy: new(0.456), InvalidRateBaseline: new(0.0), InvalidRate: new(0.02),
			AccuracyLow: new(0.38), AccuracyHigh: new(0.531), InvalidRateLow: new(0.007), InvalidRateHigh: new(0.057),
		}
		for i, r := range rates {
			to := [][3]**float64{
				{&m.BreakageRate, &m.BreakageRateLow, &m.BreakageRateHigh},
				{&m.AlignmentFailure, &m.AlignmentFailureLow, &m.AlignmentFailureHigh},
				{&m.RobustnessError, &m.RobustnessErrorLow, &m.RobustnessErrorHigh},
				{&m.PerformanceVariation, &m.PerformanceVariationLow, &m.PerformanceVariationHigh},
			}[i]
			if r < 0 {
				continue // undefined
			}
			*to[0], *to[1], *to[2] = new(r), new(max(r-0.05, 0)), new(min(r+0.05, 1))
		}
		return m
	}
	all := []data.Metric{
		row("llama3.1:8b", "none", "all", 150, 120),
		row("llama3.1:8b", "relevant", "all", 150, 120, 0.118, 0.02, 0.128, 0.192),
		row("llama3.1:8b", "irrelevant", "all", 150, 120, 0.05, -1, 0.05, 0.1),
		row("llama3.1:8b", "mixed", "mmlu", 50, 20, 1, 0, 1, 1),
		row("a_model-with-a-very-long-name-indeed:70b-instruct", "relevant", "all", 148, 12, 0.25, 0.5, 0.5, 0.3),
		row("evil\x1b[31m:1b\u202e", "mixed", "all", 150, 120, 0.1, 0.1, 0.1, 0.1),
	}
	all[1].NUnscored, all[4].NError = 3, 2
	return all
}

func TestWrite(t *testing.T) {
	for _, tt := range []struct {
		name   string
		format Format
		by     metrics.GroupBy
		width  int
	}{
		{"table_80", Table, "", 80},
		{"table_200", Table, "", 200},
		{"table_by_source", Table, metrics.BySource, 80},
		{"markdown", Markdown, "", 0},
		{"latex", LaTeX, "", 0},
		{"csv", CSV, "", 0},
		{"json_by_category", JSON, metrics.ByCategory, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Write(&b, tt.format, rows(), tt.by, tt.width); err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(b.String(), "\x1b\u202e") && tt.format != JSON && tt.format != CSV {
				t.Error("the output has an escape sequence")
			}
			if tt.width > 0 {
				if n := widest(b.String()); n > tt.width {
					t.Errorf("%d columns, there are %d", n, tt.width)
				}
			}
			golden(t, tt.name, b.String())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("differs from %s (-want +got):\n%s", path, diff)
	}
}

// A preference is a sentence; its heading is broken to the table's width.
func TestPreferencesHeadTables(t *testing.T) {
	m := rows()[1]
	m.Source = "I like answers that set out the historical background first and then compare several points of view before they conclude"
	for _, width := range []int{80, 150} {
		var b bytes.Buffer
		if err := Write(&b, Table, []data.Metric{m}, metrics.ByPreference, width); err != nil {
			t.Fatal(err)
		}
		if n := widest(b.String()); n > 80 {
			t.Errorf("%d columns of %d:\n%s", n, width, b.String())
		}
		if strings.Contains(b.String(), " \n") {
			t.Errorf("a line ends in spaces:\n%s", b.String())
		}
		if words := strings.Fields(b.String()); !slices.Contains(words, "historical") || !slices.Contains(words, "conclude") {
			t.Errorf("the preference is cut:\n%s", b.String())
		}
	}
}

func TestRepeats(t *testing.T) {
	all := rows()
	all[1].BreakageRateItemsSD, all[1].BreakageRateRepeatsSD = new(0.0295), new(0.0041)
	all[2].RobustnessErrorItemsSD, all[2].RobustnessErrorRepeatsSD = new(0.012), new(0.0)
	var b bytes.Buffer
	if err := Repeats(&b, all); err != nil {
		t.Fatal(err)
	}
	if n := widest(b.String()); n > 80 {
		t.Errorf("%d columns", n)
	}
	golden(t, "repeats", b.String())
	for i := range all {
		all[i].Repeats = 1
	}
	b.Reset()
	if err := Repeats(&b, all); err != nil || b.Len() > 0 {
		t.Errorf("of one repeat: %q, error %v", b.String(), err)
	}
}

func TestImprovements(t *testing.T) {
	d := func(v ...float64) metrics.Difference {
		if len(v) == 1 {
			return metrics.Difference{Value: &v[0]}
		}
		return metrics.Difference{Value: &v[0], Low: &v[1], High: &v[2]}
	}
	all := []metrics.Improvement{
		{
			Variant: "llama3.1:70b", Quantization: "Q4_K_M", Method: "pref-aligner", Setting: "relevant",
			Breakage: d(-0.045, -0.051, -0.039), Alignment: d(0.012, -0.003, 0.028), Robustness: d(-0.04, -0.048, -0.031), Relative: d(-0.46, -0.55, -0.38),
		},
		{
			Variant: "llama3.1:70b", Quantization: "Q4_K_M", Method: "pref-aligner", Setting: "irrelevant",
			Breakage: d(-0.995, -1, -0.951), Robustness: d(-0.995, -1, -0.951), Relative: d(-1),
		},
		{
			Variant: "evil\x1b[31m:1b", Method: "self-critic", Setting: "mixed",
			Breakage: d(0.995, 0.951, 1), Alignment: d(0.9949, 0.951, 1), Robustness: d(-0.0949, -0.0994, -0.0911), Relative: d(9.99, 9.51, 10.01),
		},
	}
	var b bytes.Buffer
	if err := Improvements(&b, all); err != nil {
		t.Fatal(err)
	}
	if n := widest(b.String()); n > 80 {
		t.Errorf("%d columns", n)
	}
	golden(t, "improvements", b.String())
}

// What programs read has every column, fractions, and nothing where unknown.
func TestProgramsReadItBack(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, CSV, rows(), "", 0); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(records) != 1+len(rows()) {
		t.Fatalf("%d records, error %v", len(records), err)
	}
	at := slices.Index(records[0], "alignment_failure")
	if len(records[0]) != 91 || records[2][at] != "0.02" || records[3][at] != "" {
		t.Errorf("%d columns; alignment_failure %q and %q", len(records[0]), records[2][at], records[3][at])
	}
	b.Reset()
	if err := Write(&b, JSON, rows(), "", 0); err != nil {
		t.Fatal(err)
	}
	var objects []map[string]any
	if err := json.Unmarshal(b.Bytes(), &objects); err != nil {
		t.Fatal(err)
	}
	if v, ok := objects[2]["alignment_failure"]; !ok || v != nil || objects[1]["breakage_rate"] != 0.118 {
		t.Errorf("objects %v", objects[:3])
	}
}

func TestLegendsFit(t *testing.T) {
	for _, legend := range []string{Legend, NullLegend, LettersLegend, RepeatsLegend, ImprovementLegend, SpeedsLegend} {
		if n := widest(legend); n > 80 {
			t.Errorf("%d columns: %s", n, legend)
		}
	}
}

// A run of few items is told of once, whatever its Q*; three repeats of ten
// items are ten items.
func TestCaveatsOfFewItems(t *testing.T) {
	all := []data.Metric{rows()[0], rows()[1], rows()[2]}
	for i := range all {
		all[i].N, all[i].NBaselineCorrect, all[i].NUnscored = 30, 12, 0
	}
	want := append([]string{"caveat: in 3 of the cells fewer than 30 items have responses: every interval is wide"}, nullCaveats(all)...)
	if diff := cmp.Diff(want, Caveats(all)); diff != "" {
		t.Errorf("caveats (-want +got):\n%s", diff)
	}
}

func TestCaveats(t *testing.T) {
	got := Caveats(rows())
	want := []string{
		"caveat: in 1 of the cells fewer than 30 items are right in the baseline: the intervals are wide",
		"caveat: in 1 of the cells some ratings are missing: Alignment Failure leaves those items out, and in Robustness Error the rated ones stand for them",
		"caveat: in 1 of the cells some rows failed: their items are left out of every rate",
		"caveat: the baseline was not asked again, so that how much breaks without any preference is not known: in the paper's data 3 to 5 % do",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caveats (-want +got):\n%s", diff)
	}
}

// The most robust comes first, with all its rows and in every breakdown; what
// nothing is known of comes last.
func TestRanked(t *testing.T) {
	row := func(variant, method, setting, source string, breakage, robustness float64) data.Metric {
		m := data.Metric{Variant: variant, Method: method, Setting: setting, Source: source}
		if breakage >= 0 {
			m.BreakageRate = new(breakage)
		}
		if robustness >= 0 {
			m.RobustnessError = new(robustness)
		}
		return m
	}
	order := func(rows []data.Metric) string {
		var all []string
		for _, m := range Ranked(rows) {
			all = append(all, m.Variant+"/"+m.Method+"/"+m.Setting+"/"+m.Source)
		}
		return strings.Join(all, " ")
	}
	all := []data.Metric{
		row("a", "zero-shot", "none", "all", -1, -1), row("a", "zero-shot", "relevant", "all", 0.1, 0.6), row("a", "zero-shot", "relevant", "x", 0, 0),
		row("u", "zero-shot", "none", "all", -1, -1),
		row("b", "zero-shot", "none", "all", -1, -1), row("b", "zero-shot", "relevant", "all", 0.2, 0.5), row("b", "zero-shot", "irrelevant", "all", 0.9, 0.9),
		row("b", "cot", "relevant", "all", 0.3, 0.3),
	}
	want := "b/cot/relevant/all a/zero-shot/none/all a/zero-shot/relevant/all a/zero-shot/relevant/x " +
		"b/zero-shot/none/all b/zero-shot/relevant/all b/zero-shot/irrelevant/all u/zero-shot/none/all"
	if got := order(all); got != want {
		t.Errorf("order %s\nwant  %s", got, want)
	}
	// Without ratings the Robustness Error of irrelevant preferences alone would
	// decide.
	unrated := []data.Metric{
		row("a", "zero-shot", "relevant", "all", 0.4, -1), row("a", "zero-shot", "irrelevant", "all", 0.1, 0.1),
		row("b", "zero-shot", "relevant", "all", 0.1, -1), row("b", "zero-shot", "irrelevant", "all", 0.2, 0.2),
	}
	if got := order(unrated); !strings.HasPrefix(got, "b/") {
		t.Errorf("unrated: order %s", got)
	}
}

// The best of each setting and group is marked, with all that show the same;
// where all do, none is.
func TestTheBestIsMarked(t *testing.T) {
	row := func(variant, setting, source string, accuracy, robustness float64) data.Metric {
		return data.Metric{Variant: variant, Method: "cot", Setting: setting, Source: source, N: 10, NBaselineCorrect: 5,
			Accuracy: &accuracy, AccuracyLow: new(0.0), AccuracyHigh: new(1.0),
			RobustnessError: &robustness, RobustnessErrorLow: new(0.0), RobustnessErrorHigh: new(1.0)}
	}
	all := []data.Metric{
		row("a", "relevant", "x", 0.9, 0.2001), row("b", "relevant", "x", 0.8, 0.2002), row("c", "relevant", "x", 0.9, 0.3),
		row("a", "mixed", "x", 0.5, 0.1), row("b", "mixed", "x", 0.5, 0.1),
		row("a", "relevant", "y", 0.1, 0), row("b", "relevant", "y", 0.2, 1),
	}
	cols := columns(all, metrics.BySource, true)
	best := findBests(cols, all)
	var got []string
	for _, m := range all {
		for _, c := range cols {
			if best.mark(c, m) == bestMark {
				got = append(got, strings.Join([]string{m.Variant, m.Setting, m.Source, c.title}, " "))
			}
		}
	}
	want := []string{
		"a relevant x Right ↑", "a relevant x Robustness error ↓", "b relevant x Robustness error ↓", "c relevant x Right ↑",
		"a relevant y Robustness error ↓", "b relevant y Right ↑",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("marked (-want +got):\n%s", diff)
	}
}
