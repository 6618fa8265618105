package prompt

import (
	"strings"
	"sync"
)

// systems keeps system texts of questions: with the project's own templates
// they are the same for every question that is asked in the same way, and with
// worked examples they are long.
type systems struct {
	mu    sync.Mutex
	texts map[asking]string
}

// asking is all that the project's own system text depends on.
type asking struct {
	method      Method
	setting     Setting
	preferences string
	examples    *string // the first of them; nobody changes a list of examples
	shown       int
}

// mostSystems are a few for each source's preferences; where every item has a
// preference of its own nothing comes twice.
const mostSystems = 256

func (s *systems) get(q Query, own bool, render func() (string, error)) (string, error) {
	if !own {
		return render()
	}
	a := asking{method: q.Method, setting: q.Setting, preferences: strings.Join(q.Preferences, "\x00"), shown: len(q.Examples)}
	if a.shown > 0 {
		a.examples = &q.Examples[0]
	}
	s.mu.Lock()
	text, ok := s.texts[a]
	s.mu.Unlock()
	if ok {
		return text, nil
	}
	text, err := render()
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.texts == nil || len(s.texts) == mostSystems {
		s.texts = make(map[asking]string)
	}
	s.texts[a] = text
	return text, nil
}
