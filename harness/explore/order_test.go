package explore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/explore/exploretest"
	"perg/harness/explore/fulltext"
	"perg/harness/prompt"
	"perg/harness/ratings"
	"perg/harness/results"
)

// value is what a column sorts by, as a person would read it; nil: none.
func value(l Line, by Column, rating int) any {
	text := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	switch by {
	case SortOutcome:
		return rank(ByOutcome, OutcomeValue(l.Outcome))
	case SortPlain:
		return text(l.Plain)
	case SortAnswer:
		return text(l.Answer)
	case SortReader:
		return text(l.Reader)
	case SortScore:
		if l.Score == nil {
			return nil
		}
		return int(*l.Score * 10)
	case SortRating:
		if rating == 0 {
			return nil
		}
		return rating
	case SortVariant:
		return l.Variant
	case SortSetting:
		return slices.Index(prompt.Settings(), l.Setting)
	case SortMethod:
		return slices.Index(prompt.Methods(), l.Method)
	case SortRepeat:
		return int(l.Repeat)
	case SortQuestion:
		return text(l.Item.Question)
	case SortType:
		return text(l.Item.PreferenceType)
	case SortSource:
		return text(l.Item.Source)
	case SortCategory:
		return text(l.Item.Category)
	}
	return fmt.Sprint("no such column: ", by)
}

func compareAny(a, b any) int {
	if a, ok := a.(int); ok {
		return a - b.(int)
	}
	return strings.Compare(a.(string), b.(string))
}

// A list in the order of a column has all that the list has, each in its place
// from either side, and what has no value last.
func TestSort(t *testing.T) {
	r := small(t)
	marks := map[results.Key]ratings.Mark{
		key("swayed:8b", "zero-shot", "relevant", "item-01", 0): {Rating: 4}, key("swayed:8b", "zero-shot", "relevant", "item-03", 0): {Rating: 2},
	}
	r.Mark("1", func() map[results.Key]ratings.Mark { return marks })
	files := list(t, r, Filter{}, 0, 200).Lines
	place := make(map[results.Key]int)
	for i, l := range files {
		place[l.Key] = i
	}
	for _, by := range Columns() {
		for _, down := range []bool{false, true} {
			got := list(t, r, Filter{Sort: Sort{by, down}}, 0, 200).Lines
			if len(got) != len(files) {
				t.Fatalf("%s: %d lines", by, len(got))
			}
			for i := 1; i < len(got); i++ {
				a, b := value(got[i-1], by, marks[got[i-1].Key].Rating), value(got[i], by, marks[got[i].Key].Rating)
				order := 0
				switch {
				case a == nil && b != nil:
					t.Fatalf("%s, down %v: what has no value comes before %v", by, down, b)
				case a != nil && b != nil:
					order = compareAny(a, b)
				}
				if down {
					order = -order
				}
				if order > 0 || order == 0 && (a == nil) == (b == nil) && place[got[i-1].Key] > place[got[i].Key] {
					t.Fatalf("%s, down %v: %v at %d before %v at %d", by, down, a, place[got[i-1].Key], b, place[got[i].Key])
				}
			}
		}
	}
	// The way from answer to answer is that of the list, and pages are of it.
	f := where(ByVariant, "swayed:8b", BySetting, "relevant")
	f.Sort = Sort{SortScore, true}
	all := list(t, r, f, 0, 100)
	if diff := cmp.Diff(all.Lines[5:8], list(t, r, f, 5, 3).Lines); diff != "" {
		t.Error(diff)
	}
	for i, l := range all.Lines {
		s, err := r.Screen(t.Context(), l.Key, f)
		if err != nil || s.Number != i || i > 0 && *s.Before != all.Lines[i-1].Key || i+1 < len(all.Lines) && *s.After != all.Lines[i+1].Key {
			t.Fatalf("%d: number %d, %v, %v, %v", i, s.Number, s.Before, s.After, err)
		}
	}
	if s, err := r.Screen(t.Context(), key("steady:8b", "zero-shot", "none", "item-01", 0), f); err != nil || s.Number != -1 || s.Before != nil || s.After != nil {
		t.Errorf("one that is not in the list: %v %v %v %v", s.Number, s.Before, s.After, err)
	}
}

