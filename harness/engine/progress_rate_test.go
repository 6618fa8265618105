package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// The time that is left is told by the rate of the last while: calls before the
// number in flight was another say nothing, nor do a job's first ones.
func TestTheRateIsOfTheLastWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &job{Job: &Job{ID: "a", Model: &Model{}}}
		j.total.Store(1200)
		p := newPace(fixed(4), nil)
		l := newLaneStatus(&lane{stint: stint{pace: p}}, j, nil, &tally{})
		answer := func(n int, every time.Duration) {
			for range n {
				l.sent()
				time.Sleep(every)
				l.answered(10)
				l.done(false)
			}
		}
		within := func(want time.Duration) {
			t.Helper()
			left, ok := l.snapshot().Left()
			if !ok || left < want*4/5 || left > want*5/4 {
				t.Errorf("%v left, want %v", left, want)
			}
		}
		l.took(0)
		answer(20, time.Second)
		within(1180 * time.Second)
		p.climb = fixed(16)
		l.took(0)
		answer(180, 100*time.Millisecond) // 18 s
		within(100 * time.Second)
	})
}

// A job that says itself how much of it is done is counted so.
func TestAJobThatCountsItself(t *testing.T) {
	j := &job{Job: &Job{ID: "a", Model: &Model{}, Count: func() (done, total int) { return 44, 210 }}}
	j.total.Store(640)
	if s := newLaneStatus(&lane{}, j, nil, &tally{}).snapshot(); s.Done != 44 || s.Total != 210 {
		t.Errorf("%d of %d", s.Done, s.Total)
	}
}
