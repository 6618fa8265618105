package main

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"perg/data"
	"perg/harness/explore"
	"perg/harness/explore/web"
	"perg/harness/rundir"
)

// A viewer serves one run to browsers as it stands, or two beside each other.
// While they go on they are looked at again and again, and served anew where there
// is more.
type viewer struct {
	runs  []*viewed
	serve func([]web.Shown) http.Handler

	mu      sync.RWMutex // held to read while a request is answered: what it reads stays
	handler http.Handler
}

// A viewed is a run that is served.
type viewed struct {
	name    string
	texts   *explore.Texts
	ratings *web.Ratings
	served
}

// A served is what a viewed run is served from.
type served struct {
	shown  shownRun
	run    *explore.Run
	report func() (made, error)
}

// A made is a page, with the policy that it needs.
type made struct {
	html   []byte
	policy string
}

// searchFile is where words of a run's texts are looked up.
const searchFile = "search.sqlite"

// openViewed opens a run as it stands now. What it said is indexed for the next
// time where the run has ended.
func openViewed(ctx context.Context, dir string, m rundir.Manifest, file *web.Ratings) (*viewed, error) {
	keep := ""
	if ended(m) {
		keep = filepath.Join(dir, searchFile)
	}
	v := &viewed{name: dir, texts: explore.NewTexts(keep), ratings: file}
	var err error
	v.served, err = v.look(ctx, dir, m)
	return v, err
}

func (v *viewed) look(ctx context.Context, dir string, m rundir.Manifest) (is served, err error) {
	if is.shown, err = showable(ctx, dir, m); err != nil {
		return is, err
	}
	is.run, err = explore.Open(is.shown.tables, is.shown.manifest.MetricsOptions().Panel(), v.texts)
	if errors.Is(err, data.ErrNoTable) {
		err = noTables(dir, m)
	}
	if err != nil {
		is.shown.Close()
	}
	shown := is.shown
	is.report = sync.OnceValues(func() (m made, err error) {
		m.html, m.policy, err = servedPage(shown)
		return m, err
	})
	return is, err
}

func (v *viewer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	v.handler.ServeHTTP(w, r)
}

// show serves the runs as they are now.
func (v *viewer) show() {
	var shown []web.Shown
	for _, one := range v.runs {
		shown = append(shown, web.Shown{Run: one.run, About: aboutRun(one.shown), Ratings: one.ratings, Report: func() ([]byte, string, error) {
			m, err := one.report()
			return m.html, m.policy, err
		}})
	}
	v.handler = v.serve(shown)
}

// lookEvery is how long what is served stays as it is, and looking may take a
// small part of it.
var lookEvery = 15 * time.Second

// follow looks again at one of the runs until it has ended, or ctx has. What cannot
// be looked at now stays as it is.
func (v *viewer) follow(ctx context.Context, one *viewed) {
	pause := lookEvery
	for !ended(one.shown.manifest) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		began := time.Now()
		dir, m, err := readRun(one.name)
		if err != nil {
			continue
		}
		next, err := one.look(ctx, dir, m)
		if err != nil {
			continue
		}
		if next.same(one.served) || next.run.Wait(ctx) != nil {
			next.close()
		} else {
			next.run.WaitTexts(ctx) // without an index texts are read through
			v.mu.Lock()
			was := one.served
			one.served = next
			v.show()
			v.mu.Unlock()
			was.close()
		}
		pause = max(lookEvery, 20*time.Since(began))
	}
}

// close gives up what the runs are served from.
func (v *viewer) close() (err error) {
	for _, one := range v.runs {
		err = errors.Join(err, one.served.close(), one.texts.Close())
	}
	return err
}

// same says whether there is nothing more than in another.
func (is served) same(other served) bool {
	a, b := is.shown, other.shown
	if a.manifest.State != b.manifest.State || (a.standing == nil) != (b.standing == nil) {
		return false
	}
	if a.standing == nil {
		return true
	}
	return a.standing.Answered == b.standing.Answered && a.manifest.Counts.Rated == b.manifest.Counts.Rated
}

func (is served) close() error {
	err := is.run.Close()
	is.shown.Close()
	return err
}
