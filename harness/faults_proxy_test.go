package harness

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/fleet"
	"perg/harness/rundir"
	"perg/harness/tables"
	"perg/models"
)

// A proxy whose server is away for a moment is waited for, whatever it says and
// whatever was asked. It cost all that was left of a queue: thousands of rows
// in error within a second, each with the proxy's page as the reason.
func TestAProxyWhoseServerIsAwayForAMoment(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		kind   kind // of the request with which it begins
		n      int
	}{
		"502":                  {502, chat, 20},
		"504":                  {504, chat, 20},
		"503":                  {503, chat, 20},
		"429 with Retry-After": {429, chat, 20},
		"a page for an answer": {200, chat, 20},
		"at the load":          {502, load, 1},
		"at the next load":     {504, load, 2},
		"at the look":          {502, ps, 1},
		"at the unload":        {503, unload, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t, "a:latest", "b:latest", "judge:latest")
			s.client.Patience = 10 * time.Second
			var from, said atomic.Int64
			s.tamper = func(w http.ResponseWriter, a asked) bool {
				if a.kind == c.kind && a.n == c.n {
					from.Store(time.Now().UnixNano())
				}
				if from.Load() == 0 || time.Since(time.Unix(0, from.Load())) > 400*time.Millisecond {
					return false
				}
				said.Add(1)
				page(w, c.status, "Retry-After", "1")
				return true
			}
			p := judgedPlan(t, 12, variant("a:latest"), variant("b:latest"))
			r, _ := testRun(t, p, s.client)
			result, err := r.Execute(t.Context())
			mustComplete(t, p, result, err)
			if result.Rated == 0 || result.Unjudged+result.Unscored > 0 || said.Load() == 0 {
				t.Errorf("the proxy answered %d times: %+v", said.Load(), result)
			}
		})
	}
}

// prepared is the run of a config on servers, as perg run makes it.
func prepared(t *testing.T, items int, c rundir.Config, hosts ...*standIn) (*Plan, *Run, error) {
	t.Helper()
	var clients []*models.Client
	for _, s := range hosts {
		clients = append(clients, s.client) // with little patience
	}
	p, r, _, err := preparedOn(t, items, c, clients...)
	return p, r, err
}

// preparedOn is that on servers by their clients, with what the user was told.
func preparedOn(t *testing.T, items int, c rundir.Config, servers ...*models.Client) (p *Plan, r *Run, told []string, err error) {
	t.Helper()
	quiet := func(string) {}
	o := FleetOptions(c, t.TempDir(), quiet, quiet)
	var clients []fleet.Client
	for _, s := range servers {
		c.Host = append(c.Host, s.Host())
		clients = append(clients, s)
		o.Patience = max(o.Patience, s.Patience)
	}
	o.Hosts = c.Host
	if _, err := fleet.Open(t.Context(), o); err != nil {
		return nil, nil, nil, err
	}
	f := fleet.Of(o, clients...)
	empty := testPlan(t, items)
	for i := range empty.Task.Dataset.Items {
		empty.Task.Dataset.Items[i].PreferenceType = data.Clarity
	}
	r, _ = testRun(t, empty, servers[0])
	p, m, err := Prepare(t.Context(), c, empty.Task.Dataset, f, r.Store, quiet, func(text string) { told = append(told, text) })
	if err != nil {
		return nil, r, told, err
	}
	c.AllowCPU, c.Parallel = true, "4"
	r.Plan, r.Fleet, r.Config = p, f, c
	r.Dir.Manifest.Models, r.Dir.Manifest.Judges, r.Dir.Manifest.Extractor, r.Dir.Manifest.Ollama = m.Models, m.Judges, m.Extractor, m.Ollama
	return p, r, told, nil
}

