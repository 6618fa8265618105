package data

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

const commonsenseQAForm = `a question of CommonsenseQA is {"id": ..., "question": ..., "choices": {"label": ["A", ...], "text": [...]}, "answerKey": "A"}, or the original {"id": ..., "question": {"stem": ..., "choices": [{"label": "A", "text": ...}, ...]}, "answerKey": "A"}`

// readCommonsenseQA reads the dev split of CommonsenseQA: dev_rand_split.jsonl,
// or the export of the split named validation.
func readCommonsenseQA(path string) ([]question, []string, faults) {
	questions, _, bad := readQuestions(readRecords(path), parseCommonsenseQA)
	return questions, nil, bad
}

func parseCommonsenseQA(text []byte) (Item, error) {
	var r struct {
		ID        string          `json:"id"`
		Question  json.RawMessage `json:"question"`
		Choices   labelledChoices `json:"choices"`
		AnswerKey string          `json:"answerKey"`
	}
	if err := decodeRecord(text, &r, commonsenseQAForm); err != nil {
		return Item{}, err
	}
	it := Item{ID: r.ID}
	if isNull(r.Question) {
		return Item{}, missing("question", fieldNames(text), commonsenseQAForm)
	}
	choices := r.Choices
	if r.Question[0] == '{' {
		var nested struct {
			Stem    string          `json:"stem"`
			Choices labelledChoices `json:"choices"`
		}
		if err := decodeRecord(r.Question, &nested, commonsenseQAForm); err != nil {
			return Item{}, fmt.Errorf("question: %w", err)
		}
		it.Question, choices = nested.Stem, nested.Choices
	} else if err := decodeRecord(r.Question, &it.Question, commonsenseQAForm); err != nil {
		return Item{}, fmt.Errorf("question: %w", err)
	}
	if it.Question == "" {
		return Item{}, missing("text of the question", fieldNames(text), commonsenseQAForm)
	}
	labels := choices.Label
	switch {
	case len(choices.Text) == 0:
		return Item{}, missing("text of a choice", fieldNames(text), commonsenseQAForm)
	case len(labels) != len(choices.Text):
		return Item{}, fmt.Errorf("there are %d choices and %d labels; give each choice one", len(choices.Text), len(labels))
	case r.AnswerKey == "":
		return Item{}, fmt.Errorf("answerKey is empty; the test split has no answers, use the dev split (named validation)")
	}
	for i, label := range labels {
		if slices.Contains(labels[:i], label) {
			return Item{}, fmt.Errorf("two choices have the label %q; give each its own", shorten(label))
		}
	}
	it.Options, it.Gold = choices.Text, slices.Index(labels, r.AnswerKey)
	if it.Gold < 0 {
		return Item{}, fmt.Errorf("answerKey is %q; it is one of the labels %s", shorten(r.AnswerKey), shorten(strings.Join(labels, ", ")))
	}
	return it, nil
}

// labelledChoices are the options of a question in their order.
type labelledChoices struct {
	Label []string `json:"label"`
	Text  []string `json:"text"`
}

// UnmarshalJSON reads {"label": [...], "text": [...]} or [{"label", "text"}].
func (c *labelledChoices) UnmarshalJSON(text []byte) error {
	if text[0] != '[' {
		type lists labelledChoices
		return json.Unmarshal(text, (*lists)(c))
	}
	var list []struct{ Label, Text string }
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	for _, one := range list {
		c.Label = append(c.Label, one.Label)
		c.Text = append(c.Text, one.Text)
	}
	return nil
}
