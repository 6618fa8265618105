package engine

import (
	"cmp"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"perg/harness/schedule"
)

// A dice decides what is random in a world, from a seed and from what is
// decided on: it does not depend on which goroutine comes first.
type dice uint64

func (d dice) of(what ...string) *rand.Rand {
	h := fnv.New64a()
	for _, s := range what {
		io.WriteString(h, s)
		h.Write([]byte{0})
	}
	return rand.New(rand.NewPCG(uint64(d), h.Sum64()))
}

// between is a random duration.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)+1))
}

// A site is a device of the world: a GPU, or the host of a server that the user
// named. All of it is guarded by the world.
type site struct {
	calls  int // that servers work on there
	id     string
	memory uint64 // of a GPU, for models; 0: a named host, whose memory is not known
	class  string
	speed  float64
	has    map[string]bool   // models by name; nil: all
	tags   map[string]string // digests, where they are not the planned ones

	ills
	process *process // of a named host
	machine *machine // that it is in; nil: perg's own
	held    map[*runner]uint64
	planned map[*runner]uint64
	// dirty: for a while it could not be seen what is held there.
	dirty bool

	// What the engine was told of it: errors since it last answered, and when.
	failures   int // since it last answered
	failed     int // in all
	failedAt   time.Time
	illAt      time.Time // something was wrong last
	occupied   int       // requests, starts and ends at work
	occupiedAt time.Time // something was at work last
}

// Ills are what is wrong with a site now.
type ills struct {
	down        bool    // nothing runs nor answers there
	hung        bool    // requests are taken and not answered
	proxied     bool    // something before the server answers with errors
	refuses     bool    // no server starts
	badLoads    bool    // every load fails
	badCalls    bool    // every call ends its runner
	badList     bool    // /api/ps fails
	stuckUnload bool    // an unload never returns
	blind       bool    // memory in use is not known
	deaf        bool    // memory in use is asked for in vain
	spills      bool    // what does not fit is loaded in part, rather than refused
	slow        float64 // times longer
	foreign     uint64  // bytes held by another program
}

// sick says whether something is wrong that the engine may answer for by
// leaving the site alone.
func (s *site) sick() bool {
	return s.down || s.hung || s.proxied || s.refuses || s.badLoads || s.badCalls || s.badList || s.stuckUnload || s.deaf || s.foreign > 0 || s.slow > 1
}

func (s *site) used() uint64 {
	used := s.foreign
	for _, bytes := range s.held {
		used += bytes
	}
	return used
}

func (s *site) free() uint64 { return s.memory - min(s.memory, s.used()) }

func (s *site) device() schedule.Device {
	d := schedule.Device{ID: s.id, Name: s.id, Memory: s.memory, Speed: s.speed}
	if s.machine != nil {
		d.Host = s.machine.name
	}
	return d
}

// offers says whether a model is there.
func (s *site) offers(model string) bool { return s.has == nil || s.has[model] }

func (s *site) digest(m *fakeModel) string { return cmp.Or(s.tags[m.Name], m.Digest) }

// site is one by name.
func (w *world) site(id string) *site {
	i := slices.IndexFunc(w.sites, func(s *site) bool { return s.id == id })
	return w.sites[i]
}

func (w *world) sitesOf(devices []string) []*site {
	var all []*site
	for _, d := range devices {
		all = append(all, w.site(d))
	}
	return all
}

func setName(sites []*site) string {
	var ids []string
	for _, s := range sites {
		ids = append(ids, s.id)
	}
	return strings.Join(ids, "+")
}

// change changes what is wrong with a site, and tells all that wait for it.
func (w *world) change(s *site, why string, to func(*ills)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell("%s: %s", s.id, why)
	foreign := s.foreign
	to(&s.ills)
	s.illAt = time.Now()
	// Another program's memory that comes back looks like a model's.
	s.dirty = s.dirty || s.blind || s.deaf || s.hung || s.foreign < foreign
	if s.down {
		for _, p := range w.processes() {
			if slices.Contains(p.sites, s) {
				p.end(why)
			}
		}
	}
	if s.hung {
		w.watchHang(s)
	}
	if !s.down && s.process != nil && !s.process.alive {
		s.process.begin()
	}
	w.awake()
}

// awake wakes all that wait for a change.
func (w *world) awake() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// processes are those of named hosts, and those that the fleet started.
func (w *world) processes() []*process {
	all := slices.Clone(w.open)
	for _, s := range w.sites {
		if s.process != nil {
			all = append(all, s.process)
		}
	}
	for _, m := range w.machines {
		all = append(all, m.orphans...)
	}
	return all
}
