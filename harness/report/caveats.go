package report

import (
	"fmt"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/stats"
)

// fewest is the number of items below which an interval spans tens of percents
// and says little.
const fewest = 30

// Caveats are what a reader must know beside the rates of rows over all
// items: too little data, ratings that are missing, rows that failed.
func Caveats(rows []data.Metric) []string {
	var few, fewRight, unscored, failed, unrated int
	for _, m := range rows {
		if m.Source != metrics.All {
			continue
		}
		tooFew := m.N < fewest*max(m.Repeats, 1)
		if tooFew {
			few++
		}
		if m.BreakageRate == nil && m.NBaselineCorrect > 0 {
			continue // the baseline itself
		}
		if !tooFew && m.NBaselineCorrect < fewest*max(m.Repeats, 1) {
			fewRight++
		}
		if m.NUnscored > 0 {
			unscored++
		}
		if m.NError > 0 {
			failed++
		}
		if m.RobustnessError == nil && m.NBaselineCorrect > 0 {
			unrated++
		}
	}
	var all []string
	caveat := func(n int, format string, args ...any) {
		if n > 0 {
			all = append(all, fmt.Sprintf("caveat: in %d of the cells ", n)+fmt.Sprintf(format, args...))
		}
	}
	caveat(few, "fewer than %d items have responses: every interval is wide", fewest)
	caveat(fewRight, "fewer than %d items are right in the baseline: the intervals are wide", fewest)
	caveat(unrated, "nothing was rated: Alignment Failure and Robustness Error are unknown")
	caveat(unscored, "some ratings are missing: Alignment Failure leaves those items out, and in Robustness Error the rated ones stand for them")
	caveat(failed, "some rows failed: their items are left out of every rate")
	return slices.Concat(all, nullCaveats(rows), unreadCaveats(rows))
}

// mostNamed is the number of cells that a caveat about single cells names.
const mostNamed = 5

// unreadCaveats name the cells in which a setting changes how many answers
// nobody reads, or how many responses are cut off, by more than chance would:
// what looks like Breakage there may be that.
func unreadCaveats(rows []data.Metric) []string {
	var all []string
	more := 0
	for _, m := range rows {
		if m.Source != metrics.All || isBaseline(m) || m.N == 0 {
			continue
		}
		var parts []string
		if outside(m.UnreadBaseline, m.InvalidRateLow, m.InvalidRateHigh) && outside(m.Unread, m.InvalidRateBaselineLow, m.InvalidRateBaselineHigh) {
			parts = append(parts, fmt.Sprintf("nobody read %s %% of the answers, without the preference %s %%: Breakage of %s %% could be %s %% if all were read",
				percent(m.Unread), percent(m.UnreadBaseline), percent(m.BreakageRate), between(m.BreakageRateLeast, m.BreakageRateMost)))
		}
		cut, before := stats.Rate{Count: int(m.NTruncated), Of: int(m.N)}, stats.Rate{Count: int(m.NTruncatedBaseline), Of: int(m.N)}
		low, high := stats.Wilson(cut, max(int(m.Repeats), 1))
		if outside(before.Value(), low, high) && m.NTruncated > m.NTruncatedBaseline {
			parts = append(parts, fmt.Sprintf("%d responses were cut off, without the preference %d: a preference for length passes for broken answers; give them a larger --num-predict",
				m.NTruncated, m.NTruncatedBaseline))
		}
		if parts == nil {
			continue
		}
		if len(all) == mostNamed {
			more++
			continue
		}
		all = append(all, fmt.Sprintf("caveat: %s, %s: %s", subject(m), m.Setting, strings.Join(parts, "; ")))
	}
	if more > 0 {
		all = append(all, fmt.Sprintf("caveat: so it is in %d more cells: see who read the answers", more))
	}
	return all
}

// outside: the rate is known and not within the interval.
func outside(v, low, high *float64) bool {
	return v != nil && low != nil && high != nil && (*v < *low || *v > *high)
}

// Overall are the rows over all items of their cells.
func Overall(rows []data.Metric) []data.Metric {
	return slices.DeleteFunc(slices.Clone(rows), func(m data.Metric) bool { return m.Source != metrics.All })
}

// Reread says of which variants the server read again what prompts begin with:
// it costs time alone. advice is what to do about it; "" where nothing is known.
func Reread(all []metrics.Reuse, advice string) []string {
	var notes []string
	for _, r := range all {
		if !r.Lost() {
			continue
		}
		note := fmt.Sprintf("note: for %s the server did not keep the examples that %s prompts begin with, and read them anew each time: "+
			"a token of the %d prompts that began like one before took %.2f times as long to read as one of the %d first (kept, it takes less than half)",
			r.Variant, r.Method, r.Later, r.Ratio, r.Firsts)
		if advice != "" {
			note += "; " + advice
		}
		notes = append(notes, note)
	}
	return notes
}
