package prompt

import "perg/data"

// Preference asks for a preference that is relevant to an item (paper,
// section 3, the relevant pass). The prompt states what makes one valid.
//
// The model sees the options, because many questions ("Which of these is
// true?") mean nothing without them. It is not told which one is right: a
// preference about presentation does not depend on that, and what a model does
// not know it cannot give away in a preference that will be stated to others.
// The item's present preference is not shown either, lest it come back.
func (s *Set) Preference(it data.Item) (Prompt, error) {
	return s.render([]string{"preference_system", "preference_user"}, struct {
		Question string   `json:"question"`
		Options  []Option `json:"options"`
	}{it.Question, lettered(it.Options)})
}
