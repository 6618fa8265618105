package data

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseCommonsenseQA(t *testing.T) {
	want := Item{ID: "1af", Question: "Where\nis it?", Options: []string{"bank", "café", "mall "}, Gold: 1}
	for name, text := range map[string]string{
		"export":       `{"id": "1af", "question": "Where\nis it?", "question_concept": "it", "choices": {"label": ["A", "B", "C"], "text": ["bank", "café", "mall "]}, "answerKey": "B"}`,
		"original":     `{"answerKey": "B", "id": "1af", "question": {"question_concept": "it", "choices": [{"label": "A", "text": "bank"}, {"label": "B", "text": "caf\u00e9"}, {"text": "mall ", "label": "C"}], "stem": "Where\nis it?"}}`,
		"other labels": `{"id": "1af", "question": "Where\nis it?", "choices": [{"label": "1", "text": "bank"}, {"label": "2", "text": "café"}, {"label": "3", "text": "mall "}], "answerKey": "2"}`,
	} {
		got, err := parseCommonsenseQA([]byte(text))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	for text, want := range map[string]string{
		`{}`:                                    "there is no question (found ); a question of CommonsenseQA is",
		`{"question": {}}`:                      "there is no text of the question",
		`{"question": "Q?", "choices": []}`:     "there is no text of a choice (found choices, question)",
		`{"question": "Q?", "choices": "a, b"}`: "choices is of JSON type string where it should be an object",
		`{"question": 7}`:                       "the record is of JSON type number where it should be a text",
		`{"question": "Q?", "choices": {"label": ["A"], "text": ["a", "b"]}}`:                    "there are 2 choices and 1 labels",
		`{"question": "Q?", "choices": {"label": ["A", "B"], "text": ["a", "b"]}}`:               "answerKey is empty; the test split has no answers",
		`{"question": "Q?", "choices": {"label": ["A","A"],"text":["a","b"]}, "answerKey": "A"}`: `two choices have the label "A"`,
		`{"question": "Q?", "choices": {"label": ["A","B"],"text":["a","b"]}, "answerKey": "b"}`: `answerKey is "b"; it is one of the labels A, B`,
	} {
		if _, err := parseCommonsenseQA([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}

func FuzzParseCommonsenseQA(f *testing.F) {
	f.Add([]byte(`{"id": "1", "question": "Q?", "choices": {"label": ["A", "B"], "text": ["a", "b"]}, "answerKey": "B"}`))
	f.Add([]byte(`{"id": "1", "question": {"stem": "Q?", "choices": [{"label": "A", "text": "a"}]}, "answerKey": "A"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if it, err := parseCommonsenseQA(text); err == nil && (it.Gold < 0 || it.Gold >= len(it.Options) || it.Question == "") {
			t.Errorf("item %+v", it)
		}
	})
}
