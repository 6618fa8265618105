package explore

import (
	"testing"

	"perg/harness/explore/exploretest"
	"perg/harness/results"
)

// What is exported in another order than the table's is the same, answer by answer,
// and nothing is left behind.
func TestSortedAnswersAreTheSame(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir := t.TempDir()
	exploretest.Write(t, dir, exploretest.Shape{Variants: 2, Items: 300})
	r := must(Open(dir, results.Panel{}, nil))
	defer r.Close()
	if err := r.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := make(map[results.Key]Answer)
	for a, err := range r.Answers(t.Context(), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		want[a.Key] = a
	}
	if rows := must(r.all(t.Context(), Filter{Sort: Sort{By: SortQuestion}})); !scattered(rows) {
		t.Fatalf("%d answers are in an order that needs no file", len(rows))
	}
	if rows := must(r.all(t.Context(), Filter{Sort: Sort{By: SortScore}})); scattered(rows) {
		t.Error("five scores are five sweeps, and need no file")
	}
	last, n := "", 0
	for a, err := range r.Answers(t.Context(), Filter{Sort: Sort{By: SortQuestion}}) {
		if err != nil {
			t.Fatal(err)
		}
		w := want[a.Key]
		if *a.Response != *w.Response || len(a.Options) != len(w.Options) || a.Gold != w.Gold || a.Item.Question < last {
			t.Fatalf("%s is %+v", a.Key, a)
		}
		last = a.Item.Question
		n++
	}
	if n != len(want) {
		t.Errorf("%d of %d", n, len(want))
	}
	for range r.Answers(t.Context(), Filter{Sort: Sort{By: SortQuestion}}) {
		break // a reader that leaves
	}
}
