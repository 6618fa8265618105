package schedule

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What follows a placement begins when it has ended, on the lanes it shares
// and on others.
func TestThen(t *testing.T) {
	work := func(job string, begin, end time.Duration) Assignment {
		return Assignment{Start: Start{Job: job}, Begin: begin, End: end}
	}
	first := Placement{
		Lanes:    []Lane{{Devices: []string{"a"}, Work: []Assignment{work("one", 0, 5)}}},
		Makespan: 5, Bound: 4,
	}
	next := Placement{
		Lanes:    []Lane{{Devices: []string{"a"}, Work: []Assignment{work("two", 0, 3)}}, {Devices: []string{"b"}, Work: []Assignment{work("two", 1, 3)}}},
		Refused:  []Refusal{{Job: "three"}},
		Makespan: 3, Bound: 2,
	}
	want := Placement{
		Lanes: []Lane{
			{Devices: []string{"a"}, Work: []Assignment{work("one", 0, 5), work("two", 5, 8)}},
			{Devices: []string{"b"}, Work: []Assignment{work("two", 6, 8)}},
		},
		Refused:  []Refusal{{Job: "three"}},
		Makespan: 8, Bound: 6,
	}
	if diff := cmp.Diff(want, first.Then(next)); diff != "" {
		t.Error(diff)
	}
	if len(first.Lanes[0].Work) != 1 {
		t.Error("the first placement changed")
	}
}
