package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A row is one figure beside what it is measured against.
type row struct {
	what  string
	limit string // or peer, with its figure
	mark  string // what is asked of the figure or the ratio
	got   string
	ratio string // of the figure to the limit; "" where there is none
	met   bool
	how   string // or, of a row without a figure, why there is none
}

func (r row) String() string {
	verdict := "met"
	switch {
	case r.got == "":
		verdict = "not measured"
	case !r.met:
		verdict = "**not met**"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s |", r.what, r.limit, r.mark, cmp.Or(r.got, "-"), cmp.Or(r.ratio, "-"), verdict, r.how)
}

// progress tells of a row as soon as there is one: all of them take a while.
func (r row) progress() row {
	fmt.Fprintf(os.Stderr, "bench: %s: %s (limit or peer: %s; mark: %s) %s\n", r.what, r.got, r.limit, r.mark, r.ratio)
	return r
}

func table(w io.Writer, rows []row) error {
	fmt.Fprintf(w, "%s, %s\n\n", time.Now().Format("2006-01-02"), machine())
	fmt.Fprintln(w, "| what | limit or peer | mark | figure | ratio | | how |\n| --- | --- | --- | --- | --- | --- | --- |")
	for _, r := range rows {
		if _, err := fmt.Fprintln(w, r); err != nil {
			return err
		}
	}
	return nil
}

// machine is what the figures hold for.
func machine() string {
	processor := runtime.GOARCH
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if name, ok := strings.CutPrefix(s.Text(), "model name"); ok {
				processor = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), ":"))
				break
			}
		}
	}
	return fmt.Sprintf("%d cores of %s, %s, no GPU", runtime.NumCPU(), processor, runtime.Version())
}

func median[T ~int64 | ~float64](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// spread is the least and the most of some figures, to see how noisy they are.
func spread(values []float64, unit string) string {
	return fmt.Sprintf("%.3g to %.3g%s", slices.Min(values), slices.Max(values), unit)
}
