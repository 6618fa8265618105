package models

import (
	"testing"
	"time"
)

// What comes close together rushes, also where some of it comes late; what comes at a
// model's pace does not, also where two pieces come at once.
func TestRushes(t *testing.T) {
	const ms = time.Millisecond
	for _, of := range []struct {
		what string
		gaps []time.Duration
		want bool
	}{
		{"nothing", nil, false},
		{"a tiny model", []time.Duration{ms / 5, ms / 5, ms / 5}, true},
		{"on a busy machine", []time.Duration{ms / 5, 40 * ms, ms / 5, 30 * ms, ms / 5}, true},
		{"an 8B", []time.Duration{9 * ms, 10 * ms, 0, 20 * ms, 10 * ms}, false},
		{"fast after a slow start", append(make([]time.Duration, 16), 9*ms), true},
		{"slow by now", append(make([]time.Duration, 16), 9*ms, 9*ms, 9*ms, 9*ms, 9*ms, 9*ms, 9*ms, 9*ms, 9*ms, 9*ms), false},
	} {
		var h heard
		for _, gap := range of.gaps {
			h.gaps[h.pieces%len(h.gaps)] = gap
			h.pieces++
		}
		if got := h.rushes(); got != of.want {
			t.Errorf("%s: %v", of.what, got)
		}
	}
}
