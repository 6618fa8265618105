package harness

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// While a run goes on its overview says what waits; in the end it has every
// generation, and every failed call under its reason.
func TestOverviewOfARun(t *testing.T) {
	p := testPlan(t, 10, variant("a:latest"), variant("b:latest"))
	var calls atomic.Int32
	r, _ := testRun(t, p, fake(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1)%8 == 0 {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"error":"a prompt that has a bad day"}`)
			return
		}
		time.Sleep(2 * time.Millisecond)
		io.WriteString(w, answerA)
	}))
	if o := r.Overview(); o.Answers.Of != 0 || o.Left != nil || o.Next != nil {
		t.Errorf("before the run: %+v", o)
	}
	quit, waited := make(chan struct{}), make(chan [][]string)
	go func() {
		var orders [][]string
		for {
			select {
			case <-quit:
				waited <- orders
				return
			case <-time.After(time.Millisecond):
				if o := r.Overview(); o.Answers.Done > 0 && o.Answers.Done < o.Answers.Of {
					orders = append(orders, o.Next)
				}
			}
		}
	}()
	result, err := r.Execute(t.Context())
	close(quit)
	orders := <-waited
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(orders, func(o []string) bool { return slices.Equal(o, []string{"b:latest"}) }) || len(orders[len(orders)-1]) != 0 {
		t.Errorf("next, from the first to the last look: %q", orders)
	}
	o := r.Overview()
	if want := (Part{80, 80}); o.Answers != want || o.Ratings.Of != 0 || o.Calls != result.Calls || o.Failed != result.Failed || o.Failed == 0 {
		t.Errorf("overview %+v of the result %+v", o, result)
	}
	if diff := cmp.Diff(map[string]int{"server error": o.Failed}, o.Errors); diff != "" {
		t.Error(diff)
	}
	if o.Last == nil || o.Last.Model != "b:latest" || !strings.Contains(o.Last.Message, "bad day") {
		t.Errorf("the last error is %+v", o.Last)
	}
}
