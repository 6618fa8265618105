package harness

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"perg/data"
)

// A server that answers everything but the unload at the end keeps neither the
// tables away nor the user: Execute ends within the client's patience, and at
// once at Ctrl-C. It never returned.
func TestAServerThatHangsAtTheLastUnload(t *testing.T) {
	for name, patience := range map[string]time.Duration{"within the patience": 500 * time.Millisecond, "at Ctrl-C": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t, "a:latest")
			s.client.Patience = patience // 0: two minutes
			hangs := make(chan struct{}, 1)
			s.tamper = func(_ http.ResponseWriter, a asked) bool {
				if a.kind != unload {
					return false
				}
				select {
				case hangs <- struct{}{}:
				default:
				}
				hang(a)
				return true
			}
			p := testPlan(t, 3, variant("a:latest"))
			r, _ := testRun(t, p, s.client)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			type end struct {
				Result
				err error
			}
			ended := make(chan end, 1)
			go func() {
				result, err := r.Execute(ctx)
				ended <- end{result, err}
			}()
			<-hangs
			began := time.Now()
			if patience == 0 {
				for tables := false; !tables && time.Since(began) < 5*time.Second; time.Sleep(10 * time.Millisecond) {
					for _, err := range data.ReadTable[data.Generation](filepath.Join(r.Dir.Path, "generations")) {
						tables = err == nil
					}
				}
				time.Sleep(time.Second) // Execute waits for the unload alone
				began = time.Now()
				cancel()
			}
			select {
			case e := <-ended:
				mustComplete(t, p, e.Result, e.err)
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("it took %v", took)
				}
			case <-time.After(30 * time.Second):
				t.Error("it has not ended after half a minute")
				s.down()
				<-ended
			}
		})
	}
}

// Ctrl-C is heard at once while a load waits for a server that is away, and while
// one is made; no call is made after it. What hangs then is given a few seconds.
func TestCtrlCDuringALoad(t *testing.T) {
	for name, away := range map[string]bool{"a load": false, "a server that is away": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t, "a:latest")
			s.client.Patience = time.Minute
			s.loading = 3 * time.Second
			if away {
				s.down()
			}
			p := testPlan(t, 3, variant("a:latest"))
			r, _ := testRun(t, p, s.client)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(300*time.Millisecond, cancel)
			began := time.Now()
			result, err := r.Execute(ctx)
			if took := time.Since(began); !errors.Is(err, ErrInterrupted) || took > 10*time.Second || result.Missing != p.Total() {
				t.Errorf("after %v: result %+v, error %v", took, result.Counts, err)
			}
			if n := s.number(chat); n > 0 {
				t.Errorf("%d calls were made", n)
			}
		})
	}
}
