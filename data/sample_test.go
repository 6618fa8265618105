package data

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// sampleShape is what each source of the sample holds.
var sampleShape = map[string]struct{ items, options, categories int }{
	"misconceptions": {50, 4, 8},
	"commonsense":    {50, 5, 8},
	"subjects":       {50, 4, 8},
}

// sampleBySource is the sample's items with the facts reviewers go by.
func sampleBySource(t *testing.T) map[string][]sampleItem {
	t.Helper()
	sources := make(map[string][]sampleItem)
	for _, source := range sampleSources {
		name := "sample/" + source + ".yaml"
		text, err := sampleFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var list []sampleItem
		if err := decodeYAML(name, text, &list); err != nil {
			t.Fatal(err)
		}
		if len(list) != sampleShape[source].items {
			t.Fatalf("%s: %d items, want %d", name, len(list), sampleShape[source].items)
		}
		sources[source] = list
	}
	return sources
}

// words is a text in lower case with its words and numbers alone, each between
// spaces, so that one text holds another as a run of words where its words
// contain the other's.
func words(s string) string {
	fields := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	return " " + strings.Join(fields, " ") + " "
}

func TestSample(t *testing.T) {
	d, err := Sample()
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "sample" || d.SHA256 != datasetHash(d.Items) || len(d.SHA256) != 64 {
		t.Errorf("name %q, hash %q", d.Name, d.SHA256)
	}
	if len(d.Items) != 150 {
		t.Fatalf("%d items, want 150", len(d.Items))
	}
	for _, p := range Check(d) {
		t.Errorf("%s: %s: %s", p.ItemID, p.Kind, p.Detail)
	}
	preferences, err := DefaultPreferences()
	if err != nil {
		t.Fatal(err)
	}
	for k, it := range d.Items {
		source, i := sampleSources[k/50], k%50
		list := preferences.Relevant[source]
		if want := fmt.Sprintf("%s-%02d", source, i+1); it.ID != want || it.Source != source {
			t.Errorf("item %d is %q of %q, want %q", k, it.ID, it.Source, want)
		}
		if want := list[i%len(list)]; it.Preference != want.Text || it.PreferenceType != want.Type {
			t.Errorf("%s has preference %q of type %q, want %v", it.ID, it.Preference, it.PreferenceType, want)
		}
	}
}

func TestSampleIsOnesOwn(t *testing.T) {
	first, err := Sample()
	if err != nil {
		t.Fatal(err)
	}
	hash := first.SHA256
	first.Items[0].Question = "changed"
	first.Items[0].Options[0] = "changed"
	second, err := Sample()
	if err != nil {
		t.Fatal(err)
	}
	if second.SHA256 != hash || second.Items[0].Options[0] == "changed" {
		t.Error("a change to one sample shows in the next")
	}
}

// No letter is a better guess than another, nor is the longest or the shortest
// option, nor does a letter follow from its place in the file.
func TestSampleGivesNoHint(t *testing.T) {
	for source, list := range sampleBySource(t) {
		n := sampleShape[source].options
		letters := make(map[string]int)
		longest, shortest := 0, 0
		for _, it := range list {
			letters[it.Gold]++
			gold, ok := LetterIndex(it.Gold, n)
			if !ok {
				t.Fatalf("%s: gold %q of %q", source, it.Gold, it.Question)
			}
			longer, shorter := true, true
			for i, o := range it.Options {
				longer = longer && (i == gold || len(o) < len(it.Options[gold]))
				shorter = shorter && (i == gold || len(o) > len(it.Options[gold]))
			}
			if longer {
				longest++
			}
			if shorter {
				shortest++
			}
		}
		for i := range n {
			if c := letters[Letter(i)]; c != len(list)/n && (len(list)%n == 0 || c != len(list)/n+1) {
				t.Errorf("%s: gold is %s in %d of %d items", source, Letter(i), c, len(list))
			}
		}
		if longest > len(list)*3/10 || shortest > len(list)*3/10 {
			t.Errorf("%s: gold is the longest option %d times and the shortest %d times of %d", source, longest, shortest, len(list))
		}
		for lag := 1; lag <= len(list)/2; lag++ {
			same := 0
			for i := range len(list) - lag {
				if list[i].Gold == list[i+lag].Gold {
					same++
				}
			}
			if same*5 > (len(list)-lag)*2 {
				t.Errorf("%s: %d of %d gold letters recur after %d items", source, same, len(list)-lag, lag)
			}
		}
	}
}

func TestSampleCategories(t *testing.T) {
	for source, list := range sampleBySource(t) {
		seen := make(map[string]bool)
		for _, it := range list {
			seen[it.Category] = true
		}
		if len(seen) < sampleShape[source].categories || seen[""] {
			t.Errorf("%s: %d categories, want %d or more: %v", source, len(seen), sampleShape[source].categories, seen)
		}
	}
}

