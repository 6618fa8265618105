package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/compare"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/rundir"
)

// A written run is one whose outcomes are set by hand.
type writtenRun struct {
	dir      string
	manifest rundir.Manifest
	rows     []data.Generation
	ratings  []data.Judgment
}

func newWrittenRun(dir string, variants ...rundir.ModelInfo) *writtenRun {
	r := &writtenRun{dir: dir}
	r.manifest.State, r.manifest.RunID = rundir.StateFinished, dir
	r.manifest.Dataset = rundir.DatasetInfo{Name: "hand", SHA256: "1", Items: 100}
	r.manifest.Models = variants
	r.manifest.Judges = []rundir.ModelInfo{{Name: "judge"}}
	return r
}

// cell adds outcomes, a letter an item: r and w are right and wrong, R and W
// the same and rated as not following, f a call that failed. A number repeats.
func (r *writtenRun) cell(variant, method, setting, outcomes string) {
	i := 0
	for part := range strings.FieldsSeq(outcomes) {
		var n int
		var kind string
		if _, err := fmt.Sscanf(part, "%d%s", &n, &kind); err != nil {
			panic(err)
		}
		for range n {
			id := fmt.Sprintf("item-%03d", i)
			i++
			g := data.Generation{ItemID: id, Question: "Question " + id, Options: []string{"a", "b"}, Gold: "A", Preference: "short",
				Setting: setting, Method: method, Model: variant, Variant: variant, Status: "ok"}
			if kind != "f" {
				g.Answer, g.AnswerFrom, g.Correct = new("A"), "rule:stated", new(strings.ToLower(kind) == "r")
			}
			r.rows = append(r.rows, g)
			if kind != "f" && (setting == "relevant" || setting == "mixed") {
				score := int32(4)
				if kind == strings.ToUpper(kind) {
					score = 1
				}
				r.ratings = append(r.ratings, data.Judgment{ItemID: id, Setting: setting, Method: method, Variant: variant, JudgeModel: r.manifest.Judges[0].Name, Score: &score})
			}
		}
	}
}

// again adds a control of a variant.
func (r *writtenRun) again(variant string, control prompt.Control, outcomes string) {
	before := len(r.rows)
	r.cell(variant, string(prompt.ZeroShot), string(prompt.None), outcomes)
	for i := range r.rows[before:] {
		r.rows[before+i].Control = string(control)
	}
}

// writeWithMetrics writes the run with the table metrics.
func (r *writtenRun) writeWithMetrics(t *testing.T) {
	t.Helper()
	r.write(t)
	table, err := metrics.Load(r.dir, r.manifest.MetricsOptions())
	if err != nil {
		t.Fatal(err)
	}
	records, err := table.Records(metrics.BySource)
	if err != nil {
		t.Fatal(err)
	}
	if err := data.WriteTable(filepath.Join(r.dir, "metrics"), records); err != nil {
		t.Fatal(err)
	}
}

