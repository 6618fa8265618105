package metrics

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"

	"perg/data"
	"perg/harness/prompt"
)

// All is the group that holds every item of a cell.
const All = "all"

// A GroupBy is a property of items to break cells down by.
type GroupBy string

// The properties.
const (
	BySource         GroupBy = "source"
	ByCategory       GroupBy = "category"
	ByPreferenceType GroupBy = "preference_type"
)

// GroupBys lists the properties.
func GroupBys() []GroupBy { return []GroupBy{BySource, ByCategory, ByPreferenceType} }

// A Cell is the tally of one variant x method x setting over one group.
type Cell struct {
	Variant, Model, Quantization string
	Method                       prompt.Method
	Setting                      prompt.Setting
	Group                        string // All, or a value of the property; "" where the item has none
	Tally

	OutputTokens int64 // with a known duration
	EvalNS       int64
	PeakVRAM     *int64 // as Ollama reported it after the load
	Usage               // of the GPUs, where they were sampled
}

// generation is what metrics need of data.Generation: the columns that are read.
type generation struct {
	ItemID         string  `parquet:"item_id"`
	Source         string  `parquet:"source"`
	Category       string  `parquet:"category,optional"`
	PreferenceType string  `parquet:"preference_type,optional"`
	Setting        string  `parquet:"setting"`
	Method         string  `parquet:"method"`
	Model          string  `parquet:"model"`
	Variant        string  `parquet:"variant"`
	Quantization   string  `parquet:"quantization,optional"`
	Repeat         int32   `parquet:"repeat"`
	Answer         *string `parquet:"answer"`
	Correct        *bool   `parquet:"correct"`
	OutputTokens   *int64  `parquet:"output_tokens"`
	EvalNS         *int64  `parquet:"eval_ns"`
	VRAMBytes      *int64  `parquet:"vram_bytes"`
}

type judgment struct {
	ItemID   string `parquet:"item_id"`
	Setting  string `parquet:"setting"`
	Method   string `parquet:"method"`
	Variant  string `parquet:"variant"`
	Repeat   int32  `parquet:"repeat"`
	Followed *bool  `parquet:"followed"`
}

// query names one question put to one variant.
type query struct {
	variant, item string
	repeat        int32
}

type conditioned struct {
	query
	method, setting string
}

// OfRun tallies the tables of a run, every cell over all items and, for each
// value of by, over the items that have it. Cells come by variant, method and
// setting in the order of the table, groups in order of appearance with All
// first. A generation without a baseline row counts as failed.
func OfRun(dir string, by GroupBy) ([]Cell, error) {
	followed := make(map[conditioned]bool)
	judged := false
	for j, err := range data.ReadTable[judgment](filepath.Join(dir, "judgments")) {
		if errors.Is(err, data.ErrNoTable) {
			break
		}
		if err != nil {
			return nil, err
		}
		judged = true
		if j.Followed != nil {
			followed[conditioned{query{j.Variant, j.ItemID, j.Repeat}, j.Method, j.Setting}] = *j.Followed
		}
	}
	generations := func() iter.Seq2[generation, error] {
		return data.ReadTable[generation](filepath.Join(dir, "generations"))
	}
	baseline := make(map[query]Outcome)
	for g, err := range generations() {
		if err != nil {
			return nil, err
		}
		if g.Setting == string(prompt.None) && g.Method == string(prompt.ZeroShot) {
			baseline[query{g.Variant, g.ItemID, g.Repeat}] = g.outcome()
		}
	}

	type key struct{ variant, method, setting, group string }
	cells := make(map[key]*Cell)
	var order []key
	add := func(g generation, group string, base, o Outcome) {
		k := key{g.Variant, g.Method, g.Setting, group}
		c, ok := cells[k]
		if !ok {
			c = &Cell{
				Variant: g.Variant, Model: g.Model, Quantization: g.Quantization,
				Method: prompt.Method(g.Method), Setting: prompt.Setting(g.Setting), Group: group,
			}
			c.Tally.Setting, c.Tally.Judged = c.Setting, judged
			cells[k] = c
			order = append(order, k)
		}
		c.Add(base, o)
		if g.OutputTokens != nil && g.EvalNS != nil {
			c.OutputTokens += *g.OutputTokens
			c.EvalNS += *g.EvalNS
		}
		if g.VRAMBytes != nil && (c.PeakVRAM == nil || *g.VRAMBytes > *c.PeakVRAM) {
			c.PeakVRAM = g.VRAMBytes
		}
	}
	for g, err := range generations() {
		if err != nil {
			return nil, err
		}
		q := query{g.Variant, g.ItemID, g.Repeat}
		o := g.outcome()
		o.Followed, o.Rated = followed[conditioned{q, g.Method, g.Setting}]
		base := baseline[q]
		add(g, All, base, o)
		group, err := g.group(by)
		if err != nil {
			return nil, err
		}
		add(g, group, base, o)
	}

	// Cells keep the order in which the run made them; within a cell, groups do.
	rank := make(map[key]int)
	for i, k := range order {
		k.group = ""
		if _, ok := rank[k]; !ok {
			rank[k] = i
		}
	}
	slices.SortStableFunc(order, func(a, b key) int {
		a.group, b.group = "", ""
		return cmp.Compare(rank[a], rank[b])
	})
	all := make([]Cell, len(order))
	for i, k := range order {
		all[i] = *cells[k]
	}
	return all, addUsage(dir, all)
}

