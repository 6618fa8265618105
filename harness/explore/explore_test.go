package explore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/explore/exploretest"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/ratings"
	"perg/harness/results"
)

func small(t *testing.T) *Run {
	t.Helper()
	dir := t.TempDir()
	exploretest.Small(t, dir)
	return open(t, dir)
}

func open(t *testing.T, dir string) *Run {
	t.Helper()
	r, err := Open(dir, results.Panel{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if err := r.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.WaitTexts(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func list(t *testing.T, r *Run, f Filter, from, n int) List {
	t.Helper()
	l, err := r.List(t.Context(), f, from, n)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func key(variant, method, setting, item string, repeat int32) results.Key {
	return results.Key{Cell: results.CellOf(variant, method, setting, ""), ItemID: item, Repeat: repeat}
}

func where(pairs ...any) Filter {
	f := Filter{Values: make(map[Facet][]string)}
	for i := 0; i < len(pairs); i += 2 {
		f.Values[pairs[i].(Facet)] = append(f.Values[pairs[i].(Facet)], pairs[i+1].(string))
	}
	return f
}

// What is listed is what the run's metrics count.
func TestOutcomesAreThoseOfTheMetrics(t *testing.T) {
	dir := t.TempDir()
	exploretest.Small(t, dir)
	r := open(t, dir)
	table, err := metrics.Load(dir, metrics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cells, err := table.Cells("")
	if err != nil || len(cells) != 9 {
		t.Fatalf("%d cells, %v", len(cells), err)
	}
	for _, c := range cells {
		in := func(outcome string, more ...any) int {
			return list(t, r, where(append(more, ByVariant, c.Variant, ByMethod, string(c.Method), BySetting, string(c.Setting), ByOutcome, outcome)...), 0, 0).Hits
		}
		if got := in("error"); got != c.Failed {
			t.Errorf("%s %s: %d errors, metrics count %d", c.Variant, c.Setting, got, c.Failed)
		}
		if got := in("unscored"); got != c.Unscored {
			t.Errorf("%s %s: %d unscored, metrics count %d", c.Variant, c.Setting, got, c.Unscored)
		}
		right := in("kept") + in("mended") + in("plain-right")
		if got := c.Rate(metrics.Accuracy); got.Count != float64(right) {
			t.Errorf("%s %s: %d right, metrics count %v", c.Variant, c.Setting, right, got.Count)
		}
		if c.Setting == prompt.None {
			continue
		}
		if got := c.Rate(metrics.BreakageRate); got.Count != float64(in("broken")) || got.Of != in("broken")+in("kept") {
			t.Errorf("%s %s: %d broken and %d kept, metrics count %v", c.Variant, c.Setting, in("broken"), in("kept"), got)
		}
		if got := c.Rate(metrics.AlignmentFailure); c.Setting.Judged() && got.Count != float64(in("broken", ByFollowed, "no")+in("kept", ByFollowed, "no")) {
			t.Errorf("%s %s: not followed, metrics count %v", c.Variant, c.Setting, got)
		}
	}
}

// Counts beside values are what choosing the value would list.
func TestCountsComeTrue(t *testing.T) {
	r := small(t)
	r.Mark("1", func() map[results.Key]ratings.Mark {
		return map[results.Key]ratings.Mark{
			key("swayed:8b", "zero-shot", "relevant", "item-01", 0):  {Rating: 4, Note: "well"},
			key("swayed:8b", "zero-shot", "relevant", "item-02", 0):  {Rating: 1, Thumb: ratings.ThumbUp},
			key("steady:8b", "zero-shot", "none", "item-01", 0):      {Thumb: ratings.ThumbDown},
			key("nobody", "zero-shot", "none", "item of another", 0): {Rating: 5},
		}
	})
	beside := where(ByVariant, "swayed:8b", ByRight, There)
	beside.Beside.Variant = "steady:8b"
	words := where(ByVariant, "swayed:8b", ByRating, Unmarked)
	words.Text = "bridge"
	seen := make(map[Facet]bool)
	for _, f := range []Filter{
		{}, beside, words, where(ByNote, "yes"), where(ByReader, "rule:stated", ByThumb, "up"),
		where(ByOutcome, "broken"),
		where(ByOutcome, "broken", ByOutcome, "unscored", BySetting, "relevant", ByVariant, "swayed:8b"),
		where(BySource, "mmlu", ByCategory, "anatomy", ByFollowed, "yes"),
		where(ByVariant, "nobody"),
	} {
		counts := list(t, r, f, 0, 0).Facets
		for _, facet := range Facets() {
			seen[facet] = seen[facet] || len(counts[facet]) > 0
			for _, c := range counts[facet] {
				alone := where()
				alone.Text, alone.Beside = f.Text, f.Beside
				for other, values := range f.Values {
					if other != facet {
						alone.Values[other] = values
					}
				}
				alone.Values[facet] = []string{c.Value}
				if got := list(t, r, alone, 0, 0); got.Hits != c.N || got.Of != c.N && f.Text == "" {
					t.Errorf("%v: %s %q counts %d, and %d are listed", f.Values, facet, c.Value, c.N, got.Hits)
				}
				if c.Selected != slices.Contains(f.Values[facet], c.Value) {
					t.Errorf("%s %q selected: %v", facet, c.Value, c.Selected)
				}
			}
		}
	}
	for _, facet := range Facets() {
		if !seen[facet] && facet != ByJudges { // the run has one judge
			t.Errorf("%s has no values", facet)
		}
	}
	if got := list(t, r, Filter{}, 0, 0); got.Hits != 120 || r.Generations() != 120 || !got.Done {
		t.Errorf("%d of %d", got.Hits, r.Generations())
	}
}

func TestPages(t *testing.T) {
	r := small(t)
	f := where(ByOutcome, "broken")
	all := list(t, r, f, 0, 100)
	if len(all.Lines) == 0 || all.HasMore || all.Hits != len(all.Lines) {
		t.Fatalf("%d lines of %d", len(all.Lines), all.Hits)
	}
	for _, l := range all.Lines {
		if l.Variant != "swayed:8b" || l.Plain != "A" || l.Answer != "B" || l.Response == nil || !strings.Contains(*l.Response, "The answer is B") || l.Item.Question == "" {
			t.Errorf("%+v", l)
		}
	}
	var pages []Line
	for from := 0; ; from += 2 {
		l := list(t, r, f, from, 2)
		pages = append(pages, l.Lines...)
		if !l.HasMore {
			break
		}
	}
	if diff := cmp.Diff(all.Lines, pages); diff != "" {
		t.Error(diff)
	}
	if l := list(t, r, f, 1000, 2); len(l.Lines) != 0 || l.HasMore {
		t.Errorf("beyond the end: %d lines", len(l.Lines))
	}
}

func TestSearch(t *testing.T) {
	r := small(t)
	for _, tt := range []struct {
		text string
		want int
	}{
		{"question 3:", 10}, // the question, in all its generations
		{"QUESTION 3:", 10}, // whichever the case
		{"think of a BRIDGE", 84 - 4*2},
		{" a bridge. ", 84 - 4*2},   // spaces around are not meant
		{"practical examples", 110}, // the preference, also where it is not stated
		{`document.title = "owned"`, 10},
		{"GNORW\u202c \u200fMARK", 10}, // beyond ASCII
		{"no such text", 0},
	} {
		l := list(t, r, Filter{Text: tt.text}, 0, 200)
		if l.Hits != tt.want || !l.Done || len(l.Lines) != tt.want || l.Looked != 120 {
			t.Errorf("%q: %d hits, want %d; %+v", tt.text, l.Hits, tt.want, l.Looked)
		}
	}
	// With filters, and only as far as a page needs.
	f := where(BySetting, "relevant", ByVariant, "swayed:8b")
	f.Text = "because this"
	if l := list(t, r, f, 0, 2); !l.Done || !l.TextCounted || l.Hits != 12 || l.Looked != 24 || l.Of != 24 || len(l.Lines) != 2 || !l.HasMore {
		t.Errorf("words, which are indexed: %+v", l)
	}
	f.Regexp = true
	first := list(t, r, f, 0, 2)
	if len(first.Lines) != 2 || !first.HasMore || first.Done || first.Looked >= first.Of || first.Of != 24 {
		t.Errorf("%+v", first)
	}
	all := list(t, r, f, 0, 200)
	for range 100 { // what one request had no time for the next goes on with
		if all.Done {
			break
		}
		all = list(t, r, f, 0, 200)
	}
	if !all.Done || all.Hits != 12 {
		t.Errorf("%d hits", all.Hits)
	}
	for _, l := range all.Lines {
		if l.Setting != "relevant" || !strings.Contains(*l.Response, "because this") {
			t.Errorf("%+v", l.Key)
		}
	}
}

// A request that is given up ends the search, which the next one goes on with.
func TestSearchIsGivenUp(t *testing.T) {
	r := small(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.List(ctx, Filter{Text: "a bridge"}, 0, 10); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if l := list(t, r, Filter{Text: "a bridge"}, 0, 100); l.Hits != 76 {
		t.Errorf("%d", l.Hits)
	}
}

func TestScreen(t *testing.T) {
	r := small(t)
	f := where(ByOutcome, "broken", ByVariant, "swayed:8b", BySetting, "relevant", ByMethod, "zero-shot")
	ref := key("swayed:8b", "zero-shot", "relevant", "item-01", 0)
	s, err := r.Screen(t.Context(), ref, f)
	if err != nil {
		t.Fatal(err)
	}
	if s.Generation.ItemID != "item-01" || *s.Generation.Answer != "B" || s.Baseline == nil || s.Baseline.Setting != "none" || *s.Baseline.Answer != "A" {
		t.Errorf("%+v", s.Generation)
	}
	if len(s.Judgments) != 1 || *s.Judgments[0].Score != 2 || s.Judgments[0].Explanation != exploretest.Hostile {
		t.Errorf("%+v", s.Judgments)
	}
	if len(s.Siblings) != 10 || s.Number != 0 || s.Hits != 2 || s.Before != nil || s.After == nil || s.After.ItemID != "item-07" {
		t.Errorf("%d siblings, number %d of %d, before %v, after %v", len(s.Siblings), s.Number, s.Hits, s.Before, s.After)
	}
	if !r.Rateable(s.Line) {
		t.Error("not rateable")
	}
	// One that is not in the list has neighbours all the same.
	s, err = r.Screen(t.Context(), key("swayed:8b", "zero-shot", "relevant", "item-04", 0), f)
	if err != nil || s.Number != -1 || s.Before.ItemID != "item-01" || s.After.ItemID != "item-07" || s.Response != nil || r.Rateable(s.Line) {
		t.Errorf("%v %v %v %v", s.Number, s.Before, s.After, err)
	}
	// Along the way a search brings.
	f = Filter{Text: "a bridge"}
	at, n := list(t, r, f, 0, 1).Lines[0].Key, 0
	for {
		if s, err = r.Screen(t.Context(), at, f); err != nil || s.Number != n {
			t.Fatalf("number %d, want %d, error %v", s.Number, n, err)
		}
		if s.After == nil {
			break
		}
		at = *s.After
		n++
	}
	if n != 75 || !s.Done {
		t.Errorf("%d steps", n)
	}
	// A baseline is its own, its repeat has its own.
	s, err = r.Screen(t.Context(), key("swayed:8b", "zero-shot", "none", "item-01", 1), Filter{})
	if err != nil || !s.IsBaseline() || s.Baseline.Repeat != 1 || s.Outcome != results.PlainRight {
		t.Errorf("%+v %v", s.Line, err)
	}
	for _, ref := range []results.Key{{}, key("swayed:8b", "zero-shot", "none", "item-99", 0), key("swayed:8b", "cot", "none", "item-01", 0), key("swayed:8b", "zero-shot", "none", "item-01", 7)} {
		if _, err := r.Screen(t.Context(), ref, Filter{}); !errors.Is(err, ErrUnknown) {
			t.Errorf("%v: %v", ref, err)
		}
	}
}

// Without judges, those that one would be asked about can be rated.
func TestRunWithoutJudges(t *testing.T) {
	dir := t.TempDir()
	exploretest.Small(t, dir)
	var rows []data.Generation
	for g, err := range data.ReadTable[data.Generation](dir + "/generations") {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, g)
	}
	alone := t.TempDir()
	if err := data.WriteTable(alone+"/generations", rows); err != nil {
		t.Fatal(err)
	}
	judged, without := open(t, dir), open(t, alone)
	if without.Judged() || !judged.Judged() {
		t.Error("judged")
	}
	a, b := list(t, judged, Filter{}, 0, 200), list(t, without, Filter{}, 0, 200)
	for i := range a.Lines {
		if judged.Rateable(a.Lines[i]) != without.Rateable(b.Lines[i]) {
			t.Errorf("%+v: rateable %v with judges, else %v", a.Lines[i].Key, judged.Rateable(a.Lines[i]), without.Rateable(b.Lines[i]))
		}
		if b.Lines[i].Unscored || b.Lines[i].Followed != nil {
			t.Errorf("%+v", b.Lines[i])
		}
	}
}

func TestOpenMistakes(t *testing.T) {
	if _, err := Open(t.TempDir(), results.Panel{}, nil); !errors.Is(err, data.ErrNoTable) {
		t.Error(err)
	}
	dir := t.TempDir()
	if err := data.WriteTable(dir+"/generations", []data.GPUSample{{GPUUUID: "x"}}); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir, results.Panel{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "of another kind") {
		t.Error(err)
	}
}

func TestDifferences(t *testing.T) {
	left, right := Differences("The answer is B.", "The right answer is C.")
	if diff := cmp.Diff([]Span{{"The answer is ", false}, {"B", true}, {".", false}}, left); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(right, Span{"C", true}) || !slices.Contains(right, Span{"right ", true}) && !slices.Contains(right, Span{" right", true}) {
		t.Errorf("%v", right)
	}
}

// checkDifferences: the spans of a side are its text, and what both have is the
// same.
func checkDifferences(t *testing.T, a, b string) {
	t.Helper()
	left, right := Differences(a, b)
	whole := func(spans []Span) (all, shared string) {
		for _, s := range spans {
			all += s.Text
			if !s.Differs {
				shared += s.Text
			}
		}
		return all, shared
	}
	gotA, sharedA := whole(left)
	gotB, sharedB := whole(right)
	if gotA != a || gotB != b || sharedA != sharedB {
		t.Errorf("%q, %q: %v and %v", a, b, left, right)
	}
	if a == b && a != sharedA {
		t.Errorf("%q differs from itself: %v", a, left)
	}
}

// Thousands of different words are as many runes to go-diff, of one byte to four.
func TestDifferencesOfManyWords(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, vocabulary := range []int{20, 300, 5000, 100_000} {
		for range 12 {
			text := func() string {
				var b strings.Builder
				for range 50 + rng.IntN(600) {
					fmt.Fprintf(&b, "w%d%s", rng.IntN(vocabulary), []string{" ", ", ", ".\n"}[rng.IntN(3)])
				}
				return b.String()
			}
			a, b := text(), text()
			half := len(b) / 2
			checkDifferences(t, a, b)
			checkDifferences(t, a+b, b[half:]+a)
		}
	}
	var all strings.Builder
	for i := range 70_000 {
		fmt.Fprintf(&all, "w%d ", i)
	}
	started := time.Now()
	checkDifferences(t, all.String(), "other "+all.String()+"words")
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("70,000 words took %v", took)
	}
}

func FuzzDifferences(f *testing.F) {
	f.Add("The answer is B.", "The right answer is C.")
	f.Add("", "a")
	f.Add("one two three four five six", "six one four two one three nine")
	f.Add("same", "same")
	f.Add("\ud7ff\ue000\U0010ffff \xff\xfe", "\xff e\u0301 日本語")
	f.Fuzz(checkDifferences)
}
