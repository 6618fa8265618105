package report

import (
	"bytes"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/metrics"
)

// read are rows of which a preference has more answers unread, and then more
// responses cut off.
func read() []data.Metric {
	all := rows()[:3]
	for i := range all {
		m := &all[i]
		m.ReadByRulesBaseline, m.ReadByModelBaseline, m.UnreadBaseline = new(0.95), new(0.03), new(0.02)
		m.ReadByRules, m.ReadByModel, m.Unread = new(0.95), new(0.03), new(0.02)
		m.InvalidRate, m.InvalidRateLow, m.InvalidRateHigh = new(0.02), new(0.01), new(0.05)
		m.InvalidRateBaseline, m.InvalidRateBaselineLow, m.InvalidRateBaselineHigh = new(0.02), new(0.01), new(0.05)
		m.NTruncatedBaseline, m.NTruncated = 1, 1
	}
	relevant := &all[1]
	relevant.ReadByRules, relevant.ReadByModel, relevant.Unread = new(0.8), new(0.05), new(0.15)
	relevant.InvalidRate, relevant.InvalidRateLow, relevant.InvalidRateHigh = new(0.15), new(0.1), new(0.2)
	relevant.BreakageRateLeast, relevant.BreakageRateMost = new(0.04), new(0.13)
	all[2].BreakageRateLeast, all[2].BreakageRateMost = new(0.05), new(0.05)
	all[2].NTruncated = 40
	return all
}

func TestWhoReadTheAnswersIsShown(t *testing.T) {
	var b bytes.Buffer
	if err := Readers(&b, read(), ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"none               95.0        3.0         2.0        1                  -",
		"relevant    95.0 > 80.0  3.0 > 5.0  2.0 > 15.0    1 > 1           4.0-13.0",
		"irrelevant  95.0 > 95.0  3.0 > 3.0   2.0 > 2.0   1 > 40                5.0",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if w := widest(b.String()); w > narrow {
		t.Errorf("%d columns wide", w)
	}
}

// A setting under which more answers are unread, or more responses cut off, than
// chance would explain has its caveat, with what Breakage could be; the others
// have none.
func TestCaveatsOfUnreadAndCutOffAnswers(t *testing.T) {
	got := unreadCaveats(read())
	want := []string{
		"caveat: llama3.1:8b (Q4_K_M), zero-shot, relevant: nobody read 15.0 % of the answers, without the preference 2.0 %: Breakage of 11.8 % could be 4.0-13.0 % if all were read",
		"caveat: llama3.1:8b (Q4_K_M), zero-shot, irrelevant: 40 responses were cut off, without the preference 1: a preference for length passes for broken answers; give them a larger --num-predict",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q", got)
	}
	many := []data.Metric{}
	for range 8 {
		many = append(many, read()[1])
	}
	if got := unreadCaveats(many); len(got) != mostNamed+1 || !strings.Contains(got[mostNamed], "in 3 more cells") {
		t.Errorf("of eight cells: %q", got)
	}
	one := read()[1]
	one.Source = "mmlu"
	if got := unreadCaveats([]data.Metric{one}); one.Source != metrics.All && got != nil {
		t.Errorf("of one source: %q", got)
	}
}
