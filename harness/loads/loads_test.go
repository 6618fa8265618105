package loads

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"perg/harness/engine"
	"perg/harness/fleet"
	"perg/harness/schedule"
	"perg/harness/sizing"
	"perg/harness/store"
	"perg/harness/task"
	"perg/models"
)

func variant(name string) *task.Variant {
	return &task.Variant{Installed: models.Installed{Name: name, Digest: "digest of " + name}, Label: name, KVCache: models.KVF16, Engine: models.LlamaServer}
}

// What a run finds of a model is where the plan of the next one begins: on the
// same kind of devices, for the same work, with the same version.
func TestThePaceOfARunIsThatOfTheNextPlan(t *testing.T) {
	quiet := func(string) {}
	f, err := fleet.Preview(t.Context(), fleet.Options{GPUs: []string{"2x24GiB", "1x80GiB"}, Say: quiet, Warn: quiet})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	paces := Paces{Store: s, Fleet: f}
	v, judge := variant("a"), variant("b")
	r := task.Roster{Variants: []*task.Variant{v}, Judges: []*task.Variant{judge}}
	var answers Answers
	for _, tokens := range []int{50, 70} {
		ask := answers.Heard(func(_ context.Context, c task.Call) (store.Reply, error) {
			if c.Variant == judge {
				return store.Reply{Response: models.Response{OutputTokens: 1000}}, nil
			}
			return store.Reply{Response: models.Response{OutputTokens: tokens}}, nil
		}, v)
		for _, of := range []*task.Variant{v, judge} {
			if _, err := ask(t.Context(), task.Call{Variant: of}); err != nil {
				t.Fatal(err)
			}
		}
	}
	load := engine.Load{At: time.Now(), Model: "a", GPUs: []string{"gpu1"}, Version: "0.33.0"}
	note := func() {
		t.Helper()
		if err := paces.Note(t.Context(), load, r, answers.Tokens); err != nil {
			t.Fatal(err)
		}
	}
	note() // nothing was measured
	pace := func(v *task.Variant, version string, device int) *sizing.Pace {
		return paces.Known(t.Context(), r, version)(v)([]schedule.Device{f.Devices[device]})
	}
	if p := pace(v, "0.33.0", 0); p != nil {
		t.Errorf("a load that was not measured is remembered as %+v", p)
	}
	load.Pace = &store.Pace{InFlight: 8, Servers: 2, Gain: 1.2, Prompt: 1e-4, New: 2e-3, Calls: 300}
	note()
	want := sizing.Pace{InFlight: 8, Servers: 2, Gain: 1.2, Prompt: 1e-4, New: 2e-3, Answer: 60}
	if p := pace(v, "0.33.0", 0); p == nil || *p != want {
		t.Errorf("of the other card of that kind: %+v, want %+v", p, want)
	}
	for what, p := range map[string]*sizing.Pace{
		"another card": pace(v, "0.33.0", 2), "another version": pace(v, "0.33.1", 0), "the judge": pace(judge, "0.33.0", 0),
		"the model as a judge": paces.Known(t.Context(), task.Roster{Judges: []*task.Variant{v}}, "0.33.0")(v)(f.Devices[:1]),
		"two cards":            paces.Known(t.Context(), r, "0.33.0")(v)(f.Devices[:2]),
	} {
		if p != nil {
			t.Errorf("of %s: %+v", what, p)
		}
	}
	// A judge by the name of a candidate has a pace of its own.
	self := variant("a")
	r.Judges = append(r.Judges, self)
	load.Kind, load.Pace = schedule.Score, &store.Pace{InFlight: 4, Servers: 1, Gain: 1, Prompt: 5e-4, New: 2e-3, Calls: 300}
	note()
	if p := pace(self, "0.33.0", 0); p == nil || p.InFlight != 4 {
		t.Errorf("of the model as a judge: %+v", p)
	}
	if p := pace(v, "0.33.0", 0); p == nil || *p != want {
		t.Errorf("of the same as a candidate, then: %+v, want %+v", p, want)
	}
	if p := (Paces{Fleet: f}).Known(t.Context(), r, "0.33.0")(v)(f.Devices[:1]); p != nil {
		t.Errorf("without a store: %+v", p)
	}
}

// A manifest has what was measured of a load, and null for what was not.
func TestALoadInTheManifest(t *testing.T) {
	l := Of(engine.Load{Model: "a", Slots: 8})
	if l.Pace != nil || l.Servers != nil || l.Gain != nil || l.InFlight != nil || *l.Slots != 8 {
		t.Errorf("not measured: %+v", l)
	}
	l = Of(engine.Load{InFlight: 8, Pace: &store.Pace{InFlight: 8, Servers: 2, Gain: 1.2, Prompt: 1e-4, New: 2e-3, Calls: 300}})
	if *l.Servers != 2 || *l.Gain != 1.2 || *l.InFlight != 8 || l.Pace.Prompt != 1e-4 || l.Pace.New != 2e-3 || l.Pace.Calls != 300 {
		t.Errorf("measured: %+v, pace %+v", l, l.Pace)
	}
}