// A line and the one beside it are of one question, and the facets say of both
// what each says of itself.
func TestBeside(t *testing.T) {
	dir, second := t.TempDir(), t.TempDir()
	exploretest.Small(t, dir)
	exploretest.Small(t, second)
	r, other := open(t, dir), open(t, second)
	r.SetBeside(other)
	right := func(l *Line) bool {
		return l.Outcome == results.Kept || l.Outcome == results.Mended || l.Outcome == results.PlainRight
	}
	for _, b := range []Beside{{Variant: "steady:8b"}, {Setting: "none"}, {Method: "zero-shot"}, {Variant: "steady:8b", Method: "zero-shot", Setting: "mixed"}, {Run: true}, {Run: true, Variant: "steady:8b"}} {
		counts := make(map[Facet]map[string]int)
		for _, f := range []Facet{ByRight, ByBreaks, ByLetter} {
			counts[f] = make(map[string]int)
		}
		compared := 0
		for _, l := range list(t, r, Filter{Beside: b}, 0, 200).Lines {
			o := l.Beside
			if o == nil {
				continue
			}
			if o.Cell != b.of(l.Cell) || o.ItemID != l.ItemID || o.Repeat != l.Repeat || o.Key == l.Key && !b.Run {
				t.Fatalf("%+v: beside %s is %s", b, l.Key, o.Key)
			}
			if l.Outcome == results.Error || o.Outcome == results.Error {
				continue
			}
			compared++
			side := func(here, there bool) string {
				return map[[2]bool]string{{true, true}: Both, {true, false}: Here, {false, true}: There, {}: Neither}[[2]bool{here, there}]
			}
			counts[ByRight][side(right(&l), right(o))]++
			counts[ByLetter][map[bool]string{true: Same, false: Other}[l.Answer == o.Answer]]++
			qstar := func(l *Line) bool { return l.Outcome == results.Kept || l.Outcome == results.Broken }
			if qstar(&l) && qstar(o) {
				counts[ByBreaks][side(l.Outcome == results.Broken, o.Outcome == results.Broken)]++
			}
		}
		if compared == 0 {
			t.Errorf("%+v: nothing is compared", b)
		}
		for f, values := range counts {
			for value, n := range values {
				filter := where(f, value)
				filter.Beside = b
				if got := list(t, r, filter, 0, 0).Hits; got != n {
					t.Errorf("%+v: %s %s lists %d, want %d", b, f, value, got, n)
				}
			}
		}
	}
	s, err := r.Screen(t.Context(), key("swayed:8b", "zero-shot", "relevant", "item-01", 0), Filter{Beside: Beside{Variant: "steady:8b"}})
	if err != nil || s.Other == nil || s.Other.Variant != "steady:8b" || *s.Other.Generation.Answer != "A" || len(s.Other.Judgments) != 1 {
		t.Errorf("%+v, %v", s.Other, err)
	}
}

// Several judges agree, or do not.
func TestJudgesDisagree(t *testing.T) {
	dir := t.TempDir()
	exploretest.Small(t, dir)
	var all []data.Judgment
	for j, err := range data.ReadTable[data.Judgment](filepath.Join(dir, "judgments")) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, j)
		j.JudgeModel = "second"
		if j.Score != nil && j.ItemID == "item-02" {
			j.Score, j.Followed = new(int32(1)), new(false)
		}
		all = append(all, j)
	}
	if err := data.WriteTable(filepath.Join(dir, "judgments"), all); err != nil {
		t.Fatal(err)
	}
	r := open(t, dir)
	for _, l := range list(t, r, where(ByJudges, "disagree"), 0, 100).Lines {
		if l.ItemID != "item-02" || l.Judges == nil || *l.Judges {
			t.Errorf("%s", l.Key)
		}
	}
	agree, disagree := list(t, r, where(ByJudges, "agree"), 0, 0).Hits, list(t, r, where(ByJudges, "disagree"), 0, 0).Hits
	if agree == 0 || disagree == 0 {
		t.Errorf("%d agree, %d disagree", agree, disagree)
	}
}

