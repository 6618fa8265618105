package main

import "testing"

func TestRowsOfGoBenchmarks(t *testing.T) {
	for _, c := range []struct {
		line      string
		rows      int
		met       bool
		got, mark string
	}{
		{"BenchmarkMetrics-2   1  52 ns/op  1.34 s  10.0 s-limit  115328 generations", 1, true, "1.34", "at most 10"},
		{"BenchmarkMetrics-2   1  52 ns/op  11 s  10.0 s-limit", 1, false, "11", "at most 10"},
		{"BenchmarkParquet/write-2   1  61000 rows/s  50000 rows/s-limit", 1, true, "6.1e+04", "at least 50000"},
		{"BenchmarkParquet/write-2   1  41000 rows/s  50000 rows/s-limit", 1, false, "4.1e+04", "at least 50000"},
		{"BenchmarkChat   1  41000 ns/op", 0, false, "", ""},
		{"ok  	perg/data	0.4s", 0, false, "", ""},
		{"BenchmarkMetrics-2  --- FAIL", 0, false, "", ""},
	} {
		rows := benchRows("data", c.line)
		if len(rows) != c.rows {
			t.Errorf("%q: %d rows, want %d", c.line, len(rows), c.rows)
			continue
		}
		if c.rows > 0 && (rows[0].met != c.met || rows[0].got != c.got || rows[0].mark != c.mark) {
			t.Errorf("%q: %+v", c.line, rows[0])
		}
	}
	if rows := benchRows("cmd/perg", "BenchmarkReport/zero-shot-2  1  2.5 s  5 s-limit"); len(rows) != 1 || rows[0].what != "Report/zero-shot, s" || rows[0].ratio != "0.50" {
		t.Errorf("%+v", rows)
	}
}
