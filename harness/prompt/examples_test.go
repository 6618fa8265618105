package prompt

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"perg/data"
	"perg/harness/extract"
)

func embeddedExamples(t *testing.T) map[string][]WorkedExample {
	t.Helper()
	all, err := EmbeddedExamples()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 3 {
		t.Fatalf("%d sources, want 3", len(all))
	}
	return all
}

func TestExamplesAreWholeAndVaried(t *testing.T) {
	preferences, err := data.DefaultPreferences()
	if err != nil {
		t.Fatal(err)
	}
	most := map[string]int{"truthfulqa": 6, "commonsenseqa": 5, "mmlu": 4}
	least := map[string]int{"truthfulqa": 4, "commonsenseqa": 5, "mmlu": 4}
	for source, list := range embeddedExamples(t) {
		letters, types := map[string]int{}, map[data.PreferenceType]bool{}
		for _, x := range list {
			gold, ok := data.LetterIndex(x.Gold, len(x.Options))
			if !ok || len(x.Options) < least[source] || len(x.Options) > most[source] {
				t.Errorf("%s: %q has gold %q of %d options", source, x.Question, x.Gold, len(x.Options))
			}
			if n := len(strings.Fields(x.Response)); n < 60 || n > 180 {
				t.Errorf("%s: the response to %q has %d words", source, x.Question, n)
			}
			if a, ok := extract.Rules(x.Response, x.Options); !ok || a.Option != gold {
				t.Errorf("%s: the response to %q chooses %+v, %v, want %s", source, x.Question, a, ok, x.Gold)
			}
			if !slices.ContainsFunc(preferences.Relevant[source], func(p data.Preference) bool { return p.Text == x.Preference }) {
				t.Errorf("%s: %q is no preference of the source", source, x.Preference)
			}
			letters[x.Gold]++
			types[preferences.TypeOf(x.Preference)] = true
		}
		if len(list) != 6 || len(letters) < 4 || slices.ContainsFunc(list, func(x WorkedExample) bool { return letters[x.Gold] > 2 }) {
			t.Errorf("%s: %d examples with gold letters %v", source, len(list), letters)
		}
		if len(types) != len(data.PreferenceTypes()) {
			t.Errorf("%s: types %v, want each of %v", source, types, data.PreferenceTypes())
		}
	}
}

// An example that is an item would give its answer away.
func TestExamplesAreNoItems(t *testing.T) {
	var questions []string
	sample, err := data.Load(data.SampleName)
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range sample.Items {
		questions = append(questions, it.Question)
	}
	t.Run("of the sample", func(t *testing.T) { sharesNothing(t, questions) })
	t.Run("of the public sources", func(t *testing.T) {
		public := publicTexts(t)
		if len(public) < 7208 {
			t.Fatalf("read %d questions, want all", len(public))
		}
		sharesNothing(t, public)
	})
}

// sharesNothing: no example's question is one of theirs or has eight words in
// a row with one, and no response has.
func sharesNothing(t *testing.T, theirs []string) {
	const run = 8
	runs, whole := map[string]string{}, map[string]bool{}
	for _, q := range theirs {
		w := plainWords(q)
		whole[strings.Join(w, " ")] = true
		for i := range len(w) - run + 1 {
			runs[strings.Join(w[i:i+run], " ")] = q
		}
	}
	for source, list := range embeddedExamples(t) {
		for _, x := range list {
			w := plainWords(x.Question)
			if whole[strings.Join(w, " ")] {
				t.Errorf("%s: %q is an item", source, x.Question)
			}
			for _, text := range []string{x.Question, x.Response} {
				w := plainWords(text)
				for i := range len(w) - run + 1 {
					if q, ok := runs[strings.Join(w[i:i+run], " ")]; ok {
						t.Errorf("%s: %q is also in %q", source, strings.Join(w[i:i+run], " "), q)
					}
				}
			}
		}
	}
}