func (r *writtenRun) write(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(r.manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := data.WriteFile(filepath.Join(r.dir, "run.json"), text); err != nil {
		t.Fatal(err)
	}
	if len(r.rows) > 0 {
		if err := data.WriteTable(filepath.Join(r.dir, "generations"), r.rows); err != nil {
			t.Fatal(err)
		}
		if err := data.WriteTable(filepath.Join(r.dir, "judgments"), r.ratings); err != nil {
			t.Fatal(err)
		}
	}
	return r.dir
}

// writeComparedRuns makes, in the working directory, the runs that tests compare: two
// models and a sweep in runs/x, another judge and other data in runs/y.
func writeComparedRuns(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	info := func(name, quantization string) rundir.ModelInfo {
		return rundir.ModelInfo{Name: name, Variant: name, Family: strings.SplitN(name, ":", 2)[0], ParameterSize: "8B", Quantization: quantization, Digest: name}
	}
	x := newWrittenRun("runs/x", info("steady:8b-fp16", "F16"), info("steady:8b", "Q4_K_M"), info("swayed:latest", "Q4_0"))
	x.cell("steady:8b-fp16", "zero-shot", "none", "80r 20w")
	x.cell("steady:8b-fp16", "zero-shot", "relevant", "66r 10R 4w 10r 10w")
	x.cell("steady:8b-fp16", "zero-shot", "irrelevant", "78r 22w")
	x.cell("steady:8b", "zero-shot", "none", "78r 22w")
	x.cell("steady:8b", "zero-shot", "relevant", "60r 4R 14w 2W 10r 10w")
	x.cell("steady:8b", "zero-shot", "irrelevant", "70r 30w")
	x.cell("swayed:latest", "zero-shot", "none", "70r 29w 1f")
	x.cell("swayed:latest", "zero-shot", "relevant", "30r 10R 29w 30W 1r")
	x.cell("swayed:latest", "cot", "relevant", "50r 20w 30W")
	x.write(t)
	y := newWrittenRun("runs/y", info("steady:8b", "Q4_K_M"))
	y.manifest.Dataset.SHA256, y.manifest.Judges[0].Name = "2", "gemma2:27b"
	y.manifest.Models[0].Digest = "another"
	y.cell("steady:8b", "zero-shot", "none", "12r 3w")
	y.cell("steady:8b", "zero-shot", "relevant", "10r 5w")
	y.write(t)
	newWrittenRun("runs/empty").write(t)
	z := newWrittenRun("runs/z", info("steady:8b", "Q4_K_M"))
	z.manifest.Dataset.SHA256 = "3"
	z.cell("steady:8b", "zero-shot", "none", "3r")
	z.rows[1].Question = "Another question"
	z.write(t)
}

func runCompare(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), append([]string{"perg", "compare"}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

func TestCompareShows(t *testing.T) {
	golden, err := filepath.Abs(filepath.Join("testdata", "compare"))
	if err != nil {
		t.Fatal(err)
	}
	writeComparedRuns(t)
	for name, args := range map[string]string{
		"pair":     "runs/x,steady:8b,relevant swayed,relevant",
		"method":   "runs/x,swayed,zero-shot cot --detect 10",
		"runs":     "runs/x runs/y",
		"sweep":    "runs/x",
		"markdown": "runs/x,swayed,zero-shot cot --format markdown",
		"csv":      "runs/x,swayed,zero-shot cot --format csv",
		"json":     "runs/x,swayed,zero-shot cot --json",
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := runCompare(t, strings.Fields(args)...)
			if status != exitDone {
				t.Fatalf("status %d: %s", status, stderr)
			}
			for line := range strings.Lines(stdout) {
				if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 && (name == "pair" || name == "method" || name == "runs" || name == "sweep") {
					t.Errorf("%d columns: %s", n, line)
				}
			}
			got := "$ perg compare " + args + "\n" + stdout
			if stderr != "" {
				got += "-- stderr --\n" + stderr
			}
			path := filepath.Join(golden, name+".txt")
			sameAsFile(t, path, got)
		})
	}
}

// A table that a program reads has as many fields in each line as the header.
func TestCompareCSVIsWhole(t *testing.T) {
	writeComparedRuns(t)
	_, stdout, _ := runCompare(t, "runs/x", "--format", "csv")
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil || len(rows) != 1+1+5+5 {
		t.Errorf("%d rows: %v", len(rows), err)
	}
}

