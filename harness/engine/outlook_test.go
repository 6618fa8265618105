package engine

import (
	"slices"
	"testing"
	"time"

	"perg/harness/schedule"
)

// What is left takes the plan's time, until it is measured that things take
// longer: then of all that is to come, too.
func TestTheRestIsMeasured(t *testing.T) {
	const load = 10 * time.Second
	planned := func(id string, kind schedule.Kind, whole time.Duration) schedule.Job {
		return schedule.Job{ID: id, Kind: kind, Fit: func(set []schedule.Device) schedule.Fit {
			return schedule.Fit{Devices: []string{set[0].ID}, Bytes: []uint64{1}, Time: whole, Load: load}
		}}
	}
	const Generate, Score Stage = "generate", "score"
	at := func(id string, stage Stage, through int64) *job {
		j := &job{Job: &Job{ID: id, Stage: stage, Source: NewQueue(Alike(100))}}
		j.total.Store(100)
		j.through.Store(through)
		return j
	}
	atWork := func(spent time.Duration, own int) []*laneStatus {
		j := at("", Generate, int64(own))
		return []*laneStatus{{job: j, s: LaneStatus{Stage: Generate, Total: 100, busy: spent, planned: 100 * time.Second, own: own}}}
	}
	for _, c := range []struct {
		what     string
		measured map[Stage]pacing
		lanes    []*laneStatus
		want     time.Duration
	}{
		{"nothing is measured", nil, atWork(0, 0), 75*time.Second + load + 200*time.Second},
		{"the job itself is", map[Stage]pacing{}, atWork(100*time.Second, 25), 4*75*time.Second + load + 200*time.Second},
		{"and so others of its stage", map[Stage]pacing{Generate: {100 * time.Second, 25 * time.Second, false}}, atWork(100*time.Second, 25), 4*75*time.Second + load + 4*200*time.Second},
		{"another job of the stage was", map[Stage]pacing{Generate: {50 * time.Second, 25 * time.Second, false}}, atWork(0, 0), 2*75*time.Second + load + 2*200*time.Second},
		{"both stages were", map[Stage]pacing{Generate: {50 * time.Second, 25 * time.Second, false}, Score: {200 * time.Second, 25 * time.Second, false}}, atWork(0, 0), 2*75*time.Second + load + 2*200*time.Second},
		{"the judge was", map[Stage]pacing{Score: {50 * time.Second, 25 * time.Second, false}}, atWork(0, 0), 2*75*time.Second + load + 2*200*time.Second},
		{"a judge was beside a variant", map[Stage]pacing{Generate: {100 * time.Second, 40 * time.Second, true}, Score: {0, 10 * time.Second, true}}, atWork(0, 0), 2*75*time.Second + load + 2*200*time.Second},
		{"too little is measured", map[Stage]pacing{Generate: {time.Millisecond, time.Nanosecond, false}}, atWork(0, 0), 75*time.Second + load + 200*time.Second},
	} {
		o := &outlook{devices: []schedule.Device{{ID: "gpu0", Memory: 10, Speed: 1}}, now: []prospect{
			{job: at("first", Generate, 25), planned: planned("first", schedule.Generate, 100*time.Second), lanes: c.lanes},
			{job: at("second", Generate, 0), planned: planned("second", schedule.Generate, 200*time.Second)},
		}}
		order, left := o.rest(c.measured)
		if left == nil || (*left-c.want).Abs() > time.Second || !slices.Equal(order, []string{"second"}) {
			t.Errorf("%s: %v left, want %v; next %q", c.what, left, c.want, order)
		}
	}
	// The judge's calls beside a variant take no time of their own.
	beside := &laneStatus{job: at("judge", Score, 0)}
	for _, shared := range []bool{true, false} {
		beside.shares(shared, map[bool]float64{true: 0, false: 1}[shared])
		beside.sent()
		time.Sleep(2 * time.Millisecond)
		beside.answered(1)
		if busy := beside.snapshot().busy; busy > 0 == shared {
			t.Errorf("shared %v: busy for %v", shared, busy)
		}
	}
	// Where all is at work the last to end decides, at its rate.
	j, k := at("first", Generate, 50), at("judge", Score, 20)
	ends := &outlook{devices: []schedule.Device{{ID: "gpu0", Memory: 10, Speed: 1}}, now: []prospect{
		{job: j, planned: planned("first", schedule.Generate, time.Second), lanes: []*laneStatus{{job: j, firstCall: time.Now().Add(-50 * time.Second), s: LaneStatus{Total: 100}}}},
		{job: k, planned: planned("judge", schedule.Score, time.Second), lanes: []*laneStatus{{job: k, firstCall: time.Now().Add(-50 * time.Second), s: LaneStatus{Total: 100}}}},
	}}
	if order, left := ends.rest(nil); left == nil || (*left-200*time.Second).Abs() > 2*time.Second || len(order) != 0 {
		t.Errorf("%v left, want 200 s; next %q", left, order)
	}
	// Judges that come later follow.
	o := &outlook{devices: []schedule.Device{{ID: "gpu0", Memory: 10, Speed: 1}}, then: []prospect{
		{job: at("judge a", Score, 0), planned: planned("judge a", schedule.Generate, 30*time.Second)},
		{job: at("judge b", Score, 50), planned: planned("judge b", schedule.Generate, 20*time.Second)},
	}}
	if order, left := o.rest(nil); left == nil || *left != 30*time.Second+10*time.Second+2*load || !slices.Equal(order, []string{"judge a", "judge b"}) {
		t.Errorf("%v left, next %q", left, order)
	}
}
