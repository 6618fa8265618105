package hint

import (
	"slices"
	"testing"
)

func TestNear(t *testing.T) {
	commands := []string{"run", "runs", "plan", "report", "view", "compare", "export", "doctor", "data", "judge"}
	for written, want := range map[string][]string{
		"rnu": {"run"}, "urn": {"run"}, "ru": {"run"}, "reprot": {"report"}, "Compaer": {"compare"}, "docter": {"doctor"}, "paln": {"plan"},
		"xyz": nil, "serve": nil, "r": nil,
	} {
		if got := Near(written, commands); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", written, got, want)
		}
	}
	if got := Nearest("ganma", []string{"gamma", "ganna"}); got != "gamma" {
		t.Errorf("of two as near: %s", got)
	}
}
