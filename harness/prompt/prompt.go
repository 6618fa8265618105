package prompt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"perg/data"
)

// A Prompt is the text of one call. In both messages what calls share comes
// first and what is one item's own comes last: Ollama prefills a common prefix
// once.
type Prompt struct {
	System string
	User   string
	// Replaced is the SHA-256, hex, of those templates behind the prompt that
	// stand in for the project's own; empty where none does.
	Replaced string
}

// An Option is a lettered option as templates see it.
type Option struct {
	Letter string `json:"letter"`
	Text   string `json:"text"`
}

func lettered(options []string) []Option {
	all := make([]Option, len(options))
	for i, o := range options {
		all[i] = Option{Letter: data.Letter(i), Text: o}
	}
	return all
}

// A Query is an item as a method asks it under a setting.
type Query struct {
	Item        data.Item
	Method      Method
	Setting     Setting
	Preferences []string // those that are stated, in order
	Examples    []string // worked ones of the item's source, for ICL
}

// stating are the values of a template that states preferences.
type stating struct {
	Method      string
	Setting     string
	Preferences []string
}

func (q Query) stating() stating {
	return stating{string(q.Method), string(q.Setting), q.Preferences}
}

// Ask asks the question: the whole of a method of one call, the first stage of
// a method of two.
func (s *Set) Ask(q Query) (Prompt, error) {
	templates := []string{"system", "user", "preferences", "example"}
	values := struct {
		stating
		Examples []string
		Question string
		Options  []Option
	}{q.stating(), q.Examples, q.Item.Question, lettered(q.Item.Options)}
	p := Prompt{Replaced: s.replacedHash(templates)}
	var err error
	if p.System, err = s.systems.get(q, p.Replaced == "", func() (string, error) { return s.text("system", values) }); err != nil {
		return Prompt{}, err
	}
	p.User, err = s.text("user", values)
	return p, err
}

// Revise is the second stage of a method of two calls: it hands the model the
// query it got, as the user wrote it, and the draft of the first stage. Both go
// in as JSON strings, so neither can end its place in the prompt.
func (s *Set) Revise(q Query, query, draft string) (Prompt, error) {
	name := q.Method.definition().templates
	return s.render([]string{name + "_system", name + "_user", "preferences"}, struct {
		stating    `json:"-"`
		Preference string `json:"-"` // the item's own, whether it is stated or not
		Query      string `json:"query"`
		Response   string `json:"response"`
	}{q.stating(), q.Item.Preference, query, draft})
}

// Judge asks for a rating of how far response follows preference. The texts
// go in as JSON strings, so none of them can end its place in the prompt.
// swapped puts the response before the plain one, to see whether the order
// changes the rating.
func (s *Set) Judge(query, preference, plain, response string, swapped bool) (Prompt, error) {
	templates := []string{"judge_system", "judge_user"}
	type asked struct {
		Query      string `json:"query"`
		Preference string `json:"preference"`
	}
	if swapped {
		return s.render(templates, struct {
			asked
			Response string `json:"response"`
			Plain    string `json:"plain_response"`
		}{asked{query, preference}, response, plain})
	}
	return s.render(templates, struct {
		asked
		Plain    string `json:"plain_response"`
		Response string `json:"response"`
	}{asked{query, preference}, plain, response})
}

// Extract asks which option a response chooses.
func (s *Set) Extract(options []string, response string) (Prompt, error) {
	return s.render([]string{"extract_system", "extract_user"}, struct {
		Options  []Option `json:"options"`
		Response string   `json:"response"`
	}{lettered(options), response})
}

// render makes a prompt of the templates for its system and user text; the
// others named are those that these two may use.
func (s *Set) render(templates []string, values any) (p Prompt, err error) {
	if p.System, err = s.text(templates[0], values); err != nil {
		return Prompt{}, err
	}
	if p.User, err = s.text(templates[1], values); err != nil {
		return Prompt{}, err
	}
	p.Replaced = s.replacedHash(templates)
	return p, nil
}

func (s *Set) text(template string, values any) (string, error) {
	var b strings.Builder
	if err := s.templates.ExecuteTemplate(&b, template, values); err != nil {
		return "", fmt.Errorf("prompt template: %w", err)
	}
	return strings.TrimSpace(b.String()), nil
}

// jsonText is a value as JSON that a model can read: no HTML escapes.
func jsonText(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSpace(b.String()), err
}
