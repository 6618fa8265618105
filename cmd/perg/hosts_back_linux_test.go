package main

import (
	"os"
	"testing"
	"time"

	"perg/data"
)

// Machines whose links were down for two minutes come back to a run that goes on, and
// work for it: the runs of TestHosts are over by then.
func TestLinksComeBack(t *testing.T) {
	if os.Getenv("PERG_SOAK") == "" {
		t.Skip("waits for PERG_SOAK: it takes some five minutes")
	}
	p := newParty(t, 4*time.Second, "steady", "--limit", "130", "--parallel", "4")
	rng := seeded(t)
	r := p.host(t)
	r.listen[len(r.listen)-1] = "1" // the others come once it is known how long the work takes
	r.lead()
	for i, b := range r.boxes[1:] {
		r.join(b)
		r.busy(b)
		r.reaches(12 * (i + 1))
	}
	which := rng.Perm(len(r.boxes) - 1)
	away := []*box{r.boxes[1+which[0]], r.boxes[1+which[1]]}
	linksGoDown(r, away[0], away[1], rng)
	up := time.Now()
	t.Logf("the links are up after %d of %d calls", len(r.made()), r.planned)
	for _, b := range away {
		r.worksAgain(b, up)
	}
	r.finishes()
	for _, b := range away {
		rows := 0
		for _, g := range table[data.Generation](t, r.out, "generations") {
			if g.Host == b.name && g.StartedAt != nil && g.StartedAt.After(up) {
				rows++
			}
		}
		if t.Logf("%s: %d rows of calls that began after its link was up", b.name, rows); rows == 0 {
			t.Errorf("no row is of a call that %s began after its link was up", b.name)
		}
	}
}

// backWithin is how soon a machine is back at work once its link is up.
const backWithin = time.Minute

// worksAgain waits until a machine that was away since before a moment has joined the
// run again, and has answered a call that it got after that.
func (r *hosted) worksAgain(b *box, up time.Time) {
	r.t.Helper()
	var joined, answered time.Time
	r.until(b.name+" back at work", time.Until(up.Add(backWithin)), func() bool {
		if joined = r.controller.said(b.name+" has joined", up); joined.IsZero() {
			return false
		}
		got := make(map[string]bool)
		for _, n := range r.calls.notes() {
			switch {
			case n.Machine != b.name || !n.At.After(joined):
			case !n.Answered:
				got[n.Call] = true
			case got[n.Call]:
				answered = n.At
				return true
			}
		}
		return false
	})
	r.t.Logf("%s: joined again %.1f s after its link was up, and answered its first call after %.1f s", b.name, joined.Sub(up).Seconds(), answered.Sub(up).Seconds())
}
