package report

import (
	"bytes"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/metrics"
)

// nulled are rows of a model that was asked again: relevant breaks more than
// that, irrelevant does not.
func nulled() []data.Metric {
	all := rows()[:3]
	for i := range all {
		m := &all[i]
		m.NNull, m.NullBreakage, m.NullBreakageLow, m.NullBreakageHigh = 118, new(0.034), new(0.013), new(0.084)
		m.NRotated, m.RotatedBreakage, m.RotatedBreakageLow, m.RotatedBreakageHigh = 119, new(0.088), new(0.05), new(0.15)
	}
	all[1].NetBreakage, all[1].NetBreakageLow, all[1].NetBreakageHigh = new(0.084), new(0.021), new(0.147)
	all[2].NetBreakage, all[2].NetBreakageLow, all[2].NetBreakageHigh = new(0.016), new(-0.031), new(0.063)
	return all
}

// Beside Breakage stands what breaks without a preference, whatever the width.
func TestNullBreakageIsShown(t *testing.T) {
	for _, tt := range []struct {
		format Format
		width  int
		want   []string
	}{
		{Table, 0, []string{"Breakage ↓", "Null ↓", "Net ↓", "Rotated ↓", "3.4 (1-8)", "+8.4 +2,+15", "+1.6 -3.1,+6.3", "8.8 (5-15)"}},
		{Table, 80, []string{
			"  null: 3.4 (1-8) of 118 break when asked again, options rotated 8.8 (5-15)",
			"  net: relevant +8.4 +2,+15; irrelevant +1.6 -3.1,+6.3",
		}},
		{Markdown, 0, []string{"| Null breakage ↓ |", "| Net breakage ↓ |", "3.4 (1-8)"}},
		{LaTeX, 0, []string{`Null breakage $\downarrow$`, "3.4 (1-8)"}},
		{CSV, 0, []string{"null_breakage", "net_breakage_low", "0.034"}},
		{JSON, 0, []string{`"null_breakage": 0.034`, `"net_breakage_high": 0.147`, `"n_null": 118`}},
	} {
		var b bytes.Buffer
		if err := Write(&b, tt.format, nulled(), "", tt.width); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s, %d columns: no %q in\n%s", tt.format, tt.width, want, b.String())
			}
		}
		if tt.width > 0 && widest(b.String()) > tt.width {
			t.Errorf("wider than %d:\n%s", tt.width, b.String())
		}
	}
	for _, by := range []metrics.GroupBy{"", metrics.BySource} {
		var b bytes.Buffer
		if err := Write(&b, Table, rows(), by, 0); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "Net ") {
			t.Errorf("nothing was asked again:\n%s", b.String())
		}
	}
}

func TestNullCaveats(t *testing.T) {
	said := strings.Join(Caveats(nulled()), "\n")
	if !strings.Contains(said, "in 1 of the cells no more is seen to break than when the same is asked again") || strings.Contains(said, "not asked again") {
		t.Errorf("caveats\n%s", said)
	}
	if said := strings.Join(Caveats(rows()), "\n"); !strings.Contains(said, "the baseline was not asked again") {
		t.Errorf("caveats\n%s", said)
	}
}
