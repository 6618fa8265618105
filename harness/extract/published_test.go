package extract

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"perg/data"
)

// The published responses of two models, with the labels of the paper's
// extractor, which are themselves wrong here and there.
var published = []struct {
	file              string
	answered, agreed  float64 // percent of the responses with a label; of those answered
	responses, labels int     // a label is the letter of one of the item's options
}{
	{"mistral-7b-truthfulqa.csv", 95, 98.5, 4902, 4505},
	{"mixtral-8x7b-cot-mmlu.csv", 82, 96, 2076, 1914},
}

type labelled struct {
	response string
	options  []string
	label    string
}

func readPublished(tb testing.TB, name string) []labelled {
	tb.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "responses", name))
	if errors.Is(err, fs.ErrNotExist) {
		tb.Skipf("needs %s beside the project", filepath.Join("shared", "responses", name))
	}
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
		for n := 0; ; n++ {
			i, ok := column[fmt.Sprintf("profile_%d_res", n)]
			if !ok {
				break
			}
			all = append(all, labelled{row[i], options, row[column[fmt.Sprintf("profile_%d_answer", n)]]})
		}
	}
	return all
}

func TestRulesOnPublishedResponses(t *testing.T) {
	for _, p := range published {
		t.Run(p.file, func(t *testing.T) {
			responses := readPublished(t, p.file)
			var labels, answered, agreed int
			byRule := map[string]int{}
			for _, r := range responses {
				label, ok := data.LetterIndex(r.label, len(r.options))
				if !ok {
					continue
				}
				labels++
				a, ok := Rules(r.response, r.options)
				if !ok {
					continue
				}
				answered++
				byRule[a.Rule]++
				if a.Option == label {
					agreed++
				}
			}
			if len(responses) != p.responses || labels != p.labels {
				t.Fatalf("read %d responses, %d with a label, want %d and %d", len(responses), labels, p.responses, p.labels)
			}
			coverage, agreement := 100*float64(answered)/float64(labels), 100*float64(agreed)/float64(answered)
			t.Logf("answered %.2f %%, agreed %.2f %%: %v", coverage, agreement, byRule)
			if coverage < p.answered {
				t.Errorf("answered %.2f %%, want at least %v %%", coverage, p.answered)
			}
			if agreement < p.agreed {
				t.Errorf("agreed %.2f %%, want at least %v %%", agreement, p.agreed)
			}
		})
	}
}

func BenchmarkRules(b *testing.B) {
	for _, p := range published {
		b.Run(p.file, func(b *testing.B) {
			responses := readPublished(b, p.file)
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
