package task

import (
	"encoding/json"
	"testing"

	"perg/harness/prompt"
	"perg/models"
)

var testText = prompt.Prompt{System: "system", User: "user"}

// A scorer that could think is told not to, and one that cannot be kept from it
// to think little: with a schema, false is never sent to it.
func TestHowAScorerThinks(t *testing.T) {
	plain, thinker, always := named("plain"), named("thinker"), named("always")
	thinker.Thinker.Thinks, always.Thinker.Thinks = models.ThinksAsked, models.ThinksByLevel
	schema := json.RawMessage(`{"type":"object"}`)
	for _, tt := range []struct {
		by    *Variant
		think *bool
		level models.Level
	}{{plain, nil, ""}, {thinker, new(false), ""}, {always, nil, models.LevelLow}} {
		by, err := tt.by.Scoring("", "0.33.0")
		if err != nil {
			t.Fatal(err)
		}
		r := testTask(t, 1).call(&by, testText, 10, schema).Request
		if (r.Think == nil) != (tt.think == nil) || r.Think != nil && *r.Think != *tt.think || r.Level != tt.level {
			t.Errorf("%s: think %v, level %q", tt.by.Name, r.Think, r.Level)
		}
	}
}

// A call that is about what a server does has another key on another version;
// one that is not has the key that it always had.
func TestTheKeysOfCallsAboutServers(t *testing.T) {
	task, v := testTask(t, 1), named("a")
	plain := task.call(v, testText, 10, nil)
	const before = "22ff24f84c427e2108ec2bd8dd4dee710f146e360b498f28dfa70e75ccadc570"
	if got := plain.Key().String(); got != before {
		t.Errorf("the key is %s, and replies of before have %s", got, before)
	}
	sample := Call{Variant: v, Request: models.Sample("a"), Server: "0.30.8"}
	other := sample
	other.Server = "0.33.0"
	unrendered := sample
	unrendered.Request.Render = false
	if sample.Key() == other.Key() || sample.Key() == unrendered.Key() {
		t.Error("calls that differ have one key")
	}
}
