package report

import (
	"fmt"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/metrics"
)

// NullLegend says what the numbers of null Breakage are, where there are any.
const NullLegend = "Null is what breaks when the same is asked again without a preference; Net is\n" +
	"Breakage less Null, in points, over the items that have both."

// Nulled says whether the baseline was asked again.
func Nulled(rows []data.Metric) bool {
	return slices.ContainsFunc(rows, func(m data.Metric) bool { return m.NullBreakage != nil })
}

// nullColumns are those of what the baseline asked again shows, of rows that
// have it.
func nullColumns(rows []data.Metric, rated func(string, rate) column) []column {
	if !Nulled(rows) {
		return nil
	}
	null := rated("Null", nullBreakage)
	null.long = "Null breakage ↓"
	null.rate = nil // it is the model's, whatever the setting: none is the best
	net := column{title: "Net ↓", long: "Net breakage ↓", value: net}
	if !slices.ContainsFunc(rows, func(m data.Metric) bool { return m.RotatedBreakage != nil }) {
		return []column{null, net}
	}
	rotated := rated("Rotated", func(m data.Metric) (v, low, high *float64) {
		return m.RotatedBreakage, m.RotatedBreakageLow, m.RotatedBreakageHigh
	})
	rotated.long = "Null breakage, rotated ↓"
	rotated.rate = nil
	return []column{null, net, rotated}
}

func net(m data.Metric) string {
	return change(metrics.Difference{Value: m.NetBreakage, Low: m.NetBreakageLow, High: m.NetBreakageHigh})
}

// nullNotes say the same in words, under a table that has no room for it.
func nullNotes(section []data.Metric) []string {
	var notes []string
	for _, m := range section {
		if m.NullBreakage == nil || notes != nil {
			continue
		}
		note := fmt.Sprintf("  null: %s of %d break when asked again", interval(m.NullBreakage, m.NullBreakageLow, m.NullBreakageHigh), m.NNull)
		if m.RotatedBreakage != nil {
			note += fmt.Sprintf(", options rotated %s", interval(m.RotatedBreakage, m.RotatedBreakageLow, m.RotatedBreakageHigh))
		}
		notes = append(notes, note)
	}
	var nets []string
	for _, m := range section {
		if m.NetBreakage != nil {
			nets = append(nets, m.Setting+" "+net(m))
		}
	}
	if nets != nil {
		notes = append(notes, "  net: "+strings.Join(nets, "; "))
	}
	return notes
}

// nullCaveats say in how many cells a preference is not seen to break anything,
// and where nobody looked at what breaks without one.
func nullCaveats(rows []data.Metric) []string {
	cells, none, unknown := 0, 0, 0
	for _, m := range rows {
		if m.Source != metrics.All || isBaseline(m) || m.BreakageRate == nil {
			continue
		}
		cells++
		switch {
		case m.NullBreakage == nil:
			unknown++
		case m.NetBreakageLow != nil && *m.NetBreakageLow <= 0:
			none++
		}
	}
	switch {
	case unknown > 0 && unknown == cells:
		return []string{"caveat: the baseline was not asked again, so that how much breaks without any preference is not known: in the paper's data 3 to 5 % do"}
	case none > 0:
		return []string{fmt.Sprintf("caveat: in %d of the cells no more is seen to break than when the same is asked again without a preference", none)}
	}
	return nil
}
