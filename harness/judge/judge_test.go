package judge

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		answer string
		score  int // 0: unreadable
	}{
		{`{"explanation":"It gives two examples.","score":4}`, 4},
		{`{"score":1,"explanation":""}`, 1},
		{`{"score": 5}`, 5},
		{"Here is my rating:\n```json\n{\"explanation\": \"ok\", \"score\": 3}\n```", 3},
		{`{"explanation":"braces } in { text","score":2}`, 2},
		{`{"score":0}`, 0},
		{`{"score":6}`, 0},
		{`{"score":-1}`, 0},
		{`{"score":3.5}`, 0},
		{`{"score":null}`, 0},
		{`{"score":"high"}`, 0},
		{`{"explanation":"cut off in mid-sen`, 0},
		{`{"explanation":"no score"}`, 0},
		{`{"explanation":3,"score":3}`, 0},
		{`4`, 0},
		{``, 0},
		{`} {`, 0},
	} {
		r, err := Parse(tt.answer)
		if tt.score == 0 {
			if !errors.Is(err, ErrUnreadable) {
				t.Errorf("Parse(%q) = %+v, %v; want ErrUnreadable", tt.answer, r, err)
			}
			continue
		}
		if err != nil || r.Score != tt.score {
			t.Errorf("Parse(%q) = %+v, %v; want score %d", tt.answer, r, err, tt.score)
		}
		if r.Followed() != (tt.score >= 3) {
			t.Errorf("a score of %d: followed is %v", tt.score, r.Followed())
		}
	}
}

// Replies are stored under a hash of their schema.
func TestTheSchemaOfBeforeIsToTheLetter(t *testing.T) {
	const was = `{"type":"object","properties":{"explanation":{"type":"string"},"score":{"type":"integer","minimum":1,"maximum":5}},"required":["explanation","score"]}`
	if string(Unbounded) != was {
		t.Errorf("%s", Unbounded)
	}
	if now := strings.Replace(was, `"string"`, `"string","maxLength":240`, 1); string(Schema) != now {
		t.Errorf("%s", Schema)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"explanation":"a","score":4}`)
	f.Add(`{"score":1e400}`)
	f.Fuzz(func(t *testing.T, answer string) {
		r, err := Parse(answer)
		if err == nil && (r.Score < 1 || r.Score > 5) {
			t.Errorf("Parse(%q) = %+v", answer, r)
		}
		if err != nil && !errors.Is(err, ErrUnreadable) {
			t.Errorf("Parse(%q): %v", answer, err)
		}
	})
}
