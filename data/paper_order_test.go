package data

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// paperRows reads a file of the paper's responses, each row by column, or skips
// the test.
func paperRows(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "shared", "responses", "more", name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("waits for ../shared/responses/more/%s, responses of the paper's", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]map[string]string, len(all)-1)
	for i, record := range all[1:] {
		rows[i] = make(map[string]string)
		for j, column := range all[0] {
			rows[i][column] = record[j]
		}
	}
	return rows
}

// Every item has the preference number that the paper's files give its question:
// the number of the preference in the paper's list, in which they first appear in
// order.
func TestBuildGivesThePapersPreferences(t *testing.T) {
	p := defaultPreferences(t)
	d, _, err := Build(publicSources(t), p, DefaultSeed)
	if err != nil {
		t.Fatal(err)
	}
	number := make(map[string]int) // by source and question
	for _, it := range d.Items {
		number[it.Source+it.Question] = slices.IndexFunc(p.Relevant[it.Source], func(q Preference) bool { return q.Text == it.Preference })
	}
	stated := make(map[string][]string) // by source, the paper's
	right := make(map[string]int)
	for _, row := range paperRows(t, "llama-3.3-70b-pairs.csv") {
		source, preference := csvSources[row["source"]], row["preference"]
		if !slices.Contains(stated[source], preference) {
			stated[source] = append(stated[source], preference)
		}
		want := slices.Index(stated[source], preference)
		got, ok := number[source+row["question"]]
		if !ok || got != want {
			t.Errorf("%s: %q has preference %d, in the paper %d", source, row["question"], got+1, want+1)
			continue
		}
		right[source]++
	}
	if right["truthfulqa"] != 817 || right["commonsenseqa"] != 625 {
		t.Errorf("%v items have the paper's preference number, want all 817 and 625", right)
	}
}

// Files of MMLU have no column of preferences, but the paper's order, by which
// they go.
func TestBuildHasThePapersOrderOfMMLU(t *testing.T) {
	d, _, err := Build(publicSources(t), defaultPreferences(t), DefaultSeed)
	if err != nil {
		t.Fatal(err)
	}
	items := d.Items[817+1221:]
	rows := paperRows(t, "llama-3.1-8b-icl-mmlu.csv")
	for i, row := range rows {
		if items[i].Question != row["question"] || items[i].Category != row["category"] {
			t.Fatalf("item %d of MMLU is %q of %s, in the paper %q of %s", i, items[i].Question, items[i].Category, row["question"], row["category"])
		}
	}
	if !slices.IsSorted(mmluSubjects) || len(rows) == 0 {
		t.Errorf("%d rows; the subjects %v are not in the order of the alphabet", len(rows), mmluSubjects)
	}
}

// A question of another edition comes last, and changes no other's place.
func TestBuildTakesTruthfulQAInAnyOrder(t *testing.T) {
	public := publicSources(t)
	content, err := os.ReadFile(public.TruthfulQA)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.json")
	more := append([]byte(`[{"question": "Is this one new?", "mc1_targets": {"choices": ["Yes", "No"], "labels": [1, 0]}},`), content[1:]...)
	if content[0] != '[' {
		t.Fatalf("%s is no JSON list", public.TruthfulQA)
	}
	if err := os.WriteFile(other, more, 0o666); err != nil {
		t.Fatal(err)
	}
	d, notes, err := Build(Sources{TruthfulQA: other}, defaultPreferences(t), DefaultSeed)
	if err != nil {
		t.Fatal(err)
	}
	if first, last := d.Items[0].Question, d.Items[817].Question; first == last || last != "Is this one new?" {
		t.Errorf("the first item is %q, the last %q", first, last)
	}
	if want := "truthfulqa: 1 questions are not among the paper's 817; they come after those that are"; !slices.Contains(notes, want) {
		t.Errorf("notes %q, want %q", notes, want)
	}
}
