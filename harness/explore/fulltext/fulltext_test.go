package fulltext

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, text string) Query {
	t.Helper()
	q, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return q
}

func TestFind(t *testing.T) {
	for _, tt := range []struct{ query, text, want string }{
		{"bridge", "A Bridge, and the bridges.", "[Bridge]"},
		{"bridge*", "A Bridge, and the bridges.", "[Bridge] [bridges]"},
		{"over bridge", "The bridge goes over it.", "[bridge] [over]"},
		{"over bridge", "The bridge goes on.", ""},
		{`"over the bridge"`, "It is over, the bridge.", "[over, the bridge]"},
		{`"over the bridge"`, "Over it is the bridge.", ""},
		{`"the brid"*`, "the bridge, a bridge", "[the bridge]"},
		{"q4_K_M", "in Q4-K-M, not q4", "[Q4-K-M]"},
		{"cafe", "Two Cafés.", ""},
		{"cafés", "Two Cafes\u0301!", "[Cafes\u0301]"},
		{"CAFE", "a café", "[café]"},
		{"STRASSE", "Straße", ""},
		{"日本", "私は日本人です", "[日本]"},
		{"ΟΔΟΣ", "οδοσ", "[οδοσ]"},
		{"a a", "a b a", "[a] [a]"},
		{`ab "b c`, "ab b c", "[ab] [b c]"},
		{"x", "", ""},
		{"42", "42 is 4 2", "[42]"},
	} {
		q := parse(t, tt.query)
		var got []string
		for _, r := range q.Find(tt.text) {
			got = append(got, "["+tt.text[r.Start:r.End]+"]")
		}
		if s := strings.Join(got, " "); s != tt.want || q.Match(tt.text) != (tt.want != "") {
			t.Errorf("%q in %q: %q, match %v; want %q", tt.query, tt.text, s, q.Match(tt.text), tt.want)
		}
	}
}

func TestNothingToLookFor(t *testing.T) {
	for _, text := range []string{"", " ", "—", `""`, "*", "(=)"} {
		if _, err := Parse(text); !errors.Is(err, ErrQuery) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"(", "x*", "[z-a]"} {
		if _, err := Regexp(text); !errors.Is(err, ErrQuery) {
			t.Errorf("%q: %v", text, err)
		}
	}
	q, err := Regexp(`answer is [ab]\b`)
	if err != nil || !q.Match("The ANSWER is B.") || q.Match("answer is bad") || q.Indexed() {
		t.Error(err)
	}
	if diff := cmp.Diff([]Range{{4, 15}}, q.Find("The answer is a.")); diff != "" {
		t.Error(diff)
	}
}

// The index finds what a text at hand says of itself, whatever the texts.
func TestIndexAgreesWithTexts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	some := []string{"bridge", "Bridges", "é", "E", "日本", "日", "本", "q4_K_M", "q4", "k", "don't", "x²", "٣", "a\u0301", "ß", "\"", "*", "AND", "OR", "NOT", "NEAR", "-", "^", "(", ")", ":", "{", "\x00", "\xff", "\ufffd", "🙂", "İ", "ŉ", "ﬁ"}
	text := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(some[rng.IntN(len(some))])
			b.WriteString([]string{" ", "", "\n", ", "}[rng.IntN(4)])
		}
		return b.String()
	}
	x, err := Memory()
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	var texts []Text
	for i := range 400 {
		texts = append(texts, Text{Number: 1 + 2*i, Text: text(rng.IntN(12))})
	}
	for part := range slices.Chunk(texts, 150) {
		if err := x.Add(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
	found := 0
	for range 600 {
		query := text(1 + rng.IntN(3))
		if rng.IntN(3) == 0 {
			query = `"` + strings.ReplaceAll(query, `"`, "") + `"`
		}
		if rng.IntN(3) == 0 {
			query = strings.TrimSpace(query) + "*"
		}
		q, err := Parse(query)
		if err != nil {
			continue
		}
		var want, got []int32
		for _, text := range texts {
			if q.Match(text.Text) {
				want = append(want, int32(text.Number))
			}
		}
		if err := x.Find(t.Context(), q, x.Last(), func(some []int32) { got = append(got, some...) }); err != nil {
			t.Fatalf("%q: %v", query, err)
		}
		found += len(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q, as %s: texts and index differ:\n%s", query, q.expression(), diff)
		}
	}
	if found < 1000 {
		t.Errorf("%d found: too few to say anything", found)
	}
}

func numbers(t *testing.T, x *Index, query string) (all []int32) {
	t.Helper()
	if err := x.Find(t.Context(), parse(t, query), x.Last(), func(some []int32) { all = append(all, some...) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// An index is kept whole or not at all, and found again as what it is of.
func TestIndexIsKept(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "search.sqlite")
	if _, err := Open(path, "one"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	files := func() (names []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	add := func(x *Index) {
		t.Helper()
		if err := x.Add(t.Context(), []Text{{3, "a bridge"}, {7, "a river"}}); err != nil {
			t.Fatal(err)
		}
	}
	given, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	add(given)
	if err := given.Close(); err != nil || len(files()) != 0 {
		t.Errorf("an index that is given up leaves %v, %v", files(), err)
	}
	// What a killed process left is removed; what another makes is not.
	if err := os.WriteFile(path+".dead.new", []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	x, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Create(path)
	if err != nil || len(files()) != 2 {
		t.Fatalf("%v, %v", files(), err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	add(x)
	if err := x.Finish("one"); err != nil {
		t.Fatal(err)
	}
	if got := numbers(t, x, "bridge"); !slices.Equal(got, []int32{3}) {
		t.Errorf("after it is finished: %v", got)
	}
	if err := x.Close(); err != nil || !slices.Equal(files(), []string{"search.sqlite"}) {
		t.Errorf("%v, %v", files(), err)
	}
	if x, err = Open(path, "one"); err != nil {
		t.Fatal(err)
	}
	if got := numbers(t, x, "river"); !slices.Equal(got, []int32{7}) || x.Size() < 4096 {
		t.Errorf("found again: %v, of %d bytes", got, x.Size())
	}
	x.Close()
	for _, of := range []string{"two", ""} {
		if _, err := Open(path, of); !errors.Is(err, ErrStale) {
			t.Errorf("of %q: %v", of, err)
		}
	}
	for _, content := range []string{"", "no database", strings.Repeat("x", 5000)} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, "one"); !errors.Is(err, ErrStale) {
			t.Errorf("%.10q: %v", content, err)
		}
	}
}

// Texts that are given up half way are not in it.
func TestAddIsWhole(t *testing.T) {
	x, err := Memory()
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var many []Text
	for i := range 300 {
		many = append(many, Text{i + 1, fmt.Sprint("bridge ", i)})
	}
	if err := x.Add(ctx, many); !errors.Is(err, context.Canceled) || x.Last() != 0 {
		t.Errorf("%v, last %d", err, x.Last())
	}
	if err := x.Add(t.Context(), append(many, Text{7, "again"})); err == nil || x.Last() != 0 {
		t.Errorf("%v, last %d", err, x.Last())
	}
	if err := x.Find(t.Context(), parse(t, "bridge"), 1000, func(some []int32) {
		if len(some) > 0 {
			t.Errorf("%d are found of what was given up", len(some))
		}
	}); err != nil {
		t.Error(err)
	}
	if err := x.Add(t.Context(), many); err != nil || len(numbers(t, x, "bridge")) != 300 {
		t.Error(err)
	}
}
