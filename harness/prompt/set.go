package prompt

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"text/template"

	"perg/data"
)

//go:embed templates/*.tmpl templates/paper/*.tmpl
var embedded embed.FS

const extension = ".tmpl"

// names are the templates of a set; a set has every one of them.
var names = slices.Concat([]string{
	"system", "user", "preferences", "judge_system", "judge_user", "extract_system", "extract_user", "preference_system", "preference_user", "example",
}, revisions())

// revisions are the templates of the second calls of methods.
func revisions() (all []string) {
	for _, d := range definitions {
		if d.draft != NoDraft {
			all = append(all, d.templates+"_system", d.templates+"_user")
		}
	}
	return all
}

// A Set is the templates of all prompts.
type Set struct {
	templates *template.Template
	texts     map[string]string
	replaced  map[string]bool // not the project's own
	systems   systems
}

// Sets of templates that come with perg.
const (
	Own   = ""      // perg's own
	Paper = "paper" // the paper's in substance, in perg's words
)

// Embedded is a set that comes with perg, Own or Paper. Paper is Own with those
// templates in another text in which the code of the paper asks for something
// else: see templates/paper.
func Embedded(name string) (*Set, error) {
	texts := make(map[string]string)
	for _, template := range names {
		text, err := fs.ReadFile(embedded, path.Join("templates", name, template+extension))
		if errors.Is(err, fs.ErrNotExist) {
			text, err = fs.ReadFile(embedded, path.Join("templates", template+extension))
		}
		if err != nil {
			return nil, fmt.Errorf("prompt template: %w", err)
		}
		texts[template] = string(text)
	}
	return parse(texts, nil)
}

// Replace gives the set with the templates that dir has as NAME.tmpl in the
// place of its own. Each is tried: a template that cannot be parsed or filled
// in, and a file that is no template of the set, are errors that name it.
func (s *Set) Replace(dir fs.FS) (*Set, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, fmt.Errorf("prompt templates: %w", err)
	}
	texts, replaced := maps.Clone(s.texts), make(map[string]bool)
	var faults []error
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), extension)
		if !ok || e.IsDir() {
			continue
		}
		if !slices.Contains(names, name) {
			faults = append(faults, fmt.Errorf("prompt template %s: there is none of that name; there are %s", e.Name(), strings.Join(names, ", ")))
			continue
		}
		text, err := fs.ReadFile(dir, e.Name())
		if err != nil {
			return nil, fmt.Errorf("prompt template: %w", err)
		}
		texts[name], replaced[name] = string(text), true
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if len(replaced) == 0 {
		return nil, fmt.Errorf("prompt templates: there is none; name files %s", strings.Join(names, extension+", ")+extension)
	}
	with, err := parse(texts, replaced)
	if err != nil {
		return nil, err
	}
	return with, with.try()
}

func parse(texts map[string]string, replaced map[string]bool) (*Set, error) {
	s := &Set{
		templates: template.New("").Option("missingkey=error").Funcs(template.FuncMap{"json": jsonText}),
		texts:     texts, replaced: replaced,
	}
	for _, name := range names {
		if _, err := s.templates.New(name).Parse(texts[name]); err != nil {
			return nil, fmt.Errorf("prompt template: %w", err)
		}
	}
	return s, nil
}

// try fills every template in once under each method and setting.
func (s *Set) try() error {
	it := data.Item{Question: "Which?", Options: []string{"this", "that"}, Preference: "I like short answers."}
	for _, m := range Methods() {
		for _, setting := range Settings() {
			q := Query{Item: it, Method: m, Setting: setting, Preferences: setting.Stated(it.Preference, []string{"I travel by train."}), Examples: []string{"an example"}}
			p, err := s.Ask(q)
			if err == nil && m.TwoCalls() {
				_, err = s.Revise(q, p.User, "A.")
			}
			if err != nil {
				return err
			}
		}
	}
	if _, err := s.Judge("query", it.Preference, "A.", "A.", false); err != nil {
		return err
	}
	if _, err := s.Examples(); err != nil {
		return err
	}
	if _, err := s.Preference(it); err != nil {
		return err
	}
	_, err := s.Extract(it.Options, "A.")
	return err
}

// Hashes gives the SHA-256 of each template's text, hex, by name.
func (s *Set) Hashes() map[string]string {
	all := make(map[string]string, len(s.texts))
	for name, text := range s.texts {
		sum := sha256.Sum256([]byte(text))
		all[name] = hex.EncodeToString(sum[:])
	}
	return all
}

// replacedHash is the SHA-256 of those of the templates that are not the
// project's own, with their names; empty where all are.
func (s *Set) replacedHash(templates []string) string {
	h := sha256.New()
	any := false
	for _, name := range templates {
		if s.replaced[name] {
			any = true
			fmt.Fprintf(h, "%d %s%d %s", len(name), name, len(s.texts[name]), s.texts[name])
		}
	}
	if !any {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}