func (g generation) outcome() Outcome {
	return Outcome{
		Responded: g.Correct != nil,
		Answered:  g.Answer != nil,
		Correct:   g.Correct != nil && *g.Correct,
	}
}

func (g generation) group(by GroupBy) (string, error) {
	switch by {
	case BySource:
		return g.Source, nil
	case ByCategory:
		return g.Category, nil
	case ByPreferenceType:
		return g.PreferenceType, nil
	default:
		return "", fmt.Errorf("metrics by %q: not a property of items", by)
	}
}

// Record is the cell as a row of the table metrics. repeats is the number of
// generations of each item.
func (c Cell) Record(repeats int) data.Metric {
	m := data.Metric{
		Variant: c.Variant, Model: c.Model, Quantization: c.Quantization,
		Setting: string(c.Setting), Method: string(c.Method), Source: c.Group,
		N: int64(c.Pairs), NBaselineCorrect: int64(c.BaselineCorrect()),
		AccuracyBaseline: c.BaselineAccuracy().Value(), Accuracy: c.Accuracy().Value(),
		BreakageRate:         c.BreakageRate().Value(),
		AlignmentFailure:     c.AlignmentFailure().Value(),
		RobustnessError:      c.RobustnessError().Value(),
		PerformanceVariation: c.PerformanceVariation().Value(),
		InvalidRateBaseline:  c.BaselineInvalid().Value(), InvalidRate: c.Invalid().Value(),
		NUnscored: int64(c.Unscored), NError: int64(c.Failed),
		PeakVRAMBytes: c.PeakVRAM,
	}
	m.BreakageRateLow, m.BreakageRateHigh = Wilson(c.BreakageRate(), repeats)
	m.AlignmentFailureLow, m.AlignmentFailureHigh = Wilson(c.AlignmentFailure(), repeats)
	m.RobustnessErrorLow, m.RobustnessErrorHigh = Wilson(c.RobustnessError(), repeats)
	m.PerformanceVariationLow, m.PerformanceVariationHigh = Wilson(c.PerformanceVariation(), repeats)
	if c.PeakMemory != nil {
		m.PeakVRAMBytes = c.PeakMemory
	}
	m.GPUUtilization, m.EnergyJoules = c.Utilization, c.Joules
	if c.Joules != nil && *c.Joules > 0 {
		m.TokensPerJoule = new(float64(c.OutputTokens) / *c.Joules)
	}
	if c.EvalNS > 0 {
		perSecond := float64(c.OutputTokens) / float64(c.EvalNS) * 1e9
		m.OutputTokensPerSecond = &perSecond
	}
	return m
}
