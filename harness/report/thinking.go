package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"perg/data"
)

// ThinkingLegend says what the numbers of Thinking are.
const ThinkingLegend = "Means of a response: tokens of its thought, of all that was written, and the seconds\n" +
	"that a server read and wrote. Cut: thoughts that their budget, or a loop, ended\n" +
	"before an answer, without the preference > under it; they count as not correct.\n" +
	"Answered leaves out what has no answer in one of the two: Breakage, Accuracy, and\n" +
	"the number of answers that are left."

// Thinking are the rows of models of which some variant thinks, with those of their
// variants that do not.
func Thinking(rows []data.Metric) []data.Metric {
	thinks := func(m data.Metric) bool {
		return m.ThinkingTokens != nil || m.NTruncatedThinking+m.NTruncatedThinkingBaseline > 0
	}
	var all []data.Metric
	for _, m := range rows {
		if slices.ContainsFunc(rows, func(o data.Metric) bool { return o.Model == m.Model && thinks(o) }) {
			all = append(all, m)
		}
	}
	return all
}

// Way is what a variant's name has after its model's: how it was asked to think.
func Way(m data.Metric) string {
	way := strings.TrimPrefix(strings.TrimPrefix(m.Variant, m.Model), "@")
	if way == "" {
		return "-"
	}
	return way
}

// WriteThinking writes what thinking brings and takes: a table for each model and
// method, of its ways of thinking, in 80 columns.
func WriteThinking(w io.Writer, rows []data.Metric) error {
	text := func(title string, value func(data.Metric) string) column { return column{title: title, value: value} }
	cols := []column{
		{title: "Asked", left: true, value: Way},
		{title: "Setting", left: true, value: func(m data.Metric) string { return m.Setting }},
		text("Thought", func(m data.Metric) string { return tokens(m.ThinkingTokens) }),
		text("Tokens", func(m data.Metric) string { return tokens(m.OutputTokens) }),
		text("s", func(m data.Metric) string { return seconds(m.Seconds) }),
		text("Cut", CutThoughts),
		text("Break", func(m data.Metric) string { return percent(m.BreakageRate) }),
		text("Answered", func(m data.Metric) string { return percent(m.BreakageRateAnswered) }),
		text("Acc", func(m data.Metric) string { return percent(m.AccuracyAnswered) }),
		text("of", func(m data.Metric) string { return strconv.FormatInt(m.NAnswered, 10) }),
	}
	heading := func(m data.Metric) string { return m.Model + ", " + m.Method }
	return writeSections(w, rows, heading, func(section []data.Metric) error {
		return writePlain(w, grid(texts(cols, section)))
	})
}

// CutThoughts are how many thoughts were cut, without the preference and under it.
func CutThoughts(m data.Metric) string {
	if isBaseline(m) {
		return strconv.FormatInt(m.NTruncatedThinking, 10)
	}
	return fmt.Sprintf("%d > %d", m.NTruncatedThinkingBaseline, m.NTruncatedThinking)
}

func tokens(mean *float64) string {
	if mean == nil {
		return "-"
	}
	return fmt.Sprintf("%.0f", *mean)
}

func seconds(s *float64) string {
	if s == nil {
		return "-"
	}
	return strconv.FormatFloat(*s, 'f', 1, 64)
}