// All that is listed is handed out, in the list's order.
func TestAnswers(t *testing.T) {
	r := small(t)
	f := where(ByVariant, "swayed:8b")
	f.Sort, f.Beside, f.Text = Sort{SortQuestion, true}, Beside{Variant: "steady:8b"}, "bridge"
	for _, regexp := range []bool{false, true} {
		f.Regexp = regexp
		want := list(t, r, f, 0, 200)
		for !want.Done {
			want = list(t, r, f, 0, 200)
		}
		i := 0
		for a, err := range r.Answers(t.Context(), f) {
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Lines[i], a.Line); diff != "" || len(a.Options) != 3 || a.Gold != "A" {
				t.Fatalf("%d: %s", i, diff)
			}
			i++
		}
		if i != want.Hits || i == 0 {
			t.Errorf("%d of %d", i, want.Hits)
		}
	}
	for _, err := range r.Answers(t.Context(), Filter{Text: "("}) {
		if !errors.Is(err, fulltext.ErrQuery) {
			t.Error(err)
		}
	}
}

// A run that goes on has new tables with rows in between: what is known of its
// texts is not read again, and what is new is found.
func TestTextsGrow(t *testing.T) {
	whole := t.TempDir()
	exploretest.Small(t, whole)
	var all []data.Generation
	for g, err := range data.ReadTable[data.Generation](filepath.Join(whole, "generations")) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, g)
	}
	texts := NewTexts("")
	defer texts.Close()
	rng := rand.New(rand.NewPCG(1, 1))
	order := rng.Perm(len(all))
	var last *Run
	for _, n := range []int{20, 21, 77, 120} {
		there := slices.Sorted(slices.Values(order[:n]))
		var rows []data.Generation
		for _, i := range there {
			rows = append(rows, all[i])
		}
		dir := t.TempDir()
		if err := data.WriteTable(filepath.Join(dir, "generations"), rows); err != nil {
			t.Fatal(err)
		}
		r, err := Open(dir, results.Panel{}, texts)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.Wait(t.Context()), r.WaitTexts(t.Context())); err != nil {
			t.Fatal(err)
		}
		for _, tables := range []*Run{r, last} { // the one before is still looked at
			if tables == nil {
				continue
			}
			for _, text := range []string{"bridge", "because that", "word"} {
				want := 0
				for _, l := range list(t, tables, Filter{}, 0, 200).Lines {
					q := parseWords(t, text)
					if q.Match(l.Item.Question) || q.Match(l.Item.Preference) || l.Response != nil && q.Match(*l.Response) {
						want++
					}
				}
				if l := list(t, tables, Filter{Text: text}, 0, 200); l.Hits != want || !l.TextCounted {
					t.Errorf("%d rows, %q: %d hits, want %d, counted %v", n, text, l.Hits, want, l.TextCounted)
				}
			}
		}
		if last != nil {
			last.Close()
		}
		last = r
	}
	defer last.Close()
	responses := 0
	for _, g := range all {
		if g.Response != nil {
			responses++
		}
	}
	if got := texts.index.Last(); got != responses {
		t.Errorf("%d texts were read, of %d", got, responses)
	}
}

func parseWords(t *testing.T, text string) fulltext.Query {
	t.Helper()
	q, err := fulltext.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// The texts of a large run are indexed once, and again where its tables are others.
func TestTextsAreKept(t *testing.T) {
	dir := t.TempDir()
	const inMemory = 4000 // so that a large run is soon written
	shape := exploretest.Shape{Variants: 1, Items: inMemory/4 + 1}
	file := filepath.Join(dir, "search.sqlite")
	look := func() (made bool, hits int) {
		t.Helper()
		before, _ := os.Stat(file)
		texts := NewTexts(file)
		texts.inMemory = inMemory
		defer texts.Close()
		r, err := Open(dir, results.Panel{}, texts)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := errors.Join(r.Wait(t.Context()), r.WaitTexts(t.Context())); err != nil {
			t.Fatal(err)
		}
		if is := r.TextIndex(); is.Path != file || is.Part != 1 || is.Size == 0 {
			t.Errorf("%+v", is)
		}
		after, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		return before == nil || !os.SameFile(before, after), list(t, r, Filter{Text: exploretest.RareWord}, 0, 0).Hits
	}
	exploretest.Write(t, dir, shape)
	made, hits := look()
	if again, same := look(); !made || again || hits != same || hits == 0 {
		t.Errorf("made %v, then %v; %d hits, then %d", made, again, hits, same)
	}
	exploretest.Write(t, dir, exploretest.Shape{Variants: 1, Items: shape.Items + 500})
	if made, hits := look(); !made || hits == 0 {
		t.Errorf("of other tables: made %v, %d hits", made, hits)
	}
}
