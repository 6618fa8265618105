package data

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
)

// Kept are the preferences of the candidates that are to be kept, by source
// and in order; texts that edits made alike, but for case, white space and the
// final dot, are one. A text that has one type in one source and another in
// another is an error: a preference has one.
func Kept(list []Candidate) (map[string][]Preference, error) {
	kept := make(map[string][]Preference)
	seen := make(map[[2]string]PreferenceType)
	first := make(map[string]Candidate)
	var bad faults
	for i, c := range list {
		if c.Decision != Keep {
			continue
		}
		id := [2]string{c.Source, normalised(c.Text)}
		before, known := first[id[1]]
		if known && before.Type != c.Type {
			bad.add(i, "%q is kept as %s for %s and as %s for %s; give both one type", shorten(c.Text), before.Type, before.Source, c.Type, c.Source)
			continue
		}
		if !known {
			first[id[1]] = c
		}
		if _, twice := seen[id]; twice {
			continue
		}
		seen[id] = c.Type
		kept[c.Source] = append(kept[c.Source], Preference{Text: c.Text, Type: c.Type})
	}
	return kept, bad.err()
}

// keptMark begins a file that FormatKept wrote; the SHA-256 of what follows
// the line comes after it.
const keptMark = "# written by 'perg data prefs review'; sha256 "

// FormatKept writes preferences by source as ParsePreferences reads them, and
// in the first line what tells whether anybody changed the file since.
// Irrelevant preferences are not among them: 'perg data build' needs none.
func FormatKept(kept map[string][]Preference) []byte {
	var b bytes.Buffer
	b.WriteString("relevant:\n")
	for _, source := range slices.Sorted(maps.Keys(kept)) {
		fmt.Fprintf(&b, "  %q:\n", source)
		for _, p := range kept[source] {
			fmt.Fprintf(&b, "    - text: %q\n      type: %s\n", p.Text, p.Type)
		}
	}
	return append([]byte(keptLine(b.Bytes())), b.Bytes()...)
}

func keptLine(rest []byte) string { return fmt.Sprintf("%s%x\n", keptMark, sha256.Sum256(rest)) }

// ReplaceableKept says why a file is not one to replace with FormatKept's: it
// is something else, or a person changed it. Nil where it may be.
func ReplaceableKept(text []byte) error {
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	switch {
	case !bytes.HasPrefix(line, []byte(keptMark)):
		return fmt.Errorf("it was not written by 'perg data prefs review'")
	case string(line)+"\n" != keptLine(rest):
		return fmt.Errorf("it was changed since 'perg data prefs review' wrote it")
	}
	return nil
}
