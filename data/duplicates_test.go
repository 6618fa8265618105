package data

import (
	"os"
	"testing"
)

// Items that ask the same words are one question, under the first one's id.
func TestDuplicateQuestionsAreLinked(t *testing.T) {
	items := goodItems(5)
	items[0].Question, items[3].Question, items[4].Question = "Which of these is true?", " which of  these is\nTrue?", "Which of these is false?"
	hash := newDataset("d", goodItems(5)).SHA256
	if d := newDataset("d", goodItems(5)); d.Items[0].QuestionID != "" || d.SHA256 != hash {
		t.Errorf("an item alone has the question %q", d.Items[0].QuestionID)
	}
	d := newDataset("d", items)
	for i, want := range []string{items[0].ID, "", "", items[0].ID, ""} {
		if got := d.Items[i].QuestionID; got != want {
			t.Errorf("item %d has the question %q, want %q", i, got, want)
		}
	}
}

// The benchmark has 47 items more in MMLU than it has questions.
func TestDuplicatesOfPERGData(t *testing.T) {
	const file = "../../shared/sources/PERG_Data.csv"
	if _, err := os.Stat(file); err != nil {
		t.Skip("waits for shared/sources/PERG_Data.csv beside the project")
	}
	d, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	more := 0
	for _, it := range d.Items {
		if it.Source == "mmlu" && it.QuestionID != "" && it.QuestionID != it.ID {
			more++
		}
	}
	if more != 47 {
		t.Errorf("%d items of MMLU repeat a question, want 47", more)
	}
}
