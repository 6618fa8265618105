package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/harness"
	"perg/harness/sofar"
)

// Events have what variants and judges come to so far; a rate of no answer is null.
func TestEventsHaveFiguresSoFar(t *testing.T) {
	fields := overviewFields(harness.Overview{
		Variants: []sofar.Variant{{Label: "a", Right: sofar.Rate{Value: 0.5, Low: 0.2, High: 0.8, Of: 10}, Invalid: sofar.Rate{Value: 0.1, Low: 0, High: 0.3, Of: 20}}},
		Judges:   []sofar.Judge{{Name: "j", Scores: [5]int{1, 0, 2, 0, 4}, Unscored: 3}},
	})
	text, err := json.Marshal(map[string]any{"variants": fields["variants"], "judges": fields["judges"]})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"judges":[{"failed":0,"judge":"j","scores":[1,0,2,0,4],"unscored":3}],` +
		`"variants":[{"accuracy":{"high":0.8,"low":0.2,"of":10,"value":0.5},"breakage_rate":{"high":null,"low":null,"of":0,"value":null},` +
		`"invalid_rate":{"high":0.3,"low":0,"of":20,"value":0.1},"variant":"a"}]}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
