package extract

import (
	"encoding/json"
	"errors"
	"fmt"

	"perg/data"
	"perg/harness/structured"
)

// FromModel is the value of answer_from where a model read the response.
const FromModel = "model"

// MaxTokens bounds a model's answer to the extraction prompt.
const MaxTokens = 60

const none = "none"

// Schema is the JSON schema of a model's answer to the extraction prompt: one
// of the letters of n options, or "none".
func Schema(n int) json.RawMessage {
	letters := make([]string, 0, n+1)
	for i := range n {
		letters = append(letters, data.Letter(i))
	}
	enum, err := json.Marshal(append(letters, none))
	if err != nil {
		panic(err) // strings always encode
	}
	return json.RawMessage(`{"type":"object","properties":{"answer":{"type":"string","enum":` + string(enum) + `}},"required":["answer"]}`)
}

// ErrUnreadable: a model's answer to the extraction prompt that is not one of
// the choices it was given. The generation is invalid.
var ErrUnreadable = errors.New("extraction cannot be read")

// ParseChoice reads a model's answer to the extraction prompt: the index of
// the option among n, or false where the response chooses none.
func ParseChoice(answer string, n int) (option int, chosen bool, err error) {
	var a struct {
		Answer string `json:"answer"`
	}
	if err := structured.Read(answer, &a); err != nil {
		return 0, false, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if a.Answer == none {
		return 0, false, nil
	}
	i, ok := data.LetterIndex(a.Answer, n)
	if !ok {
		return 0, false, fmt.Errorf("%w: %q is no option", ErrUnreadable, a.Answer)
	}
	return i, true, nil
}
