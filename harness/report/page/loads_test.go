package page

import (
	"slices"
	"testing"
)

// A load's planned size stands beside the real one, with what it was off by.
func TestPlannedSizes(t *testing.T) {
	estimate := int64(11 << 30)
	r := Run{Loads: []Load{{Size: 10 << 30, Estimate: &estimate}, {Estimate: &estimate}, {Size: 10 << 30}}}
	var got []string
	for _, row := range r.loads().Rows {
		got = append(got, row[len(row)-1])
	}
	if want := []string{"11 GiB (+10.0" + blank + "%)", "11 GiB", "–"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
