// Package structured reads the JSON object that a model was asked for.
package structured

import (
	"encoding/json"
	"errors"
	"strings"
)

// ErrNoObject: an answer without a JSON object.
var ErrNoObject = errors.New("no JSON object")

// Read decodes the JSON object of an answer into v. The schema was sent with
// the request, but a model may ignore it (thinking models do) and a cut answer
// breaks it, so what is decoded has to be checked. Text around one object, such
// as a Markdown fence, is passed over.
func Read(answer string, v any) error {
	from, to := strings.IndexByte(answer, '{'), strings.LastIndexByte(answer, '}')
	if from < 0 || to < from {
		return ErrNoObject
	}
	return json.Unmarshal([]byte(answer[from:to+1]), v)
}
