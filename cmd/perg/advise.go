package main

import (
	"fmt"
	"io"

	"perg/harness/advise"
	"perg/harness/compare"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/report"
	"perg/harness/rundir"
)

// advised are the comparisons of one cell, zero-shot under the item's own
// preference or the first that there is, as advice.
func advised(m rundir.Manifest, all []compare.Comparison) []advise.Advice {
	sizes := make(map[string]advise.Size)
	for _, v := range m.Models {
		sizes[v.Variant] = advise.Size{Bits: bitsPerWeight(v.Quantization), Bytes: v.Size}
	}
	for _, l := range m.Loads {
		s := sizes[l.Variant]
		s.Bytes = l.Size
		sizes[l.Variant] = s
	}
	for _, method := range prompt.Methods() {
		for _, setting := range []prompt.Setting{prompt.Relevant, prompt.Mixed, prompt.Irrelevant} {
			var some []compare.Comparison
			for _, c := range all {
				if c.A.Method == method && c.A.Setting == setting {
					some = append(some, c)
				}
			}
			if advice := advise.Of(some, sizes); len(advice) > 0 {
				return advice
			}
		}
	}
	return nil
}

// writeAdvice says which quantization of a run to take, where it has several.
func writeAdvice(w io.Writer, dir string, m rundir.Manifest, t *metrics.Table) error {
	cells, err := t.Cells("")
	if err != nil {
		return err
	}
	s := comparedSides{a: &comparedRun{dir, m, t, cells}}
	s.b = s.a
	s.siblings()
	if len(s.pairs) == 0 {
		return nil
	}
	all := compare.Compare(s.pairs, s.runOf, compare.Options{Seed: m.MetricsOptions().Seed, Detect: advise.Margin})
	if advice := advised(m, all); len(advice) > 0 {
		fmt.Fprint(w, "\nWhich to take\n\n")
		report.Advice(w, advice)
	}
	return nil
}
