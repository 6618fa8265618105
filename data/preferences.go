package data

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

//go:embed preferences.yaml
var embeddedPreferences []byte

// Preferences are what users state in the settings: the relevant ones, a list
// for each source, and those that have no bearing on any question.
type Preferences struct {
	Relevant   map[string][]Preference // by source; the order assigns them to items
	Irrelevant []Preference
}

// DefaultPreferences are the embedded preferences: ten for each source of the
// sample, two of each type; 14, 12 and 11 for the sources of PERGData, as many
// as in the paper; and eight irrelevant ones.
func DefaultPreferences() (Preferences, error) {
	return ParsePreferences("preferences.yaml", embeddedPreferences)
}

// ParsePreferences reads preferences from YAML:
//
//	relevant:
//	  mmlu:
//	    - text: I like short answers.
//	      type: clarity
//	irrelevant:
//	  - text: I prefer roses to tulips.
//
// A relevant preference has one of the types; an irrelevant one may have none.
// Texts lose the white space around them. None is empty, or occurs twice in a
// list; sources may share one, of one type, but none is both relevant and
// irrelevant. An error lists up to 20 faults as "name:line: what; what to do",
// with the line on which the preference starts.
func ParsePreferences(name string, text []byte) (Preferences, error) {
	var file struct {
		Relevant   map[string][]located[Preference] `yaml:"relevant"`
		Irrelevant []located[Preference]            `yaml:"irrelevant"`
	}
	if err := decodeYAML(name, text, &file); err != nil {
		return Preferences{}, err
	}
	c := preferenceChecker{name: name, relevant: make(map[string]located[Preference])}
	p := Preferences{Relevant: make(map[string][]Preference, len(file.Relevant))}
	if len(file.Relevant) == 0 {
		c.bad.add(0, "%s: there are no relevant preferences; list some for each source under \"relevant\"", name)
	}
	for _, source := range slices.Sorted(maps.Keys(file.Relevant)) {
		if Missing(source) {
			c.bad.add(0, "%s: a list under \"relevant\" has no source; name the source as the dataset does", name)
		}
		if len(file.Relevant[source]) == 0 {
			c.bad.add(0, "%s: source %q has no preferences; list some or remove it", name, shorten(source))
		}
		p.Relevant[source] = c.list(file.Relevant[source], true)
	}
	p.Irrelevant = c.list(file.Irrelevant, false)
	if err := c.bad.err(); err != nil {
		return Preferences{}, err
	}
	return p, nil
}

// TypeOf is the type of the preference of exactly this text, or empty where
// there is none or its type is not known.
func (p Preferences) TypeOf(text string) PreferenceType {
	for _, list := range p.Relevant {
		if i := slices.IndexFunc(list, func(q Preference) bool { return q.Text == text }); i >= 0 {
			return list[i].Type
		}
	}
	if i := slices.IndexFunc(p.Irrelevant, func(q Preference) bool { return q.Text == text }); i >= 0 {
		return p.Irrelevant[i].Type
	}
	return ""
}

// assign gives item i (from 0) of each source the source's relevant preference
// i mod n (paper, section 3).
func (p Preferences) assign(items []Item) error {
	inSource := make(map[string]int)
	for k := range items {
		it := &items[k]
		list := p.Relevant[it.Source]
		if len(list) == 0 {
			return fmt.Errorf("assign preferences: there are none for source %q, that of item %q; the sources that have some are %s",
				it.Source, it.ID, strings.Join(slices.Sorted(maps.Keys(p.Relevant)), ", "))
		}
		q := list[inSource[it.Source]%len(list)]
		it.Preference, it.PreferenceType = q.Text, q.Type
		inSource[it.Source]++
	}
	return nil
}

// A preferenceChecker collects the faults of a file's preferences.
type preferenceChecker struct {
	name     string
	bad      faults
	relevant map[string]located[Preference] // by text, of the lists seen so far
}

// list checks one list and returns its preferences, trimmed.
func (c *preferenceChecker) list(list []located[Preference], relevant bool) []Preference {
	var out []Preference
	seen := make(map[string]int, len(list))
	for _, entry := range list {
		q := Preference{Text: strings.TrimSpace(entry.value.Text), Type: entry.value.Type}
		out = append(out, q)
		fault := func(format string, args ...any) {
			where := c.name
			if entry.line > 0 {
				where = fmt.Sprintf("%s:%d", c.name, entry.line)
			}
			c.bad.add(entry.line, "%s: %s", where, fmt.Sprintf(format, args...))
		}
		switch {
		case Missing(q.Text):
			fault("a preference has no text; write one or remove the entry")
			continue
		case strings.ContainsFunc(q.Text, forbidden):
			fault("the preference holds a control character: %q; remove it", shorten(q.Text))
		}
		switch {
		case q.Type == "" && relevant:
			fault("the preference has no type; give it one of %s", strings.Join(names(PreferenceTypes()), ", "))
		case q.Type != "" && !slices.Contains(PreferenceTypes(), q.Type):
			fault("the preference type is %q; it is one of %s", shorten(string(q.Type)), strings.Join(names(PreferenceTypes()), ", "))
		}
		if line, dup := seen[q.Text]; dup {
			fault("the preference is also that of line %d; state it once", line)
			continue
		}
		seen[q.Text] = entry.line
		first, shared := c.relevant[q.Text]
		switch {
		case shared && !relevant:
			fault("the preference is relevant in line %d and irrelevant here; keep one of them", first.line)
		case shared && first.value.Type != q.Type:
			fault("the preference has type %q here and %q in line %d; give both the same", shorten(string(q.Type)), shorten(string(first.value.Type)), first.line)
		case relevant:
			c.relevant[q.Text] = entry
		}
	}
	return out
}

// forbidden says whether a character has no place in a prompt.
func forbidden(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t'
}

// A located is a value of a YAML file with the line on which it starts, from
// 1; a null has line 0.
type located[T any] struct {
	value T
	line  int
}

// UnmarshalYAML keeps the line of the node.
func (l *located[T]) UnmarshalYAML(node ast.Node) error {
	l.line = node.GetToken().Position.Line
	return yaml.NodeToValue(node, &l.value, yaml.Strict())
}

// decodeYAML decodes a file of one document in UTF-8. Fields that v does not
// have and keys given twice are errors.
func decodeYAML(name string, text []byte, v any) error {
	if !utf8.Valid(text) {
		line := 1 + bytes.Count(text[:invalidByte(string(text))], []byte("\n"))
		return fmt.Errorf("%s:%d: the text is not UTF-8; save it as UTF-8", name, line)
	}
	d := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))), yaml.Strict())
	err := d.Decode(v)
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%s: the file is empty", name)
	case err != nil:
		if at, ok := errors.AsType[yaml.Error](err); ok && at.GetToken() != nil {
			return fmt.Errorf("%s:%d: %s", name, at.GetToken().Position.Line, at.GetMessage())
		}
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: there is more than one YAML document; keep everything in the first", name)
	}
	return nil
}
