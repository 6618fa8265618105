package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/results"
)

// duckdb runs SQL in a directory and gives the rows of each of its queries. It
// skips the test where there is no DuckDB.
func duckdb(t *testing.T, dir, sql string) (results [][]map[string]any) {
	t.Helper()
	program, err := filepath.Abs("testdata/duckdb.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("../../.duckdb/node_modules/@duckdb/node-api"); err != nil {
		t.Skip("needs DuckDB from npm: make duckdb")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip(err)
	}
	run := exec.Command(node, program, "-json", "-c", sql)
	run.Dir = dir
	text, err := run.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("DuckDB: %v\n%s", err, failed.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	for in := json.NewDecoder(bytes.NewReader(text)); ; {
		var rows []map[string]any
		err := in.Decode(&rows)
		if err == io.EOF {
			return results
		}
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, rows)
	}
}

// queries runs all of perg.sql over an export and gives the rows by the
// queries' names.
func queries(t *testing.T, out string) map[string][]map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(out, SQL))
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)^-- name: (\w+)$`).FindAllStringSubmatch(string(text), -1)
	results := duckdb(t, out, string(text))
	if len(names) < 5 || len(results) != len(names) {
		t.Fatalf("%d queries have rows, %d have a name", len(results), len(names))
	}
	all := make(map[string][]map[string]any)
	for i, name := range names {
		all[name[1]] = results[i]
	}
	return all
}

// number shows a number of SQL's or of the metrics' alike.
func number(v any) string {
	switch v := v.(type) {
	case float64:
		return fmt.Sprintf("%.9f", v)
	case *float64:
		if v != nil {
			return fmt.Sprintf("%.9f", *v)
		}
	case int64:
		return fmt.Sprintf("%.9f", float64(v))
	}
	return "null"
}

// The queries compute, from the flat table alone, what the metrics of the run
// are, over all items and over each source; and Wilson's intervals, which are
// the metrics' own where fewer than 30 items are on a side.
func TestSQLHasTheRunsMetrics(t *testing.T) {
	dir := t.TempDir()
	run := writeRun(t, dir, everything)
	out := filepath.Join(dir, "out")
	exported(t, run, out)
	all := queries(t, out)

	table, err := metrics.Load(dir, metrics.Options{Judges: run.Panel.Judges, Rule: run.Panel.Rule, Seed: 42})
	if err != nil {
		t.Fatal(err)
	}
	records, err := table.Records(metrics.BySource)
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]data.Metric)
	for _, m := range records {
		want[strings.Join([]string{m.Variant, m.Method, m.Setting, m.Source}, " ")] = m
	}
	if len(all["metrics"]) != len(want) {
		t.Errorf("%d rows of metrics, want %d", len(all["metrics"]), len(want))
	}
	intervals := 0
	for _, row := range all["metrics"] {
		key := fmt.Sprint(row["variant"], " ", row["method"], " ", row["setting"], " ", row["source"])
		m, ok := want[key]
		if !ok {
			t.Errorf("no metrics of %s", key)
			continue
		}
		for name, v := range map[string]any{
			"n": m.N, "n_baseline_correct": m.NBaselineCorrect, "accuracy": m.Accuracy,
			"breakage_rate": m.BreakageRate, "alignment_failure": m.AlignmentFailure,
			"robustness_error": m.RobustnessError, "performance_variation": m.PerformanceVariation,
			"invalid_rate_baseline": m.InvalidRateBaseline, "invalid_rate": m.InvalidRate,
			"n_null": m.NNull, "null_breakage": m.NullBreakage, "n_rotated": m.NRotated, "rotated_breakage": m.RotatedBreakage,
			"n_unscored": m.NUnscored, "n_error": m.NError, "output_tokens_per_second": m.OutputTokensPerSecond,
		} {
			if number(row[name]) != number(v) {
				t.Errorf("%s of %s: SQL %s, metrics %s", name, key, number(row[name]), number(v))
			}
		}
		for _, of := range []struct {
			name            string
			rate, low, high *float64
		}{
			{"breakage_rate", m.BreakageRate, m.BreakageRateLow, m.BreakageRateHigh},
			{"robustness_error", m.RobustnessError, m.RobustnessErrorLow, m.RobustnessErrorHigh},
			{"alignment_failure", m.AlignmentFailure, m.AlignmentFailureLow, m.AlignmentFailureHigh},
			{"null_breakage", m.NullBreakage, m.NullBreakageLow, m.NullBreakageHigh},
		} {
			if of.low == nil {
				if row[of.name+"_low"] != nil {
					t.Errorf("%s of %s has an interval", of.name, key)
				}
				continue
			}
			if min(*of.rate, 1-*of.rate)*float64(max(m.NBaselineCorrect, m.NNull)) >= metrics.Few {
				continue // the two repeats of 40 items are enough for the bootstrap
			}
			intervals++
			if number(row[of.name+"_low"]) != number(of.low) || number(row[of.name+"_high"]) != number(of.high) {
				t.Errorf("interval of %s of %s: SQL %v to %v, metrics %s to %s", of.name, key, row[of.name+"_low"], row[of.name+"_high"], number(of.low), number(of.high))
			}
		}
	}
	if intervals < 100 {
		t.Errorf("%d intervals compared", intervals)
	}
}

// The other queries agree with the metrics and with each other.
func TestSQLOfTheFigures(t *testing.T) {
	dir := t.TempDir()
	run := writeRun(t, dir, everything)
	out := filepath.Join(dir, "out")
	rows := exported(t, run, out)
	all := queries(t, out)
	sum := func(query, column string, where func(map[string]any) bool) (n float64) {
		for _, row := range all[query] {
			if where == nil || where(row) {
				n += row[column].(float64)
			}
		}
		return n
	}
	count := func(is func(Row) bool) (n float64) {
		for _, r := range rows {
			if is(r) {
				n++
			}
		}
		return n
	}
	broken := func(r Row) bool {
		return r.Setting != "none" && r.BaselineCorrect != nil && *r.BaselineCorrect && r.Correct != nil && !*r.Correct
	}
	for _, tt := range []struct {
		what      string
		got, want float64
	}{
		{"generations by outcome", sum("outcomes", "generations", nil), float64(len(rows))},
		{"broken by outcome", sum("outcomes", "generations", func(r map[string]any) bool { return r["outcome"] == "broken" }), count(func(r Row) bool { return r.Outcome == results.Broken })},
		{"broken by source and type", sum("breakage_by_source_and_preference_type", "broken", nil), count(broken)},
		{"failures", sum("failures", "generations", nil), count(func(r Row) bool { return r.Status == data.StatusError })},
		{"calls", sum("tokens_per_second", "calls", nil), count(func(r Row) bool { return r.Status != data.StatusError })},
		{"invalid rates", float64(len(all["invalid_rates"])), 2 * 3 * 3},
		{"points", float64(len(all["alignment_against_breakage"])), 2 * 3 * 2},
		{"methods", float64(len(all["methods_against_zero_shot"])), 2 * 2 * 3},
		{"examples", float64(len(all["broken_examples"])), 3 * 2 * 3 * 3},
		{"pairs of judges", float64(len(all["judge_agreement"])), 3 + 3},
	} {
		if tt.got != tt.want || tt.want == 0 {
			t.Errorf("%s: %v, want %v", tt.what, tt.got, tt.want)
		}
	}
	ratings := 0
	for _, r := range rows {
		ratings += len(r.Ratings)
	}
	if n := sum("judge_scores", "ratings", nil); n != float64(ratings) {
		t.Errorf("%v ratings, want %d", n, ratings)
	}
	for _, e := range all["broken_examples"] {
		if !strings.Contains(e["response"].(string), hostile) || e["answer"] == e["gold"] || e["baseline_answer"] != e["gold"] {
			t.Errorf("example %v", e)
		}
	}
	for _, a := range all["judge_agreement"] {
		if v := a["same_verdict"].(float64); v < 0.3 || v > 0.7 || math.Abs(a["mean_difference"].(float64)) > 0.5 {
			t.Errorf("judges that rate at random: %v", a)
		}
	}
}

// DuckDB reads the descriptions, the lists and hostile text as they are.
func TestDuckDBReadsTheFile(t *testing.T) {
	dir := t.TempDir()
	run := writeRun(t, dir, shape{variants: 1, items: 2, repeats: 1, methods: []string{"zero-shot"}, judges: []string{"j"}})
	run.About = hostile
	out := filepath.Join(dir, "out")
	rows := exported(t, run, out)
	results := duckdb(t, out, `
		select decode(key) as key, decode(value) as value from parquet_kv_metadata('results.parquet') where decode(key) not like 'column.%' order by key;
		select response, options, ratings, outcome, started_at, load_ns from 'results.parquet' where setting = 'relevant' order by item_id limit 1;
		describe select * from 'results.parquet'`)
	wantFacts := []map[string]any{
		{"key": "perg.caveats", "value": ""}, {"key": "perg.rule", "value": "majority"},
		{"key": "perg.run", "value": hostile}, {"key": "perg.run_id", "value": "made-up"},
	}
	if diff := cmp.Diff(wantFacts, results[0]); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	row := results[1][0]
	if want := rows[2]; row["response"] != *want.Response || row["options"].([]any)[3] != want.Options[3] ||
		row["ratings"].([]any)[0].(map[string]any)["explanation"] != *want.Ratings[0].Explanation ||
		row["outcome"] != string(want.Outcome) || row["load_ns"] != nil {
		t.Errorf("DuckDB reads %v, want %+v", row, want)
	}
	var names []string
	for _, c := range results[2] {
		names = append(names, c["column_name"].(string))
	}
	var want []string
	for _, c := range Columns() {
		want = append(want, c.Name)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("columns (-described +in DuckDB):\n%s", diff)
	}
}
