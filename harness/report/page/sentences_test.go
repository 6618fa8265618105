package page

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/report"
)

// Every bold sentence of pages of random results is true: it is read by another way
// than it was written.
func TestBoldSentencesAreTrue(t *testing.T) {
	withoutRaceDetector(t)
	read := make(map[int]int)
	for seed := range uint64(randomPages) {
		r := chance{rand.New(rand.NewPCG(seed, 22))}.run()
		for _, c := range claims(render(t, r)) {
			if err := r.holds(c); err != nil {
				t.Errorf("page %d says %q (%s): %v", seed, c.Text, c.At, err)
			}
			read[slices.IndexFunc(forms, func(f form) bool { return f.re.MatchString(c.Text) })]++
		}
		if t.Failed() && seed > 20 {
			t.FailNow()
		}
	}
	for i, f := range forms {
		if read[i] == 0 {
			t.Errorf("no page said %s", f.re)
		}
	}
}

// The reading finds sentences that are false: every number raised by one, good for
// bad, one variant for another, and what pages said before.
func TestFalseSentencesAreFound(t *testing.T) {
	withoutRaceDetector(t)
	number := regexp.MustCompile(`\d+(?:\.\d+)?`)
	swaps := [][2]string{
		{"lowers the", "raises the"}, {"raises the", "lowers the"}, {", within chance", ""}, {"is the most robust", "breaks least often"}, {"Robustness Error", "Breakage Rate"},
		{"the preference breaks more is not shown", "the preference breaks 9.9 points more"}, {"ignores most preferences", "breaks most answers"}, {"none clearly", "alpha"},
	}
	tried := 0
	for seed := range uint64(randomPages / 4) {
		r := chance{rand.New(rand.NewPCG(seed, 22))}.run()
		for _, c := range claims(render(t, r)) {
			var lies []string
			for _, at := range number.FindAllStringIndex(c.Text, -1) {
				lies = append(lies, c.Text[:at[0]]+fmt.Sprint(number64(c.Text[at[0]:at[1]])+1)+c.Text[at[1]:])
			}
			for _, s := range swaps {
				if strings.Contains(c.Text, s[0]) {
					lies = append(lies, strings.Replace(c.Text, s[0], s[1], 1))
				}
			}
			clear := regexp.MustCompile(`^(?:With \S+ under \S+ preferences )?(\S+) (?:breaks most often|is the most robust|holds best|breaks least|breaks most answers)`)
			if m := clear.FindStringSubmatch(c.Text); m != nil && slices.Contains(variantNames, m[1]) {
				for _, other := range r.Variants {
					if other.Name != m[1] {
						lies = append(lies, strings.Replace(c.Text, m[1], other.Name, 1))
					}
				}
			}
			if i := strings.Index(c.Text, "no variant clearly breaks most often"); i > 0 {
				lies = append(lies, c.Text[:i]+r.Variants[0].Name+" breaks most often: of the answers it gets right without a preference, 10.0 % turn wrong once one is stated.")
			}
			for _, lie := range lies {
				tried++
				if err := r.holds(claim{lie, c.At}); err == nil {
					t.Errorf("page %d: %q passes, from %q", seed, lie, c.Text)
				}
			}
		}
		if t.Failed() && seed > 20 {
			t.FailNow()
		}
	}
	if tried < 1000 {
		t.Errorf("%d false sentences", tried)
	}
}

var (
	pageFirst     = regexp.MustCompile(`^(\S+) (is the most robust|breaks least often) of \d+ variants`)
	terminalFirst = regexp.MustCompile(`: (\S+) (is the most robust|breaks least often): `)
)

// Of a run with one method the page and the terminal name the same variant as the
// first, or none does.
func TestPageAndTerminalAgree(t *testing.T) {
	both, neither := 0, 0
	for seed := range uint64(2 * randomPages) {
		r := chance{rand.New(rand.NewPCG(seed, 23))}.run()
		method, _ := primary(r)
		r.Metrics = slices.DeleteFunc(r.Metrics, func(m data.Metric) bool { return m.Method != method })
		l := leading(r.Metrics)
		all, unknown, rated := reading{r: r}.ranked()
		if len(all) < 2 || rated && unknown > 0 { // the terminal ranks by what is known of all
			continue
		}
		page := pageFirst.FindStringSubmatch(r.glanceTitle(l))
		terminal := terminalFirst.FindStringSubmatch(report.OverviewOf(r.Metrics, report.Costs{}).Sentence())
		switch {
		case page == nil && terminal == nil:
			neither++
		case page == nil || terminal == nil || page[1] != terminal[1] || page[2] != terminal[2]:
			t.Errorf("run %d: the page says %q, the terminal %q", seed, r.glanceTitle(l), report.OverviewOf(r.Metrics, report.Costs{}).Sentence())
		default:
			both++
		}
	}
	if both < 20 || neither < 20 {
		t.Errorf("%d name one, %d none", both, neither)
	}
}
