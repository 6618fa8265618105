package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"perg/data"
	"perg/harness/explore"
	"perg/harness/explore/web"
	"perg/harness/rundir"
)

// A viewed run is served to browsers as it stands. While it goes on it is looked at
// again and again, and served anew where there is more.
type viewed struct {
	name  string
	serve func(*explore.Run, web.About) http.Handler

	mu sync.RWMutex // held to read while a request is answered: what it reads stays
	served
}

// A served is what a viewed run is served from.
type served struct {
	shown   shownRun
	run     *explore.Run
	handler http.Handler
}

// openViewed opens a run as it stands now.
func openViewed(ctx context.Context, dir string, m rundir.Manifest, serve func(*explore.Run, web.About) http.Handler) (*viewed, error) {
	v := &viewed{name: dir, serve: serve}
	var err error
	v.served, err = v.look(ctx, dir, m)
	return v, err
}

func (v *viewed) look(ctx context.Context, dir string, m rundir.Manifest) (is served, err error) {
	if is.shown, err = showable(ctx, dir, m); err != nil {
		return is, err
	}
	is.run, err = explore.Open(is.shown.tables, is.shown.manifest.MetricsOptions().Panel())
	if errors.Is(err, data.ErrNoTable) {
		err = noTables(dir, m)
	}
	if err != nil {
		is.shown.Close()
		return is, err
	}
	is.handler = v.serve(is.run, aboutRun(is.shown))
	return is, nil
}

func (v *viewed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	v.handler.ServeHTTP(w, r)
}

// lookEvery is how long what is served stays as it is, and looking may take a
// small part of it.
var lookEvery = 15 * time.Second

// follow looks again until the run has ended, or ctx has. What cannot be looked at
// now stays as it is.
func (v *viewed) follow(ctx context.Context) {
	pause := lookEvery
	for !ended(v.shown.manifest) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		began := time.Now()
		dir, m, err := readRun(v.name)
		if err != nil {
			continue
		}
		next, err := v.look(ctx, dir, m)
		if err != nil {
			continue
		}
		if next.same(v.served) || next.run.Wait(ctx) != nil {
			next.close()
		} else {
			v.mu.Lock()
			was := v.served
			v.served = next
			v.mu.Unlock()
			was.close()
		}
		pause = max(lookEvery, 20*time.Since(began))
	}
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
