package metrics

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"perg/data"
)

// A reader is a server that reads icl prompts of 1,000 tokens, 800 of which are
// their group's examples.
type reader struct {
	rng      *rand.Rand
	keeps    bool
	slots    int // calls at once, each group's spread over all of them
	roleless bool
}

// rows are those of so many groups of so many prompts, in the order in which perg
// asks them, each read at 100 µs a token, give or take a tenth.
func (r reader) rows(groups, members int) (all []data.Generation) {
	now := noon
	for g := range groups {
		for m := range members {
			tokens := int64(1000)
			if r.keeps && m >= r.slots {
				tokens = 200
			}
			read := time.Duration(float64(tokens) * float64(100*time.Microsecond) * (1 + (r.rng.Float64()-0.5)/5))
			total := read + time.Second
			began := now
			row := data.Generation{
				ItemID: fmt.Sprint(g, "-", m), Variant: "v", Method: "icl", Setting: "relevant", Preference: fmt.Sprint("preference ", g), Host: "http://a", Source: "mmlu",
				PromptTokens: new(int64(1000)), PromptEvalNS: new(int64(read)), TotalNS: new(int64(total)), StartedAt: &began, Options: []string{"a", "b"}, Preferences: []string{},
			}
			if !r.roleless {
				row.SystemPrompt = new(fmt.Sprint("examples of group ", g))
			}
			all = append(all, row)
			if m%r.slots == r.slots-1 || m == members-1 {
				now = now.Add(2 * time.Second) // all of them are done
			}
		}
	}
	r.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) // a table is not in that order
	return all
}

func reuses(t *testing.T, rows []data.Generation) []Reuse {
	t.Helper()
	dir := t.TempDir()
	if err := data.WriteTable(filepath.Join(dir, "generations"), rows); err != nil {
		t.Fatal(err)
	}
	all, err := LoadReuse(dir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Whether what prompts begin with is kept shows at one call at a time and at
// several, with a system role and without.
func TestReuseShowsWhetherBeginningsAreKept(t *testing.T) {
	for seed := range uint64(20) {
		for _, slots := range []int{1, 4} {
			for _, keeps := range []bool{true, false} {
				for _, roleless := range []bool{true, false} {
					r := reader{rand.New(rand.NewPCG(seed, 1)), keeps, slots, roleless}
					all := reuses(t, r.rows(12, 24))
					if len(all) != 1 || all[0].Variant != "v" || all[0].Method != "icl" || all[0].Firsts != 12*slots || all[0].Later != 12*(24-slots) {
						t.Fatalf("%+v: %+v", r, all)
					}
					want := 1.0
					if keeps {
						want = 0.2
					}
					if math.Abs(all[0].Ratio-want) > 0.1*want || all[0].Lost() == keeps {
						t.Errorf("%+v: ratio %.3f, want %.1f", r, all[0].Ratio, want)
					}
				}
			}
		}
	}
}

// Nothing is said of what cannot be told: too few prompts, no prompts that begin
// alike, methods without examples, times that are not known.
func TestReuseIsSilentWhereItCannotTell(t *testing.T) {
	r := reader{rng: rand.New(rand.NewPCG(1, 1)), slots: 1}
	zeroShot, untimed := r.rows(12, 24), r.rows(12, 24)
	for i := range zeroShot {
		zeroShot[i].Method = "zero-shot"
		untimed[i].PromptEvalNS = nil
	}
	for name, rows := range map[string][]data.Generation{
		"two beginnings": r.rows(2, 24), "few prompts": r.rows(3, 4), "each its own": r.rows(100, 1), "zero-shot": zeroShot, "no times": untimed,
	} {
		if all := reuses(t, rows); len(all) > 0 {
			t.Errorf("%s: %+v", name, all)
		}
	}
}
