package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// recordForms is the hint of an error about a file that has no records.
const recordForms = "expected JSON lines (one question a line), a JSON list of questions, or Parquet"

// A record is one entry of a source file, as JSON whatever the file's form is.
type record struct {
	place  string // "file:12", or "file: row 12" of Parquet
	text   []byte
	err    error    // what is wrong with it, in place of text
	unread []string // columns of Parquet that have types which are not read, each with its type
}

// readRecords reads a file of JSON lines, a JSON list or Parquet, told apart
// by content. A file that is none of them is one record, with an error.
func readRecords(name string) []record {
	content, err := readPlain(name)
	if err != nil {
		return []record{{place: name, err: fmt.Errorf("%w; %s", err, recordForms)}}
	}
	return parseRecords(name, content)
}

// unnamed is an error of a file without the file's name, for a message that
// has it already.
func unnamed(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}

func parseRecords(name string, content []byte) []record {
	if bytes.HasPrefix(content, []byte(parquetMagic)) {
		return parquetRecords(name, content)
	}
	content = standardJSON(content)
	start := bytes.TrimSpace(content)
	switch {
	case len(start) == 0:
		return []record{{place: name, err: fmt.Errorf("the file is empty; %s", recordForms)}}
	case start[0] == '[':
		return listRecords(name, content)
	case start[0] == '{':
		return lineRecords(name, content)
	default:
		return []record{{place: name, err: fmt.Errorf("the file begins with %q; %s", start[:min(len(start), 40)], recordForms)}}
	}
}

func lineRecords(name string, content []byte) []record {
	var records []record
	number := 0
	for line := range bytes.Lines(content) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		r := record{place: fmt.Sprintf("%s:%d", name, number), text: line}
		r.err = checkJSON(line)
		records = append(records, r)
	}
	return records
}

// checkJSON says what makes a line no JSON. Text that is not UTF-8 is such a
// thing: the decoder would change it without a word.
func checkJSON(line []byte) error {
	if at := invalidByte(string(line)); at < len(line) {
		return fmt.Errorf("byte 0x%02x is not UTF-8 text; save the file as UTF-8", line[at])
	}
	if err := json.Unmarshal(line, new(json.RawMessage)); err != nil {
		return fmt.Errorf("the line is no JSON (%w); %s", err, recordForms)
	}
	return nil
}

func listRecords(name string, content []byte) []record {
	lineAt := func(offset int) int { return 1 + bytes.Count(content[:offset], []byte("\n")) }
	fail := func(offset int, format string, args ...any) []record {
		return []record{{place: fmt.Sprintf("%s:%d", name, lineAt(offset)), err: fmt.Errorf(format, args...)}}
	}
	if at := invalidByte(string(content)); at < len(content) {
		return fail(at, "byte 0x%02x is not UTF-8 text; save the file as UTF-8", content[at])
	}
	var list []json.RawMessage
	if err := json.Unmarshal(content, &list); err != nil {
		at := 0
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			at = min(int(syntax.Offset), len(content))
		}
		return fail(at, "the file is no JSON (%w); %s", err, recordForms)
	}
	if len(list) == 0 {
		return fail(0, "the list is empty; %s", recordForms)
	}
	// The list is valid, so the decoder meets no error: it tells the places.
	d := json.NewDecoder(bytes.NewReader(content))
	d.Token()
	records := make([]record, len(list))
	line, counted := 1, 0
	for i, text := range list {
		var element json.RawMessage
		d.Decode(&element)
		start := int(d.InputOffset()) - len(element)
		line += bytes.Count(content[counted:start], []byte("\n"))
		counted = start
		records[i] = record{place: fmt.Sprintf("%s:%d", name, line), text: text}
	}
	return records
}

// decodeRecord decodes a record and says in plain words what has another type
// than it should; form says what a record looks like.
func decodeRecord(text []byte, v any, form string) error {
	err := json.Unmarshal(text, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := wrong.Field
		if field == "" {
			field = "the record"
		}
		return fmt.Errorf("%s is of JSON type %s where it should be %s; %s", field, wrong.Value, typeWords(wrong.Type), form)
	}
	if err != nil {
		return fmt.Errorf("%w; %s", err, form)
	}
	return checkSurrogates(text)
}

// checkSurrogates finds escapes such as \ud83d that lack their other half:
// the decoder would put U+FFFD in their place.
func checkSurrogates(text []byte) error {
	unescaped := func(from int) (unit uint64, ok bool) {
		if from+6 > len(text) || text[from] != '\\' || text[from+1] != 'u' {
			return 0, false
		}
		_, err := fmt.Sscanf(string(text[from+2:from+6]), "%x", &unit)
		return unit, err == nil
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		unit, ok := unescaped(i)
		if !ok || unit < 0xD800 || unit > 0xDFFF {
			i++ // over the character that is escaped
			continue
		}
		low, ok := unescaped(i + 6)
		if unit >= 0xDC00 || !ok || low < 0xDC00 || low > 0xDFFF {
			return fmt.Errorf("%s is half of a character; write the whole of it", text[i:i+6])
		}
		i += 11
	}
	return nil
}

func typeWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return "a whole number"
	}
}

// fieldNames lists the fields of a record, for a message about one it lacks.
func fieldNames(text []byte) []string {
	var fields map[string]json.RawMessage
	json.Unmarshal(text, &fields) // of no object: none
	return slices.Sorted(maps.Keys(fields))
}

// WholeNumber reads a whole number, also one that a program wrote as another, 1.0,
// because a value of its column is missing.
func WholeNumber(text string) (n int, ok bool) {
	whole, zeros, _ := strings.Cut(strings.TrimSpace(text), ".")
	n, err := strconv.Atoi(whole)
	return n, err == nil && strings.Trim(zeros, "0") == ""
}

// isNull says whether a field is not there, or null.
func isNull(field json.RawMessage) bool { return len(field) == 0 || string(field) == "null" }

// plain is a number or text of JSON as text.
func plain(field json.RawMessage) string {
	var s string
	if json.Unmarshal(field, &s) == nil && utf8.ValidString(s) {
		return s
	}
	return strings.TrimSpace(string(field))
}
