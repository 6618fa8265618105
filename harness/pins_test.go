package harness

import (
	"testing"

	"perg/gpu"
	"perg/harness/engine"
	"perg/harness/store"
)

// An item's generations stay on the class of GPU that answered its baseline,
// also where that is known from a reply of an earlier run.
func TestItemsStayOnTheGPUOfTheirBaseline(t *testing.T) {
	f := &Fleet{byID: map[string]gpu.GPU{"gpu0": {UUID: "GPU-0", Name: "fast"}, "gpu1": {UUID: "GPU-1", Name: "slow"}}}
	p := testPlan(t, 10, variant("a"))
	a := p.arrange(p.Variants[0])
	pins := newPins(a, f)
	source := pins.source(a)
	seats := map[string]engine.Seat{"fast": source.Seat("fast"), "slow": source.Seat("slow")}
	made := make(map[int]string) // by item and repeat
	for turn, idle := 0, 0; source.Left() > 0 && idle < 2; turn++ {
		class := []string{"fast", "slow"}[turn%2]
		u, ok := seats[class].Next(t.Context())
		if !ok {
			idle++
			continue
		}
		idle = 0
		place := int(u)
		if place == 3 {
			// An earlier run has the reply, from the other one.
			class = map[string]string{"fast": "slow", "slow": "fast"}[class]
			pins.answered(place, &store.Reply{GPUs: []string{map[string]string{"fast": "GPU-0", "slow": "GPU-1"}[class]}})
		}
		if base := a.baseline(place); base == place {
			made[base] = class
		} else if made[base] != class {
			t.Fatalf("generation %d is made on %s, its baseline on %s", place, class, made[base])
		}
	}
	if source.Left() != 0 {
		t.Errorf("%d generations are left", source.Left())
	}
	// A reply of a GPU that is not there any more pins nothing.
	of := a.cellSize()
	if pins.demand(engine.Unit(of)) == "" {
		t.Error("an item is not pinned")
	}
	if pins.answered(a.baseline(of), &store.Reply{GPUs: []string{"GPU-9"}}); pins.demand(engine.Unit(of)) != "" {
		t.Error("an item waits for a GPU that is not there")
	}
	if one := newPins(a, &Fleet{byID: map[string]gpu.GPU{"gpu0": {Name: "x"}, "gpu1": {Name: "x"}}}); one != nil {
		t.Error("equal GPUs are told apart")
	}
}
