package task

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/structured"
)

// SuggestionTokens bounds a suggestion: two sentences and a word.
const SuggestionTokens = 300

// suggestionSchema is the JSON schema of a suggestion. The reason comes before
// the type, which it helps to choose.
var suggestionSchema = func() json.RawMessage {
	types, err := json.Marshal(data.PreferenceTypes())
	if err != nil {
		panic(err) // plain strings always encode
	}
	return json.RawMessage(`{"type":"object","properties":{` +
		`"preference":{"type":"string"},` +
		`"reason":{"type":"string"},` +
		`"type":{"type":"string","enum":` + string(types) + `}},` +
		`"required":["preference","reason","type"]}`)
}()

// Why a reply is no candidate.
var (
	errNoJSON       = errors.New("no JSON object")
	errCutOff       = errors.New("cut off after " + fmt.Sprint(SuggestionTokens) + " tokens")
	errNoPreference = errors.New("no preference in it")
	errBadText      = errors.New("a control character in the preference")
	errUnknownType  = errors.New("none of the five types")
)

// readSuggestion reads a model's reply; its errors are short and say why it is
// no candidate. What the model gives as its reason may be missing.
func readSuggestion(content, doneReason string) (data.Candidate, error) {
	var s struct {
		Preference *string `json:"preference"`
		Reason     *string `json:"reason"`
		Type       *string `json:"type"`
	}
	if structured.Read(content, &s) != nil {
		if doneReason == "length" {
			return data.Candidate{}, errCutOff
		}
		return data.Candidate{}, errNoJSON
	}
	if s.Preference == nil || strings.TrimSpace(*s.Preference) == "" {
		return data.Candidate{}, errNoPreference
	}
	text, err := data.OneLine(*s.Preference)
	if err != nil {
		return data.Candidate{}, errBadText
	}
	c := data.Candidate{Text: text}
	if s.Type != nil {
		c.Type = data.PreferenceType(strings.ToLower(strings.TrimSpace(*s.Type)))
	}
	if !slices.Contains(data.PreferenceTypes(), c.Type) {
		return data.Candidate{}, errUnknownType
	}
	if s.Reason != nil {
		c.Reason = strings.Join(strings.Fields(*s.Reason), " ")
	}
	return c, nil
}

// Suggestion is the call in which a model suggests a preference for an item
// (paper, section 3, the relevant pass).
func (t *Task) Suggestion(v *Variant, it data.Item) (Call, error) {
	text, err := t.Prompts.Preference(it)
	if err != nil {
		return Call{}, err
	}
	return t.call(v, text, SuggestionTokens, suggestionSchema), nil
}
