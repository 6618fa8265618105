package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness"
)

var updateGolden = flag.Bool("update", false, "write the golden files")

// A written run is one whose outcomes are set by hand.
type writtenRun struct {
	dir      string
	manifest harness.Manifest
	rows     []data.Generation
	ratings  []data.Judgment
}

func newWrittenRun(dir string, variants ...harness.ModelInfo) *writtenRun {
	r := &writtenRun{dir: dir}
	r.manifest.State, r.manifest.RunID = harness.StateFinished, dir
	r.manifest.Dataset = harness.DatasetInfo{Name: "hand", SHA256: "1", Items: 100}
	r.manifest.Models = variants
	r.manifest.Judges = []harness.ModelInfo{{Name: "judge"}}
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
				g.Answer, g.Correct = new("A"), new(strings.ToLower(kind) == "r")
			}
			r.rows = append(r.rows, g)
			if kind != "f" && (setting == "relevant" || setting == "mixed") {
				score := int32(4)
				if kind == strings.ToUpper(kind) {
					score = 1
				}
				r.ratings = append(r.ratings, data.Judgment{ItemID: id, Setting: setting, Method: method, Variant: variant, JudgeModel: "judge", Score: &score})
			}
		}
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

// written makes, in the working directory, the runs that tests compare: two
// models and a sweep in runs/x, another judge and other data in runs/y.
func written(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	info := func(name, quantization string) harness.ModelInfo {
		return harness.ModelInfo{Name: name, Variant: name, Family: strings.SplitN(name, ":", 2)[0], ParameterSize: "8B", Quantization: quantization, Digest: name}
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

func perg(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), append([]string{"perg"}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

func TestCompareShows(t *testing.T) {
	golden, err := filepath.Abs(filepath.Join("testdata", "compare"))
	if err != nil {
		t.Fatal(err)
	}
	written(t)
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
			status, stdout, stderr := perg(t, append([]string{"compare"}, strings.Fields(args)...)...)
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
			if *updateGolden {
				if err := data.WriteFile(path, []byte(got)); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got; -update accepts it\n%s", diff)
			}
		})
	}
}

var _ = csv.NewReader
