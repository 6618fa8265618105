package imported

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"perg/data"
)

// An answer that asks again is found by its question and its options, in whatever
// order, whichever columns it stands in; what nobody else asks is left out.
func TestAskedAgain(t *testing.T) {
	const pairs = `question,options,gold,no_pref_res,pref_res,preference
Sky?,"['blue', 'red']",A,The answer is A.,The answer is B.,short
Sea?,"['blue', 'red']",A,The answer is A.,The answer is A.,short
Sea?,"['blue', 'green']",A,The answer is B.,The answer is A.,short
`
	const again = `question,options,gold,setting,response,model
Sky?,"['red', 'blue']",B,none,The answer is B.,mine
Sky?,"['blue', 'red']",A,none,The answer is B.,mine
Sky?,"['blue', 'red']",A,relevant,The answer is A.,mine
Sky?,"['blue', 'red']",B,none,The answer is B.,mine
Sea?,"['blue', 'green']",A,none,The answer is A.,mine
Sea?,"['blue', 'green']",A,none,The answer is A.,another
Moon?,"['blue', 'red']",A,none,The answer is A.,mine
`
	r := Request{
		Files:   []File{{Path: file(t, "pairs.csv", pairs)}, {Path: file(t, "again.csv", again), Again: true}, {Path: file(t, "more.csv", again), Again: true}},
		Columns: map[Field]string{}, Values: map[Field]string{Model: "mine"}, Out: filepath.Join(t.TempDir(), "run"),
	}
	done, err := Import(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for g, err := range data.ReadTable[data.Generation](filepath.Join(r.Out, "generations")) {
		if err != nil {
			t.Fatal(err)
		}
		if g.Control != "" {
			got = append(got, strings.Join([]string{g.Question, g.Control, string(rune('0' + g.Repeat)), strings.Join(g.Options, "/"), g.Gold, *g.Answer}, " "))
		}
	}
	slices.Sort(got)
	want := []string{
		"Sea? again 0 blue/green A A", "Sea? again 1 blue/green A A", "Sea? again 2 blue/green A A", "Sea? again 3 blue/green A A",
		"Sky? again 0 blue/red A B", "Sky? again 1 blue/red A B", "Sky? rotated 0 red/blue B B", "Sky? rotated 1 red/blue B B",
	}
	// The model is the same in all rows, as it was said.
	if !slices.Equal(got, want) || done.Unasked != 4 {
		t.Errorf("%d left out, controls\n%s", done.Unasked, strings.Join(got, "\n"))
	}
	if c := done.Config; c.Null != 4 || !c.RotateOptions || c.Repeats != 1 {
		t.Errorf("null %d, rotated %v, repeats %d", c.Null, c.RotateOptions, c.Repeats)
	}
}
