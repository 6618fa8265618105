package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"perg/data"
	"perg/harness/advise"
	"perg/harness/compare"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/report"
	"perg/harness/rundir"
	"perg/models"
)

// variantsOf are those of a run as advice knows them: of a size as loaded, where they
// were, else of their file.
func variantsOf(m rundir.Manifest) []advise.Variant {
	var all []advise.Variant
	loaded := loadedBytes(m)
	for i, model := range comparedModels(m) {
		info := m.Models[i]
		v := advise.Variant{Model: model, Level: models.Level(info.ThinkLevel), Size: advise.Size{Bits: bitsPerWeight(info.Quantization), Bytes: cmp.Or(loaded[info.Variant], info.Size)}}
		all = append(all, v)
	}
	return all
}

// adviceOf says which to take of the families among a run's variants: in zero-shot
// under the item's own preference, or the first method and setting there are.
func adviceOf(m rundir.Manifest, cells []*metrics.Cell) []advise.Advice {
	families := advise.Families(variantsOf(m))
	for _, method := range prompt.Methods() {
		for _, setting := range prompt.Settings()[1:] {
			var all []advise.Advice
			for _, f := range families {
				for _, a := range advise.Of(comparedIn(f, method, setting, cells, m.MetricsOptions().Seed), nil) { // they stand by size
					a.Kind = f.Kind
					all = append(all, a)
				}
			}
			if len(all) > 0 {
				return all
			}
		}
	}
	return nil
}

// comparedIn compares the others of a family with its reference in one method and
// setting, those of them that are there.
func comparedIn(f advise.Family, method prompt.Method, setting prompt.Setting, cells []*metrics.Cell, seed uint64) []compare.Comparison {
	of := func(variant string) compare.Selector {
		return compare.Selector{Variant: variant, Method: method, Setting: setting}
	}
	var pairs []compare.Pair
	for _, other := range f.Others {
		if some, err := compare.Pairs(cells, cells, of(other), of(f.Reference)); err == nil {
			pairs = append(pairs, some...)
		}
	}
	return compare.Compare(pairs, func(*metrics.Cell) string { return "" }, compare.Options{Seed: seed, Detect: advise.Margin})
}

// recommend is what a run says about what to take. Its table is loaded where it has
// families.
func recommend(m rundir.Manifest, rows []data.Metric, load func() (*metrics.Table, error)) (advise.Recommendation, error) {
	variants := variantsOf(m)
	var cells []*metrics.Cell
	if len(advise.Families(variants)) > 0 {
		run, err := load()
		if err != nil {
			return advise.Recommendation{}, err
		}
		if cells, err = run.Cells(""); err != nil {
			return advise.Recommendation{}, err
		}
	}
	return recommended(variants, rows, adviceOf(m, cells)), nil
}

// recommended is what rows of the table metrics say about what to take, beside the
// advice on families.
func recommended(variants []advise.Variant, rows []data.Metric, advice []advise.Advice) advise.Recommendation {
	r := advise.Recommendation{Advice: advice}
	lead := leading(rows)
	if ranking, ok := advise.Ranked(advise.Models(variants, advise.Families(variants)), lead); ok {
		r.Ranking = &ranking
	}
	r.Front, r.Unknown = frontOf(variants, lead)
	return r
}

// leading are the rows over all items of the method and setting that advice is about.
func leading(rows []data.Metric) []data.Metric {
	for _, method := range prompt.Methods() {
		for _, setting := range prompt.Settings()[1:] {
			some := slices.DeleteFunc(report.Overall(rows), func(m data.Metric) bool {
				return m.Method != string(method) || m.Setting != string(setting)
			})
			if len(some) > 0 {
				return some
			}
		}
	}
	return nil
}

// frontOf is the Pareto front of variants by what rows say of them; none where there
// are not two with a Breakage Rate, or no cost is known.
func frontOf(variants []advise.Variant, rows []data.Metric) ([]advise.Standing, []string) {
	var points []advise.Point
	for _, m := range rows {
		i := slices.IndexFunc(variants, func(v advise.Variant) bool { return v.Variant == m.Variant })
		if i < 0 || m.BreakageRate == nil {
			continue
		}
		p := advise.Point{
			Variant: m.Variant, TokensPerSecond: m.OutputTokensPerSecond, Joules: m.JoulesPerRightAnswer,
			Breakage: m.BreakageRate, BreakageLow: m.BreakageRateLow, BreakageHigh: m.BreakageRateHigh,
		}
		if size := variants[i].Size; size.Bits > 0 {
			p.Bits = &size.Bits
		}
		if size := variants[i].Size; size.Bytes > 0 {
			p.Bytes = &size.Bytes
		}
		points = append(points, p)
	}
	if len(points) < 2 {
		return nil, nil
	}
	all, unknown := advise.Front(points)
	if len(unknown) == advise.Costs {
		return nil, nil
	}
	return all, unknown
}

// writeRecommendation says what to take, of what a run has several of.
func writeRecommendation(w io.Writer, r advise.Recommendation) error {
	if len(r.Advice) == 0 && r.Ranking == nil && r.Front == nil {
		return nil
	}
	fmt.Fprint(w, "\nWhich to take\n\n")
	report.Advice(w, r.Advice, width(w))
	if r.Ranking != nil {
		if len(r.Advice) > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, report.ProseIn(report.Ranking(*r.Ranking), width(w)))
	}
	if r.Front == nil {
		return nil
	}
	if len(r.Advice) > 0 || r.Ranking != nil {
		fmt.Fprintln(w)
	}
	leftOut, err := report.Front(w, r.Front, width(w))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\n%s\n", report.ProseIn(report.FrontLegend(r.Unknown, leftOut), width(w)))
	return err
}

// writeReportJSON writes a report for programs: the rows of the table metrics, and
// what they say about what to take.
func writeReportJSON(w io.Writer, rows []data.Metric, by metrics.GroupBy, r advise.Recommendation) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Metrics []map[string]any `json:"metrics"`
		advise.Recommendation
	}{report.Records(rows, by), r})
}
