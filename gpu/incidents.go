package gpu

import "fmt"

// incidents tell of trouble once, and once of its end, however often it comes
// and goes in between.
type incidents struct {
	warn func(string)
	all  map[subject]*incident
}

// A subject is what can be in trouble: the driver, which is the zero value, a
// GPU, or one value of a GPU.
type subject struct{ gpu, value string }

type incident struct {
	open bool
	calm int // rounds since the trouble was last seen
	ends int // rounds of calm that end it
}

// Trouble that comes back has to stay away for twice as many rounds before it
// counts as over: what fails every other second is told of a few times, not
// all day.
const (
	calmRounds    = 10
	calmRoundsMax = calmRounds << 8
)

// trouble notes that something is wrong with a subject in this round; the text
// is for the round that begins its incident. It is put together in that round
// alone, as most rounds are like the one before.
func (i *incidents) trouble(of subject, format string, args ...any) {
	in, ok := i.all[of]
	if !ok {
		in = &incident{ends: calmRounds / 2}
		i.all[of] = in
	}
	if !in.open {
		in.open, in.ends = true, min(2*in.ends, calmRoundsMax)
		i.warn(fmt.Sprintf(format, args...))
	}
	in.calm = 0
}

// well notes a round in which nothing is wrong with a subject; the text is for
// the round that ends its incident.
func (i *incidents) well(of subject, format string, args ...any) {
	in, ok := i.all[of]
	if !ok || !in.open {
		return
	}
	if in.calm++; in.calm >= in.ends {
		in.open = false
		i.warn(fmt.Sprintf(format, args...))
	}
}

// quiet says whether the driver and all GPUs are out of trouble; single values
// do not count.
func (i *incidents) quiet() bool {
	for of, in := range i.all {
		if in.open && of.value == "" {
			return false
		}
	}
	return true
}
