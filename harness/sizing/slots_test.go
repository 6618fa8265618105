package sizing

import (
	"slices"
	"testing"

	"perg/harness/schedule"
	"perg/models"
)

// A family that servers give one slot is planned with one, whatever is wanted,
// on devices of any kind.
func TestOneSlotWhereServersGiveNoMore(t *testing.T) {
	described, _ := models.Known("llama3.1:8b")
	shape, err := described.Shape()
	if err != nil {
		t.Fatal(err)
	}
	hybrid := shape
	hybrid.Architecture = "qwen35"
	for name, on := range map[string]schedule.Device{
		"a GPU":       {ID: "gpu0", Memory: 80 << 30, Speed: 1},
		"a server":    {ID: "http://gpubox:11434", Speed: 1},
		"a processor": {ID: "cpu", Memory: 80 << 30, Speed: 1, Processor: true},
	} {
		for _, wanted := range []int{0, 8} {
			size := Size{NumCtx: 4096, Need: 4000}
			p := Placing{Model: Model{Size: size, Shape: hybrid}, Slots: wanted}
			one := p.Fit([]schedule.Device{on})
			if one.Slots != 1 {
				t.Errorf("%s, %d wanted: %d slots", name, wanted, one.Slots)
			}
			if m := p.Model; on.Memory > 0 && !on.Processor && one.Bytes[0] != m.Footprint(1).Total() {
				t.Errorf("%s: %d bytes, and one slot takes %d", name, one.Bytes[0], m.Footprint(1).Total())
			}
			p.Model.Shape = shape
			if others := p.Fit([]schedule.Device{on}); others.Slots == 1 {
				t.Errorf("%s, %d wanted: a llama has one slot, too", name, wanted)
			}
		}
	}
}

// No smaller context is planned, tried or advised than servers give.
func TestTheFloorOfAContext(t *testing.T) {
	long := Longest{Tokens: 600, Need: 900}
	for _, tt := range []struct {
		wanted, trained, floor, want int
	}{
		{0, 131072, 0, 1024}, {0, 131072, 2048, 2048}, {1024, 131072, 2048, 2048}, {4096, 131072, 2048, 4096}, {0, 0, 2048, 2048},
	} {
		s := SizeOf(long, tt.wanted, tt.trained).AtLeast(tt.floor)
		if s.NumCtx != tt.want {
			t.Errorf("%+v: a context of %d tokens", tt, s.NumCtx)
		}
		if least := slices.Min(s.Contexts()); least < max(tt.floor, long.Need) {
			t.Errorf("%+v: with little memory a context of %d is tried", tt, least)
		}
	}
}
