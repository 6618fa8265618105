package task

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/prompt"
	"perg/harness/store"
	"perg/models"

	"github.com/google/go-cmp/cmp"
)

func TestReadSuggestion(t *testing.T) {
	want := data.Candidate{Text: "I like it short.", Type: data.Clarity, Reason: "Short leaves things out."}
	for name, c := range map[string]struct {
		content, doneReason string
		want                data.Candidate
		err                 error
	}{
		"plain":              {`{"preference":"I like it short.","reason":"Short leaves things out.","type":"clarity"}`, "stop", want, nil},
		"other order, fence": {"Sure!\n```json\n{\"type\": \" Clarity \", \"reason\": \"Short  leaves\\nthings out.\", \"preference\": \" I like\\n it short. \"}\n```", "stop", want, nil},
		"no reason":          {`{"preference":"I like it short.","type":"clarity"}`, "stop", data.Candidate{Text: want.Text, Type: want.Type}, nil},
		"whole though long":  {`{"preference":"I like it short.","reason":"Short leaves things out.","type":"clarity"}    `, "length", want, nil},
		"empty reply":        {"", "stop", data.Candidate{}, errNoJSON},
		"prose":              {"I like it short.", "stop", data.Candidate{}, errNoJSON},
		"a list":             {`["I like it short."]`, "stop", data.Candidate{}, errNoJSON},
		"of another kind":    {`{"preference":["I like it short."],"type":"clarity"}`, "stop", data.Candidate{}, errNoJSON},
		"cut":                {`{"preference":"I like it`, "length", data.Candidate{}, errCutOff},
		"no preference":      {`{"reason":"x","type":"clarity"}`, "stop", data.Candidate{}, errNoPreference},
		"blank":              {`{"preference":" \n","type":"clarity"}`, "stop", data.Candidate{}, errNoPreference},
		"null":               {`{"preference":null,"type":"clarity"}`, "stop", data.Candidate{}, errNoPreference},
		"escape sequence":    {`{"preference":"I like \u001b[31mred.","type":"clarity"}`, "stop", data.Candidate{}, errBadText},
		"unknown type":       {`{"preference":"I like it short.","type":"length"}`, "stop", data.Candidate{}, errUnknownType},
		"no type":            {`{"preference":"I like it short."}`, "stop", data.Candidate{}, errUnknownType},
	} {
		got, err := readSuggestion(c.content, c.doneReason)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
		if c.err == nil {
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
	}
}

// What is read can be written to a file of candidates and read again.
func FuzzReadSuggestion(f *testing.F) {
	f.Add(`{"preference":"I like it short.","reason":"x","type":"clarity"}`)
	f.Add("x {\"preference\":\"\u2028\\u0085 a\",\"type\":\"context\",\"reason\":\"\\u0000\"} }")
	f.Fuzz(func(t *testing.T, content string) {
		c, err := readSuggestion(content, "stop")
		if err != nil {
			return
		}
		c.Source, c.Times = "a", 1
		again, err := data.ParseCandidates("c.yaml", data.FormatCandidates([]data.Candidate{c}))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]data.Candidate{c}, again); d != "" {
			t.Error(d)
		}
	})
}

// Every item of a pass is counted once: as a candidate, as unreadable by
// reason, as failed by reason, or as missing.
func TestSuggestionsCountEveryItem(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	prompts, err := prompt.Embedded(prompt.Own)
	if err != nil {
		t.Fatal(err)
	}
	v := &Variant{Installed: models.Installed{Name: "m:8b", Digest: "d"}, Label: "m:8b"}
	p := &Task{Prompts: prompts, Seed: 1}
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
			_, err = s.Put(t.Context(), c.Key(), store.Reply{Response: models.Response{Content: reply.content, DoneReason: "stop"}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := Evaluator{Task: p, Ask: func(ctx context.Context, c Call) (store.Reply, error) {
		return engine.Recorded(engine.Kept(s))(ctx, engine.Call{Key: c.Key()})
	}}.Suggestions(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	of := func(source, text string, kind data.PreferenceType, id string, times int) data.Candidate {
		return data.Candidate{Source: source, Text: text, Type: kind, Reason: "r", Times: times, Model: "m:8b", ItemID: id, Question: "Question " + id, Options: []string{"x", "y"}}
	}
	want := Suggestions{
		Model: "m:8b", Items: 9, Read: 4, Missing: 1,
		Unreadable: map[string]int{errNoJSON.Error(): 2, errUnknownType.Error(): 1}, Failed: map[string]int{"server busy": 1},
		Candidates: []data.Candidate{
			of("b", "I like it short.", data.Clarity, "1", 2), of("b", "I like it long.", data.Context, "0", 1), of("a", "I like it short.", data.Clarity, "2", 1),
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
