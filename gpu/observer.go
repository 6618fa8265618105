package gpu

import (
	"errors"
	"strconv"
)

// A reading is what came of reading one GPU.
type reading struct {
	sample  Sample   // with the index, and what else was read before err
	err     error    // why the GPU cannot be read
	answers []answer // to what it was asked
	parts   []Sample // of the instances of a GPU that is split
}

// An answer is what came of asking a GPU for one value. Not known without an
// error is not supported.
type answer struct {
	value string
	known bool
	err   error
}

// An observer makes samples of readings and tells of what changes between
// rounds. A GPU is the one with its UUID, whatever its index.
type observer struct {
	incidents
	gpus   map[string]int   // those seen, their index at the time
	at     map[int]string   // the GPU last seen at an index
	values map[subject]bool // known at least once
}

func newObserver(warn func(string)) *observer {
	return &observer{
		incidents: incidents{warn: warn, all: make(map[subject]*incident)},
		gpus:      make(map[string]int), at: make(map[int]string), values: make(map[subject]bool),
	}
}

// away notes that the driver answers with an error.
func (o *observer) away(err error) {
	o.answered()
	o.trouble(subject{}, "no GPU samples for now: %v", err)
}

// anything is the value that is unknown of who does not answer at all.
const anything = "anything"

// unanswered notes that NVML has not returned in time from a question about
// someone.
func (o *observer) unanswered(who string) {
	o.trouble(subject{who, anything}, "no GPU samples for now: %s has not answered for %v", who, silence)
}

// answered notes that NVML returned from all questions of a round.
func (o *observer) answered() {
	for of := range o.all {
		if of.value == anything {
			o.well(of, "%s answers again", of.gpu)
		}
	}
}

const isBack = "GPU %d is back"

// round gives the samples of the GPUs that were read. It is not whole if a GPU
// is missing that opening NVML again may bring back.
func (o *observer) round(readings []reading) (samples []Sample, whole bool) {
	o.answered()
	o.well(subject{}, "the GPU driver answers again")
	whole = true
	listed := make(map[string]bool, len(readings))
	for _, r := range readings {
		of := subject{gpu: o.identity(r.sample)}
		listed[of.gpu] = true
		if r.err != nil {
			o.trouble(of, "GPU %d is not sampled for now: %v", r.sample.Index, r.err)
			whole = whole && errors.Is(r.err, ErrPermission)
			continue
		}
		o.well(of, isBack, r.sample.Index)
		o.well(nameless(r.sample.Index), isBack, r.sample.Index)
		o.gpus[of.gpu], o.at[r.sample.Index] = r.sample.Index, of.gpu
		for _, a := range r.answers {
			o.value(r.sample.Index, subject{of.gpu, a.value}, a)
		}
		samples = append(append(samples, r.sample), r.parts...)
	}
	for id, index := range o.gpus {
		if !listed[id] {
			o.trouble(subject{gpu: id}, "GPU %d is not sampled for now: the driver does not list %s any more", index, id)
			whole = false
		}
	}
	return samples, whole
}

// identity is a GPU's UUID, or the one last seen in its place where it fails
// before it is told.
func (o *observer) identity(s Sample) string {
	if s.UUID != "" {
		return s.UUID
	}
	if id, ok := o.at[s.Index]; ok {
		return id
	}
	return nameless(s.Index).gpu
}

// nameless is the GPU at an index whose UUID was never told.
func nameless(index int) subject { return subject{gpu: "index " + strconv.Itoa(index)} }

// value tells of a value that cannot be read, if it should: one that the GPU
// never supported is no trouble.
func (o *observer) value(index int, of subject, a answer) {
	switch {
	case a.known:
		o.values[of] = true
		o.well(of, "GPU %d: %s is known again", index, a.value)
	case a.err != nil:
		o.trouble(of, "GPU %d: %s is unknown for now: %v", index, a.value, a.err)
	case o.values[of]:
		o.trouble(of, "GPU %d: %s is unknown for now: not supported any more", index, a.value)
	}
}
