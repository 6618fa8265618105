package report

import (
	"fmt"
	"io"
	"strconv"

	"perg/data"
	"perg/harness/metrics"
)

// ReadersLegend says what the numbers of Readers are.
const ReadersLegend = "Percent of the responses, without the preference > under the setting. An answer\n" +
	"that nobody read counts as not correct: in the baseline it takes the item out of\n" +
	"Q*, under a preference it is broken. Breakage could be: if all had been read.\n" +
	"Cut off: ended by num_predict or the context, which can leave an answer unsaid."

// Readers writes who read the answers of each cell, and how many responses were
// cut off: a table for each variant and method, in 80 columns.
func Readers(w io.Writer, rows []data.Metric, by metrics.GroupBy) error {
	heading := subject
	if by != "" {
		heading = func(m data.Metric) string { return subject(m) + ", " + orDash(m.Source) }
	}
	text := func(title string, value func(data.Metric) string) column { return column{title: title, value: value} }
	cols := []column{
		{title: "Setting", left: true, value: func(m data.Metric) string { return m.Setting }},
		text("Rules", func(m data.Metric) string { return changed(m, m.ReadByRulesBaseline, m.ReadByRules) }),
		text("Model", func(m data.Metric) string { return changed(m, m.ReadByModelBaseline, m.ReadByModel) }),
		text("Nobody", func(m data.Metric) string { return changed(m, m.UnreadBaseline, m.Unread) }),
		text("Cut off", func(m data.Metric) string {
			if isBaseline(m) {
				return strconv.FormatInt(m.NTruncated, 10)
			}
			return fmt.Sprintf("%d > %d", m.NTruncatedBaseline, m.NTruncated)
		}),
		text("Breakage could be", func(m data.Metric) string { return between(m.BreakageRateLeast, m.BreakageRateMost) }),
	}
	return writeSections(w, rows, heading, func(section []data.Metric) error {
		return writePlain(w, grid(texts(cols, section)))
	})
}

// isBaseline: the cell is that of responses without a preference.
func isBaseline(m data.Metric) bool { return m.BreakageRate == nil && m.BreakageRateMost == nil }

// changed shows a share without a preference and under the setting.
func changed(m data.Metric, before, after *float64) string {
	if isBaseline(m) {
		return percent(after)
	}
	return percent(before) + " > " + percent(after)
}

func between(low, high *float64) string {
	if low == nil || high == nil {
		return "-"
	}
	if percent(low) == percent(high) {
		return percent(low)
	}
	return percent(low) + "-" + percent(high)
}
