package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"perg/data"
)

// A duckRates is the four metrics of a cell.
type duckRates struct {
	Variant, Method, Setting string
	Q                        int
	BreakageRate             *float64 `json:"breakage_rate"`
	AlignmentFailure         *float64 `json:"alignment_failure"`
	RobustnessError          *float64 `json:"robustness_error"`
	PerformanceVariation     *float64 `json:"performance_variation"`
}

func (r duckRates) String() string {
	return fmt.Sprintf("%s %s %s: Q* %d, %s, %s, %s, %s", r.Variant, r.Method, r.Setting, r.Q,
		show64(r.BreakageRate), show64(r.AlignmentFailure), show64(r.RobustnessError), show64(r.PerformanceVariation))
}

// A duck is what another reader finds in a run's tables.
type duck struct {
	Types  map[string]map[string]string
	Counts map[string]int
	Nulls  map[string]int
	Lists  map[string]any
	Times  struct {
		First float64 `json:"first_ms"`
		Last  float64 `json:"last_ms"`
	}
	Rates   []duckRates // in SQL, from generations and judgments
	Metrics []duckRates // as the table metrics has them
}

// readWithDuckDB reads the tables back with another reader, where there is
// one, and holds the metrics against those that it computes itself.
func readWithDuckDB(t *testing.T, run string) (got duck, ok bool) {
	t.Helper()
	module, err := filepath.Abs("../../.duckdb/node_modules/@duckdb/node-api/lib/index.js")
	if err != nil {
		t.Fatal(err)
	}
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(module)
	}
	if err != nil {
		t.Logf("the Parquet is not read back with DuckDB: %v; `make duckdb` gets it where npm is", err)
		return got, false
	}
	text, err := exec.Command(node, "testdata/duckdb.mjs", module, run).Output()
	if err != nil {
		t.Fatal(err, string(text))
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err, string(text))
	}
	if len(got.Rates) == 0 || len(got.Rates) != len(got.Metrics) {
		t.Fatalf("DuckDB finds %d cells, the table metrics has %d", len(got.Rates), len(got.Metrics))
	}
	for i, want := range got.Rates {
		if got.Metrics[i].String() != want.String() {
			t.Errorf("DuckDB computes %s\nthe table says   %s", want, got.Metrics[i])
		}
	}
	return got, true
}

// checkDuck holds the tables of a zero-shot run in all settings of five models
// against what is known of it.
func checkDuck(t *testing.T, run string, items int) {
	t.Helper()
	got, ok := readWithDuckDB(t, run)
	if !ok {
		return
	}
	for column, want := range map[string]string{
		"options": "VARCHAR[]", "preferences": "VARCHAR[]", "gpu_uuids": "VARCHAR[]", "started_at": "TIMESTAMP WITH TIME ZONE",
		"correct": "BOOLEAN", "prompt_tokens": "BIGINT", "repeat": "INTEGER", "response": "VARCHAR", "vram_bytes": "BIGINT",
	} {
		if got.Types["generations"][column] != want {
			t.Errorf("DuckDB reads generations.%s as %s, want %s", column, got.Types["generations"][column], want)
		}
	}
	for table, columns := range map[string]int{"generations": 51, "judgments": 19, "metrics": 92} {
		if n := len(got.Types[table]); n != columns {
			t.Errorf("DuckDB sees %d columns in %s, want %d", n, table, columns)
		}
	}
	generations := 5 * (4 + 2) * items // with two controls
	if got.Counts["generations"] != generations || got.Counts["metrics"] != 5*4*4 || got.Counts["judgments"] != len(table[data.Judgment](t, run, "judgments")) {
		t.Errorf("DuckDB counts %v", got.Counts)
	}
	for column, want := range map[string]int{"answer": 2 * (4 + 2) * items, "kv_cache_type": generations, "gpu_uuids": generations, "thinking": generations, "response": 0} {
		if got.Nulls[column] != want {
			t.Errorf("DuckDB finds %d nulls in %s, want %d", got.Nulls[column], column, want)
		}
	}
	for name, want := range map[string]any{"none": 0.0, "none_most": 0.0, "relevant": 1.0, "mixed": 6.0, "irrelevant": 5.0, "mixed_holds_own": true} {
		if got.Lists[name] != want {
			t.Errorf("DuckDB: lists %s is %v, want %v", name, got.Lists[name], want)
		}
	}
	if got.Times.First < 1.7e12 || got.Times.Last < got.Times.First {
		t.Errorf("DuckDB reads started_at from %v to %v", got.Times.First, got.Times.Last)
	}
}
