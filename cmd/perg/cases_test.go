package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// casesDir holds inputs of the kinds that people reported.
const casesDir = "../../../shared/cases"

// Every input is read, or refused for what it is.
func TestReportedInputs(t *testing.T) {
	if _, err := os.Stat(casesDir); err != nil {
		t.Skip("waits for the inputs that people reported, in shared/cases beside the project")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("OLLAMA_HOST", "127.0.0.1:9")
	build := func(source string) []string {
		return []string{"data", "build", "-o", filepath.Join(t.TempDir(), "o.parquet"), "--" + source}
	}
	check, show := []string{"data", "check"}, []string{"data", "show"}
	config := []string{"plan", "--config"}
	const unreachable = "server not reachable: http://127.0.0.1:11434"
	tried := map[string]bool{}
	for _, c := range []struct {
		name    string
		command []string
		status  int
		says    string // on either stream
		not     string
	}{
		{"data/array-dtype.csv", check, exitDone, "3 items", "-"},
		{"data/np-str2.csv", check, exitDone, "3 items", "-"},
		{"data/nan-rep.csv", check, exitDone, "3 items", "NaN"},
		{"data/pref-nan-text.csv", check, exitFailed, `pref-nan-text.csv:2: item "q1": the preference is empty`, "-"},
		{"data/category-NA.csv", show, exitDone, "q2  talk\n", "<NA>"},
		{"data/category-none-text.csv", show, exitDone, "q2  talk\n", "None"},
		{"data/gz.csv.gz", check, exitDone, "3 items", "-"},
		{"data/arrow-item.parquet", check, exitDone, "46 items", "-"},
		{"data/pj-gzip.parquet", build("mmlu"), exitDone, "42 items", "-"},
		{"data/pj-opt.parquet", build("mmlu"), exitDone, "42 items", "-"},
		{"data/pj-snappy.parquet", build("mmlu"), exitDone, "42 items", "-"},
		{"data/pj-v1.parquet", build("mmlu"), exitDone, "42 items", "-"},
		{"data/pj-v2.parquet", build("mmlu"), exitDone, "42 items", "-"},
		{"data/pj-norep.parquet", build("mmlu"), exitUsage, "there is no choices (found answer, question, subject)", "damaged"},
		{"data/pj-one.parquet", build("mmlu"), exitUsage, "there are no questions of high_school_biology", "damaged"},
		{"data/mmlu-convert-layout", build("mmlu"), exitDone, "42 items", "-"},
		{"data/mmlu-duck-dbl.parquet", build("mmlu"), exitDone, "42 items", "-"},
		{"data/mmlu-noheader-semicolon", build("mmlu"), exitDone, "42 items", "-"},
		{"data/tq-duck-BOOLEAN.parquet", build("truthfulqa"), exitDone, "2 items", "-"},
		{"data/tq-hf.jsonl.gz", build("truthfulqa"), exitDone, "2 items", "-"},
		{"config/bom.yaml", config, exitFailed, unreachable, "unknown field"},
		{"config/empty.yaml", config, exitUsage, "no model named", "think is empty"},
		{"config/tilde-store.yaml", config, exitFailed, unreachable, "~"},
	} {
		tried[c.name] = true
		status, said := say(t, append(c.command, filepath.Join(casesDir, filepath.FromSlash(c.name)))...)
		if status != c.status || !strings.Contains(said, c.says) || c.not != "-" && strings.Contains(said, c.not) {
			t.Errorf("%s %s: status %d, want %d and %q, without %q\n%s", strings.Join(c.command, " "), c.name, status, c.status, c.says, c.not, said)
		}
	}
	for _, dir := range []string{"data", "config"} {
		entries, err := os.ReadDir(filepath.Join(casesDir, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if name := dir + "/" + e.Name(); !tried[name] {
				t.Errorf("%s is tried by nothing", name)
			}
		}
	}
}

// A path in --icl may hold commas; a list of files goes on as before.
func TestSplitFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a,b.json", "c.json"} {
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for list, want := range map[string]string{
		"a,b.json":               "a,b.json",
		"mmlu=a,b.json":          "mmlu=a,b.json",
		"mmlu=a,b.json,x=c.json": "mmlu=a,b.json|x=c.json",
		"c.json,mmlu=a,b.json":   "c.json|mmlu=a,b.json",
		"x=no,where.json":        "x=no,where.json",
	} {
		if got := strings.Join(splitFiles(list), "|"); got != want {
			t.Errorf("%s is %s, want %s", list, got, want)
		}
	}
}
