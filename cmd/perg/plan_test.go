package main

import (
	"strings"
	"testing"
	"time"

	"perg/harness"
)

// A plan says how a model works best where an earlier run found it, and between
// which bounds its time lies.
func TestAPlanSaysWhatIsRemembered(t *testing.T) {
	var b strings.Builder
	work := []harness.PlannedWork{
		{Job: "two", Slots: 8, Servers: 2, Gain: 1.2, Reason: "fits gpu0"},
		{Job: "one", Slots: 16, Servers: 1, Gain: 1, Reason: "fits gpu0"},
		{Job: "new", Slots: 16, Servers: 1, Reason: "fits gpu0"},
	}
	s := harness.Summary{Makespan: time.Hour, Least: 40 * time.Minute, Most: 2 * time.Hour, Bound: 30 * time.Minute, Lanes: []harness.PlannedLane{{Lane: "gpu0", Work: work}}}
	if err := showPlan(&b, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"two\n      fits gpu0; 2 servers of 8 slots, as an earlier run found best\n",
		"one\n      fits gpu0; 16 slots, as an earlier run found best\n",
		"new\n      fits gpu0\n",
		"time: about 60 min, between 40 min and 2.0 h; no plan could take less than 30 min\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in:\n%s", want, b.String())
		}
	}
}
