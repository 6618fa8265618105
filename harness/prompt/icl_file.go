package prompt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"perg/data"
	"slices"
	"strings"
	"unicode/utf8"
)

// exampleForm is the form of a file of worked examples.
const exampleForm = `worked examples are a JSON object of texts: {"Example_0": "Question: ...", "Example_1": "..."}`

// ReadExamples reads worked examples as the paper's code has them: a JSON
// object of texts, {"Example_0": "...", ...}. They come in the order of the
// numbers at the ends of their names, and in the file's order where a name has
// no number. Texts lose the white space around them. An error names the file,
// and the line or the entry.
func ReadExamples(path string) ([]string, error) {
	text, err := data.ReadText(path)
	if err != nil {
		return nil, fmt.Errorf("read worked examples: %w", err)
	}
	return parseExamples(path, text)
}

// A namedText is an entry of the file.
type namedText struct{ name, text string }

func parseExamples(file string, content []byte) ([]string, error) {
	if !utf8.Valid(content) {
		return nil, fmt.Errorf("%s: the text is not UTF-8; save it as UTF-8", file)
	}
	entries, err := exampleEntries(file, bytes.TrimPrefix(content, []byte("\ufeff")))
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%s: there are no entries; %s", file, exampleForm)
	}
	if !slices.ContainsFunc(entries, func(e namedText) bool { return number(e.name) == "" }) {
		slices.SortStableFunc(entries, func(a, b namedText) int { return compareNumbers(number(a.name), number(b.name)) })
	}
	texts := make([]string, len(entries))
	for i, e := range entries {
		texts[i] = e.text
	}
	return texts, nil
}

// exampleEntries reads the entries in the file's order. It goes token by token
// because a map would lose the order and all but the last of equal names.
func exampleEntries(file string, content []byte) ([]namedText, error) {
	d := json.NewDecoder(bytes.NewReader(content))
	broken := func(err error) error {
		line := 1 + bytes.Count(content[:min(int(d.InputOffset()), len(content))], []byte("\n"))
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%s:%d: this is no JSON (%w); %s", file, line, err, exampleForm)
	}
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, fmt.Errorf("%s: the file is empty; %s", file, exampleForm)
	}
	first, err := d.Token()
	if err != nil {
		return nil, broken(err)
	}
	if first != json.Delim('{') {
		return nil, fmt.Errorf("%s: this is no JSON object; %s", file, exampleForm)
	}
	var entries []namedText
	seen := make(map[string]bool)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, broken(err)
		}
		name := key.(string) // as every key of an object is
		if seen[name] {
			return nil, fmt.Errorf("%s: there are two entries %q; rename one", file, name)
		}
		seen[name] = true
		value, err := d.Token()
		if err != nil {
			return nil, broken(err)
		}
		text, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("%s: entry %q is no text; %s", file, name, exampleForm)
		}
		if text = strings.TrimSpace(text); text == "" {
			return nil, fmt.Errorf("%s: entry %q is empty; write an example or remove the entry", file, name)
		}
		entries = append(entries, namedText{name, text})
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return nil, broken(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: there is more after the JSON object; keep all entries in one", file)
	}
	return entries, nil
}

// number is the digits at the end of a name.
func number(name string) string {
	return name[len(strings.TrimRight(name, "0123456789")):]
}

// compareNumbers compares two numbers of any size, written in digits.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
