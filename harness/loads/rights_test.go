package loads

import (
	"maps"
	"path/filepath"
	"testing"

	"perg/harness/store"
	"perg/harness/task"
)

// A variant is expected to be right as often as it was, else as often as others were;
// where next to nothing is known, nothing is expected.
func TestExpectedRights(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	rights := Rights{Store: s}
	a, b, c := variant("a"), variant("b"), variant("c")
	thinking := variant("a")
	thinking.Think = new(true)
	all := []*task.Variant{a, b, c, thinking}
	note := func(v *task.Variant, right, of int) {
		t.Helper()
		if err := rights.Note(t.Context(), v, right, of); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, want task.Rights) {
		t.Helper()
		if got := rights.Known(t.Context(), all); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	want("of an empty store", nil)
	note(a, 0, 0)
	note(c, telling-1, telling-1)
	want("of a few answers", nil)
	note(a, 60, 80)
	note(b, 10, 40)
	others := task.Right{Share: 0.5}
	want("of two models", task.Rights{a: {Share: 0.75, Own: 80}, b: {Share: 0.25, Own: 40}, c: others, thinking: others})
	if got := (Rights{}).Known(t.Context(), all); len(got) > 0 {
		t.Errorf("without a store: %v", got)
	}
}
