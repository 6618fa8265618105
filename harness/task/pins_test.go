package task

import (
	"testing"

	"perg/harness/engine"
	"perg/harness/store"
)

// An item's generations stay on the class of GPU that answered its baseline,
// also where that is known from a reply of an earlier run.
func TestItemsStayOnTheGPUOfTheirBaseline(t *testing.T) {
	classOf := func(gpus []string, _ string) string {
		return map[string]string{"GPU-0": "fast", "GPU-1": "slow"}[gpus[0]]
	}
	a := testTask(t, 10).Arrange(named("a"))
	pins := NewPins(a, classOf, true)
	source := pins.Source(a)
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
			pins.Answered(place, &store.Reply{GPUs: []string{map[string]string{"fast": "GPU-0", "slow": "GPU-1"}[class]}})
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
	of := a.task.In(a.cells[0])
	if pins.demand(engine.Unit(of)) == "" {
		t.Error("an item is not pinned")
	}
	if pins.Answered(a.baseline(of), &store.Reply{GPUs: []string{"GPU-9"}}); pins.demand(engine.Unit(of)) != "" {
		t.Error("an item waits for a GPU that is not there")
	}
	if one := NewPins(a, classOf, false); one != nil {
		t.Error("equal GPUs are told apart")
	}
}
