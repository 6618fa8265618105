package report

import (
	"io"
	"slices"
	"strings"

	"perg/data"
)

// SpeedsLegend says what the numbers of Speeds are.
const SpeedsLegend = "tok/s: of one slot while it generates, with the 95 % interval over questions, as\n" +
	"the machine was; tokens and s: of an answer, on average; J: of the GPUs while\n" +
	"they answered, for each answer and each right one, without judging and without\n" +
	"replies that an earlier run paid for."

// Timed are the rows whose speed is known.
func Timed(rows []data.Metric) []data.Metric {
	return slices.DeleteFunc(slices.Clone(rows), func(m data.Metric) bool { return m.OutputTokensPerSecond == nil && m.Seconds == nil })
}

// Speeds writes how fast each cell was answered and what energy it took: a table for
// each variant and method, in 80 columns.
func Speeds(w io.Writer, rows []data.Metric) error {
	number := func(title string, value func(data.Metric) *float64) column {
		return column{title: title, value: func(m data.Metric) string { return quantity(value(m)) }}
	}
	cols := []column{
		{title: "Setting", left: true, value: func(m data.Metric) string { return m.Setting }},
		{title: "tok/s ↑", value: func(m data.Metric) string {
			return strings.TrimSpace(quantity(m.OutputTokensPerSecond) + " " + speeds(m))
		}},
		number("tokens", func(m data.Metric) *float64 { return m.OutputTokens }),
		number("s ↓", func(m data.Metric) *float64 { return m.Seconds }),
		number("J/answer ↓", func(m data.Metric) *float64 { return m.JoulesPerAnswer }),
		number("J/right ↓", func(m data.Metric) *float64 { return m.JoulesPerRightAnswer }),
	}
	return writeSections(w, rows, subject, func(section []data.Metric) error {
		return writePlain(w, grid(texts(cols, section)))
	})
}

// speeds are the bounds of a cell's tokens per second; "" where there are none.
func speeds(m data.Metric) string {
	if m.OutputTokensPerSecond == nil || m.OutputTokensPerSecondLow == nil || m.OutputTokensPerSecondHigh == nil {
		return ""
	}
	return quantity(m.OutputTokensPerSecondLow) + "-" + quantity(m.OutputTokensPerSecondHigh)
}
