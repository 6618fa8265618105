package export

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// notebookOf is what tests read of a notebook.
type notebookOf struct {
	Cells []struct {
		ID      string
		Type    string `json:"cell_type"`
		Source  text
		Outputs []struct {
			Type string `json:"output_type"`
			Text text
			Data map[string]any
		}
	}
}

// text is a notebook's text: one string, or a list of lines.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var lines []string
	if json.Unmarshal(b, &lines) == nil {
		*t = text(strings.Join(lines, ""))
		return nil
	}
	return json.Unmarshal(b, (*string)(t))
}

func readNotebook(t *testing.T, b []byte) (n notebookOf) {
	t.Helper()
	if err := json.Unmarshal(b, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// sources are a notebook's cells without what they came to.
func (n notebookOf) sources() (all []string) {
	for _, c := range n.Cells {
		all = append(all, c.Type+" "+c.ID+"\n"+string(c.Source))
	}
	return all
}

// The notebook that is checked in with its figures is the one that export
// writes, and was executed whole: make notebook.
func TestTheExecutedNotebookIsTheTemplate(t *testing.T) {
	b, err := os.ReadFile("demo.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	executed := readNotebook(t, b)
	if diff := cmp.Diff(readNotebook(t, notebook).sources(), executed.sources()); diff != "" {
		t.Errorf("demo.ipynb is of another perg.ipynb, run make notebook (-perg.ipynb +demo.ipynb):\n%s", diff)
	}
	checkOutputs(t, executed, 7)
	if len(b) > 1<<20 {
		t.Errorf("demo.ipynb has %d bytes", len(b))
	}
}

// checkOutputs holds an executed notebook against the number of its figures,
// and against what must not be in its text.
func checkOutputs(t *testing.T, n notebookOf, figures int) {
	t.Helper()
	drawn := 0
	for _, c := range n.Cells {
		for _, o := range c.Outputs {
			if o.Type == "error" || o.Type == "stream" && strings.ContainsAny(string(o.Text), "\x01\x1b\x7f\u202e") {
				t.Errorf("cell %s has the output %q", c.ID, o.Text)
			}
			if _, ok := o.Data["image/png"]; ok {
				drawn++
			}
		}
	}
	if drawn != figures {
		t.Errorf("%d figures, want %d", drawn, figures)
	}
}

// Every query that the notebook names is in the SQL.
func TestTheNotebooksQueriesAreThere(t *testing.T) {
	named := regexp.MustCompile(`query\("(\w+)"\)`).FindAllStringSubmatch(string(notebook), -1)
	escaped := regexp.MustCompile(`query\(\\"(\w+)\\"\)`).FindAllStringSubmatch(string(notebook), -1)
	named = append(named, escaped...)
	if len(named) < 8 {
		t.Fatalf("the notebook names %d queries", len(named))
	}
	for _, name := range named {
		if !strings.Contains(string(sql), "\n-- name: "+name[1]+"\n") {
			t.Errorf("there is no query %s", name[1])
		}
	}
}

// The notebook runs as it is over runs of every kind, where Python has what it
// needs.
func TestTheNotebookRuns(t *testing.T) {
	python := "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import pandas, matplotlib, nbconvert, ipykernel").Run(); err != nil {
		t.Skip("needs Debian's python3-pandas, python3-matplotlib, python3-ipykernel and jupyter-nbconvert")
	}
	program, err := filepath.Abs("testdata/duckdb.mjs")
	if err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]struct {
		shape
		figures int
	}{
		"everything": {everything, 8},
		"unjudged":   {shape{variants: 1, items: 12, repeats: 1, methods: []string{"zero-shot"}}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			run := writeRun(t, dir, of.shape)
			run.About, run.Caveats = "a run "+hostile, []string{"caveat: " + hostile}
			out := filepath.Join(dir, "out")
			exported(t, run, out)
			duckdb(t, out, "select 1 as one")
			execute := exec.Command(python, "-m", "nbconvert", "--to", "notebook", "--execute", "--output", "executed.ipynb", Notebook)
			execute.Dir = out
			execute.Env = append(os.Environ(), "DUCKDB="+program, "JUPYTER_RUNTIME_DIR="+dir, "IPYTHONDIR="+dir, "MPLCONFIGDIR="+dir, "PYTHONWARNINGS=ignore")
			if text, err := execute.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			b, err := os.ReadFile(filepath.Join(out, "executed.ipynb"))
			if err != nil {
				t.Fatal(err)
			}
			checkOutputs(t, readNotebook(t, b), of.figures)
			if keep := os.Getenv("PERG_KEEP_NOTEBOOK"); keep != "" {
				if err := os.WriteFile(filepath.Join(keep, name+".ipynb"), b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
