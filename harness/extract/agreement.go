package extract

import (
	"strings"

	"perg/data"
)

// RuleNames lists the rules in the order in which they count.
func RuleNames() []string {
	return []string{
		Boxed, Stated, StatedText, LeadingLetter, LeadingText, ClosingLetter,
		Predicate, Hedged, OnlyNamed, LastNamed, OptionText, FirstNamed, Refuted, Eliminated,
	}
}

// ParseLabel is the option among n that a label names: a letter, also as "b",
// "(B)" or "B.".
func ParseLabel(label string, n int) (int, bool) {
	label = strings.TrimRight(strings.TrimPrefix(label, "("), ".):")
	return data.LetterIndex(strings.ToUpper(strings.TrimSpace(label)), n)
}

// An Agreement counts what the rules, or another reader, make of responses, and how often that is
// what labels say. Its zero value is ready.
type Agreement struct {
	Rows      int
	Empty     int // responses that are blank; the rules abstain on them too
	Conflicts int // responses with a letter that has another option's text: too
	ByRule    map[string]Answers
	Labels    int // labels that name an option of their item
	NoOption  int // labels that name none
	NoLabel   int // rows with an empty label
}

// Answers are the responses that a rule answers.
type Answers struct {
	N        int
	Labelled int // with a label that names an option
	Agreed   int // which is the rule's
	NoSingle int // with a label that names none: no single answer was there
}

// A Difference is a response of which a rule and the label say different
// things.
type Difference struct {
	Line   int    `json:"line"` // on which the row starts
	Rule   string `json:"rule"`
	Answer string `json:"answer"`
	Label  string `json:"label"`
}

// Add counts a response as the rules read it. It returns the difference where
// they and the label disagree.
func (a *Agreement) Add(row data.Response) (Difference, bool) {
	found, ok := Rules(row.Text, row.Options)
	if found.Rule == Conflict {
		a.Conflicts++
	}
	return a.Count(row, found, ok)
}

// Count counts a response in which some reader found an answer, or did not.
func (a *Agreement) Count(row data.Response, found Answer, ok bool) (Difference, bool) {
	if a.ByRule == nil {
		a.ByRule = make(map[string]Answers)
	}
	a.Rows++
	if strings.TrimSpace(row.Text) == "" {
		a.Empty++
	}
	label, labelled := ParseLabel(row.Label, len(row.Options))
	switch {
	case labelled:
		a.Labels++
	case row.Label == "":
		a.NoLabel++
	default:
		a.NoOption++
	}
	if !ok {
		return Difference{}, false
	}
	of := a.ByRule[found.Rule]
	of.N++
	differs := labelled && found.Option != label
	switch {
	case !labelled && row.Label != "":
		of.NoSingle++
	case differs:
		of.Labelled++
	case labelled:
		of.Labelled++
		of.Agreed++
	}
	a.ByRule[found.Rule] = of
	if !differs {
		return Difference{}, false
	}
	return Difference{row.Line, found.Rule, data.Letter(found.Option), data.Letter(label)}, true
}

// All is over all rules.
func (a Agreement) All() Answers {
	var all Answers
	for _, of := range a.ByRule {
		all.N, all.Labelled, all.Agreed, all.NoSingle = all.N+of.N, all.Labelled+of.Labelled, all.Agreed+of.Agreed, all.NoSingle+of.NoSingle
	}
	return all
}
