package prompt

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadExamples(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		want          []string
		err           string // in the error, after the file's name
	}{
		{"numeric order", `{"Example_10": "k", "Example_2": "c", "Example_0": " a\n"}`, []string{"a", "c", "k"}, ""},
		{"numbers of any size", `{"x123456789012345678901": "b", "x99": "a"}`, []string{"a", "b"}, ""},
		{"equal numbers keep their order", `{"b_1": "first", "a_01": "second", "c_0": "zeroth"}`, []string{"zeroth", "first", "second"}, ""},
		{"names without numbers", `{"z": "first", "a_1": "second"}`, []string{"first", "second"}, ""},
		{"byte order mark", "\ufeff{\"Example_0\": \"a\"}", []string{"a"}, ""},
		{"escapes", `{"Example_0": "a\n\"b\" \u00e9"}`, []string{"a\n\"b\" é"}, ""},
		{"empty file", " \n", nil, ": the file is empty; worked examples are a JSON object"},
		{"no JSON", "Question: what?\n", nil, ":1: this is no JSON (invalid character 'Q'"},
		{"cut off", "{\"Example_0\": \"a\",\n\"Example_1\"", nil, ":2: this is no JSON (unexpected EOF)"},
		{"comma missing", "{\"Example_0\": \"a\"\n\"Example_1\": \"b\"}", nil, ":2: this is no JSON ("},
		{"comma too many", `{"Example_0": "a",}`, nil, ":1: this is no JSON ("},
		{"a list", `["a"]`, nil, ": this is no JSON object; worked examples are"},
		{"a text", `"a"`, nil, ": this is no JSON object"},
		{"null", `null`, nil, ": this is no JSON object"},
		{"no entries", `{}`, nil, ": there are no entries"},
		{"empty text", `{"Example_0": "a", "Example_1": " \n"}`, nil, `: entry "Example_1" is empty; write an example`},
		{"a number", `{"Example_0": 7}`, nil, `: entry "Example_0" is no text`},
		{"a list of texts", `{"Example_0": ["a"]}`, nil, `: entry "Example_0" is no text`},
		{"an object", `{"Example_0": {"question": "a"}}`, nil, `: entry "Example_0" is no text`},
		{"null text", `{"Example_0": null}`, nil, `: entry "Example_0" is no text`},
		{"the same name twice", `{"Example_0": "a", "Example_0": "b"}`, nil, `: there are two entries "Example_0"`},
		{"two objects", `{"Example_0": "a"} {"Example_1": "b"}`, nil, ": there is more after the JSON object"},
		{"text after the object", `{"Example_0": "a"} x`, nil, ": there is more after the JSON object"},
		{"not UTF-8", "{\"Example_0\": \"caf\xe9\"}", nil, ": the text is not UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "icl.json")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := ReadExamples(path)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.HasPrefix(err.Error(), path+tt.err)) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReadExamplesWithoutFile(t *testing.T) {
	if _, err := ReadExamples(filepath.Join(t.TempDir(), "nowhere.json")); err == nil || !strings.Contains(err.Error(), "nowhere.json") {
		t.Errorf("error %v", err)
	}
}

// What is taken is what a plain JSON reader sees, each text once.
func FuzzParseExamples(f *testing.F) {
	f.Add([]byte(`{"Example_10": "k", "Example_2": "c"}`))
	f.Add([]byte("\ufeff{\"a\": \" \\u0000b\", \"a\": 1}"))
	f.Add([]byte(`{"a": {"b": [}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		texts, err := parseExamples("f", content)
		if err != nil {
			if texts != nil || !strings.HasPrefix(err.Error(), "f:") {
				t.Errorf("%q with error %v", texts, err)
			}
			return
		}
		var plain map[string]string
		if err := json.Unmarshal([]byte(strings.TrimPrefix(string(content), "\ufeff")), &plain); err != nil {
			t.Fatalf("taken, though %v", err)
		}
		var want []string
		for _, v := range plain {
			want = append(want, strings.TrimSpace(v))
		}
		got := slices.Sorted(slices.Values(texts))
		if slices.Sort(want); !slices.Equal(got, want) || len(got) == 0 {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
