package fleet

import (
	"testing"

	"perg/gpu"
	"perg/harness/schedule"
)

// A shown machine has a processor, or GPUs.
type shown struct {
	Machine
	name, version, processor string
	gpus                     map[string]gpu.GPU
}

func (s *shown) Name() string             { return s.name }
func (s *shown) Version() string          { return s.version }
func (s *shown) Processor() string        { return s.processor }
func (s *shown) GPUs() map[string]gpu.GPU { return s.gpus }
func (s *shown) Devices() []schedule.Device {
	return []schedule.Device{{ID: s.name + "/cpu", Host: s.name}}
}

// What is asked about an item is asked on one class. That of a machine stays what it
// was when the machine has left: its replies come late, and who is pinned to what
// nobody is any more is never asked.
func TestClasses(t *testing.T) {
	f := newFleet(Options{Awaits: true, Machine: "gpu01"})
	f.engine = "llama-server"
	first := &shown{name: "gpu02", version: "0.33.0", processor: "EPYC, 2 cores"}
	old := &shown{name: "gpu03", version: "0.17.4", processor: "EPYC, 2 cores"}
	cards := &shown{name: "gpu04", version: "0.33.0", processor: "EPYC, 2 cores", gpus: map[string]gpu.GPU{"gpu04/gpu0": {UUID: "GPU-4", Name: "RTX 4090"}}}
	for _, m := range []*shown{first, old, cards} {
		f.Come(m)
	}
	of := f.ClassOf(nil, "gpu02")
	if of == "" || of != f.Class([]string{"gpu02/cpu"}) || of == f.ClassOf(nil, "gpu03") {
		t.Errorf("class %q of a reply, %q of its lane, %q of another engine", of, f.Class([]string{"gpu02/cpu"}), f.ClassOf(nil, "gpu03"))
	}
	card := f.ClassOf([]string{"GPU-4"}, "gpu04")
	if card == "" || card != f.Class([]string{"gpu04/gpu0"}) || card == of {
		t.Errorf("class %q of a card's reply, %q of its lane", card, f.Class([]string{"gpu04/gpu0"}))
	}
	f.Leave(first)
	f.Leave(cards)
	if f.ClassOf(nil, "gpu02") != of || f.ClassOf([]string{"GPU-4"}, "gpu04") != card {
		t.Errorf("left, they are %q and %q, and were %q and %q", f.ClassOf(nil, "gpu02"), f.ClassOf([]string{"GPU-4"}, "gpu04"), of, card)
	}
	if own := f.ClassOf(nil, "gpu01"); own == "" || own != f.Class([]string{"cpu"}) {
		t.Errorf("own class %q of a reply, %q of a lane", own, f.Class([]string{"cpu"}))
	}
	for _, host := range []string{"http://127.0.0.1:11434", "gpu09"} {
		if class := f.ClassOf(nil, host); class != "" {
			t.Errorf("%s is not here, and has the class %q", host, class)
		}
	}
}
