package ratings

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/results"
)

// lopsided is a judge's ratings of two methods, 300 and 60 items, of which it
// says of a few that the preference was not followed.
func lopsided() Judged {
	j := Judged{Judges: []Judge{{Name: "a", Scores: make(map[results.Key]int)}}, Keys: make(map[results.Key]bool)}
	add := func(method prompt.Method, item, score int) {
		k := key(item)
		k.Method = method
		j.Keys[k] = true
		j.Judges[0].Scores[k] = score
	}
	for i := range 300 {
		add("zero-shot", i, 3+i%3)
	}
	for i := range 60 {
		add("cot", i, 5)
	}
	add("cot", 60, 1)
	add("cot", 61, 2)
	return j
}

func TestDrawIsStratified(t *testing.T) {
	j := lopsided()
	for _, n := range []int{3, 10, 60, 361} {
		drawn, of := j.Draw(n, 1)
		if len(drawn) != n || of != 362 {
			t.Fatalf("%d of %d, want %d of 362", len(drawn), of, n)
		}
		counts := make(map[string]int)
		seen := make(map[results.Key]bool)
		for _, k := range drawn {
			if seen[k] {
				t.Errorf("n %d: %s twice", n, k)
			}
			seen[k] = true
			counts[fmt.Sprint(k.Method, j.Judges[0].Scores[k] >= 3)]++
		}
		if counts["cotfalse"] == 0 || counts["cottrue"] == 0 || counts["zero-shottrue"] == 0 {
			t.Errorf("n %d: a stratum has none: %v", n, counts)
		}
		if n == 60 { // 300 : 60 : 2
			if c := counts; c["zero-shottrue"] < 48 || c["zero-shottrue"] > 51 || c["cottrue"] < 9 || c["cottrue"] > 11 {
				t.Errorf("not in proportion: %v", c)
			}
		}
	}
	// Fewer than there are strata: as many as were asked for.
	if drawn, _ := j.Draw(2, 1); len(drawn) != 2 {
		t.Errorf("%d drawn, want 2", len(drawn))
	}
	if drawn, of := j.Draw(1000, 1); len(drawn) != 362 || of != 362 {
		t.Errorf("%d of %d, want all 362", len(drawn), of)
	}
}

func TestDrawIsSeeded(t *testing.T) {
	j := lopsided()
	a, _ := j.Draw(50, 1)
	b, _ := j.Draw(50, 1)
	c, _ := j.Draw(50, 2)
	if !slices.Equal(a, b) {
		t.Error("the same seed draws another sample")
	}
	if slices.Equal(a, c) {
		t.Error("another seed draws the same sample")
	}
	// Rows of a stratum do not stand together.
	changes := 0
	for i := range a[1:] {
		if a[i].Method != a[i+1].Method {
			changes++
		}
	}
	if changes < 5 {
		t.Errorf("the rows are in order: %d changes of method", changes)
	}
}

// Over seeds, each generation of a stratum is drawn about as often.
func TestDrawIsFair(t *testing.T) {
	j := lopsided()
	counts := make(map[results.Key]int)
	const seeds = 500
	for seed := range uint64(seeds) {
		drawn, _ := j.Draw(60, seed)
		for _, k := range drawn {
			counts[k]++
		}
	}
	for k := range j.Keys {
		share := float64(counts[k]) / seeds
		if k.Method == "zero-shot" && (share < 0.09 || share > 0.25) {
			t.Errorf("%s is drawn in %.3f of samples, want about 1 in 6", k, share)
		}
	}
}

func TestDivisionOfJudgesIsAStratum(t *testing.T) {
	j := Judged{Judges: []Judge{{Name: "a", Scores: map[results.Key]int{}}, {Name: "b", Scores: map[results.Key]int{}}}, Keys: map[results.Key]bool{}}
	for i := range 100 {
		j.Keys[key(i)] = true
		j.Judges[0].Scores[key(i)] = 5
		j.Judges[1].Scores[key(i)] = 4
	}
	j.Judges[1].Scores[key(7)] = 1
	for i := 50; i < 100; i++ { // not followed, both say
		j.Judges[0].Scores[key(i)], j.Judges[1].Scores[key(i)] = 1, 2
	}
	j.Keys[key(100)] = true // unscored: not to be drawn
	for seed := range uint64(20) {
		drawn, of := j.Draw(3, seed)
		if of != 100 || !slices.Contains(drawn, key(7)) {
			t.Errorf("seed %d: %v of %d lacks the one on which the judges differ", seed, drawn, of)
		}
	}
}

