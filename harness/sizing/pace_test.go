package sizing

import (
	"testing"
	"time"

	"perg/harness/schedule"
	"perg/models"
)

// What is remembered of a model decides its slots, its servers and its time, as
// far as memory goes; what the user wants goes first.
func TestAFitBeginsWithThePace(t *testing.T) {
	described, _ := models.Known("llama3.1:8b")
	shape, err := described.Shape()
	if err != nil {
		t.Fatal(err)
	}
	m := Model{Size: Size{NumCtx: 1024, Need: 1000}, Shape: shape, KVCache: models.KVF16, Engine: models.LlamaServer}
	pace := &Pace{InFlight: 8, Servers: 3, Gain: 1.4, Prompt: 1e-4, New: 2e-3, Answer: 100}
	work := Workload{Calls: 10, PromptTokens: 5000, ReadTokens: 5000, OutputTokens: 10}
	const whole = 2500 * time.Millisecond // 5000 x 0.1 ms + 10 x 100 x 2 ms
	one := m.Footprint(8).Total()
	on := func(bytes uint64, processor bool) []schedule.Device {
		return []schedule.Device{{ID: "gpu0", Memory: bytes, Speed: 1, Processor: processor}}
	}
	for _, c := range []struct {
		what           string
		wanted         int
		set            []schedule.Device
		slots, servers int
		gain           float64
		least, most    time.Duration
	}{
		{"all of them", 0, on(3*one+1<<20, false), 8, 3, 1.4, whole, whole},
		{"memory for two", 0, on(2*one+1<<20, false), 8, 2, 1.2, whole * 14 / 12, whole * 14 / 12},
		{"memory for one", 0, on(one+1<<20, false), 8, 1, 1, whole * 14 / 10, whole * 14 / 10},
		{"memory for fewer slots", 0, on(m.Footprint(2).Total(), false), 2, 1, 1, whole * 2, whole * 4},
		{"more slots wanted", 12, on(80<<30, false), 12, 3, 1.4, whole, whole},
		{"a processor", 0, on(80<<30, true), 4, 1, 1, whole * 14 / 10, whole * 14},
		{"a server of the user's", 0, on(0, false), 0, 0, 1, whole, whole},
	} {
		f := Placing{Model: m, Work: work, Slots: c.wanted, Pace: func([]schedule.Device) *Pace { return pace }}.Fit(c.set)
		round := time.Millisecond
		if f.Slots != c.slots || f.Servers != c.servers || f.Gain < c.gain-1e-9 || f.Gain > c.gain+1e-9 || f.Time < c.least-round || f.Time > c.most+round {
			t.Errorf("%s: %d servers of %d slots, a gain of %v in %v; want %+v", c.what, f.Servers, f.Slots, f.Gain, f.Time, c)
		}
		if known := c.set[0].Memory > 0; known && uint64(f.Servers)*f.Bytes[0] > c.set[0].Memory {
			t.Errorf("%s: %d servers of %d bytes on %d", c.what, f.Servers, f.Bytes[0], c.set[0].Memory)
		}
	}
	none := Placing{Model: m, Work: work, Pace: func([]schedule.Device) *Pace { return nil }}
	if f := none.Fit(on(80<<30, false)); f.Slots != mostSlots || f.Servers != 0 || f.Gain != 0 {
		t.Errorf("with nothing remembered: %+v", f)
	}
}

// A plan's time is given closer where a pace is remembered.
func TestBetween(t *testing.T) {
	work := func(gain float64, begin, end time.Duration) schedule.Assignment {
		return schedule.Assignment{Start: schedule.Start{Fit: schedule.Fit{Gain: gain}}, Begin: begin, End: end}
	}
	const h = time.Hour
	for _, c := range []struct {
		work        []schedule.Assignment
		least, most time.Duration
	}{
		{[]schedule.Assignment{work(0, 0, h)}, h / 2, 2 * h},
		{[]schedule.Assignment{work(1, 0, h)}, 48 * time.Minute, 75 * time.Minute},
		{[]schedule.Assignment{work(1.3, 0, h/2), work(0, h/2, h)}, 39 * time.Minute, 97*time.Minute + 30*time.Second},
		{nil, h, h},
	} {
		p := schedule.Placement{Makespan: h, Lanes: []schedule.Lane{{Work: c.work}}}
		if least, most := Between(p); least.Round(time.Second) != c.least || most.Round(time.Second) != c.most {
			t.Errorf("%v: between %v and %v, want %v and %v", c.work, least, most, c.least, c.most)
		}
	}
}