// What a server says now and then, from the first prompt that is counted to the
// last rating, costs neither the run nor a row of it. Each of these ended the
// run while it counted, or left rows in error.
func TestWhatAServerSaysNowAndThenCostsNothing(t *testing.T) {
	crashed := func(w http.ResponseWriter) {
		w.WriteHeader(500)
		fmt.Fprint(w, `{"error":"llama-server process has terminated: signal: killed"}`)
	}
	for name, c := range map[string]struct {
		every int
		of    func(kind) bool
		say   func(http.ResponseWriter)
	}{
		"every 31st call 429 with Retry-After": {31, func(k kind) bool { return k == chat || k == load || k == count },
			func(w http.ResponseWriter) { page(w, 429, "Retry-After", "1") }},
		"every second count 429":            {2, func(k kind) bool { return k == count }, func(w http.ResponseWriter) { page(w, 429) }},
		"every 13th call ends its runner":   {13, func(k kind) bool { return k == chat || k == load }, crashed},
		"every third count ends its runner": {3, func(k kind) bool { return k == count }, crashed},
		"every third look a proxy's page":   {3, func(k kind) bool { return k == ps }, func(w http.ResponseWriter) { page(w, 502) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t, "a:latest", "b:latest", "judge:latest")
			s.client.Patience = 10 * time.Second
			var n, said atomic.Int64
			s.tamper = func(w http.ResponseWriter, a asked) bool {
				if !c.of(a.kind) || n.Add(1)%int64(c.every) > 0 {
					return false
				}
				said.Add(1)
				c.say(w)
				return true
			}
			config := rundir.Defaults()
			config.Models, config.Judge = []string{"a:latest", "b:latest"}, []string{"judge:latest"}
			p, r, err := prepared(t, 12, config, s)
			if err != nil {
				t.Fatal(err)
			}
			result, err := r.Execute(t.Context())
			mustComplete(t, p, result, err)
			if result.Rated == 0 || result.Unjudged+result.Unscored > 0 || said.Load() < 3 {
				t.Errorf("it said so %d times: %+v", said.Load(), result)
			}
		})
	}
}

// A list of what is in memory that never comes is the lane's trouble: no row is
// in error, and what is missing has the reason. It cost half of all rows.
func TestAListOfModelsThatNeverComesIsTheLanesTrouble(t *testing.T) {
	s := newStandIn(t, "a:latest")
	s.tamper = func(w http.ResponseWriter, a asked) bool {
		if a.kind == ps {
			page(w, 502)
		}
		return a.kind == ps
	}
	p := testPlan(t, 4, variant("a:latest"))
	r, _ := testRun(t, p, s.client)
	result, err := r.Execute(t.Context())
	if result.Failed > 0 || result.OK > 0 || !errors.Is(err, engine.ErrUndone) || !errors.Is(err, models.ErrUnreachable) || !strings.Contains(err.Error(), "502 Bad Gateway") {
		t.Errorf("result %+v, error %v", result.Counts, err)
	}
}

// A tag that is made anew in the middle of a run: no answer of the new model is
// in the store, whose keys have the digest of the old one, nor in a row.
func TestNoAnswerOfARemadeTagIsKept(t *testing.T) {
	s := newStandIn(t, "a:latest", "b:latest")
	s.takes = 5 * time.Millisecond
	s.tamper = func(_ http.ResponseWriter, a asked) bool {
		if a.kind == chat && a.n == 30 {
			s.mu.Lock()
			s.digests["a:latest"] = "another digest"
			s.mu.Unlock()
		}
		return false
	}
	a, b := variant("a:latest"), variant("b:latest")
	p := testPlan(t, 12, a, b)
	r, warnings := testRun(t, p, s.client)
	result, err := r.Execute(t.Context())
	if err != nil || result.OK+result.Failed != p.Total() || result.Failed == 0 || result.Failed >= p.Task.Count(a) || result.Reasons[engine.ErrRemade.Error()] != result.Failed {
		t.Errorf("result %+v, error %v, warnings %q", result.Counts, err, *warnings)
	}
	for row, err := range data.ReadTable[data.Generation](filepath.Join(r.Dir.Path, "generations")) {
		if err != nil || row.Response != nil && strings.Contains(*row.Response, "another digest") {
			t.Errorf("a row of %s: %v, error %v", row.Variant, row.Response, err)
		}
	}
	answers := 0
	for g := range generations(p) {
		s, err := p.evaluator(tables.Recorded(r.Store)).Evaluate(t.Context(), g, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.Reply != nil {
			answers++
			if strings.Contains(s.Reply.Content, "another digest") {
				t.Errorf("kept: %s", s.Reply.Content)
			}
		}
	}
	if answers != result.OK {
		t.Errorf("%d answers are kept, %d rows have one", answers, result.OK)
	}
}
