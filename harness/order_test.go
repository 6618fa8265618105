package harness

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ollama/ollama/api"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/task"
)

// The answers of a server that goes by the prompt alone are the same however
// many calls are in flight, and in whichever order they come back: no row is
// missing, none is another one's.
func TestTheOrderChangesNoResult(t *testing.T) {
	chat := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var request api.ChatRequest
		if err := json.Unmarshal(body, &request); err != nil {
			t.Error(err)
		}
		sum := sha256.Sum256([]byte(fmt.Sprint(request.Messages, request.Model)))
		content := fmt.Sprintf("The answer is %c.", 'A'+sum[0]%2)
		switch {
		case len(request.Format) > 0 && strings.Contains(string(request.Format), "score"):
			content = fmt.Sprintf(`{"explanation":"so","score":%d}`, 1+sum[1]%5)
		case len(request.Format) > 0:
			content = fmt.Sprintf(`{"critic":"so","response":%q}`, content)
		case sum[2] < 20:
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"error":"the input length exceeds the context length"}`)
			return
		}
		answer := api.ChatResponse{Message: api.Message{Role: "assistant", Content: content}, Done: true, DoneReason: "stop"}
		answer.EvalCount = 4
		json.NewEncoder(w).Encode(answer)
	}
	run := func(parallel string) (*Run, Result) {
		p := testPlan(t, 24, variant("a:latest"), variant("b:latest"))
		p.Task.Methods = []prompt.Method{prompt.ZeroShot, prompt.CoT, prompt.SelfCritic, prompt.PrefAligner}
		p.Task.Repeats, p.Task.Null, p.Task.Rotate = 2, 1, true
		p.Judges = []*task.Variant{variant("judge:latest")}
		r, _ := testRun(t, p, fake(t, chat))
		r.Config.Parallel = parallel
		result, err := r.Execute(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r, result
	}
	whenAndWhere := cmp.Options{
		cmpopts.IgnoreFields(data.Generation{}, "RunID", "StartedAt", "Host"),
		cmpopts.IgnoreFields(data.Judgment{}, "RunID"),
	}
	one, want := run("1")
	if want.Failed == 0 || want.Rated == 0 || want.Missing > 0 {
		t.Fatalf("the test tests too little: %+v", want.Counts)
	}
	made := rows[data.Generation](t, one.Dir.Path, "generations")
	at := 0
	for _, v := range one.Plan.Variants {
		for listed, place := one.Plan.Task.Listed(v), 0; place < listed.Len(); place++ {
			g, r := listed.Generation(place), made[at]
			if r.Variant != g.Variant.Label || r.Setting != string(g.Setting) || r.Method != string(g.Method) || r.ItemID != g.Item.ID || r.Repeat != int32(g.Repeat) || r.Control != string(g.Control) {
				t.Fatalf("row %d is of item %s, %s %s of %s, and not in the order of tables", at, r.ItemID, r.Method, r.Setting, r.Variant)
			}
			at++
		}
	}
	if at != len(made) {
		t.Fatalf("%d rows, want %d", len(made), at)
	}
	for _, parallel := range []string{"3", "16", "auto"} {
		many, got := run(parallel)
		if diff := cmp.Diff(want.Counts, got.Counts); diff != "" {
			t.Errorf("%s in flight: counts (-one +many):\n%s", parallel, diff)
		}
		if diff := cmp.Diff(made, rows[data.Generation](t, many.Dir.Path, "generations"), whenAndWhere); diff != "" {
			t.Errorf("%s in flight: generations (-one +many):\n%s", parallel, diff)
		}
		if diff := cmp.Diff(rows[data.Judgment](t, one.Dir.Path, "judgments"), rows[data.Judgment](t, many.Dir.Path, "judgments"), whenAndWhere); diff != "" {
			t.Errorf("%s in flight: judgments (-one +many):\n%s", parallel, diff)
		}
	}
}
