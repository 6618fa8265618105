package data

import "testing"

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

// Of the items of MMLU 47 have a text that came before, to the letter, and one
// more in other case or spacing.
func TestDuplicatesOfPERGData(t *testing.T) {
	d, _, err := Build(publicSources(t), defaultPreferences(t), DefaultSeed)
	if err != nil {
		t.Fatal(err)
	}
	more, exact, texts := 0, 0, make(map[string]bool)
	for _, it := range d.Items {
		if it.Source == "mmlu" && texts[it.Question] {
			exact++
		}
		texts[it.Question] = true
		if it.Source == "mmlu" && it.QuestionID != "" && it.QuestionID != it.ID {
			more++
		}
	}
	if more != 48 || exact != 47 {
		t.Errorf("%d items of MMLU repeat a question, %d to the letter; want 48 and 47", more, exact)
	}
}
