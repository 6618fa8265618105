package prompt

import (
	"fmt"
	"testing"
	"testing/fstest"

	"perg/data"
)

// A system text that is kept is the one that would be made: with the project's
// templates the question is no part of it, with others it may be.
func TestKeptSystemTexts(t *testing.T) {
	own, err := Embedded(Own)
	if err != nil {
		t.Fatal(err)
	}
	other, err := own.Replace(fstest.MapFS{"system.tmpl": {Data: []byte("Think of {{.Question}}")}})
	if err != nil {
		t.Fatal(err)
	}
	examples := [][]string{{"one", "two"}, {"one", "three"}, {"one"}}
	asked := 0
	for _, set := range []*Set{own, other} {
		for range 2 {
			for i := range 4 * mostSystems {
				q := Query{
					Item:   data.Item{Question: fmt.Sprint("question ", i), Options: []string{"yes", "no"}},
					Method: Methods()[i%3], Setting: Settings()[i%4], Preferences: Settings()[i%4].Stated(fmt.Sprint("preference ", i%300), []string{"a", "b"}),
				}
				if q.Method == ICL {
					q.Examples = examples[i/3%len(examples)]
				}
				forgetful := &Set{templates: set.templates, texts: set.texts, replaced: set.replaced}
				want, err := forgetful.Ask(q)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := set.Ask(q); err != nil || got != want {
					t.Fatalf("question %d:\n got %q\nwant %q, error %v", i, got.System, want.System, err)
				}
				asked++
			}
		}
	}
	if n := len(own.systems.texts); n == 0 || n > mostSystems || len(other.systems.texts) != 0 {
		t.Errorf("%d texts are kept of %d, and %d of templates that are the user's", n, asked, len(other.systems.texts))
	}
}
