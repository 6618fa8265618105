package data

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

func foreign(t testing.TB, content []byte) (*Foreign, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return OpenForeign(path)
}

// parquetOf is a Parquet file of rows, as other programs write them.
func parquetOf[T any](t testing.TB, rows ...T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rows.parquet")
	if err := parquet.WriteFile(path, rows); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestForeignFormsAreAlike(t *testing.T) {
	type doc struct {
		Question *string  `parquet:"question" json:"question"`
		Choices  []string `parquet:"choices,list" json:"choices"`
	}
	type row struct {
		Doc    doc     `parquet:"doc" json:"doc"`
		Target float64 `parquet:"target" json:"target"`
		Right  *bool   `parquet:"right" json:"right"`
	}
	text := func(s string) Value { return Value{Known: true, Text: s} }
	want := []map[string]Value{
		{"doc.question": text("Sky?\n\"so\""), "doc.choices": {Known: true, List: []Value{text("blue"), text("red")}}, "target": text("1"), "right": text("true")},
		{"doc.question": {}, "doc.choices": {Known: true, List: []Value{text("x")}}, "target": {}, "right": {}},
	}
	for name, content := range map[string][]byte{
		"JSON lines": []byte("\ufeff" + `{"doc": {"question": "Sky?\n\"so\"", "choices": ["blue", "red"]}, "target": 1, "right": true}` + "\r\n \n" + `{"target": null, "doc": {"question": null, "choices": ["x"]}}`),
		"Parquet":    parquetOf(t, row{doc{new("Sky?\n\"so\""), []string{"blue", "red"}}, 1, new(true)}, row{doc{nil, []string{"x"}}, math.NaN(), nil}),
		"Python's":   []byte(`{"doc": {"question": "Sky?\n\"so\"", "choices": ["blue", "red"]}, "target": 1, "right": true}` + "\n" + `{"target": NaN, "right":NaN, "doc": {"question": NaN, "choices": ["x"]}}`),
		"CSV":        []byte("\ufeffdoc.question, target ,doc.choices,right\r\n\"Sky?\n\"\"so\"\"\",1,\"['blue', 'red']\",true\r\n,,['x'],\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			table, err := foreign(t, content)
			if err != nil {
				t.Fatal(err)
			}
			defer table.Close()
			if got := slices.Sorted(slices.Values(table.Columns())); !slices.Equal(got, []string{"doc.choices", "doc.question", "right", "target"}) {
				t.Fatalf("columns %q", got)
			}
			for _, values := range want {
				r, err := table.Next()
				if err != nil {
					t.Fatal(err)
				}
				for column, want := range values {
					got := r.Value(column)
					if name == "CSV" && want.List != nil { // which it has in writing
						options, err := got.ReadOptions()
						if wanted, e := want.ReadOptions(); err != nil || e != nil || !slices.Equal(options, wanted) {
							t.Errorf("options %q, want %q: %v, %v", options, wanted, err, e)
						}
					} else if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s (-want +got):\n%s", column, diff)
					}
				}
				if r.Value("colour").Known {
					t.Error("a column that is not there has a value")
				}
			}
			if _, err := table.Next(); err != io.EOF {
				t.Errorf("after the last row: %v", err)
			}
		})
	}
}

func TestForeignFaults(t *testing.T) {
	for _, tt := range []struct {
		content  string
		want     string
		opens    bool
		readable bool // the rows after it are
	}{
		{"", "table:1: there is nothing in the file; a table is CSV", false, false},
		{"[1]", "table:1: the file is a JSON list", false, false},
		{"a,a\n1,2\n", `table:1: there are two columns "a"`, false, false},
		{"a\xff,b\n", "table:1: the header is not UTF-8", false, false},
		{"PAR1 and no more", "the file is cut or damaged", false, false},
		{"a,b\n1\nx,y\n", "table:2: the record has 1 fields, the header 2", true, true},
		{"a,b\n1,\xff\nx,y\n", "table:2: byte 0xff is not UTF-8", true, true},
		{"a,b\n\"1\"x,2\nx,y\n", "table:2: this is no CSV at line 2, column 3", true, false},
		{"{\"a\": 1\n{\"a\": \"x\"}", "table:1: the line is no JSON object", true, true},
		{"{\"a\": 1} 2\n{\"a\": \"x\"}", "something follows the object", true, true},
		{"{\"a\": \"\\ud800\"}\n{\"a\": \"x\"}", `table:1: \ud800 is half of a character`, true, true},
	} {
		table, err := foreign(t, []byte(tt.content))
		if tt.opens != (err == nil) {
			t.Errorf("%q: %v", tt.content, err)
			continue
		}
		if err == nil {
			_, err = table.Next()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.content, err, tt.want)
		}
		if _, goesOn := errors.AsType[RowError](err); goesOn != tt.readable {
			t.Errorf("%q: rows after it can be read: %v", tt.content, goesOn)
		}
		if tt.readable {
			if r, err := table.Next(); err != nil || r.Value("a").Text != "x" {
				t.Errorf("%q: the row after it: %v", tt.content, err)
			}
		}
	}
}

func TestReadGold(t *testing.T) {
	for _, tt := range []struct {
		gold    string
		options []string
		want    int    // -1: an error
		said    string // in it
	}{
		{"B", []string{"x", "y"}, 1, ""},
		{" (b) ", []string{"x", "y"}, 1, ""},
		{"y ", []string{"x", "y"}, 1, ""},
		{"0", []string{"x", "y"}, 0, ""},
		{"1", []string{"x", "y"}, 1, ""},
		{"2", []string{"0", "4", "2", "6"}, 2, ""}, // its text and its number
		{"6", []string{"0", "4", "2", "6"}, 3, ""},
		{"1", []string{"1", "2"}, -1, "the text of option A and the number of option B"},
		{"2", []string{"x", "y"}, -1, "none of the 2"},
		{"-1", []string{"x", "y"}, -1, "none of the 2"},
		{"C", []string{"x", "y"}, -1, "A to B"},
		{"", []string{"x", "y"}, -1, "missing"},
	} {
		got, err := Value{Known: true, Text: tt.gold}.ReadGold(tt.options)
		if tt.want < 0 != (err != nil) || err == nil && got != tt.want || err != nil && !strings.Contains(err.Error(), tt.said) {
			t.Errorf("%q of %q: %d, %v; want %d, %q", tt.gold, tt.options, got, err, tt.want, tt.said)
		}
	}
	if _, err := (Value{Known: true, List: []Value{{Known: true, Text: "A"}}}).ReadGold([]string{"x", "y"}); err == nil {
		t.Error("a list is read as the right option")
	}
}

func FuzzForeign(f *testing.F) {
	type row struct {
		A *string  `parquet:"a"`
		B []string `parquet:"b,list"`
	}
	f.Add(parquetOf(f, row{nil, []string{"x"}}, row{new("y"), nil}))
	f.Add([]byte("a,b\n1,\"['x', 'y']\"\n"))
	f.Add([]byte(`{"a": {"b": [1, null, ["x"]]}}` + "\n" + `{"c": true}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		table, err := foreign(t, content)
		if err != nil {
			return
		}
		defer table.Close()
		for last := 0; ; {
			r, err := table.Next()
			if _, goesOn := errors.AsType[RowError](err); goesOn {
				continue
			}
			if err != nil {
				return
			}
			if r.Number <= last {
				t.Fatalf("row %d after %d", r.Number, last)
			}
			last = r.Number
			for _, c := range table.Columns() {
				v := r.Value(c)
				if v.Known {
					v.ReadOptions()
					v.ReadGold([]string{"x", "y"})
				}
			}
		}
	})
}
