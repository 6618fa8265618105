package data

import (
	"fmt"
	"path/filepath"
	"testing"
)

// BenchmarkTable writes a table in the place of an older one, and reads it: a
// small one, of which the time is that of making it durable, and one of
// several row groups.
func BenchmarkTable(b *testing.B) {
	for _, rows := range []int{20, 100_000} {
		all := make([]Generation, rows)
		for i := range all {
			all[i] = Generation{
				ItemID: fmt.Sprint(i % 150), Variant: "m", Setting: "none", Options: []string{"a", "b"},
				UserPrompt: fmt.Sprint("Which of these is item ", i%150, "?"), Response: new(fmt.Sprint("The correct answer is ", i)), RequestHash: fmt.Sprintf("%064x", i),
			}
		}
		dir := filepath.Join(b.TempDir(), "generations")
		b.Run(fmt.Sprint("write/", rows), func(b *testing.B) {
			for b.Loop() {
				if err := WriteTable(dir, all); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
		b.Run(fmt.Sprint("read/", rows), func(b *testing.B) {
			for b.Loop() {
				for _, err := range ReadTable[Generation](dir) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
