package report

import (
	"fmt"
	"io"
	"math"

	"perg/data"
	"perg/harness/stats"
)

// LettersLegend says what the numbers of Letters are.
const LettersLegend = "Percent of the answers that were read, by letter: under the setting, of the\n" +
	"same model without a preference, and of the right answers. Shown are the cells\n" +
	"that choose a letter more or less often than it is right by more than chance."

// leanLevel is the level at which a letter is said to be chosen too often or too
// seldom, over all letters of all cells.
const leanLevel = 0.01

// Leaning are the rows whose answers prefer or avoid a letter, beyond chance.
func Leaning(rows []data.Metric) []data.Metric {
	var p []float64
	var of []int
	for i, m := range rows {
		for letter := range m.Letters {
			p, of = append(p, leans(m, letter)), append(of, i)
		}
	}
	lean := make([]bool, len(rows))
	for i, adjusted := range stats.Holm(p) {
		lean[of[i]] = lean[of[i]] || adjusted < leanLevel
	}
	var all []data.Metric
	for i, m := range rows {
		if lean[i] {
			all = append(all, m)
		}
	}
	return all
}

// leans is the p-value of a letter being chosen as often as it is right: McNemar's
// by the normal, with as many answers that differ as there could be at most, the
// wrong ones, since the table has no count of them by letter. It is NaN where all
// answers that were read are right.
func leans(m data.Metric, letter int) float64 {
	if m.InvalidRate == nil || m.Accuracy == nil || letter >= len(m.LettersGold) {
		return math.NaN()
	}
	read := 1 - *m.InvalidRate
	chosen, gold := m.Letters[letter], m.LettersGold[letter]
	differ := min(chosen+gold, 1-*m.Accuracy/read)
	n := float64(m.N) * read / float64(max(m.Repeats, 1))
	if !(differ > 0 && n > 0) {
		return math.NaN()
	}
	return math.Erfc(math.Abs(chosen-gold) * math.Sqrt(n/differ/2))
}

const without = "  without"

// Letters writes which letters are chosen: a table for each variant and method,
// three lines a setting.
func Letters(w io.Writer, rows []data.Metric) error {
	return writeSections(w, rows, subject, func(section []data.Metric) error {
		options := 0
		for _, m := range section {
			options = max(options, len(m.Letters), len(m.LettersBaseline))
		}
		titles := []string{"Setting"}
		for i := range options {
			titles = append(titles, data.Letter(i))
		}
		t := comparisonTable(titles, 0)
		for _, m := range section {
			for _, line := range []struct {
				name   string
				shares []float64
			}{{m.Setting, m.Letters}, {without, m.LettersBaseline}, {"  right", m.LettersGold}} {
				if line.shares == nil || line.name == without && isBaseline(m) {
					continue
				}
				cells := []any{cell(line.name)}
				for i := range options {
					share := 0.0
					if i < len(line.shares) {
						share = line.shares[i]
					}
					cells = append(cells, fmt.Sprintf("%.1f", 100*share))
				}
				t.AppendRow(cells)
			}
		}
		return writePlain(w, t)
	})
}
