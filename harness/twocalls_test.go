package harness

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/ollama/ollama/api"

	"perg/harness/prompt"
	"perg/harness/tables"
)

// counting answers as told by the system text and counts the calls for each
// pair of messages.
func countingChat(t *testing.T, answer func(system string, w http.ResponseWriter)) (chat http.HandlerFunc, calls func() map[string]int) {
	t.Helper()
	var mu sync.Mutex
	made := map[string]int{}
	return func(w http.ResponseWriter, r *http.Request) {
			var request api.ChatRequest
			if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
				t.Error(err)
				return
			}
			system := request.Messages[0].Content
			mu.Lock()
			made[system+"\x00"+request.Messages[len(request.Messages)-1].Content]++
			mu.Unlock()
			answer(system, w)
		}, func() map[string]int {
			mu.Lock()
			defer mu.Unlock()
			return made
		}
}

// The baseline that an aligner's draft is fails once, however many settings
// would make a response of it, and each of them is a row with the reason.
func TestAFailedDraftIsMadeOnce(t *testing.T) {
	p := testPlan(t, 3, variant("a"))
	p.Task.Methods = []prompt.Method{prompt.PrefAligner}
	chat, calls := countingChat(t, func(system string, w http.ResponseWriter) {
		http.Error(w, `{"error":"no such luck"}`, http.StatusBadRequest)
	})
	r, _ := testRun(t, p, fake(t, chat))
	result, err := r.Execute(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if result.Failed != p.Total() || result.OK != 0 {
		t.Errorf("%+v", result.Counts)
	}
	if len(calls()) != 3 {
		t.Errorf("%d different calls, want the 3 of the baseline", len(calls()))
	}
	for what, n := range calls() {
		if n != 1 {
			t.Errorf("%d calls for %q", n, what)
		}
	}
	for g := range generations(p) {
		s, err := p.evaluator(tables.Recorded(r.Store)).Evaluate(t.Context(), g, nil)
		if err != nil || s.Err == nil {
			t.Fatal(err, s.Err)
		}
		if first := strings.HasPrefix(s.Err.Error(), "first stage: "); first != g.Method.TwoCalls() {
			t.Errorf("%s %s: %v", g.Method, g.Setting, s.Err)
		}
	}
	// The next time it is tried again.
	if _, err := r.Execute(t.Context()); err != nil {
		t.Fatal(err)
	}
	for what, n := range calls() {
		if n != 2 {
			t.Errorf("%d calls in two executions for %q", n, what)
		}
	}
}

// What an aligner or a self-critic answers that is no JSON falls back to the
// draft, and the reply is kept all the same.
func TestFallingBack(t *testing.T) {
	p := testPlan(t, 1, variant("a"))
	p.Task.Settings = []prompt.Setting{prompt.None, prompt.Relevant}
	p.Task.Methods = []prompt.Method{prompt.SelfCritic, prompt.PrefAligner}
	chat, _ := countingChat(t, func(system string, w http.ResponseWriter) {
		content := "The answer is A."
		switch {
		case strings.HasPrefix(system, "You look at"):
			content = `{"critic":"Fine.","response":"The answer is B."}`
		case strings.HasPrefix(system, "You adapt"):
			content = "I would rather not."
		}
		text, _ := json.Marshal(content)
		io.WriteString(w, `{"message":{"role":"assistant","content":`+string(text)+`},"done":true,"done_reason":"stop"}`)
	})
	r, _ := testRun(t, p, fake(t, chat))
	result, err := r.Execute(t.Context())
	if err != nil || result.FellBack != 1 || result.OK != 3 {
		t.Fatalf("%+v, error %v", result.Counts, err)
	}
	for g := range generations(p) {
		s, err := p.evaluator(tables.Recorded(r.Store)).Evaluate(t.Context(), g, nil)
		if err != nil {
			t.Fatal(err)
		}
		row := s.Row("run", nil)
		switch g.Method {
		case prompt.SelfCritic:
			if *row.Answer != "B" || *row.FellBack || *row.DraftResponse != "The answer is A." || !strings.HasPrefix(*row.SecondReply, "{") {
				t.Errorf("self-critic %+v", row)
			}
		case prompt.PrefAligner:
			if *row.Answer != "A" || !*row.FellBack || *row.Response != *row.DraftResponse || *row.SecondReply != "I would rather not." {
				t.Errorf("aligner %+v", row)
			}
		default:
			if row.FellBack != nil || row.DraftResponse != nil || row.SecondReply != nil {
				t.Errorf("one call %+v", row)
			}
		}
	}
}
