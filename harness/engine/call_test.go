package engine

import (
	"context"
	"testing"

	"perg/harness/store"
	"perg/models"
)

// A call that another lane makes is waited for, and made again where that lane
// was lost or stopped.
func TestACallOfALaneThatIsLost(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := &lane{name: "b"}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&LaneError{"a", models.ErrUnreachable}, true},
		{&LaneError{"b", models.ErrUnreachable}, false},
		{context.Canceled, true},
		{&FailedError{store.Failure{Message: "no"}}, false},
	} {
		if got := l.anothers(ctx, c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
	cancel()
	if l.anothers(ctx, context.Canceled) {
		t.Error("a lane that was stopped itself goes on")
	}
}
