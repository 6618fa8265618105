package report

import (
	"fmt"
	"io"
	"math"

	"perg/harness/metrics"
)

// ImprovementLegend says what the numbers of Improvements are.
const ImprovementLegend = "Percentage points, the method's minus zero-shot's over the same items, with 95 %\n" +
	"intervals; relative: percent of zero-shot's Robustness Error. Below 0 is better."

// Improvements writes what each method changes against zero-shot: a table for
// each variant and method, in 80 columns.
func Improvements(w io.Writer, all []metrics.Improvement) error {
	for i := 0; i < len(all); {
		first, lines := all[i], [][]string(nil)
		for ; i < len(all) && all[i].Variant == first.Variant && all[i].Method == first.Method; i++ {
			m := all[i]
			lines = append(lines, []string{
				string(m.Setting), change(m.Breakage), change(m.Alignment), change(m.Robustness), relative(m.Relative),
			})
		}
		if _, err := fmt.Fprintln(w, Prose(named(first.Variant, first.Quantization)+", "+string(first.Method)+" minus zero-shot")); err != nil {
			return err
		}
		if err := writePlain(w, grid([]string{"Setting", "Breakage\n↓", "Alignment\nfailure ↓", "Robustness\nerror ↓", "relative\n↓"}, 1, lines)); err != nil {
			return err
		}
		if i < len(all) {
			fmt.Fprintln(w)
		}
	}
	return nil
}

// change shows a difference with its interval in percentage points. Its bounds have
// a decimal where both are below ten, so that a line keeps to its width.
func change(d metrics.Difference) string {
	if d.Value == nil {
		return "-"
	}
	s := fmt.Sprintf("%+.1f", *d.Value*100)
	if d.Low == nil || d.High == nil {
		return s
	}
	if max(math.Abs(*d.Low), math.Abs(*d.High)) < 0.0995 {
		return s + fmt.Sprintf(" %+.1f,%+.1f", *d.Low*100, *d.High*100)
	}
	return s + fmt.Sprintf(" %+.0f,%+.0f", *d.Low*100, *d.High*100)
}

func relative(d metrics.Difference) string {
	if d.Value == nil {
		return "-"
	}
	s := fmt.Sprintf("%+.0f", *d.Value*100)
	if d.Low != nil && d.High != nil {
		s += fmt.Sprintf(" %+.0f,%+.0f", *d.Low*100, *d.High*100)
	}
	return s
}
