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
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/metrics"
)

var update = flag.Bool("update", false, "write the golden files anew")

func rows() []data.Metric {
	row := func(variant, setting, source string, n, q int64, rates ...float64) data.Metric {
		m := data.Metric{
			Variant: variant, Model: variant, Quantization: "Q4_K_M", Setting: setting, Method: "zero-shot", Source: source,
			N: n, NBaselineCorrect: q, AccuracyBaseline: new(0.5), Accuracy: new(0.456), InvalidRateBaseline: new(0.0), InvalidRate: new(0.02),
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
				for line := range strings.Lines(b.String()) {
					if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > tt.width {
						t.Errorf("%d columns: %s", n, line)
					}
				}
			}
			path := filepath.Join("testdata", tt.name+".golden")
			if *update {
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("differs from %s (-want +got):\n%s", path, diff)
			}
		})
	}
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
	if len(records[0]) != 49 || records[2][at] != "0.02" || records[3][at] != "" {
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

func TestCaveats(t *testing.T) {
	got := Caveats(rows())
	want := []string{
		"caveat: in 1 of the cells fewer than 30 items are right in the baseline: the intervals are wide",
		"caveat: in 1 of the cells some ratings are missing: Alignment Failure and Robustness Error leave those items out",
		"caveat: in 1 of the cells some rows failed: their items are left out of every rate",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caveats (-want +got):\n%s", diff)
	}
}
