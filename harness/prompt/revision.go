package prompt

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"perg/harness/structured"
)

// RevisionSchema is the JSON schema of what the second stage of a method of two
// calls answers.
func (m Method) RevisionSchema() json.RawMessage {
	p := m.definition().answers
	return json.RawMessage(`{"type":"object","properties":{"` + p[0] + `":{"type":"string"},"` + p[1] + `":{"type":"string"}},` +
		`"required":["` + p[0] + `","` + p[1] + `"]}`)
}

// ErrNoRevision: a second stage that gave no response. The method then falls
// back to the draft.
var ErrNoRevision = errors.New("revision cannot be read")

// ParseRevision reads the response out of what a second stage answered. A
// missing critique or thought is no reason to reject the response.
func ParseRevision(answer string) (string, error) {
	var a struct {
		Response *string `json:"response"`
	}
	if err := structured.Read(answer, &a); err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoRevision, err)
	}
	if a.Response == nil || strings.TrimSpace(*a.Response) == "" {
		return "", fmt.Errorf("%w: no response in it", ErrNoRevision)
	}
	return *a.Response, nil
}
