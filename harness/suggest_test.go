package harness

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/store"
	"perg/harness/task"
	"perg/models"
)

// Every item of a pass is counted once: as a candidate, as unreadable by
// reason, as failed by reason, or as missing.
func TestSuggestionsCountEveryItem(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	prompts, err := prompt.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	v := &task.Variant{Installed: models.Installed{Name: "m:8b", Digest: "d"}, Label: "m:8b"}
	p := &task.Task{Prompts: prompts, Seed: 1}
	suggests := func(text, kind string) string {
		return fmt.Sprintf(`{"preference":%q,"reason":"r","type":%q}`, text, kind)
	}
	for i, reply := range []struct{ source, content string }{
		{"b", suggests("I like it long.", "context")},
		{"b", suggests("I like it short.", "clarity")},
		{"a", suggests("I like it short.", "clarity")},
		{"b", suggests("i like  it SHORT", "thinking")},
		{"b", "prose"},
		{"a", suggests("I like it short.", "none")},
		{"a", "prose"},
		{"a", "failed"},
		{"a", "missing"},
	} {
		it := data.Item{ID: fmt.Sprint(i), Source: reply.source, Question: fmt.Sprint("Question ", i), Options: []string{"x", "y"}}
		p.Dataset.Items = append(p.Dataset.Items, it)
		c, err := p.Suggestion(v, it)
		if err != nil {
			t.Fatal(err)
		}
		switch reply.content {
		case "missing":
		case "failed":
			_, err = s.Fail(t.Context(), c.Key(), store.Failure{Reason: "server busy", Message: "x"})
		default:
			_, err = s.Put(t.Context(), c.Key(), store.Reply{Content: reply.content, DoneReason: "stop"})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := suggestions(t.Context(), p, v, s)
	if err != nil {
		t.Fatal(err)
	}
	of := func(source, text string, kind data.PreferenceType, id string, times int) data.Candidate {
		return data.Candidate{Source: source, Text: text, Type: kind, Reason: "r", Times: times, Model: "m:8b", ItemID: id, Question: "Question " + id, Options: []string{"x", "y"}}
	}
	want := Suggestions{
		Model: "m:8b", Items: 9, Read: 4, Missing: 1,
		Unreadable: map[string]int{"no JSON object": 2, "none of the five types": 1}, Failed: map[string]int{"server busy": 1},
		Candidates: []data.Candidate{
			of("b", "I like it short.", data.Clarity, "1", 2), of("b", "I like it long.", data.Context, "0", 1), of("a", "I like it short.", data.Clarity, "2", 1),
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
