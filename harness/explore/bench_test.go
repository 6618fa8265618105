package explore

import (
	"os"
	"testing"
	"time"

	"perg/harness/explore/exploretest"
	"perg/harness/metrics"
)

func BenchmarkExplore(b *testing.B) {
	dir := os.Getenv("RUNDIR")
	if dir == "" {
		dir = b.TempDir()
	}
	if _, err := os.Stat(dir + "/generations"); err != nil {
		exploretest.Write(b, dir, exploretest.Million())
	}
	for b.Loop() {
		at := time.Now()
		lap := func(what string) {
			b.ReportMetric(time.Since(at).Seconds(), what)
			at = time.Now()
		}
		r, err := Open(dir, metrics.Options{})
		if err != nil {
			b.Fatal(err)
		}
		lap("s-open")
		if err := r.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
		lap("s-index")
		l, err := r.List(b.Context(), Filter{}, 0, 50)
		if err != nil || len(l.Lines) != 50 {
			b.Fatal(err, l)
		}
		lap("s-first")
		l, err = r.List(b.Context(), Filter{Values: map[Facet][]string{ByOutcome: {"broken"}, BySource: {"mmlu"}}}, 10000, 50)
		if err != nil || len(l.Lines) != 50 {
			b.Fatal(err, l)
		}
		lap("s-filter")
		b.Log(l.Facets)
		l, err = r.List(b.Context(), Filter{Text: "zanzibar"}, 0, 50)
		if err != nil {
			b.Fatal(err, l)
		}
		lap("s-search")
		b.Log(len(l.Lines), l.Looked, l.Of)
		n := 0
		for ; !l.Done; n++ {
			l, err = r.List(b.Context(), Filter{Text: "nowhere to be found"}, 0, 50)
			if err != nil {
				b.Fatal(err, l)
			}
		}
		lap("s-search-all")
		b.Log(n)
		r.Close()
	}
}
