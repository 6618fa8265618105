package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
)

// What another machine's error matches, and says, is what it did there.
func TestFault(t *testing.T) {
	all := append([]error{context.Canceled, errors.New("anything"), serverError(500, "llama runner process has terminated: signal: killed"), serverError(404, "model 'x' not found")}, sentinels...)
	for _, of := range all {
		err := fmt.Errorf("on gpu0: %w", of)
		text, e := json.Marshal(FaultOf(err))
		if e != nil {
			t.Fatal(e)
		}
		var f *Fault
		if e := json.Unmarshal(text, &f); e != nil {
			t.Fatal(e)
		}
		got := f.Err()
		if got.Error() != err.Error() || Reason(got) != Reason(err) {
			t.Errorf("%v is told as %v: %s, was %s", err, got, Reason(got), Reason(err))
		}
		for _, s := range sentinels {
			if errors.Is(got, s) != errors.Is(err, s) {
				t.Errorf("%v: matches %v: %v", err, s, errors.Is(got, s))
			}
		}
		_, was := errors.AsType[*ServerError](err)
		if said, is := errors.AsType[*ServerError](got); was != is || is && said.Status == 0 {
			t.Errorf("%v: a server's error: %v, was %v", err, is, was)
		}
	}
	if FaultOf(nil) != nil || (*Fault)(nil).Err() != nil {
		t.Error("no error is one")
	}
}