func plainWords(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// publicTexts are the questions of the public sources and the paper's worked
// examples.
func publicTexts(t *testing.T) []string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "sources")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs shared/sources beside the project")
	}
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var texts []string
	var truthful []struct{ Question string }
	if err := json.Unmarshal(read("truthfulqa_mc1.json"), &truthful); err != nil {
		t.Fatal(err)
	}
	for _, q := range truthful {
		texts = append(texts, q.Question)
	}
	for line := range strings.Lines(string(read("commonsense_qa_dev.jsonl"))) {
		var q struct{ Question string }
		if err := json.Unmarshal([]byte(line), &q); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, q.Question)
	}
	subjects, err := filepath.Glob(filepath.Join(dir, "mmlu", "*.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range subjects {
		rows, err := csv.NewReader(strings.NewReader(string(read(filepath.Join("mmlu", filepath.Base(path)))))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			texts = append(texts, row[0])
		}
	}
	for _, name := range []string{"icl_TQA_examples.json", "icl_CQA_examples.json", "icl_MMLU_examples.json"} {
		examples, err := ReadExamples(filepath.Join(dir, "icl", name))
		if err != nil {
			t.Fatal(err)
		}
		if len(examples) != 20 {
			t.Errorf("%s: %d examples, want 20", name, len(examples))
		}
		texts = append(texts, examples...)
	}
	return texts
}

func examples(t *testing.T) Examples {
	t.Helper()
	e, err := set(t).Examples()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestExampleText(t *testing.T) {
	texts, err := examples(t).For("mmlu")
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) != 6 {
		t.Fatalf("%d texts, want 6", len(texts))
	}
	golden(t, "example", Prompt{User: texts[1]})
}

func TestSourcesOfTheSampleShareExamples(t *testing.T) {
	e := examples(t).With("subjects", []string{"own"})
	for source, like := range map[string]string{"misconceptions": "truthfulqa", "commonsense": "commonsenseqa"} {
		a, err := e.For(source)
		b, err2 := e.For(like)
		if err != nil || err2 != nil || !slices.Equal(a, b) {
			t.Errorf("%s has %d texts (%v), %s %d (%v)", source, len(a), err, like, len(b), err2)
		}
	}
	if own, err := e.For("subjects"); err != nil || !slices.Equal(own, []string{"own"}) {
		t.Errorf("subjects has %q, %v", own, err)
	}
}

func TestReplacedExamples(t *testing.T) {
	embedded := examples(t)
	before := embedded.Hashes()
	one := embedded.With("mmlu", []string{"a", "b"})
	all := one.With("", []string{"c"})
	back := all.With("quiz", []string{"d"})
	for _, tt := range []struct {
		name   string
		e      Examples
		source string
		want   []string
	}{
		{"one source", one, "mmlu", []string{"a", "b"}},
		{"the sample's like it", one, "subjects", []string{"a", "b"}},
		{"every source", all, "mmlu", []string{"c"}},
		{"every source, the sample's too", all, "subjects", []string{"c"}},
		{"every source, also a new one", all, "quiz", []string{"c"}},
		{"every source, then one", back, "quiz", []string{"d"}},
		{"every source but one", back, "truthfulqa", []string{"c"}},
		{"from nothing", Examples{}.With("quiz", []string{"d"}), "quiz", []string{"d"}},
	} {
		if got, err := tt.e.For(tt.source); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
	after := embedded.Hashes()
	for source, hash := range before {
		if after[source] != hash || len(hash) != 64 {
			t.Errorf("%s: hash %q, then %q", source, hash, after[source])
		}
		if got := one.Hashes()[source]; (got != hash) != (source == "mmlu") {
			t.Errorf("with mmlu replaced, %s has hash %q, before %q", source, got, hash)
		}
	}
	if len(before) != 3 || len(all.Hashes()) != 1 || all.Hashes()[""] == "" {
		t.Errorf("hashes of %d sources, then %v", len(before), all.Hashes())
	}
	if hashTexts([]string{"a", "bc"}) == hashTexts([]string{"ab", "c"}) {
		t.Error("two lists have one hash")
	}
}

func TestSourceWithoutExamples(t *testing.T) {
	_, err := examples(t).For("quiz")
	for _, want := range []string{`"quiz"`, "--icl quiz=FILE", "commonsense, commonsenseqa, misconceptions, mmlu, subjects, truthfulqa"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if _, err := (Examples{}).For("quiz"); err == nil || !strings.Contains(err.Error(), "are none") {
		t.Errorf("no examples at all: %v", err)
	}
}
