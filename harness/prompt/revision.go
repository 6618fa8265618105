package prompt

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"perg/harness/structured"
)

// RevisionSchema is the JSON schema of what the second stage of a method of two
// calls answers. The order of the properties is that in which a model writes
// them: a critique comes before the response that heeds it, the aligner's
// thoughts after.
func (m Method) RevisionSchema() json.RawMessage {
	first, second := "critic", "response"
	if m == PrefAligner {
		first, second = "response", "thoughts"
	}
	return json.RawMessage(`{"type":"object","properties":{"` + first + `":{"type":"string"},"` + second + `":{"type":"string"}},` +
		`"required":["` + first + `","` + second + `"]}`)
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
