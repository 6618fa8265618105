package engine

import (
	"slices"
	"strings"
	"time"

	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

// sent checks a call as it comes: what has a reply is not asked again, nor is
// what is being asked.
func (w *world) sent(p *process, r models.Request) *question {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.step() {
		w.giveUp()
	}
	if r.User == probing {
		return &question{text: probing, model: w.models[r.Model], took: time.Second / 10}
	}
	q := w.questions[r.User]
	w.tell("%s: is asked %s", p.name, q.text)
	w.count("calls")
	if q.answered && !q.late && q.excused == 0 && !w.killed { // a machine that was lost goes on with what it had
		w.wrong("%s is asked %s again, to which a reply is kept", p.name, q.text)
	}
	if q.shared && q.failed && !w.killed {
		w.wrong("%s is asked %s again, which several units share and which failed", p.name, q.text)
	}
	q.inFlight++
	q.sent++
	return q
}

func (w *world) received(p *process, q *question) {
	w.mu.Lock()
	defer w.mu.Unlock()
	q.inFlight--
}

// keeps checks a reply as it is put: it is of the digest of its key.
func (w *world) keeps(k store.Key, r store.Reply) {
	w.mu.Lock()
	defer w.mu.Unlock()
	q := w.keys[k]
	digest, text, _ := strings.Cut(r.Content, " ")
	if digest != q.model.Digest || text != q.text {
		w.wrong("%q is kept as the reply of %s to %s", r.Content, q.model.Digest, q.text)
	}
}

// kept notes that a call has its reply.
func (w *world) kept(k store.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	q := w.keys[k]
	q.answered, q.broken = true, nil
	for _, m := range w.machines {
		delete(m.pending, q)
	}
}

// keepsFailure checks a call that is given up: a rule has to allow it.
func (w *world) keepsFailure(k store.Key, f store.Failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	q := w.keys[k]
	w.tell("%s fails: %s", q.text, f.Message)
	w.count("calls in error")
	q.failed = len(q.broken) > 0 && !w.twins
	if w.killed {
		return
	}
	switch {
	case q.poison == always400 && len(q.broken) > 0, w.brokeTwice(q), w.diedTwice(q.model), w.loadsNowhere(q.model):
	default:
		w.wrong("%s is in error, and no rule allows it: %s", q.text, f.Message)
	}
}

// brokeTwice says whether a call broke twice on one lane, which answered
// another then; not by the fault of calls beside it, but for the first time.
func (w *world) brokeTwice(q *question) bool {
	n := len(q.broken)
	if n < 2 || q.broken[n-1].lane != q.broken[n-2].lane || !w.probed[q.broken[n-1].lane].After(q.broken[n-1].at) {
		return false
	}
	last := q.broken[n-1]
	return last.by == "" || last.by == q.text || q.poison != harmless
}

func (w *world) diedTwice(m *fakeModel) bool {
	n := 0
	for _, d := range w.deaths {
		if d.model == m.Label {
			n++
		}
	}
	return n >= mostDeaths
}

// loadsNowhere says whether no site that is well could be expected to load a
// model: each failed twice, or once for good, or has no more memory than one on
// which it failed twice.
func (w *world) loadsNowhere(m *fakeModel) bool {
	if slices.ContainsFunc(w.jobs(), func(j *fakeJob) bool { return j.model == m && j.alike }) {
		return true // what is left may belong to other sites
	}
	var small uint64
	for at, t := range w.loads {
		if at.model == m.Label && t.failed >= loadTries {
			var all uint64
			for _, s := range w.sitesOf(strings.Split(at.set, "+")) {
				all += s.memory
			}
			small = max(small, all)
		}
	}
	fits := w.fit(m, 1)
	for _, s := range w.sites {
		if s.away() || fits([]schedule.Device{s.device()}).Short > 0 {
			continue
		}
		t := w.tried(m, s.id)
		if !t.final && t.failed < loadTries && (s.memory == 0 || s.memory > small) && s.failures < laneTries && !s.sick() && s.tags[m.Name] == "" {
			return false
		}
	}
	return true
}

// bury notes that a server that perg started ended by a call of a model: not
// often, and then the model is refused.
func (w *world) bury(p *process, m *fakeModel, poisoned bool) {
	if !p.own || !poisoned {
		return
	}
	w.killings[m.Label]++
	jobs := len(slices.DeleteFunc(w.jobs(), func(j *fakeJob) bool { return j.model != m }))
	if n := w.killings[m.Label]; n > jobs*mostDeaths+len(w.sites) {
		w.wrong("%s ended %d servers, and is not refused", m.Label, n)
	}
}

// loadsAgain notes a load: where nothing goes wrong, a lane is done with what
// generates when it leaves it.
func (w *world) loadsAgain(p *process, m *fakeModel) {
	if len(w.faults) > 0 || len(w.poisons) > 0 || w.twins {
		return
	}
	for _, j := range w.jobs() {
		if scores := len(j.of) > 0; j.model.bigger > 1 && (scores || j.model == m) || j.model == m && (scores || j.alike) {
			return
		}
	}
	at := loading{m.Label, p.name}
	if w.loaded[at] {
		w.wrong("%s loads %s again, though nothing went wrong", p.name, m.Label)
	}
	w.loaded[at] = true
}

// inFlightNow are the calls that servers work on.
func (w *world) inFlightNow() (all []*question) {
	for _, q := range w.questions {
		if q.inFlight > 0 && q.poison == harmless {
			all = append(all, q)
		}
	}
	return all
}

// checkPaid checks that what was in flight when the run was stopped is kept.
func (w *world) checkPaid() {
	if w.killed || !w.replies.fine() || len(w.poisons) > 0 {
		return
	}
	for _, f := range w.faults {
		if strings.Contains(f, "crash") || strings.Contains(f, "sleeps") || strings.Contains(f, "hangs") {
			return
		}
	}
	for _, s := range w.sites {
		if s.sick() || s.failed > 0 || len(s.tags) > 0 || s.illAt.After(w.stoppedAt.Add(-time.Minute)) {
			return
		}
	}
	for _, q := range w.paid {
		if !q.answered {
			w.wrong("%s was in flight at Ctrl-C, and is not kept", q.text)
		}
	}
}
