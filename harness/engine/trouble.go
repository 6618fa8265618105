package engine

import (
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// longestWait bounds the time for which something that fails is left alone.
	longestWait = 30 * time.Minute
	// laneTries and loadTries are how often a lane, and a model on a lane, has
	// to fail before it is not waited for any more, where nothing else is left
	// to do.
	laneTries = 3
	loadTries = 2
)

// A trouble remembers what failed where, and for how long it is left alone:
// lanes that failed, and models that could not be loaded on one. A lane on
// several devices does not say which of them it was: its set is left alone, and
// each of them may be used by itself. It decides nothing about time: that is
// handed to it.
type trouble struct {
	first  time.Duration       // the wait after a first failure; it doubles with each
	lanes  map[string]*setback // by set
	loads  map[onLane]*setback
	beside map[onLane]*setback          // of lanes beside others, whose devices are not to be left
	small  map[string]map[string]uint64 // by job and set: the bytes of devices on which it did not fit, each time
	row    map[string][]string          // by lane: the jobs whose loads failed there in a row
}

type onLane struct{ job, lane string }

// A setback is a row of failures.
type setback struct {
	times int
	until time.Time
	final bool // trying again cannot help
	why   error
}

func newTrouble(first time.Duration) *trouble {
	return &trouble{first: first, lanes: make(map[string]*setback), loads: make(map[onLane]*setback), beside: make(map[onLane]*setback), small: make(map[string]map[string]uint64), row: make(map[string][]string)}
}

func (s *setback) again(first time.Duration, at time.Time, why error) {
	wait := longestWait
	if s.times < 16 {
		wait = min(wait, first<<s.times)
	}
	s.times++
	s.until, s.why = at.Add(wait), why
}

func (s *setback) bars(at time.Time) bool { return s != nil && (s.final || at.Before(s.until)) }

// spent says whether there is no more to be hoped for. Where each try takes
// longer than the wait after another's, they would take turns for ever: after
// twice as many tries it does not matter whether the next one is due.
func (s *setback) spent(at time.Time, tries int) bool {
	return s != nil && (s.final || s.times >= tries && s.bars(at) || s.times >= 2*tries)
}

// forgiveWhere forgets what was held against sets of devices.
func (t *trouble) forgiveWhere(of func(set string) bool) {
	maps.DeleteFunc(t.lanes, func(set string, _ *setback) bool { return of(set) })
	maps.DeleteFunc(t.loads, func(on onLane, _ *setback) bool { return of(on.lane) })
	maps.DeleteFunc(t.beside, func(on onLane, _ *setback) bool { return of(on.lane) })
	maps.DeleteFunc(t.row, func(set string, _ []string) bool { return of(set) })
	for _, sets := range t.small {
		maps.DeleteFunc(sets, func(set string, _ uint64) bool { return of(set) })
	}
}

func devicesOf(set string) []string { return strings.Split(set, "\x00") }

func setOf(devices []string) string {
	sorted := slices.Clone(devices)
	slices.Sort(sorted)
	return strings.Join(sorted, "\x00")
}

// laneFailed leaves a lane's set of devices alone for a while. It says whether
// that is news: the first time in a row.
func (t *trouble) laneFailed(devices []string, at time.Time, why error) (news bool) {
	set := setOf(devices)
	if t.lanes[set] == nil {
		t.lanes[set] = &setback{}
	}
	t.lanes[set].again(t.first, at, why)
	return t.lanes[set].times == 1
}

// laneWorks forgets what failed on devices: they answered.
func (t *trouble) laneWorks(job string, devices []string) {
	set := setOf(devices)
	delete(t.lanes, set)
	for _, d := range devices {
		delete(t.lanes, d)
	}
	delete(t.loads, onLane{job, set})
	delete(t.beside, onLane{job, set})
	delete(t.row, set)
	delete(t.small, job)
}

// besideFailed keeps a job off a lane for a while where what else is on the
// devices was in its way: another lane, or another program. That is held against
// neither the model nor the devices.
func (t *trouble) besideFailed(job string, devices []string, at time.Time, why error) {
	of := onLane{job, setOf(devices)}
	if t.beside[of] == nil {
		t.beside[of] = &setback{}
	}
	t.beside[of].again(t.first, at, why)
}

// cannotLoad keeps a job off a lane for a while; for good where trying again
// cannot help, as its model is not there: and off each set with one of the
// devices, whose servers read the same store.
func (t *trouble) cannotLoad(job string, devices []string, at time.Time, why error, final bool) {
	sets := []string{setOf(devices)}
	if final {
		sets = append(sets, devices...)
	}
	for _, set := range slices.Compact(sets) {
		of := onLane{job, set}
		if t.loads[of] == nil {
			t.loads[of] = &setback{}
		}
		t.loads[of].again(t.first, at, why)
		t.loads[of].final = final
	}
}

