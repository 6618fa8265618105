// Package judge says what a preference judge is asked for and reads what it
// answers. It makes no calls.
package judge

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"perg/harness/structured"
)

// FollowedFrom is the lowest rating that counts as followed (paper, section 4).
const FollowedFrom = 3

// MaxTokens bounds a judge's answer: one sentence and a number.
const MaxTokens = 300

// MaxExplanation bounds the sentence, in characters. Where each of them is a
// token there is room left for the rating, so that a judge that repeats itself
// comes to one all the same.
const MaxExplanation = 240

// Schema is the JSON schema of a judge's answer. The sentence comes before the
// rating, so that the rating can follow from it.
var Schema = schema(fmt.Sprintf(`{"type":"string","maxLength":%d}`, MaxExplanation))

// Unbounded is the schema that judges answered under before sentences had a
// bound. An answer that keeps within it is the one that Schema gives: greedy
// decoding takes another way only where the bound ends the sentence.
var Unbounded = schema(`{"type":"string"}`)

func schema(explanation string) json.RawMessage {
	return json.RawMessage(`{"type":"object","properties":{"explanation":` + explanation + `,` +
		`"score":{"type":"integer","minimum":1,"maximum":5}},"required":["explanation","score"]}`)
}

// A Rating is a judge's answer.
type Rating struct {
	Score       int // 1 (not at all) to 5 (fully)
	Explanation string
}

// Followed says whether the preference counts as followed.
func (r Rating) Followed() bool { return r.Score >= FollowedFrom }

// Bounded says whether a rating is within the bound of Schema.
func (r Rating) Bounded() bool { return utf8.RuneCountInString(r.Explanation) <= MaxExplanation }

// ErrUnreadable: an answer without a rating from 1 to 5. The generation is
// unscored, never zero.
var ErrUnreadable = errors.New("rating cannot be read")

// Parse reads a judge's answer.
func Parse(answer string) (Rating, error) {
	var a struct {
		Score       *json.Number `json:"score"`
		Explanation *string      `json:"explanation"`
	}
	if err := structured.Read(answer, &a); err != nil {
		return Rating{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if a.Score == nil {
		return Rating{}, fmt.Errorf("%w: no score", ErrUnreadable)
	}
	score, err := a.Score.Int64()
	if err != nil || score < 1 || score > 5 {
		return Rating{}, fmt.Errorf("%w: score %s is not a whole number from 1 to 5", ErrUnreadable, *a.Score)
	}
	r := Rating{Score: int(score)}
	if a.Explanation != nil {
		r.Explanation = strings.TrimSpace(*a.Explanation)
	}
	return r, nil
}
