package extract

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perg/data"
)

// shared is where the published responses lie beside the project, with the
// labels of the paper's extractor, which are themselves wrong in about one of a
// hundred, and short inputs of kinds that people reported.
var shared = filepath.Join("..", "..", "..", "shared")

type labelled struct {
	response   string
	options    []string
	label      string
	preference bool // it was asked for under one
}

// readPublished reads all responses of a file: the columns profile_N_res with
// profile_N_answer, of which 0 is the baseline, or no_pref_res with no_pref_ans
// and pref_res with pref_ans.
func readPublished(tb testing.TB, path string) []labelled {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	var all []labelled
	for _, row := range rows[1:] {
		options, err := data.ParseList(row[column["options"]])
		if err != nil {
			tb.Fatal(err)
		}
		for response, i := range column {
			name, ok := strings.CutSuffix(response, "_res")
			if !ok {
				continue
			}
			label, ok := column[name+"_answer"]
			if !ok {
				label = column[name+"_ans"]
			}
			all = append(all, labelled{row[i], options, row[label], name != "profile_0" && name != "no_pref"})
		}
	}
	return all
}

func publishedFiles(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(shared, "responses", "*.csv"))
	if err != nil {
		tb.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(shared, "responses", "more", "*.csv"))
	if err != nil {
		tb.Fatal(err)
	}
	if files = append(files, more...); len(files) == 0 {
		tb.Skip("needs the CSV files of shared/responses beside the project")
	}
	return files
}

// How many responses with a label are answered, and as the label says.
type tally struct{ labels, answered, agreed int }

func (t tally) coverage() float64  { return 100 * float64(t.answered) / float64(t.labels) }
func (t tally) agreement() float64 { return 100 * float64(t.agreed) / float64(t.answered) }

// The figures are percentages over all files; what the rules lose under a
// preference looks like answers that it broke.
func TestRulesOnPublishedResponses(t *testing.T) {
	const leastCoverage, leastAgreement, mostLost = 91.5, 98.9, 4.5
	byCondition := map[bool]tally{}
	byRule := map[string]tally{}
	for _, path := range publishedFiles(t) {
		var file tally
		for _, r := range readPublished(t, path) {
			label, ok := ParseLabel(r.label, len(r.options))
			if !ok {
				continue
			}
			one := tally{labels: 1}
			a, ok := Rules(r.response, r.options)
			if ok {
				one.answered = 1
			}
			if ok && a.Option == label {
				one.agreed = 1
			}
			file = file.plus(one)
			byCondition[r.preference] = byCondition[r.preference].plus(one)
			byRule[a.Rule] = byRule[a.Rule].plus(one)
		}
		t.Logf("%-32s answered %.2f %% of %d, agreed %.2f %%", filepath.Base(path), file.coverage(), file.labels, file.agreement())
	}
	for _, rule := range RuleNames() {
		t.Logf("%-32s %d, agreed %.2f %%", rule, byRule[rule].answered, byRule[rule].agreement())
	}
	all, lost := byCondition[false].plus(byCondition[true]), byCondition[false].coverage()-byCondition[true].coverage()
	t.Logf("answered %.2f %% of %d, agreed %.2f %%; %.2f points of coverage lost under a preference",
		all.coverage(), all.labels, all.agreement(), lost)
	if all.coverage() < leastCoverage || all.agreement() < leastAgreement || lost > mostLost {
		t.Errorf("want at least %v %% answered and %v %% agreed, and at most %v points lost", leastCoverage, leastAgreement, mostLost)
	}
}

func (t tally) plus(u tally) tally {
	return tally{t.labels + u.labels, t.answered + u.answered, t.agreed + u.agreed}
}

// Of the inputs with one right letter nearly all are read and none wrong; none
// is read where there is no single answer.
func TestRulesOnReportedKinds(t *testing.T) {
	const leastRead = 0.95
	f, err := os.Open(filepath.Join(shared, "cases", "extraction.csv"))
	if err != nil {
		t.Skip("waits for shared/cases/extraction.csv beside the project")
	}
	defer f.Close()
	rows, err := data.NewResponses(f.Name(), f, "response", "options", "right")
	if err != nil {
		t.Fatal(err)
	}
	right, of := 0, 0
	for {
		row, err := rows.Next()
		if err != nil {
			break
		}
		got := ""
		if a, ok := Rules(row.Text, row.Options); ok {
			got = data.Letter(a.Option)
		}
		if got != "" && got != row.Label {
			t.Errorf("line %d: read %s, want %q: %q", row.Line, got, row.Label, row.Text)
		}
		if row.Label != "" {
			of++
			if got == row.Label {
				right++
			} else {
				t.Logf("line %d: not read, %s is right: %q", row.Line, row.Label, row.Text)
			}
		}
	}
	t.Logf("%d of %d with one right letter are read", right, of)
	if float64(right) < leastRead*float64(of) || of == 0 {
		t.Errorf("read %d of %d, want at least %v of them", right, of, leastRead)
	}
}

func BenchmarkRules(b *testing.B) {
	for _, path := range publishedFiles(b) {
		b.Run(filepath.Base(path), func(b *testing.B) {
			responses := readPublished(b, path)
			var bytes int
			for _, r := range responses {
				bytes += len(r.response)
			}
			b.SetBytes(int64(bytes / len(responses)))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				r := responses[i%len(responses)]
				Rules(r.response, r.options)
				i++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "responses/s")
		})
	}
}
