package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"perg/models"
)

// randomWorld makes a world from a seed: 1 to 8 GPUs of mixed sizes, named
// hosts, or both; up to 4 machines with GPUs of theirs; 1 to 12 models; 0 to 3 judges.
func randomWorld(seed uint64) *world {
	w := emptyWorld(seed)
	r := w.dice.of("world")
	w.patience = one(r, 20*time.Second, time.Minute, 2*time.Minute)
	w.inFlight = one(r, 0, 0, 0, 1, 3)
	w.allowCPU = chance(r, 0.1)
	w.randomSites(r)
	w.randomMachines(w.dice.of("machines"))
	for n := few(r, 12); n > 0; n-- {
		w.randomJob(r, w.randomModel(r, fmt.Sprintf("m%d", n)))
	}
	if chance(r, 0.1) {
		w.twin(r)
	}
	judges := one(r, 0, 0, 1, 1, 1, 2, 3)
	for i := range judges {
		m := w.randomModel(r, fmt.Sprintf("judge%d", i))
		m.weights = min(m.weights, uint64((2+r.Float64()*8)*gib))
		w.scores(m, i, slices.Clone(w.stages[0][:min(len(w.stages[0]), w.generating())])...)
	}
	if others := len(w.machines) == 0 || chance(r, 0.5); others {
		w.randomPoison(r)
		w.randomFaults(w.dice.of("faults"))
	}
	w.randomStop(w.dice.of("stop"))
	w.randomOutages(w.dice.of("outages"))
	w.randomCommands(w.dice.of("commands"))
	return w
}

func one[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

// few is a number up to a most, small ones more often.
func few(r *rand.Rand, most int) int { return 1 + int(r.Float64()*r.Float64()*float64(most)) }

// generating is the number of jobs that generate: they come first.
func (w *world) generating() int {
	return len(slices.DeleteFunc(w.jobs(), func(j *fakeJob) bool { return len(j.of) > 0 }))
}

func (w *world) randomSites(r *rand.Rand) {
	kind := r.IntN(10)
	if kind < 7 {
		equal := one(r, 8, 16, 24, 48)
		mixed := chance(r, 0.5)
		for range few(r, 8) {
			if mixed {
				equal = one(r, 8, 12, 16, 24, 24, 48, 80)
			}
			w.gpus(equal)
		}
	}
	if kind >= 5 {
		for range few(r, 4) {
			w.hosts(1 + r.IntN(6))
		}
	}
	for _, s := range w.sites {
		s.spills = chance(r, 0.4)
	}
}

func (w *world) randomModel(r *rand.Rand, name string) *fakeModel {
	var largest uint64
	for _, s := range w.sites {
		largest = max(largest, s.memory)
	}
	if largest == 0 {
		largest = 24 * gib
	}
	size := (0.05 + 0.8*r.Float64()) * float64(largest) / gib
	if chance(r, 0.1) {
		size = (0.9 + r.Float64()) * float64(largest) / gib // on several
	}
	m := w.model(name, size)
	m.kv = one[uint64](r, 32<<10, 64<<10, 128<<10, 256<<10)
	m.KVCache = one(r, models.KVF16, models.KVF16, models.KVQ8)
	if chance(r, 0.3) {
		m.Contexts = []int{8192, 4096, 2048}
	}
	if chance(r, 0.1) {
		m.bigger = 1 + 0.5*r.Float64()
	}
	m.call = one(r, 200*time.Millisecond, time.Second, 4*time.Second)
	if chance(r, 0.4) {
		m.weights /= 4
		m.most, m.fills, m.card = one(r, 2, 4, 8), one(r, 0, 1, 2, 4), one(r, 0, 4, 8, 16)
		m.servers, m.gain = one(r, 0, 0, 1, 2, 3), one(r, 0, 1, 1.3, 2)
	}
	for _, s := range w.sites {
		if s.memory == 0 && chance(r, 0.2) {
			if s.has == nil {
				s.has = make(map[string]bool)
			}
			s.has[m.Name] = false
		}
	}
	return m
}

// randomJob adds a job that generates.
func (w *world) randomJob(r *rand.Rand, m *fakeModel) {
	n := few(r, 20)
	if chance(r, 0.05) {
		n *= 5
	}
	j := w.generates(m, n)
	bases := 0
	if chance(r, 0.5) {
		bases = 1 + r.IntN(n)
	}
	twoCalls, shared := chance(r, 0.2), chance(r, 0.2)
	for u := range j.units {
		unit := &j.units[u]
		if bases > 0 && u >= bases {
			unit.base = u % bases
		}
		if shared && u >= bases {
			unit.texts[0], unit.shared = fmt.Sprintf("%s/draft%d", m.Label, u%4), true
		}
		if twoCalls || unit.shared {
			unit.texts = append(unit.texts, fmt.Sprintf("%s/%d.second", m.Label, u))
		}
	}
	j.alike, j.queued = bases > 0 && chance(r, 0.3), chance(r, 0.5)
	j.began()
}

// twin adds a job that makes some of the calls of another one, too.
func (w *world) twin(r *rand.Rand) {
	of := w.stages[0][0]
	j := w.generates(of.model, len(of.units))
	j.ID += " again"
	w.twins = true
	for u := range j.units {
		if chance(r, 0.5) {
			j.units[u] = of.units[u]
			j.units[u].base = -1
		} else {
			j.units[u].texts[0] += ".again"
		}
	}
}

func (w *world) randomPoison(r *rand.Rand) {
	if !chance(r, 0.25) {
		return
	}
	j := one(r, w.jobs()...)
	p := one(r, killsRunner, killsServer, neverAnswers, always500, always400, incomplete)
	for range few(r, 4) {
		u := one(r, j.units...)
		w.poisons[one(r, u.texts...)] = p
	}
}
