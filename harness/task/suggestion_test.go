package task

import (
	"errors"
	"testing"

	"perg/data"

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
		got, err := ReadSuggestion(c.content, c.doneReason)
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
		c, err := ReadSuggestion(content, "stop")
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
