package harness

import (
	"testing"

	"perg/harness/engine"
	"perg/harness/fleet"
)

func TestWorkOf(t *testing.T) {
	lane := func(name, model string, stage Stage, state string, calls int) engine.LaneStatus {
		return engine.LaneStatus{Lane: name, Host: "h", GPUs: []string{"GPU-0"}, Model: model, Stage: stage, State: state, Calls: calls, Unit: []string{"icl", "none"}}
	}
	a := lane("gpu0", "a", Generate, engine.Working, 9)
	for what, c := range map[string]struct {
		lanes []engine.LaneStatus
		want  fleet.Work
	}{
		"one lane":                      {[]engine.LaneStatus{a}, fleet.Work{Host: "h", Lane: "gpu0", Variant: "a", Method: "icl", Setting: "none"}},
		"it loads":                      {[]engine.LaneStatus{lane("gpu0", "a", Generate, engine.Loading, 0)}, fleet.Work{Host: "h", Lane: "gpu0", Variant: "a"}},
		"a judge beside it":             {[]engine.LaneStatus{lane("gpu0-beside", "j", Score, engine.Working, 5), a}, fleet.Work{Host: "h", Lane: "gpu0", Variant: "a", Method: "icl", Setting: "none"}},
		"a judge alone":                 {[]engine.LaneStatus{lane("gpu0", "j", Score, engine.Working, 5)}, fleet.Work{Host: "h", Lane: "gpu0", Variant: "j"}},
		"two of one variant":            {[]engine.LaneStatus{lane("gpu0-2", "a", Generate, engine.Working, 5), a}, fleet.Work{Host: "h", Lane: "gpu0", Variant: "a", Method: "icl", Setting: "none"}},
		"two variants":                  {[]engine.LaneStatus{a, lane("gpu0-2", "b", Generate, engine.Working, 5)}, fleet.Work{Host: "h", Lane: "gpu0"}},
		"the next is loaded":            {[]engine.LaneStatus{a, lane("gpu0-2", "b", Generate, engine.Loading, 0)}, fleet.Work{Host: "h", Lane: "gpu0", Variant: "a", Method: "icl", Setting: "none"}},
		"the next waits for its server": {[]engine.LaneStatus{a, lane("gpu0-2", "b", Generate, engine.Working, 0)}, fleet.Work{Host: "h", Lane: "gpu0", Variant: "a", Method: "icl", Setting: "none"}},
	} {
		if got, ok := workOf("GPU-0", c.lanes); !ok || got != c.want {
			t.Errorf("%s: %+v, want %+v", what, got, c.want)
		}
	}
	elsewhere := a
	elsewhere.GPUs, elsewhere.Remote = nil, true
	if w, ok := workOf("GPU-0", []engine.LaneStatus{elsewhere}); ok {
		t.Errorf("a model that runs elsewhere: %+v", w)
	}
	a.GPUs = nil
	if w, ok := workOf("MIG-0", []engine.LaneStatus{a}); ok {
		t.Errorf("an instance, beside its GPU: %+v", w)
	}
	a.GPUs = []string{"MIG-0"}
	if w, ok := workOf("MIG-0", []engine.LaneStatus{a}); !ok || w.Variant != "a" {
		t.Errorf("an instance of its own: %+v", w)
	}
	if w, ok := workOf("GPU-1", []engine.LaneStatus{a}); ok {
		t.Errorf("another GPU: %+v", w)
	}
}
