package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"perg/data"
)

// RepeatsLegend says what the numbers of Repeats are.
const RepeatsLegend = "Standard deviations in percentage points. Items: from one draw of items to\n" +
	"another (bootstrap). Repeats: from one repeat to another over the same items."

// Repeats writes how much each metric varies between items and how much
// between repeats, for rows that have several; it writes nothing where none
// has. It fits 80 columns.
func Repeats(w io.Writer, rows []data.Metric) error {
	several := slices.DeleteFunc(slices.Clone(rows), func(m data.Metric) bool { return m.Repeats < 2 || m.BreakageRate == nil })
	return writeSections(w, several, subject, func(section []data.Metric) error {
		var lines [][]string
		for _, m := range section {
			for _, metric := range []struct {
				name                  string
				value, items, repeats *float64
			}{
				{"Breakage", m.BreakageRate, m.BreakageRateItemsSD, m.BreakageRateRepeatsSD},
				{"Alignment failure", m.AlignmentFailure, m.AlignmentFailureItemsSD, m.AlignmentFailureRepeatsSD},
				{"Robustness error", m.RobustnessError, m.RobustnessErrorItemsSD, m.RobustnessErrorRepeatsSD},
				{"Variation", m.PerformanceVariation, m.PerformanceVariationItemsSD, m.PerformanceVariationRepeatsSD},
			} {
				if metric.value == nil {
					continue
				}
				lines = append(lines, []string{
					m.Setting, metric.name, strconv.FormatInt(m.Repeats, 10), percent(metric.value), deviation(metric.items), deviation(metric.repeats),
				})
			}
		}
		return writePlain(w, grid([]string{"Setting", "Metric", "Repeats", "Value", "SD items", "SD repeats"}, 2, lines))
	})
}

func deviation(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", *v*100)
}