func TestCompareRefuses(t *testing.T) {
	writeComparedRuns(t)
	for _, tt := range []struct {
		args, want, hint string
		status           int
	}{
		{"", "compare takes A and B, or one run, not 0 arguments", "perg compare runs/<time>,MODEL OTHER-MODEL", exitUsage},
		{"a b c", "compare takes A and B, or one run, not 3 arguments", "perg compare", exitUsage},
		{"runs/w", "runs/w is no run: it has no run.json", "runs are made by 'perg run'", exitUsage},
		{"runs/w,m runs/x", "runs/w is no run: it has no run.json", "runs are made by 'perg run'", exitUsage},
		{"runs/x runs/w", `side B, runs/x: no method, setting or variant "runs/w": there are steady:8b-fp16, steady:8b, swayed:latest; zero-shot, cot; none, relevant, irrelevant`, "B begins with no run directory, so its parts are looked for in runs/x", exitUsage},
		{"runs/x,stead swayed", `side A, runs/x: "stead" could be steady:8b-fp16 or steady:8b`, "write more of its name", exitUsage},
		{"runs/x,mixed swayed", "side A, runs/x: no setting mixed: there are none, relevant, irrelevant", "", exitUsage},
		{"runs/x,icl swayed", "side A, runs/x: no method icl: there are zero-shot, cot", "", exitUsage},
		{"runs/x,cot,zero-shot swayed", "side A, runs/x: two methods, cot and zero-shot: name one", "", exitUsage},
		{"runs/x runs/x", "steady:8b-fp16, zero-shot, none of runs/x compares with itself", "name what differs on both sides", exitUsage},
		{"runs/x swayed", "compares with itself", "name what differs on both sides", exitUsage},
		{"runs/x,steady:8b swayed,cot", "no two cells belong together:\n  A has steady:8b; zero-shot; none, relevant, irrelevant\n  B has swayed:latest; cot; relevant", "name a variant", exitUsage},
		{"runs/x,steady:8b", "runs/x,steady:8b names a part of a run, and nothing to compare it with", "name B too", exitUsage},
		{"runs/y", "runs/y has no variants of one model at several precisions, but steady:8b", "perg compare runs/y,VARIANT OTHER-VARIANT", exitUsage},
		{"runs/x runs/empty", "runs/empty has no tables yet: the run is finished", "perg run --out runs/empty", exitFailed},
		{"runs/x runs/z", "item item-001 has another question in runs/z than in runs/x: they cannot be paired", "compare runs over the same data", exitFailed},
		{"runs/x --format latex", `unknown format "latex"`, "there are: table, csv, json, markdown", exitUsage},
		{"runs/x --detect 0", "--detect 0: percentage points above 0 and below 100", "", exitUsage},
		{"runs/x --detect NaN", "--detect NaN: percentage points above 0 and below 100", "", exitUsage},
		{"runs/x --detct 3", "there is no flag --detct", "Did you mean --detect?", exitUsage},
	} {
		status, stdout, stderr := runCompare(t, strings.Fields(tt.args)...)
		if status != tt.status || stdout != "" || !strings.Contains(stderr, tt.want) || !strings.Contains(stderr, tt.hint) {
			t.Errorf("perg compare %s\nstatus %d, stdout %q, stderr\n%s", tt.args, status, stdout, stderr)
		}
	}
}

// A run that was copied is the same run: nothing differs.
func TestCompareACopy(t *testing.T) {
	writeComparedRuns(t)
	if err := os.CopyFS("runs/copy", os.DirFS("runs/x")); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := runCompare(t, "runs/x", "runs/copy", "--json")
	if status != exitDone {
		t.Fatal(stderr)
	}
	var all []compare.Comparison
	if err := json.Unmarshal([]byte(stdout), &all); err != nil || len(all) != 9 {
		t.Fatalf("%d comparisons: %v", len(all), err)
	}
	for _, c := range all {
		for _, r := range c.Rows {
			if r.Difference != nil && *r.Difference != 0 || r.Test != nil && (r.Test.P != 1 || r.Test.Holm != 1) {
				t.Errorf("%v: %+v", c.A, r)
			}
		}
	}
}

// Runs on servers of two versions are compared with what the servers alone
// change: the letters of baseline answers of the same weights.
func TestCompareNamesTheServers(t *testing.T) {
	t.Chdir(t.TempDir())
	written := func(dir, version, digest string, other int) {
		r := newWrittenRun(dir, rundir.ModelInfo{Name: "m", Variant: "m", Digest: digest})
		r.manifest.Ollama.Version = version
		r.cell("m", "zero-shot", "none", "40r")
		r.cell("m", "zero-shot", "relevant", "40r")
		for i := range other {
			r.rows[i].Answer = new("B")
		}
		r.write(t)
	}
	written("a", "0.17.4", "1", 0)
	written("b", "0.33.0", "1", 6)
	written("c", "0.17.4", "1", 6)
	written("d", "0.33.0", "2", 6)
	for b, want := range map[string][]string{
		"b": {"Ollama 0.17.4 (runner)", "0.33.0 (llama-server)", "of 40 baseline answers of m that are read in both, 6 have another letter"},
		"c": nil,
		"d": {"differences are between servers too"},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"perg", "compare", "a", b}, &out, &errs); code != 0 {
			t.Fatal(errs.String())
		}
		text := strings.Join(strings.Fields(out.String()), " ")
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("a and %s: no %q in\n%s", b, w, out.String())
			}
		}
		if strings.Contains(text, "servers") != (want != nil) || strings.Contains(text, "letter") != (b == "b") {
			t.Errorf("a and %s:\n%s", b, out.String())
		}
	}
}
