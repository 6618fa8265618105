package harness

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perg/models"
)

// A model that spills is tried with the contexts that hold every call, and
// then its rows fail with the reason, while another model's go on.
func TestASpillStepsDown(t *testing.T) {
	p := testPlan(t, 2, variant("a:latest"))
	client, asked := spilling(t, replying(answerA), func(numCtx int) int {
		if numCtx <= 2048 {
			return 100
		}
		return 60
	})
	r, warnings := testRun(t, p, client)
	r.Config.AllowCPU = false
	result, err := r.Execute(t.Context())
	if err != nil || result.OK != 8 || !slices.Equal(asked(), []int{4096, 3072, 2048}) {
		t.Errorf("result %+v, contexts %v, error %v", result, asked(), err)
	}
	if len(*warnings) != 2 || !strings.Contains((*warnings)[1], "trying again with a context of 2048 tokens instead of 3072") {
		t.Errorf("warnings %q", *warnings)
	}
	if n := len(r.Dir.Manifest.Loads); n != 1 || r.Dir.Manifest.Loads[0].NumCtx != 2048 || *r.Dir.Manifest.Loads[0].InFlight != 2 || r.Dir.Manifest.Loads[0].Estimate != nil {
		t.Errorf("loads %+v", r.Dir.Manifest.Loads)
	}

	p = testPlan(t, 2, variant("a:latest"))
	client, _ = spilling(t, replying(answerA), func(int) int { return 60 })
	r, warnings = testRun(t, p, client)
	r.Config.AllowCPU = false
	result, err = r.Execute(t.Context())
	if err != nil || result.Failed != 8 || result.OK != 0 {
		t.Errorf("result %+v, error %v", result, err)
	}
	want := "a:latest does not fit in GPU memory: 40 B of its 100 B would run on the CPU (--allow-cpu accepts that); what is left of it is in error, the others go on"
	if diff := cmp.Diff(want, (*warnings)[len(*warnings)-1]); diff != "" {
		t.Errorf("the last warning (-want +got):\n%s", diff)
	}
}

// A lane whose server dies leaves its work to the others.
func TestTheRunGoesOnWithoutALane(t *testing.T) {
	p := testPlan(t, 30, variant("a:latest"), variant("b:latest"))
	gone, err := models.NewClient("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	gone.Patience = 20 * time.Millisecond
	well := fake(t, replying(answerA))
	r, warnings := testRun(t, p, well)
	on(r, nil, well, gone)
	result, err := r.Execute(t.Context())
	if err != nil || result.OK != 2*4*30 || result.Failed+result.Missing != 0 {
		t.Errorf("result %+v, error %v", result, err)
	}
	told := 0
	for _, w := range *warnings {
		told += strings.Count(w, "the run goes on without http://127.0.0.1:1")
	}
	if told != 1 {
		t.Errorf("it is told %d times that a lane is gone: %q", told, *warnings)
	}
}

// An answer that ends because the context is full is an error: in a larger one
// it would have gone on, and the key of a call does not tell the two apart.
func TestAnAnswerThatFillsTheContextIsAnError(t *testing.T) {
	p := testPlan(t, 2, variant("a:latest"))
	full := strings.Replace(answerA, `"stop"`, `"length"`, 1)
	r, _ := testRun(t, p, fake(t, replying(full)))
	result, err := r.Execute(t.Context())
	if err != nil || result.Failed != 8 || result.Reasons[models.ErrContextOverflow.Error()] != 8 {
		t.Errorf("result %+v, error %v", result, err)
	}
	// At num_predict it is the answer's own length that ended it.
	p.Task.NumPredict = 4
	r, _ = testRun(t, p, fake(t, replying(full)))
	if result, err := r.Execute(t.Context()); err != nil || result.OK != 8 {
		t.Errorf("at num_predict: result %+v, error %v", result, err)
	}
}
