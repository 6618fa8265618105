package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"perg/data"
)

// readWithDuckDB reads the tables back with another reader.
func readWithDuckDB(t *testing.T, run string, items int) {
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
		return
	}
	text, err := exec.Command(node, "testdata/duckdb.mjs", module, run).Output()
	if err != nil {
		t.Fatal(err, string(text))
	}
	var got struct {
		Types  map[string]map[string]string
		Counts map[string]int
		Nulls  map[string]int
		Lists  map[string]any
		Times  struct {
			First float64 `json:"first_ms"`
			Last  float64 `json:"last_ms"`
		}
		Breakage []struct {
			Variant, Setting string
			N                int
			Breakage         float64
		}
		Metrics []struct {
			Variant, Setting string
			BreakageRate     *float64 `json:"breakage_rate"`
			N                int
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err, string(text))
	}
	for column, want := range map[string]string{
		"options": "VARCHAR[]", "preferences": "VARCHAR[]", "gpu_uuids": "VARCHAR[]", "started_at": "TIMESTAMP WITH TIME ZONE",
		"correct": "BOOLEAN", "prompt_tokens": "BIGINT", "repeat": "INTEGER", "response": "VARCHAR", "vram_bytes": "BIGINT",
	} {
		if got.Types["generations"][column] != want {
			t.Errorf("DuckDB reads generations.%s as %s, want %s", column, got.Types["generations"][column], want)
		}
	}
	for table, columns := range map[string]int{"generations": 45, "judgments": 19, "metrics": 49} {
		if n := len(got.Types[table]); n != columns {
			t.Errorf("DuckDB sees %d columns in %s, want %d", n, table, columns)
		}
	}
	generations := 5 * 4 * items
	if got.Counts["generations"] != generations || got.Counts["metrics"] != 5*4*4 || got.Counts["judgments"] != len(table[data.Judgment](t, run, "judgments")) {
		t.Errorf("DuckDB counts %v", got.Counts)
	}
	for column, want := range map[string]int{"answer": 2 * 4 * items, "kv_cache_type": generations, "gpu_uuids": generations, "thinking": generations, "response": 0} {
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
	rates := map[string]float64{}
	for _, b := range got.Breakage {
		rates[b.Variant+" "+b.Setting] = b.Breakage
	}
	for _, m := range got.Metrics {
		want, ok := rates[m.Variant+" "+m.Setting]
		if ok != (m.BreakageRate != nil) || ok && (want-*m.BreakageRate > 1e-12 || *m.BreakageRate-want > 1e-12) {
			t.Errorf("DuckDB's Breakage Rate of %s %s is %v, the table says %v", m.Variant, m.Setting, want, show64(m.BreakageRate))
		}
	}
}
