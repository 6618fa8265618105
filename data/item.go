// Package data holds PERGData: its items and preferences, the embedded sample,
// the readers of the files people have it in, and the Parquet records, writers
// and readers of a run. It builds no prompts and speaks no HTTP.
package data

import (
	"fmt"
	"strings"
)

// MaxOptions is the number of options that letters A to Z can name.
const MaxOptions = 26

// An Item is one multiple-choice question with its assigned relevant
// preference (paper, section 3, "PERGData").
type Item struct {
	ID             string // unique within a dataset
	Source         string // truthfulqa, commonsenseqa, mmlu, or a source of the user's own
	Category       string // empty where the source has none
	Question       string
	Options        []string // in the order they are lettered: A, B, ...
	Gold           int      // index into Options
	Preference     string   // the relevant preference assigned to the item
	PreferenceType PreferenceType
	QuestionID     string // the first item's with the same question; empty where no other has it. It follows from the others, and is in no hash
}

// QuestionKey is what texts of one question have in common: their words,
// whatever their case and the space between them.
func QuestionKey(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// linkDuplicates gives items that ask the same question its first one's id.
func linkDuplicates(items []Item) {
	first := make(map[string]int, len(items))
	for i := range items {
		items[i].QuestionID = ""
		q := QuestionKey(items[i].Question)
		at, ok := first[q]
		if !ok {
			first[q] = i
			continue
		}
		items[at].QuestionID, items[i].QuestionID = items[at].ID, items[at].ID
	}
}

// GoldLetter is the letter of the right option.
func (it Item) GoldLetter() string { return Letter(it.Gold) }

// Asked is a question with its options below it, each with its letter.
func Asked(question string, options []string) string {
	var b strings.Builder
	b.WriteString(question)
	b.WriteByte('\n')
	for i, o := range options {
		fmt.Fprintf(&b, "\n%s. %s", Letter(i), o)
	}
	return b.String()
}

// Letter names option i (from 0): A, B, ... It panics where i has no letter.
func Letter(i int) string {
	if i < 0 || i >= MaxOptions {
		panic(fmt.Sprintf("data: no letter for option %d", i))
	}
	return string(rune('A' + i))
}

// LetterIndex is the inverse of Letter: the index of an option's letter among
// n options, or false where the letter names none of them.
func LetterIndex(letter string, n int) (int, bool) {
	if len(letter) != 1 {
		return 0, false
	}
	i := int(letter[0]) - 'A'
	return i, i >= 0 && i < n
}

// A PreferenceType is one of the five kinds of preference (paper, table 1).
// Empty means unknown.
type PreferenceType string

// The types of preference.
const (
	Clarity  PreferenceType = "clarity"  // straightforward, concise, easy to understand, no jargon, balance
	Context  PreferenceType = "context"  // background, culture, history, perspectives
	Thinking PreferenceType = "thinking" // step by step, cause and effect, summary first, clear distinctions
	Examples PreferenceType = "examples" // practical examples, real life, metaphors
	Creative PreferenceType = "creative" // creativity, emotional nuance
)

// PreferenceTypes lists the known types in the order tables show them.
func PreferenceTypes() []PreferenceType {
	return []PreferenceType{Clarity, Context, Thinking, Examples, Creative}
}

// A Preference is a sentence a user says of how answers should be presented.
type Preference struct {
	Text string         `yaml:"text"`
	Type PreferenceType `yaml:"type"`
}