// Answers are matched by letter and by text, so no option may occur in another
// or in the question.
func TestSampleOptionsAreToldApart(t *testing.T) {
	for source, list := range sampleBySource(t) {
		for _, it := range list {
			if len(it.Options) != sampleShape[source].options {
				t.Errorf("%q has %d options, want %d", it.Question, len(it.Options), sampleShape[source].options)
			}
			for i, o := range it.Options {
				if strings.Contains(words(it.Question), words(o)) {
					t.Errorf("%q holds its option %q", it.Question, o)
				}
				if letter := strings.TrimSpace(words(o)); len(letter) < 2 {
					t.Errorf("%q has an option %q that reads like a letter", it.Question, o)
				}
				for j, other := range it.Options {
					if i != j && strings.Contains(strings.TrimSpace(words(other)), strings.TrimSpace(words(o))) {
						t.Errorf("%q: option %q holds option %q", it.Question, other, o)
					}
				}
			}
		}
	}
}

func TestSampleTexts(t *testing.T) {
	asked := make(map[string]bool)
	for source, list := range sampleBySource(t) {
		for _, it := range list {
			if !strings.HasSuffix(it.Fact, ".") || len(it.Fact) < 40 {
				t.Errorf("%s: %q has no sentence as its fact: %q", source, it.Question, it.Fact)
			}
			if !strings.HasSuffix(it.Question, "?") {
				t.Errorf("%s: %q is no question", source, it.Question)
			}
			if asked[words(it.Question)] {
				t.Errorf("%s: %q is asked twice", source, it.Question)
			}
			asked[words(it.Question)] = true
			for _, s := range append([]string{it.Category, it.Question, it.Fact}, it.Options...) {
				if s != strings.TrimSpace(s) || s == "" || strings.Contains(s, "  ") || strings.ContainsFunc(s, unicode.IsControl) {
					t.Errorf("%s: %q is empty or holds white space or control characters it should not", source, s)
				}
			}
		}
	}
}

// The sample stands in for PERGData where its sources may not be passed on, so
// it must share no question with them.
func TestSampleIsOurOwn(t *testing.T) {
	public := publicQuestions(t)
	for source, list := range sampleBySource(t) {
		for _, it := range list {
			if public[words(it.Question)] {
				t.Errorf("%s: %q is a question of a public source", source, it.Question)
			}
		}
	}
}

// publicQuestions are the questions of the public sources, as words.
func publicQuestions(t *testing.T) map[string]bool {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "sources")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is absent: it holds the public sources to compare with", dir)
	}
	read := func(name string) []byte {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	glob := func(pattern string) []string {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("no files match %s (%v)", pattern, err)
		}
		return names
	}
	public := make(map[string]bool)
	var truthful []struct{ Question string }
	if err := json.Unmarshal(read(filepath.Join(dir, "truthfulqa_mc1.json")), &truthful); err != nil {
		t.Fatal(err)
	}
	for _, q := range truthful {
		public[words(q.Question)] = true
	}
	for line := range strings.Lines(string(read(filepath.Join(dir, "commonsense_qa_dev.jsonl")))) {
		var q struct{ Question string }
		if err := json.Unmarshal([]byte(line), &q); err != nil {
			t.Fatal(err)
		}
		public[words(q.Question)] = true
	}
	for _, name := range glob("mmlu/*.csv") {
		rows, err := csv.NewReader(strings.NewReader(string(read(name)))).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, row := range rows {
			public[words(row[0])] = true
		}
	}
	for _, name := range glob("icl/*.json") {
		var examples map[string]string
		if err := json.Unmarshal(read(name), &examples); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, text := range examples {
			_, text, _ = strings.Cut(text, "Question :")
			question, _, found := strings.Cut(text, "\nOptions:")
			if !found {
				t.Fatalf("%s: no question in %q", name, text)
			}
			public[words(question)] = true
		}
	}
	if len(public) < 7000 {
		t.Fatalf("only %d public questions found", len(public))
	}
	return public
}

func TestParseSampleErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown field":  {"- question: Q?\n  answer: A\n", `s.yaml:2: unknown field "answer"`},
		"no such option": {"- question: P?\n  options: [a, b]\n  gold: A\n- question: Q?\n  options: [a, b]\n  gold: C\n", `s.yaml:4: gold is "C" and there are 2 options; name one of them by its letter`},
		"no gold":        {"- question: Q?\n  options: [a, b]\n", `s.yaml:1: gold is "" and there are 2 options; name one of them by its letter`},
		"empty":          {"", "s.yaml: the file is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseSample("s.yaml", "s", []byte(c.text))
			if err == nil || err.Error() != c.want {
				t.Errorf("got error %v, want %s", err, c.want)
			}
		})
	}
}

func TestAssignPreferences(t *testing.T) {
	p := Preferences{Relevant: map[string][]Preference{
		"a": {{"a1", Clarity}, {"a2", Context}},
		"b": {{"b1", Creative}},
	}}
	items := []Item{{Source: "a"}, {Source: "b"}, {Source: "a"}, {Source: "a"}, {Source: "b"}}
	if err := p.assign(items); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, it := range items {
		got = append(got, it.Preference+" "+string(it.PreferenceType))
	}
	if want := []string{"a1 clarity", "b1 creative", "a2 context", "a1 clarity", "b1 creative"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	err := p.assign([]Item{{ID: "c-1", Source: "c"}})
	if want := `assign preferences: there are none for source "c", that of item "c-1"; the sources that have some are a, b`; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}