// absent says whether a job's model is not there on one of some devices.
func (t *trouble) absent(job string, devices []string) bool {
	return slices.ContainsFunc(devices, func(d string) bool {
		s := t.loads[onLane{job, d}]
		return s != nil && s.final
	})
}

// tight notes that a job did not fit on a lane with so much memory in all. Where
// that was no accident, sets with no more are not tried: there are too many.
func (t *trouble) tight(job string, devices []string, memory uint64) {
	set := setOf(devices)
	if t.loads[onLane{job, set}].times < loadTries {
		return
	}
	if t.small[job] == nil {
		t.small[job] = make(map[string]uint64)
	}
	t.small[job][set] = max(t.small[job][set], memory)
}

// tooSmall says whether a job does not fit in so much memory; 0 is not known.
func (t *trouble) tooSmall(job string, memory uint64) bool {
	for _, small := range t.small[job] {
		if memory > 0 && memory <= small {
			return true
		}
	}
	return false
}

// inRow notes that a lane failed to load a job, for no reason that lies in the
// job, and says whether it failed to load several in a row: then it is the lane
// that fails.
func (t *trouble) inRow(job string, devices []string) bool {
	set := setOf(devices)
	if !slices.Contains(t.row[set], job) {
		t.row[set] = append(t.row[set], job)
	}
	return len(t.row[set]) > 1
}

// crowded keeps a job off a lane for a while, without holding it against either:
// another lane leaves meanwhile.
func (t *trouble) crowded(job string, devices []string, at time.Time, why error) {
	of := onLane{job, setOf(devices)}
	if t.loads[of] == nil {
		t.loads[of] = &setback{}
	}
	t.loads[of].until, t.loads[of].why = at.Add(t.first), why
}

// barred says whether a device is left alone at a moment; keptOff whether a set
// of several is, or a job is kept off a set.
func (t *trouble) barred(device string, at time.Time) bool { return t.lanes[device].bars(at) }

func (t *trouble) keptOff(job string, devices []string, at time.Time) bool {
	set := setOf(devices)
	of := onLane{job, set}
	return t.lanes[set].bars(at) || t.loads[of].bars(at) || t.beside[of].bars(at) || t.absent(job, devices)
}

// lost says whether nothing is to be hoped for of a set of devices, refused
// whether a lane cannot be expected to load a job.
func (t *trouble) lost(devices []string, at time.Time) bool {
	alone := func(d string) bool { return t.lanes[d].spent(at, laneTries) }
	return t.lanes[setOf(devices)].spent(at, laneTries) || slices.ContainsFunc(devices, alone)
}

// inTheWay says whether what else is on devices cannot be expected to leave room
// for a job.
func (t *trouble) inTheWay(job string, devices []string, at time.Time) bool {
	return t.beside[onLane{job, setOf(devices)}].spent(at, laneTries)
}

func (t *trouble) refused(job string, devices []string, at time.Time) bool {
	return t.loads[onLane{job, setOf(devices)}].spent(at, loadTries) || t.absent(job, devices)
}

// failedBefore says whether a lane is tried again.
func (t *trouble) failedBefore(devices []string) bool {
	alone := func(d string) bool { return t.lanes[d] != nil }
	return t.lanes[setOf(devices)] != nil || slices.ContainsFunc(devices, alone)
}

// next is the first moment after another at which something that is left alone
// may be tried again.
func (t *trouble) next(at time.Time) (next time.Time, ok bool) {
	look := func(s *setback) {
		if !s.final && s.until.After(at) && (!ok || s.until.Before(next)) {
			next, ok = s.until, true
		}
	}
	for _, s := range t.lanes {
		look(s)
	}
	for _, s := range t.loads {
		look(s)
	}
	for _, s := range t.beside {
		look(s)
	}
	return next, ok
}

// why is what was said where a job could not be loaded, in a fixed order.
func (t *trouble) why(job string) []error {
	var lanes []string
	for of := range t.loads {
		if of.job == job {
			lanes = append(lanes, of.lane)
		}
	}
	slices.Sort(lanes)
	var all []error
	for _, lane := range lanes {
		if why := t.loads[onLane{job, lane}].why; !slices.Contains(all, why) {
			all = append(all, why)
		}
	}
	return all
}

// whyLanes is what was said where lanes failed, or a job had no room.
func (t *trouble) whyLanes(job string) []error {
	var all []error
	for of, s := range t.beside {
		if of.job == job {
			all = append(all, s.why)
		}
	}
	slices.SortFunc(all, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	for _, set := range slices.Sorted(maps.Keys(t.lanes)) {
		if why := t.lanes[set].why; !slices.Contains(all, why) {
			all = append(all, why)
		}
	}
	return all
}
