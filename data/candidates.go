package data

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// A Decision is what a person makes of a candidate.
type Decision string

// The decisions.
const (
	Undecided Decision = ""
	Keep      Decision = "keep"
	Drop      Decision = "drop"
)

// A Candidate is a preference that a model suggested for the items of a source
// (paper, section 3, the relevant pass), on its way to a person.
type Candidate struct {
	Source   string         `yaml:"source"`
	Text     string         `yaml:"text"`
	Type     PreferenceType `yaml:"type"`
	Decision Decision       `yaml:"decision"`
	Original string         `yaml:"original"` // as it was suggested, where a person changed the text; else empty
	Reason   string         `yaml:"reason"`   // the model's
	Times    int            `yaml:"times"`    // items for which it was suggested; 0: a person wrote it
	Model    string         `yaml:"model"`
	ItemID   string         `yaml:"item_id"` // the first of those items, with its question and options
	Question string         `yaml:"question"`
	Options  []string       `yaml:"options"`
}

// Key is equal for suggestions that are the same one: of one source, and alike
// but for case, white space and the final dot. An edit does not change it, or
// the same suggestion would come back.
func (c Candidate) Key() [2]string {
	text := c.Original
	if text == "" {
		text = c.Text
	}
	return [2]string{c.Source, normalised(text)}
}

func normalised(text string) string {
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	return strings.TrimSpace(strings.TrimSuffix(text, "."))
}

// Edit gives the candidate another text and remembers the one that was
// suggested. The text is one line, not empty, without control characters.
func (c *Candidate) Edit(text string) error {
	text, err := OneLine(text)
	if err != nil {
		return err
	}
	if c.Original == "" {
		c.Original = c.Text
	}
	if c.Text = text; text == c.Original {
		c.Original = ""
	}
	return nil
}

// OneLine makes a preference's text one line. An empty one and one with a
// control character are errors.
func OneLine(text string) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	switch {
	case text == "":
		return "", fmt.Errorf("the preference is empty")
	case strings.ContainsFunc(text, forbidden):
		return "", fmt.Errorf("the preference holds a control character")
	}
	return text, nil
}

// MergeCandidates adds to the candidates that there are those that are new, in
// their order. What a person decided, edited or wrote stays as it is; of a
// suggestion that is there already only Times grows, to what it was in the
// pass that saw most items.
func MergeCandidates(there, suggested []Candidate) []Candidate {
	all := slices.Clone(there)
	at := make(map[[2]string]int, len(all))
	for i, c := range all {
		at[c.Key()] = i
	}
	for _, c := range suggested {
		i, known := at[c.Key()]
		if !known {
			at[c.Key()] = len(all)
			all = append(all, c)
			continue
		}
		all[i].Times = max(all[i].Times, c.Times)
	}
	return all
}

// ParseCandidates reads a file of candidates as FormatCandidates writes it and
// a person may have changed it. Each has a source, a text without control
// characters and one of the types; the decision is "", keep or drop; what else
// a candidate has may be left out. No source has one suggestion twice. Texts
// lose the white space around them. An error lists up to 20 faults as
// "name:line: what; what to do".
func ParseCandidates(name string, text []byte) ([]Candidate, error) {
	var file struct {
		Candidates *[]located[Candidate] `yaml:"candidates"`
	}
	if err := decodeYAML(name, text, &file); err != nil {
		return nil, err
	}
	if file.Candidates == nil {
		return nil, fmt.Errorf(`%s: there is no list "candidates"; 'perg data prefs generate' writes such a file`, name)
	}
	var bad faults
	list := make([]Candidate, 0, len(*file.Candidates))
	lines := make(map[[2]string]int, len(*file.Candidates))
	for _, entry := range *file.Candidates {
		c := entry.value
		for _, text := range []*string{&c.Source, &c.Text, &c.Original} {
			*text = strings.TrimSpace(*text)
		}
		fault := func(format string, args ...any) {
			where := name
			if entry.line > 0 {
				where = fmt.Sprintf("%s:%d", name, entry.line)
			}
			bad.add(entry.line, "%s: %s", where, fmt.Sprintf(format, args...))
		}
		c.check(fault)
		if first, twice := lines[c.Key()]; twice && c.Text != "" {
			fault("the candidate is also that of line %d; remove one of them", first)
		}
		lines[c.Key()] = entry.line
		list = append(list, c)
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	return list, nil
}

func (c Candidate) check(fault func(format string, args ...any)) {
	if c.Source == "" {
		fault("the candidate has no source; name the one whose items it is for")
	}
	switch {
	case c.Text == "":
		fault(`the candidate has no text; to be rid of one, give it "decision: drop"`)
	case strings.ContainsFunc(c.Text+c.Original+c.Source, forbidden):
		fault("the candidate holds a control character: %q; remove it", shorten(c.Text))
	}
	if !slices.Contains(PreferenceTypes(), c.Type) {
		fault("the type is %q; it is one of %s", shorten(string(c.Type)), strings.Join(names(PreferenceTypes()), ", "))
	}
	switch c.Decision {
	case Undecided, Keep, Drop:
	default:
		fault(`the decision is %q; it is keep, drop, or "" where there is none yet`, shorten(string(c.Decision)))
	}
	if c.Times < 0 {
		fault("times is %d; it is the number of items that suggested the candidate", c.Times)
	}
}

const candidatesHeader = `# Candidates for preferences: suggested by a model in 'perg data prefs generate',
# decided on in 'perg data prefs review', or here. decision is "", keep or drop.
# One that is removed from this file may come back, one with "drop" does not.
# Who changes a text puts the suggested one into original. Other comments than
# these are not kept.

`

// FormatCandidates writes candidates as YAML that ParseCandidates reads and a
// person can edit. Every text stands in quotes on one line: Go's escapes are
// YAML's.
func FormatCandidates(list []Candidate) []byte {
	var b bytes.Buffer
	b.WriteString(candidatesHeader)
	if len(list) == 0 {
		b.WriteString("candidates: []\n")
		return b.Bytes()
	}
	b.WriteString("candidates:\n")
	for _, c := range list {
		fmt.Fprintf(&b, "  - source: %q\n    text: %q\n    type: %s\n    decision: %q\n", c.Source, c.Text, c.Type, c.Decision)
		for _, field := range []struct{ name, value string }{{"original", c.Original}, {"reason", c.Reason}} {
			if field.value != "" {
				fmt.Fprintf(&b, "    %s: %q\n", field.name, field.value)
			}
		}
		if c.Times > 0 {
			fmt.Fprintf(&b, "    times: %d\n", c.Times)
		}
		for _, field := range []struct{ name, value string }{{"model", c.Model}, {"item_id", c.ItemID}, {"question", c.Question}} {
			if field.value != "" {
				fmt.Fprintf(&b, "    %s: %q\n", field.name, field.value)
			}
		}
		for i, o := range c.Options {
			if i == 0 {
				b.WriteString("    options:\n")
			}
			fmt.Fprintf(&b, "      - %q\n", o)
		}
	}
	return b.Bytes()
}
