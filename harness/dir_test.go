package harness

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"perg/data"
	"perg/harness/rundir"
)

// A run with failed rows tries them again; one without is left alone, as long
// as its tables are whole.
func TestAFinishedRunIsLeftAlone(t *testing.T) {
	p := testPlan(t, 5, variant("a:latest"))
	failing := true
	client := fake(t, func(w http.ResponseWriter, r *http.Request) {
		if failing {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"error":"the input length exceeds the context length"}`)
			return
		}
		io.WriteString(w, answerA)
	})
	r, _ := testRun(t, p, client)
	execute := func() Result {
		t.Helper()
		if err := r.Dir.Adopt(rundir.Manifest{}, func(string) {}); err != nil {
			t.Fatal(err)
		}
		result, err := r.Execute(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	if got := execute(); got.Failed != 20 || got.Done {
		t.Fatalf("the first time: %+v", got)
	}
	failing = false
	if got := execute(); got.Done || got.Calls != 20 || got.OK != 20 {
		t.Errorf("after failures: %+v", got)
	}
	if got := execute(); !got.Done || !got.Written || got.Calls+got.Known != 0 || got.OK != 20 {
		t.Errorf("a finished run: %+v", got)
	}
	for what, other := range map[string]rundir.Manifest{
		"metrics by another rule": {Config: rundir.Config{JudgeRule: "mean"}}, "ratings in the other order": {Config: rundir.Config{JudgeSwap: true}},
		"answers as another version reads them": {PergVersion: "later"},
	} {
		if err := r.Dir.Adopt(other, func(string) {}); err != nil || r.Dir.Done() {
			t.Errorf("%s are taken to be there: error %v", what, err)
		}
	}
	parts, err := data.TableParts(filepath.Join(r.Dir.Path, "generations"))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(parts[0], whole[:len(whole)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if got := execute(); got.Done || got.Calls != 0 || got.Known != 20 || got.OK != 20 {
		t.Errorf("with half a table: %+v", got)
	}
	if got := rows[data.Generation](t, r.Dir.Path, "generations"); len(got) != 20 {
		t.Errorf("%d rows in the table that was made again", len(got))
	}
}
