package data

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadSample(t *testing.T) {
	d, err := Load("sample")
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "sample" || len(d.Items) == 0 || d.SHA256 != datasetHash(d.Items) {
		t.Errorf("sample: name %q, %d items, hash %q", d.Name, len(d.Items), d.SHA256)
	}
}

// A file's content says what it is, whatever its name.
func TestLoadTellsFilesApart(t *testing.T) {
	dir := t.TempDir()
	asParquet, asCSV := filepath.Join(dir, "a.csv"), filepath.Join(dir, "b.parquet")
	d := newDataset("", goodItems(3))
	if err := WriteParquet(asParquet, d); err != nil {
		t.Fatal(err)
	}
	var records [][]string
	for _, it := range d.Items {
		records = append(records, []string{it.ID, it.Question, pyList(it.Options), it.GoldLetter(), "", it.Category, "cais/mmlu", it.Preference})
	}
	writeFile(t, asCSV, publishedCSV(t, records...))
	for _, name := range []string{asParquet, asCSV} {
		got, err := Load(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := d.Items
		if name == asCSV { // which has no types: they are looked up
			want = slices.Clone(want)
			for i := range want {
				want[i].PreferenceType = got.Items[i].PreferenceType
			}
		}
		if diff := cmp.Diff(want, got.Items); diff != "" || got.Name != name {
			t.Errorf("%s: name %q, items (-want +got):\n%s", name, got.Name, diff)
		}
	}
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLoadErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	const forms = `a dataset is "sample", a Parquet file made by "perg data build", or the published CSV (PERG_Data.csv)`
	writeFile(t, "notes.txt", "some notes\n")
	writeFile(t, "empty", "")
	writeFile(t, "cut", "PAR1\x00\x00")
	writeFile(t, "archive", "PK\x03\x04\x00\x00\xff\xff\n")
	if err := os.Mkdir("dir", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, want string }{
		{"absent", "open dataset: open absent: no such file or directory; " + forms},
		{"dir", "open dataset: dir is a directory; " + forms},
		{"empty", "empty:1: the file is empty; " + forms},
		{"notes.txt", `notes.txt:1: missing columns: id, question, options, gold_option, gold_answer, category, source, preference (found ["some notes"]; expected id, question, options, gold_option, gold_answer, category, source, preference); add them (id, category and gold_answer may be empty), or choose another file: ` + forms},
		{"archive", "archive: it is a ZIP archive or an Excel workbook; unpack it, or save the sheet as CSV in UTF-8; " + forms},
		{"cut", "read cut: "},
	} {
		_, err := Load(tt.name)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("Load(%s):\n got %v\nwant %s", tt.name, err, tt.want)
		}
	}
}

// Any change of any field changes the hash, the change of the boundary
// between two fields included; the dataset's name does not.
func TestDatasetHash(t *testing.T) {
	variants := map[string]func(it *Item){
		"as it is":                 func(it *Item) {},
		"id":                       func(it *Item) { it.ID += "x" },
		"source":                   func(it *Item) { it.Source += "x" },
		"category":                 func(it *Item) { it.Category = "" },
		"question":                 func(it *Item) { it.Question += " " },
		"option":                   func(it *Item) { it.Options = []string{"one", "two", "three", "4"} },
		"order of options":         func(it *Item) { it.Options = []string{"two", "one", "three", "four"} },
		"option more":              func(it *Item) { it.Options = []string{"one", "two", "three", "four", ""} },
		"gold":                     func(it *Item) { it.Gold = 2 },
		"gold unknown":             func(it *Item) { it.Gold = -1 },
		"preference":               func(it *Item) { it.Preference = "Be long." },
		"type":                     func(it *Item) { it.PreferenceType = Creative },
		"boundary between fields":  func(it *Item) { it.ID, it.Source = it.ID+"m", it.Source[1:] },
		"boundary between options": func(it *Item) { it.Options = []string{"onet", "wo", "three", "four"} },
		"field into options":       func(it *Item) { it.Options, it.Question = it.Options[1:], it.Question+it.Options[0] },
	}
	seen := map[string]string{}
	for name, change := range variants {
		items := goodItems(2)
		change(&items[1])
		h := datasetHash(items)
		if other, dup := seen[h]; dup {
			t.Errorf("%q and %q have the same hash", name, other)
		}
		seen[h] = name
		if len(h) != 64 {
			t.Errorf("hash %q", h)
		}
	}
	// The hash names a dataset in manifests of runs: it is for ever.
	const want = "b75640b7bf1d25980e7155e6cdd4822b62ad063ad6da6ff9473150790114d355"
	if got := datasetHash(goodItems(2)); got != want {
		t.Errorf("hash of two known items: %s, want %s", got, want)
	}
}

