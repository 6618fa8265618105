package data

import (
	"strings"
	"testing"
)

func TestJSONOfPython(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": NaN, "b": [NaN,1]}`:           `{"a": null, "b": [null,1]}`,
		`{"a": "NaN \"NaN\" \\", "b": NaN}`:  `{"a": "NaN \"NaN\" \\", "b": null}`,
		`{"a": -Infinity, "b": Infinity}`:    `{"a": "-Infinity", "b": "Infinity"}`,
		`{"a": "to Infinity", "NaN": "\\\""`: `{"a": "to Infinity", "NaN": "\\\""`,
		`{"a": 1}`:                           `{"a": 1}`,
	} {
		if got := string(standardJSON([]byte(text))); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

// A column that is a MAP is told by its name and type where it is wanted, and is in
// nobody's way where it is not.
func TestMapColumns(t *testing.T) {
	type row struct {
		Question string            `parquet:"question"`
		Subject  string            `parquet:"subject"`
		Choices  map[string]string `parquet:"choices"`
		Answer   int64             `parquet:"answer"`
	}
	content := parquetOf(t, row{"1+1?", "anatomy", map[string]string{"A": "2", "B": "3"}, 0})
	table, err := foreign(t, content)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	if note := table.UnreadNote(); !strings.Contains(note, "choices (MAP)") {
		t.Errorf("the note is %q", note)
	}
	if r, err := table.Next(); err != nil || r.Value("question").Text != "1+1?" {
		t.Errorf("%v, %v", r, err)
	}
	records := parseRecords("m.parquet", content)
	if len(records) != 1 || records[0].err != nil || strings.Join(records[0].unread, "") != "choices (MAP)" {
		t.Errorf("records %+v", records)
	}
}
