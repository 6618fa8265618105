package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"perg/harness/advise"
)

// The table of the front fits the terminal: names lose their middle, then columns
// go, which are named.
func TestFrontFits(t *testing.T) {
	point := func(name string, gib int64, low, high float64) advise.Point {
		return advise.Point{
			Variant: name, Bits: new(8.5), Bytes: new(gib << 30), TokensPerSecond: new(120.0), Joules: new(17.25),
			Breakage: new((low + high) / 2), BreakageLow: &low, BreakageHigh: &high,
		}
	}
	all, unknown := advise.Front([]advise.Point{
		point("llama3.1:8b-instruct-fp16", 16, .10, .14), point("llama3.1:8b-instruct-fp16-q8_0-perg-51fdcc80873f", 8, .11, .15), point("llama3.1:8b-instruct-fp16-q4_K_M-perg-51fdcc80873f", 5, .30, .36),
	})
	for _, tt := range []struct {
		width   int
		leftOut []string
		has     []string
	}{
		{0, nil, []string{"1  llama3.1:8b-instruct-fp16         8.50     17.2  120.0  16.0  12.0 (10-14)      2"}},
		{200, nil, []string{"llama3.1:8b-instruct-fp16-q4_K_M"}},
		{80, nil, []string{"Bits", "…nstruct-fp16-q8_0", "…truct-fp16-q4_K_M"}},
		{60, []string{"Bits"}, []string{"tok/s", "J/right", "q4_K_M"}},
		{40, []string{"Bits", "J/right", "tok/s", "GiB"}, []string{"16-q4_K_M"}},
	} {
		var b bytes.Buffer
		leftOut, err := Front(&b, all, tt.width)
		if err != nil || !slices.Equal(leftOut, tt.leftOut) {
			t.Errorf("%d columns: left out %q, want %q, %v", tt.width, leftOut, tt.leftOut, err)
		}
		if tt.width > 0 && widest(b.String()) > tt.width {
			t.Errorf("%d columns of %d:\n%s", widest(b.String()), tt.width, b.String())
		}
		for _, part := range tt.has {
			if !strings.Contains(b.String(), part) {
				t.Errorf("%d columns: no %q in\n%s", tt.width, part, b.String())
			}
		}
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		for i, end := range []string{"2", "*", "*"} {
			if !strings.HasSuffix(lines[2+i], " "+end) {
				t.Errorf("%d columns: %q ends not in %s", tt.width, lines[2+i], end)
			}
		}
	}
	if said := FrontLegend(unknown, []string{"Bits"}); strings.Contains(said, "Not known") || !strings.Contains(said, "A wider terminal shows Bits, too.") {
		t.Error(said)
	}
}
