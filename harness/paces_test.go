package harness

import (
	"testing"
	"time"

	"perg/harness/engine"
	"perg/harness/loads"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/harness/task"
)

// A run's measured load is in its manifest, and is where the plan of another run
// of that model begins.
func TestARunNotesItsPace(t *testing.T) {
	server := newStandIn(t, "a:latest")
	p := testPlan(t, 5, variant("a:latest"))
	r, warnings := testRun(t, p, server.client)
	load := engine.Load{At: time.Now(), Host: server.client.Host(), Model: p.Variants[0].Label, Version: "0.33.0", InFlight: 8}
	r.loaded(load)
	load.Pace = &store.Pace{InFlight: 8, Servers: 1, Gain: 1, Prompt: 1e-4, New: 2e-3, Calls: 300}
	r.loaded(load)
	m, err := rundir.ReadManifest(r.Dir.Path)
	if err != nil {
		t.Fatal(err)
	}
	if len(*warnings) > 0 || len(m.Loads) != 1 || m.Loads[0].Pace == nil || *m.Loads[0].Gain != 1 {
		t.Errorf("warnings %q, loads %+v", *warnings, m.Loads)
	}
	pace := loads.Paces{Store: r.Store, Fleet: r.Fleet}.Known(t.Context(), task.Roster{Variants: p.Variants}, "0.33.0")(p.Variants[0])(r.Fleet.Devices)
	if pace == nil || pace.InFlight != 8 {
		t.Errorf("%+v is remembered", pace)
	}
}

// How often a model was right in a run decides how many ratings the plan of the next one
// has: as many as the run made.
func TestAPlanHasTheRatingsOfARunBefore(t *testing.T) {
	server := newStandIn(t, "a:latest", "judge:latest")
	p := judgedPlan(t, 40, variant("a:latest")) // which is right on half of them
	r, warnings := testRun(t, p, server.client)
	c := rundir.Defaults()
	c.Models, c.Judge, c.Host, c.Null = []string{"a"}, []string{"judge"}, []string{server.client.Host()}, 0
	preview := func() Summary {
		t.Helper()
		p, f, _, err := Preview(t.Context(), c, p.Task.Dataset, r.Store)
		if err != nil {
			t.Fatal(err)
		}
		return p.Summary(f)
	}
	before := preview()
	result, err := r.Execute(t.Context())
	mustComplete(t, p, result, err)
	after := preview()
	if result.Rated != 40 || before.Ratings != 80 || before.Expected != 80 || after.Ratings != 80 || after.Expected != result.Rated {
		t.Errorf("%d were rated; the plan had %d of at most %d, and has %d of at most %d", result.Rated, before.Expected, before.Ratings, after.Expected, after.Ratings)
	}
	if after.Makespan >= before.Makespan {
		t.Errorf("the plan is %v with half the ratings, and was %v", after.Makespan, before.Makespan)
	}
	if len(*warnings) > 0 {
		t.Errorf("warnings %q", *warnings)
	}
}
