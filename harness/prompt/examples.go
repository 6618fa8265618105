package prompt

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed examples/*.yaml
var exampleFiles embed.FS

// exampleSources are the sources with examples of the project's own, in
// examples/SOURCE.yaml.
var exampleSources = []string{"truthfulqa", "commonsenseqa", "mmlu"}

// likes names the public source whose examples a source of the sample shares:
// both ask the same kind of question.
var likes = map[string]string{
	"misconceptions": "truthfulqa",
	"commonsense":    "commonsenseqa",
	"subjects":       "mmlu",
}

// A WorkedExample is an item answered well under its preference.
type WorkedExample struct {
	Question   string   `yaml:"question"`
	Options    []string `yaml:"options"`
	Gold       string   `yaml:"gold"` // the letter that the response gives
	Preference string   `yaml:"preference"`
	Response   string   `yaml:"response"`
}

// EmbeddedExamples are the project's own worked examples by public source, in
// the order of the prompt: six for each, with questions that are in no dataset.
// An error is a fault of the build.
func EmbeddedExamples() (map[string][]WorkedExample, error) {
	all := make(map[string][]WorkedExample, len(exampleSources))
	for _, source := range exampleSources {
		name := "examples/" + source + ".yaml"
		text, err := exampleFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("worked examples: %w", err)
		}
		var list []WorkedExample
		if err := yaml.UnmarshalWithOptions(text, &list, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("worked examples: %s: %w", name, err)
		}
		all[source] = list
	}
	return all, nil
}

// Examples are texts of worked examples by source, for icl: the same for every
// item of a source (paper, section 5). The zero value has none.
type Examples struct {
	bySource map[string][]string
	every    []string // of sources that have none of their own
}

// Examples renders the project's own examples with the set's template.
func (s *Set) Examples() (Examples, error) {
	embedded, err := EmbeddedExamples()
	if err != nil {
		return Examples{}, err
	}
	e := Examples{bySource: make(map[string][]string, len(embedded))}
	for source, list := range embedded {
		for _, x := range list {
			var b strings.Builder
			err := s.templates.ExecuteTemplate(&b, "example", struct {
				Question   string
				Options    []Option
				Preference string
				Response   string
			}{x.Question, lettered(x.Options), x.Preference, x.Response})
			if err != nil {
				return Examples{}, fmt.Errorf("prompt template: %w", err)
			}
			e.bySource[source] = append(e.bySource[source], strings.TrimSpace(b.String()))
		}
	}
	return e, nil
}

// With gives the examples with those of one source replaced; the source ""
// replaces those of every source, also of sources that had none.
func (e Examples) With(source string, texts []string) Examples {
	if source == "" {
		return Examples{every: slices.Clone(texts)}
	}
	bySource := maps.Clone(e.bySource)
	if bySource == nil {
		bySource = make(map[string][]string, 1)
	}
	bySource[source] = slices.Clone(texts)
	return Examples{bySource: bySource, every: e.every}
}

// For gives the texts for items of a source, in order. A source of the sample
// has those of the public source that is like it, where it was given none of
// its own. A source without any is an error that says what to do.
func (e Examples) For(source string) ([]string, error) {
	for _, texts := range [][]string{e.bySource[source], e.bySource[likes[source]], e.every} {
		if len(texts) > 0 {
			return slices.Clone(texts), nil
		}
	}
	return nil, fmt.Errorf("there are no worked examples for source %q; give some with --icl %s=FILE (the sources that have some are %s)",
		source, source, strings.Join(e.sources(), ", "))
}

// sources are those that have examples, in order of the alphabet.
func (e Examples) sources() []string {
	var names []string
	for source, texts := range e.bySource {
		if len(texts) > 0 {
			names = append(names, source)
		}
	}
	for source, like := range likes {
		if len(e.bySource[like]) > 0 && len(e.bySource[source]) == 0 {
			names = append(names, source)
		}
	}
	if len(names) == 0 {
		return []string{"none"}
	}
	slices.Sort(names)
	return names
}

// Hashes gives the SHA-256 of each source's texts, hex, by source as With
// takes it: "" stands for every source without texts of its own. The sources
// of the sample are left out where they share another's.
func (e Examples) Hashes() map[string]string {
	hashes := make(map[string]string, len(e.bySource)+1)
	for source, texts := range e.bySource {
		hashes[source] = hashTexts(texts)
	}
	if len(e.every) > 0 {
		hashes[""] = hashTexts(e.every)
	}
	return hashes
}

// hashTexts hashes each text with its length in front, so that no two lists
// have the same bytes.
func hashTexts(texts []string) string {
	var b []byte
	for _, t := range texts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(t)))
		b = append(b, t...)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Read is e with the examples of some files in the place of those it has: each
// is written SOURCE=FILE, or FILE for every source that has no other. An error
// names the file.
func (e Examples) Read(files []string) (Examples, error) {
	paths := make(map[string]string) // by source; "": of every source without one
	for _, entry := range files {
		source, path := SourceOf(entry)
		if paths[source] != "" {
			return e, fmt.Errorf("two files for %s", cmp.Or(source, "every source"))
		}
		paths[source] = path
	}
	for _, source := range slices.Sorted(maps.Keys(paths)) { // "" comes first
		texts, err := ReadExamples(paths[source])
		if err != nil {
			return e, err
		}
		e = e.With(source, texts)
	}
	return e, nil
}

// SourceOf splits SOURCE=FILE; a file alone is that of every source, "".
func SourceOf(entry string) (source, path string) {
	source, path, ok := strings.Cut(entry, "=")
	if !ok {
		return "", entry
	}
	return source, path
}
