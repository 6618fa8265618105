package metrics

import (
	"runtime"
	"sync"

	"perg/data"
	"perg/harness/stats"
)

// batch is how many cells are resampled at once, or some more: each holds 128 kB
// meanwhile.
const batch = 64

// Records are the rows of the table metrics: the run's cells over all items
// and, where by is set, over each value of the property, in the order of Cells.
func (t *Table) Records(by GroupBy) (rows []data.Metric, err error) {
	families, err := t.families(by)
	if err != nil {
		return nil, err
	}
	drawn := t.drawn(t.IDs())
	var some []*Cell
	for family := range families {
		if some = append(some, family...); len(some) >= batch {
			rows, some = append(rows, t.records(some, drawn)...), nil
		}
	}
	return append(rows, t.records(some, drawn)...), nil
}

// records are the rows of some cells, whose items are drawn at the given positions.
func (t *Table) records(cells []*Cell, drawn []int32) []data.Metric {
	if len(cells) == 0 {
		return nil
	}
	resampled, rows := t.Resample(cells), make([]data.Metric, len(cells))
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(rows); i += workers {
				rows[i] = resampled[i].record(drawn)
			}
		})
	}
	wg.Wait()
	return rows
}

// record is the cell as a row of the table metrics, whose items are drawn at the
// given positions.
func (r *Resampled) record(drawn []int32) data.Metric {
	c := r.Cell
	m := data.Metric{
		Variant: c.Variant, Model: c.Model, Quantization: c.Quantization,
		Setting: string(c.Setting), Method: string(c.Method), Source: c.Group,
		Repeats: int64(c.Repeats()), N: int64(r.Pairs), NBaselineCorrect: int64(r.BaselineCorrect()),
		NUnscored: int64(r.Unscored), NError: int64(r.Failed), NFellBack: c.FellBack,
		PeakVRAMBytes: c.PeakMemory, LoadedVRAMBytes: c.LoadedVRAM, GPUUtilization: c.Utilization, IdleWatts: c.Idle, EnergyJoules: c.Joules,
	}
	rate := func(name Metric, value, low, high **float64) {
		*value = r.Rate(name).Value()
		*low, *high = r.Interval(name)
	}
	rate(Accuracy, &m.Accuracy, &m.AccuracyLow, &m.AccuracyHigh)
	rate(BaselineAccuracy, &m.AccuracyBaseline, &m.AccuracyBaselineLow, &m.AccuracyBaselineHigh)
	rate(Invalid, &m.InvalidRate, &m.InvalidRateLow, &m.InvalidRateHigh)
	rate(BaselineInvalid, &m.InvalidRateBaseline, &m.InvalidRateBaselineLow, &m.InvalidRateBaselineHigh)
	rate(BreakageRate, &m.BreakageRate, &m.BreakageRateLow, &m.BreakageRateHigh)
	rate(AlignmentFailure, &m.AlignmentFailure, &m.AlignmentFailureLow, &m.AlignmentFailureHigh)
	rate(RobustnessError, &m.RobustnessError, &m.RobustnessErrorLow, &m.RobustnessErrorHigh)
	rate(PerformanceVariation, &m.PerformanceVariation, &m.PerformanceVariationLow, &m.PerformanceVariationHigh)
	if again := r.Again; again != nil {
		m.NNull = int64(again.BaselineCorrect())
		m.NullBreakage = again.Rate(BreakageRate).Value()
		m.NullBreakageLow, m.NullBreakageHigh = again.Interval(BreakageRate)
		m.NetBreakage, m.NetBreakageLow, m.NetBreakageHigh = r.Net.Value, r.Net.Low, r.Net.High
	}
	if rotated := r.Rotated; rotated != nil {
		m.NRotated = int64(rotated.BaselineCorrect())
		m.RotatedBreakage = rotated.Rate(BreakageRate).Value()
		m.RotatedBreakageLow, m.RotatedBreakageHigh = rotated.Interval(BreakageRate)
	}
	share := func(n int, of Reads) *float64 { return stats.Rate{Count: n, Of: of.Responses}.Value() }
	m.ReadByRules, m.ReadByRulesBaseline = share(c.Reads.ByRules, c.Reads), share(c.BaselineReads.ByRules, c.BaselineReads)
	m.ReadByModel, m.ReadByModelBaseline = share(c.Reads.ByModel, c.Reads), share(c.BaselineReads.ByModel, c.BaselineReads)
	m.Unread, m.UnreadBaseline = share(c.Reads.Unread, c.Reads), share(c.BaselineReads.Unread, c.BaselineReads)
	options := c.Letters.options()
	m.Letters, m.LettersGold = shares(c.Letters.Chosen, options), shares(c.Letters.Gold, options)
	if c.base != nil {
		m.LettersBaseline = shares(c.base.Letters.Chosen, max(options, c.base.Letters.options()))
	}
	least, most := r.BreakageBounds()
	m.BreakageRateLeast, m.BreakageRateMost = least.Value(), most.Value()
	m.NTruncated, m.NTruncatedBaseline = int64(c.Reads.Truncated), int64(c.BaselineReads.Truncated)
	m.NTruncatedThinking, m.NTruncatedThinkingBaseline, m.NLoops = int64(c.Reads.Thoughts), int64(c.BaselineReads.Thoughts), int64(c.Reads.Loops)
	r.answers(&m)
	deviation := func(name Metric, items, repeats **float64) {
		*items, *repeats = r.itemsSD(name), c.repeatsSD(name)
	}
	deviation(BreakageRate, &m.BreakageRateItemsSD, &m.BreakageRateRepeatsSD)
	deviation(AlignmentFailure, &m.AlignmentFailureItemsSD, &m.AlignmentFailureRepeatsSD)
	deviation(RobustnessError, &m.RobustnessErrorItemsSD, &m.RobustnessErrorRepeatsSD)
	deviation(PerformanceVariation, &m.PerformanceVariationItemsSD, &m.PerformanceVariationRepeatsSD)
	if paid := c.Paid; c.Joules != nil && *c.Joules > 0 {
		m.NEnergy = paid.Answers
		if paid.Tokens > 0 {
			m.TokensPerJoule = new(float64(paid.Tokens) / *c.Joules)
		}
		if paid.Answers > 0 {
			m.JoulesPerAnswer = new(*c.Joules / float64(paid.Answers))
		}
		if paid.Right > 0 {
			m.JoulesPerRightAnswer = new(*c.Joules / float64(paid.Right))
		}
	}
	if c.EvalNS > 0 {
		m.OutputTokensPerSecond = new(float64(c.OutputTokens) / float64(c.EvalNS) * 1e9)
		m.OutputTokensPerSecondLow, m.OutputTokensPerSecondHigh = c.paceInterval(drawn)
	}
	m.ThinkingTokens, m.OutputTokens = mean(c.Spent.ThinkingTokens, c.Spent.Thoughts), mean(c.Spent.OutputTokens, c.Spent.Responses)
	if m.Seconds = mean(c.Spent.NS, c.Spent.Timed); m.Seconds != nil {
		*m.Seconds /= 1e9
	}
	return m
}

// answers are accuracy and Breakage over the pairs that have an answer in both cells.
func (r *Resampled) answers(m *data.Metric) {
	share := func(n, of int) *float64 { return stats.Rate{Count: n, Of: of}.Value() }
	m.NAnswered = int64(r.answered)
	m.AccuracyAnswered, m.AccuracyBaselineAnswered = share(r.answeredRight, r.answered), share(r.answeredBaseline, r.answered)
	if r.plain() {
		return
	}
	m.BreakageRateAnswered = share(r.answeredBroken, r.answeredBaseline)
	switch {
	case m.BreakageRateAnswered == nil:
	case r.answered == r.Pairs:
		m.BreakageRateAnsweredLow, m.BreakageRateAnsweredHigh = r.Interval(BreakageRate)
	default:
		effect := r.designEffect(BreakageRate)
		m.BreakageRateAnsweredLow, m.BreakageRateAnsweredHigh = stats.Score(*m.BreakageRateAnswered, float64(r.answeredBaseline)/effect)
	}
}
