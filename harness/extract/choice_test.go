package extract

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestParseChoice(t *testing.T) {
	for _, tt := range []struct {
		answer     string
		option     int
		chosen     bool
		unreadable bool
	}{
		{`{"answer":"A"}`, 0, true, false},
		{` {"answer": "C"} `, 2, true, false},
		{`{"answer":"none"}`, 0, false, false},
		{`{"answer":"D"}`, 0, false, true}, // of three options
		{`{"answer":"a"}`, 0, false, true},
		{`{"answer":""}`, 0, false, true},
		{`{"answer":1}`, 0, false, true},
		{`A`, 0, false, true},
		{`{"answer":"A`, 0, false, true},
	} {
		option, chosen, err := ParseChoice(tt.answer, 3)
		if errors.Is(err, ErrUnreadable) != tt.unreadable || chosen != tt.chosen || option != tt.option && tt.chosen {
			t.Errorf("ParseChoice(%q) = %d, %v, %v", tt.answer, option, chosen, err)
		}
	}
}

func TestSchemaAdmitsTheLettersAndNone(t *testing.T) {
	var schema struct {
		Properties struct {
			Answer struct {
				Enum []string `json:"enum"`
			} `json:"answer"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(Schema(3), &schema); err != nil {
		t.Fatal(err)
	}
	for _, answer := range schema.Properties.Answer.Enum {
		text, _ := json.Marshal(map[string]string{"answer": answer})
		if _, _, err := ParseChoice(string(text), 3); err != nil {
			t.Errorf("the schema admits %q: %v", answer, err)
		}
	}
	if n := len(schema.Properties.Answer.Enum); n != 4 {
		t.Errorf("%d choices, want 4", n)
	}
}

func FuzzParseChoice(f *testing.F) {
	f.Add(`{"answer":"B"}`, 4)
	f.Fuzz(func(t *testing.T, answer string, n int) {
		n = 2 + (n&0xff)%25
		option, chosen, err := ParseChoice(answer, n)
		if chosen && (err != nil || option < 0 || option >= n) {
			t.Errorf("ParseChoice(%q, %d) = %d, %v, %v", answer, n, option, chosen, err)
		}
	})
}
