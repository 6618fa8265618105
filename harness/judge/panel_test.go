package judge

import (
	"strings"
	"testing"
)

func TestFollowed(t *testing.T) {
	for _, tt := range []struct {
		scores         []int
		majority, mean bool
	}{
		{[]int{3}, true, true},
		{[]int{2}, false, false},
		{[]int{1, 3, 3}, true, false},   // two of three, mean 2.3
		{[]int{5, 2, 2}, false, true},   // one of three, mean 3
		{[]int{2, 4}, true, true},       // a tie, mean 3
		{[]int{1, 4}, false, false},     // a tie, mean 2.5
		{[]int{2, 2, 3, 5}, true, true}, // a tie, mean 3
		{[]int{1, 1, 5, 4}, false, false},
	} {
		if got := Followed(Majority, tt.scores); got != tt.majority {
			t.Errorf("majority of %v: %v", tt.scores, got)
		}
		if got := Followed(Mean, tt.scores); got != tt.mean {
			t.Errorf("mean of %v: %v", tt.scores, got)
		}
	}
}

func TestParseRule(t *testing.T) {
	for _, r := range Rules() {
		if got, err := ParseRule(string(r)); err != nil || got != r {
			t.Errorf("%s: %q, %v", r, got, err)
		}
	}
	if _, err := ParseRule("median"); err == nil || !strings.Contains(err.Error(), "majority, mean") {
		t.Errorf("median: %v", err)
	}
}