func TestApportion(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		sizes := make([]int, 1+r.IntN(8))
		total := 0
		for i := range sizes {
			sizes[i] = 1 + r.IntN(200)
			total += sizes[i]
		}
		n := r.IntN(total + 1)
		seats, sum := apportion(n, sizes), 0
		for g, s := range seats {
			sum += s
			if s > sizes[g] || n >= len(sizes) && s == 0 {
				t.Fatalf("%d over %v: %v", n, sizes, seats)
			}
			for h := range seats {
				if sizes[h] > sizes[g] && seats[h] < s {
					t.Fatalf("%d over %v: %v gives the smaller one more", n, sizes, seats)
				}
			}
		}
		if sum != n {
			t.Fatalf("%d over %v: %v", n, sizes, seats)
		}
	}
}

func TestReadRows(t *testing.T) {
	dir := testRun(t, 3, []data.Judgment{judged("a", 1, 3)})
	rows, err := ReadRows(dir, []results.Key{key(2), key(0)})
	if err != nil {
		t.Fatal(err)
	}
	want := Row{Key: key(2), Preference: "p2", Question: "question 2", PlainResponse: "none response 2", Response: "relevant response 2"}
	if len(rows) != 2 || rows[0] != want || rows[1].ItemID != "0" {
		t.Errorf("%+v", rows)
	}
	other := key(1)
	other.Method = "cot"
	if _, err := ReadRows(dir, []results.Key{key(0), other}); err == nil || !strings.Contains(err.Error(), "item 1, v, cot, relevant, repeat 0") {
		t.Errorf("%v does not name what is missing", err)
	}
}

// A sample holds at least one answer of each cell and verdict, so that what is
// rare is in it too often: agreement is that of the run all the same.
func TestAgreementOfASampleIsThatOfTheRun(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	model := Judge{Name: "judge", Scores: make(map[results.Key]int)}
	person := make(map[results.Key]int) // of all of them, had there been the time
	judged := Judged{Keys: make(map[results.Key]bool)}
	for cell := range 60 {
		for item := range 150 {
			k := results.Key{Cell: results.CellOf(fmt.Sprint("v", cell), "zero-shot", "relevant", ""), ItemID: fmt.Sprint(item)}
			model.Scores[k], person[k], judged.Keys[k] = 4, 4, true
			if r.IntN(10) == 0 { // not followed, says the judge; a person says so of half of them
				model.Scores[k], person[k] = 1, 1+3*r.IntN(2)
			} else if r.IntN(30) == 0 {
				person[k] = 1
			}
		}
	}
	judged.Judges = []Judge{model}
	whole := *pair(raterScores{Rater{Name: "judge"}, model.Scores}, raterScores{Rater{Human: true}, person}, judged.strata()).Followed
	var sum, plain float64
	const draws = 20
	for seed := range uint64(draws) {
		drawn, _ := judged.Draw(300, seed)
		some := make(map[results.Key]int)
		agreed := 0
		for _, k := range drawn {
			some[k] = person[k]
			if isFollowed(person[k]) == isFollowed(model.Scores[k]) {
				agreed++
			}
		}
		a := Agree(judged, Filled{People: []Person{{Scores: some}}})
		if p := a.Pairs[0]; p.N != 300 || p.StandsFor != len(judged.Keys) {
			t.Fatalf("%d rows stand for %d, want 300 for %d", p.N, p.StandsFor, len(judged.Keys))
		}
		sum, plain = sum+*a.Pairs[0].Followed, plain+float64(agreed)/float64(len(drawn))
	}
	if got := sum / draws; math.Abs(got-whole) > 0.01 || math.Abs(plain/draws-whole) < 0.03 {
		t.Errorf("the verdict agrees in %.3f of the run, by samples %.3f, as they are drawn %.3f", whole, got, plain/draws)
	}
}
