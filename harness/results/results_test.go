package results

import (
	"slices"
	"testing"

	"perg/harness/judge"
	"perg/harness/prompt"
)

func TestWhichJudgmentsCount(t *testing.T) {
	for _, tt := range []struct {
		judges  []string
		judge   string
		swapped bool
		want    bool
	}{
		{nil, "anyone", false, true},
		{nil, "anyone", true, false},
		{[]string{"a", "b"}, "b", false, true},
		{[]string{"a", "b"}, "b", true, false},
		{[]string{"a", "b"}, "old", false, false},
		{[]string{"a"}, "", false, false},
	} {
		if got := (Panel{Judges: tt.judges}).Counts(tt.judge, tt.swapped); got != tt.want {
			t.Errorf("%q of %q, swapped %v: counts %v", tt.judge, tt.judges, tt.swapped, got)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		rule   judge.Rule
		scores []int
		want   Verdict
	}{
		{judge.Majority, nil, Verdict{}},
		{"", []int{3}, Verdict{1, 3, true}},
		{judge.Majority, []int{5, 2, 2}, Verdict{3, 9, false}},
		{judge.Mean, []int{5, 2, 2}, Verdict{3, 9, true}},
	} {
		if got := (Panel{Rule: tt.rule}).Verdict(tt.scores); got != tt.want || got.Rated() != (len(tt.scores) > 0) {
			t.Errorf("%s of %v: %+v", tt.rule, tt.scores, got)
		}
	}
}

func TestBaselines(t *testing.T) {
	k := Key{CellOf("m:8b", "cot", "mixed", ""), "i", 2}
	base := Key{CellOf("m:8b", "zero-shot", "none", ""), "i", 2}
	if k.Baseline() != base || base.Baseline() != base || k.IsBaseline() || !base.IsBaseline() {
		t.Errorf("the baseline of %s is %s", k, k.Baseline())
	}
	for _, c := range []Cell{CellOf("m:8b", "zero-shot", "relevant", ""), CellOf("m:8b", "cot", "none", "")} {
		if c.IsBaseline() {
			t.Errorf("%v is a baseline", c)
		}
	}
	if k.Compare(base) >= 0 || base.Compare(k) <= 0 || k.Compare(k) != 0 || k.String() != "item i, m:8b, cot, mixed, repeat 2" {
		t.Errorf("%s and %s compare %d", k, base, k.Compare(base))
	}
}

func TestResults(t *testing.T) {
	yes, no, letter := true, false, "A"
	for _, tt := range []struct {
		name    string
		correct *bool
		answer  *string
		want    Result
	}{
		{"no response", nil, nil, Result{}},
		{"an answer without a response", nil, &letter, Result{}},
		{"invalid", &no, nil, Result{Responded: true, Invalid: true}},
		{"wrong", &no, &letter, Result{Responded: true}},
		{"right", &yes, &letter, Result{Responded: true, Correct: true}},
	} {
		if got := ResultOf(tt.correct, tt.answer); got != tt.want {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	r := Result{Responded: true}.With(Verdict{N: 2, Sum: 7, Followed: true})
	if r != (Result{Responded: true, Rated: true, Followed: true}) || r.With(Verdict{}) != (Result{Responded: true}) {
		t.Errorf("with a verdict: %+v", r)
	}
}

// all are the results that there may be.
func all() (some []Result) {
	for i := range 1 << 6 {
		bit := func(n int) bool { return i>>n&1 == 1 }
		some = append(some, Result{bit(0), bit(1), bit(2), bit(3), bit(4), bit(5)})
	}
	return some
}

// A pair says what its two results say, and a pair without both responses says
// nothing.
func TestPairs(t *testing.T) {
	for _, base := range all() {
		for _, r := range all() {
			p := PairOf(base, r)
			if !base.Responded || !r.Responded {
				if p != 0 || p.Complete() {
					t.Fatalf("%+v, %+v: %b", base, r, p)
				}
				continue
			}
			got := []bool{p.Complete(), p.BaselineInvalid(), p.BaselineCorrect(), p.Invalid(), p.Correct(), p.Rated(), p.Followed(), p.Broken()}
			want := []bool{true, base.Invalid, base.Correct, r.Invalid, r.Correct, r.Rated, r.Rated && r.Followed, base.Correct && !r.Correct}
			if !slices.Equal(got, want) {
				t.Fatalf("%+v, %+v: %v, want %v", base, r, got, want)
			}
		}
	}
}

// The outcome is by the two answers alone: what broke is broken whether judges
// rated it or not.
func TestOutcomes(t *testing.T) {
	word := func(s prompt.Setting, c prompt.Control, base, r Result) Outcome {
		switch {
		case !base.Responded || !r.Responded:
			return Error
		case c != "" && base.Correct:
			return map[bool]Outcome{true: NullKept, false: NullBroken}[r.Correct]
		case s == prompt.None:
			return map[bool]Outcome{true: PlainRight, false: PlainWrong}[r.Correct]
		}
		return map[[2]bool]Outcome{{true, true}: Kept, {true, false}: Broken, {false, true}: Mended, {false, false}: WrongTwice}[[2]bool{base.Correct, r.Correct}]
	}
	seen := make(map[Outcome]bool)
	for _, s := range prompt.Settings() {
		for _, c := range append(prompt.Controls(), "") {
			if c != "" && s != prompt.None {
				continue
			}
			for _, base := range all() {
				for _, r := range all() {
					got := PairOf(base, r).Outcome(s, c)
					if want := word(s, c, base, r); got != want {
						t.Fatalf("%s %s, %+v, %+v: %q, want %q", s, c, base, r, got, want)
					}
					seen[got] = true
				}
			}
		}
	}
	if len(seen) != len(Outcomes()) {
		t.Errorf("seen %v of %v", seen, Outcomes())
	}
}

func TestUnscored(t *testing.T) {
	right, wrong := Result{Responded: true, Correct: true}, Result{Responded: true}
	rated := right.With(Verdict{N: 1, Sum: 5, Followed: true})
	for _, tt := range []struct {
		name    string
		pair    Pair
		setting prompt.Setting
		judged  bool
		want    bool
	}{
		{"kept", PairOf(right, right), prompt.Relevant, true, true},
		{"broken", PairOf(right, wrong), prompt.Mixed, true, true},
		{"rated", PairOf(right, rated), prompt.Relevant, true, false},
		{"no judge", PairOf(right, right), prompt.Relevant, false, false},
		{"irrelevant", PairOf(right, right), prompt.Irrelevant, true, false},
		{"none", PairOf(right, right), prompt.None, true, false},
		{"not in Q*", PairOf(wrong, right), prompt.Relevant, true, false},
		{"no response", PairOf(right, Result{}), prompt.Relevant, true, false},
		{"no baseline", PairOf(Result{}, right), prompt.Relevant, true, false},
	} {
		if got := tt.pair.Unscored(tt.setting, tt.judged); got != tt.want {
			t.Errorf("%s: unscored %v", tt.name, got)
		}
	}
}

func TestPlaces(t *testing.T) {
	var p Places
	for _, at := range [][4]int32{{2, 5, 0, 7}, {0, 5, 3, 1}, {0, 5, 1, 0}, {2, 0, 0, 9}, {2, 5, -1, 4}} {
		p.Set(at[0], at[1], at[2], at[3])
	}
	for _, tt := range [][4]int32{
		{2, 5, 0, 7}, {0, 5, 3, 1}, {0, 5, 1, 0}, {2, 0, 0, 9}, {2, 5, -1, 4}, // as they were put
		{0, 5, 0, -1}, {0, 5, 2, -1}, {0, 4, 1, -1}, {0, 6, 1, -1}, {1, 5, 0, -1}, {2, 1, 0, -1}, {3, 5, 0, -1}, {-1, 5, 0, -1}, {2, -1, 0, -1},
	} {
		n, ok := p.Find(tt[0], tt[1], tt[2])
		if !ok {
			n = -1
		}
		if n != tt[3] {
			t.Errorf("cell %d, item %d, repeat %d: %d, want %d", tt[0], tt[1], tt[2], n, tt[3])
		}
	}
	p.Set(2, 5, 0, 8)
	if got := p.Of(5); !slices.Equal(got, []int32{0, 1, 4, 8}) {
		t.Errorf("of item 5: %v", got)
	}
	if got := p.Of(3); got != nil {
		t.Errorf("of item 3: %v", got)
	}
}
