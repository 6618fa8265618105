package prompt

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"text/template"

	"perg/data"
)

//go:embed templates/*.tmpl
var embedded embed.FS

// A Prompt is the text of one call. In both messages what calls share comes
// first and what is one item's own comes last: Ollama prefills a common prefix
// once.
type Prompt struct {
	System string
	User   string
}

// The templates of a set; a set has every one of them.
var names = []string{
	"system", "user", "judge_system", "judge_user", "extract_system", "extract_user", "example",
}

// A Set is the templates of all prompts.
type Set struct {
	templates *template.Template
	hashes    map[string]string
}

// Embedded is the project's own set.
func Embedded() (*Set, error) {
	dir, err := fs.Sub(embedded, "templates")
	if err != nil {
		return nil, err
	}
	return Read(dir)
}

// Read reads a set from files NAME.tmpl. A missing file and a template that
// cannot be parsed are errors that name the file.
func Read(dir fs.FS) (*Set, error) {
	s := &Set{
		templates: template.New("").Option("missingkey=error").Funcs(template.FuncMap{"json": jsonText}),
		hashes:    make(map[string]string, len(names)),
	}
	for _, name := range names {
		text, err := fs.ReadFile(dir, name+".tmpl")
		if err != nil {
			return nil, fmt.Errorf("prompt template: %w", err)
		}
		if _, err := s.templates.New(name).Parse(string(text)); err != nil {
			return nil, fmt.Errorf("prompt template: %w", err)
		}
		sum := sha256.Sum256(text)
		s.hashes[name] = hex.EncodeToString(sum[:])
	}
	return s, nil
}

// Hashes gives the SHA-256 of each template's text, hex, by name.
func (s *Set) Hashes() map[string]string { return s.hashes }

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

// Query asks an item's question under a setting that states the preferences.
func (s *Set) Query(it data.Item, setting Setting, stated []string) (Prompt, error) {
	return s.render("system", "user", struct {
		Setting     string
		Preferences []string
		Question    string
		Options     []Option
	}{string(setting), stated, it.Question, lettered(it.Options)})
}

// Judge asks for a rating of how far response follows preference. The texts
// go in as JSON strings, so none of them can end its place in the prompt.
func (s *Set) Judge(query, preference, plain, response string) (Prompt, error) {
	return s.render("judge_system", "judge_user", struct {
		Query      string `json:"query"`
		Preference string `json:"preference"`
		Plain      string `json:"plain_response"`
		Response   string `json:"response"`
	}{query, preference, plain, response})
}

// Extract asks which option a response chooses.
func (s *Set) Extract(options []string, response string) (Prompt, error) {
	return s.render("extract_system", "extract_user", struct {
		Options  []Option `json:"options"`
		Response string   `json:"response"`
	}{lettered(options), response})
}

func (s *Set) render(system, user string, values any) (Prompt, error) {
	var p Prompt
	for _, part := range []struct {
		name string
		text *string
	}{{system, &p.System}, {user, &p.User}} {
		var b strings.Builder
		if err := s.templates.ExecuteTemplate(&b, part.name, values); err != nil {
			return Prompt{}, fmt.Errorf("prompt template: %w", err)
		}
		*part.text = strings.TrimSpace(b.String())
	}
	return p, nil
}

// jsonText is a value as JSON that a model can read: no HTML escapes.
func jsonText(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSpace(b.String()), err
}
