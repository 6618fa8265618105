package metrics

import "perg/data"

// Letters counts the answers that were read by their letter, A first, and the
// right letters of the same items. A model that likes one place of the list
// chooses it more often than it is right.
type Letters struct{ Chosen, Gold [data.MaxOptions]int32 }

func (l *Letters) add(answer, gold string) {
	a, ok := data.LetterIndex(answer, data.MaxOptions)
	g, known := data.LetterIndex(gold, data.MaxOptions)
	if ok && known {
		l.Chosen[a]++
		l.Gold[g]++
	}
}

// options is how many letters the answers reach.
func (l *Letters) options() int {
	for n := data.MaxOptions; n > 0; n-- {
		if l.Chosen[n-1]+l.Gold[n-1] > 0 {
			return n
		}
	}
	return 0
}

// shares are those of the first n letters; nil where there is none.
func shares(counts [data.MaxOptions]int32, n int) []float64 {
	var of int32
	for _, count := range counts {
		of += count
	}
	if of == 0 {
		return nil
	}
	all := make([]float64, n)
	for i := range all {
		all[i] = float64(counts[i]) / float64(of)
	}
	return all
}
