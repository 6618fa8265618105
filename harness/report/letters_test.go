package report

import (
	"bytes"
	"strings"
	"testing"

	"perg/data"
)

// Of two models right on half of 400 items, one answers A where it is wrong and
// the other errs evenly: the first is shown, beside what is right, the other is
// not.
func TestLetters(t *testing.T) {
	row := func(variant string, letters, without []float64) data.Metric {
		m := data.Metric{Variant: variant, Method: "zero-shot", Setting: "relevant", Source: "all", N: 400, Repeats: 1,
			Accuracy: new(0.5), InvalidRate: new(0.0), BreakageRate: new(0.1)}
		m.Letters, m.LettersBaseline, m.LettersGold = letters, without, []float64{0.25, 0.25, 0.25, 0.25}
		return m
	}
	rows := []data.Metric{
		row("leans", []float64{0.625, 0.125, 0.125, 0.125}, []float64{0.4, 0.2, 0.2, 0.2}),
		row("even", []float64{0.27, 0.24, 0.25, 0.24}, []float64{0.25, 0.25, 0.25, 0.25}),
		{Variant: "unknown", Source: "all", N: 10},
	}
	lean := Leaning(rows)
	if len(lean) != 1 || lean[0].Variant != "leans" {
		t.Fatalf("%d rows lean: %+v", len(lean), lean)
	}
	var b bytes.Buffer
	if err := Letters(&b, lean); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{"Setting A B C D", "relevant 62.5 12.5 12.5 12.5", "without 40.0 20.0 20.0 20.0", "right 25.0 25.0 25.0 25.0"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	b.Reset()
	if err := Write(&b, CSV, rows, "", 0); err != nil || !strings.Contains(b.String(), ",0.625 0.125 0.125 0.125,0.4 0.2 0.2 0.2,") {
		t.Errorf("error %v in\n%s", err, b.String())
	}
}