// pergLike has the sources of PERGData in their order and sizes, divided by
// scale, and preferences in cycles of the paper's lengths.
func pergLike(scale int) Dataset {
	var items []Item
	for _, s := range []struct {
		name              string
		size, preferences int
	}{{"truthfulqa", 817, 14}, {"commonsenseqa", 1221, 12}, {"mmlu", 5170, 11}} {
		for i := range s.size / scale {
			it := goodItem()
			it.ID = fmt.Sprintf("%s-%04d", s.name, i+1)
			it.Source, it.Category = s.name, fmt.Sprint(i*10*scale/s.size)
			it.Preference = fmt.Sprint(s.name, " ", i%s.preferences)
			items = append(items, it)
		}
	}
	return newDataset("perg", items)
}

func TestLimit(t *testing.T) {
	d := pergLike(20)
	for _, n := range []int{-1, 0, len(d.Items), len(d.Items) + 1} {
		if got := d.Limit(n); len(got.Items) != len(d.Items) || got.SHA256 != d.SHA256 {
			t.Errorf("Limit(%d) keeps %d items", n, len(got.Items))
		}
	}
	place := map[string]int{}
	for i, it := range d.Items {
		place[it.ID] = i
	}
	sizes := map[string]int{}
	for _, it := range d.Items {
		sizes[it.Source]++
	}
	before := map[string]bool{}
	for n := 1; n < len(d.Items); n++ {
		got := d.Limit(n)
		if len(got.Items) != n || got.Name != d.Name || got.SHA256 != datasetHash(got.Items) || got.SHA256 == d.SHA256 {
			t.Fatalf("Limit(%d): %d items, name %q, hash %q", n, len(got.Items), got.Name, got.SHA256)
		}
		if !slices.IsSortedFunc(got.Items, func(a, b Item) int { return place[a.ID] - place[b.ID] }) {
			t.Fatalf("Limit(%d) changes the order", n)
		}
		kept := map[string]bool{}
		counts := map[string]int{}
		for _, it := range got.Items {
			kept[it.ID] = true
			counts[it.Source]++
		}
		if len(kept) != n {
			t.Fatalf("Limit(%d) keeps an item twice", n)
		}
		for id := range before {
			if !kept[id] {
				t.Fatalf("Limit(%d) keeps %s, Limit(%d) does not", n-1, id, n)
			}
		}
		before = kept
		for source, size := range sizes {
			share := float64(n) * float64(size) / float64(len(d.Items))
			if n >= len(sizes) && counts[source] == 0 || math.Abs(float64(counts[source])-share) > 1.5 {
				t.Errorf("Limit(%d) keeps %d of %s, whose share is %.1f", n, counts[source], source, share)
			}
		}
	}
	if first := d.Items[0].ID; first != "truthfulqa-0001" || len(d.Items) != 359 {
		t.Errorf("the dataset itself has changed: %d items from %s", len(d.Items), first)
	}
}

// What is kept of a source shows all of its categories and preferences,
// whatever the step.
func TestLimitSpreads(t *testing.T) {
	d := pergLike(1)
	for n := 500; n < 700; n += 7 {
		preferences, categories := map[string]int{}, map[string]int{}
		for _, it := range d.Limit(n).Items {
			preferences[it.Preference]++
			categories[it.Source+it.Category]++
		}
		if len(preferences) != 14+12+11 || len(categories) != 30 {
			t.Errorf("Limit(%d) keeps items of %d preferences and %d categories", n, len(preferences), len(categories))
		}
		least, most := n, 0
		for p, k := range preferences {
			if strings.HasPrefix(p, "mmlu") {
				least, most = min(least, k), max(most, k)
			}
		}
		if most > 2*least {
			t.Errorf("Limit(%d) keeps %d items of one preference of mmlu and %d of another", n, most, least)
		}
	}
}

// Sources of a few items among large ones are not lost.
func TestLimitKeepsSmallSources(t *testing.T) {
	items := goodItems(100)
	for _, i := range []int{50, 99} {
		items[i].Source = fmt.Sprint("small ", i)
	}
	d := newDataset("d", items)
	for _, n := range []int{3, 4, 10, 99} {
		if got := Counts(d.Limit(n)).Sources; len(got) != 3 {
			t.Errorf("Limit(%d) keeps %v", n, got)
		}
	}
	if got := len(d.Limit(2).Items); got != 2 {
		t.Errorf("Limit(2) keeps %d", got)
	}
}
