package report

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/metrics"
)

// What benchstat reads (golang.org/design/14313-benchmark-format).
var (
	benchKey    = regexp.MustCompile(`^[a-z][^\s:A-Z]*: .+$`)
	benchUnit   = regexp.MustCompile(`^Unit \S+ better=(?:higher|lower)$`)
	benchResult = regexp.MustCompile(`^BenchmarkPERG(?:/[a-z]+=[^\s/]+)+\t[1-9][0-9]*(?:\t-?[0-9.]+(?:e[+-][0-9]+)? \S+)+$`)
)

func TestBenchstat(t *testing.T) {
	dir := t.TempDir()
	var rows []data.Generation
	for repeat := range int32(3) {
		for item := range 4 {
			for _, setting := range []string{"none", "relevant"} {
				right := setting == "none" || item > int(repeat)
				rows = append(rows, data.Generation{ItemID: string(rune('a' + item)), Variant: "hf.co/x/a b:q8-2", Method: "zero-shot", Setting: setting, Repeat: repeat, Options: []string{"x", "y"},
					Answer: new("A"), Correct: &right, OutputTokens: new(int64(10)), EvalNS: new(int64(1e9))})
			}
		}
	}
	if err := data.WriteTable(filepath.Join(dir, "generations"), rows); err != nil {
		t.Fatal(err)
	}
	table, err := metrics.Load(dir, metrics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cells, err := table.Cells("")
	if err != nil {
		t.Fatal(err)
	}
	records, err := table.Records("")
	if err != nil {
		t.Fatal(err)
	}
	records[1].JoulesPerAnswer = new(12.5)
	var b bytes.Buffer
	if err := WriteBenchstat(&b, []Setup{{"dataset", "my\ndata"}}, cells, records); err != nil {
		t.Fatal(err)
	}
	results := 0
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || benchKey.MatchString(line) || benchUnit.MatchString(line):
		case benchResult.MatchString(line):
			results++
		default:
			t.Errorf("benchstat would not read: %q", line)
		}
	}
	if results != 2*3+1 {
		t.Errorf("%d results, want 3 repeats of 2 cells and the energy of one:\n%s", results, b.String())
	}
	for _, want := range []string{
		"dataset: my data\n",
		"BenchmarkPERG/variant=hf.co%2Fx%2Fa%20b:q8-2/method=zero-shot/setting=relevant\t4\t75 %right\t25 %breakage\t25 %variation\t0 %invalid\t10 tok/s\n",
		"setting=relevant\t4\t25 %right\t75 %breakage\t", "setting=relevant\t12\t12.5 J/answer\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
