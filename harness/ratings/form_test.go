package ratings

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"perg/harness/results"
)

// nasty keys and texts: formulas, apostrophes, delimiters, lines, other scripts.
var nasty = []string{"=1+1", "+a", "-b", "@SUM(A1)", "\tx", "'quoted'", "'=1", "''", "a;b,c\td", "two\nlines, \"quoted\"", "日本語", "", " a "}

func nastyRows() []Row {
	var rows []Row
	for i, s := range nasty {
		rows = append(rows, Row{
			Key:        results.Key{Cell: results.CellOf(nasty[(i+1)%len(nasty)], "zero-shot", "relevant", ""), ItemID: s, Repeat: int32(i)},
			Preference: s, Question: s, PlainResponse: s, Response: s,
		})
	}
	return rows
}

func keysOf(rows []Row) map[results.Key]bool {
	known := make(map[results.Key]bool)
	for _, r := range rows {
		known[r.Key] = true
	}
	return known
}

// fill rates every row of a form, as a spreadsheet writes it back.
func fill(t *testing.T, content []byte, comma rune, score func(row int) string) string {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte(byteOrderMark))))
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Comma = comma
	for i, record := range records {
		if i > 0 {
			record[0] = score(i)
		}
		w.Write(record)
	}
	w.Flush()
	return b.String()
}

func TestFormHoldsNoFormula(t *testing.T) {
	content := Form(nastyRows())
	if !bytes.HasPrefix(content, []byte(byteOrderMark)) {
		t.Error("no byte order mark")
	}
	records, err := csv.NewReader(bytes.NewReader(content[len(byteOrderMark):])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(records[0], ","); got != "rating,item_id,variant,method,setting,repeat,preference,question,plain_response,response,letter,note" {
		t.Errorf("header %s", got)
	}
	for i, record := range records[1:] {
		for _, cell := range record {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("row %d: %q is a formula", i, cell)
			}
		}
		if record[0] != "" || record[len(record)-1] != "" {
			t.Errorf("row %d: rating %q, note %q", i, record[0], record[len(record)-1])
		}
		if got := unguarded(record[9]); got != nasty[i] {
			t.Errorf("%q comes back as %q", nasty[i], got)
		}
	}
}

func TestFilledFormComesBack(t *testing.T) {
	rows := nastyRows()
	for _, comma := range ",;\t" {
		for _, bom := range []string{"", byteOrderMark} {
			text := bom + fill(t, Form(rows), comma, func(i int) string { return fmt.Sprint(i%5 + 1) })
			f, err := Read("r.csv", strings.NewReader(text), keysOf(rows))
			if err != nil {
				t.Fatalf("%q: %v", comma, err)
			}
			if len(f.People) != 1 || f.People[0].Name != "" || len(f.People[0].Scores) != len(rows) || f.Blank != 0 {
				t.Fatalf("%q: %+v", comma, f)
			}
			for i, r := range rows {
				if got := f.People[0].Scores[r.Key]; got != (i+1)%5+1 {
					t.Errorf("%q: %s has %d", comma, r.Key, got)
				}
			}
		}
	}
}

func TestUntouched(t *testing.T) {
	blank := Form(nastyRows())
	edit := func(column int, to string) []byte {
		records, err := csv.NewReader(bytes.NewReader(blank[len(byteOrderMark):])).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		records[3][column] = to
		var b bytes.Buffer
		csv.NewWriter(&b).WriteAll(records)
		return b.Bytes()
	}
	for name, tt := range map[string]struct {
		content []byte
		want    bool
	}{
		"blank form":           {blank, true},
		"saved by spreadsheet": {[]byte(fill(t, blank, ';', func(int) string { return "" })), true},
		"empty form":           {Form(nil), true},
		"a rating":             {edit(0, "3"), false},
		"a rating to be read":  {edit(0, "?"), false},
		"a note":               {edit(len(form)-1, "unclear"), false},
		"no form":              {[]byte("a,b\n1,2\n"), false},
		"text":                 {[]byte("hello"), false},
		"nothing":              {nil, false},
		"cut":                  {blank[:len(blank)-40], false},
		"broken":               {append(bytes.Clone(blank), "\"x"...), false},
	} {
		if got := Untouched(tt.content); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Letters that a person read are compared with the run's, weighted back: here
// the one answer that nobody read stands for itself, and each of the two others
// for five.
func TestHowAnswersAreReadIsWeightedBack(t *testing.T) {
	judged := Judged{
		Judges:  []Judge{{Name: "judge", Scores: make(map[results.Key]int)}},
		Keys:    knownItems(11),
		Answers: make(map[results.Key]Answered),
	}
	for i := range 11 {
		judged.Judges[0].Scores[key(i)] = 5
		judged.Answers[key(i)] = Answered{"B", "rule:stated"}
	}
	judged.Answers[key(10)] = Answered{}
	content := "item_id,variant,method,setting,repeat,rating,letter\n" + strings.Join([]string{
		rowOf(0) + ",,b", rowOf(1) + ",,None", rowOf(10) + ",,(B)", rowOf(2) + ",,",
	}, "\n") + "\n"
	f, err := Read("x.csv", strings.NewReader(content), judged.Keys)
	if err != nil || f.Blank != 1 || len(f.People) != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	a := Agree(judged, f)
	if len(a.Reading) != 1 || len(a.Pairs) != 0 {
		t.Fatalf("%+v", a)
	}
	r := a.Reading[0]
	if r.N != 3 || r.StandsFor != 11 {
		t.Errorf("%d stand for %d, want 3 for 11", r.N, r.StandsFor)
	}
	near(t, "same", r.Same, 5./11)
	near(t, "read", r.Read, 5./6)
	near(t, "false", r.False, 5./10)
	near(t, "unread", r.Unread, 1./11)
	if _, err := Read("x.csv", strings.NewReader("item_id,variant,method,setting,repeat,rating,letter\n"+rowOf(0)+",,BC\n"), judged.Keys); err == nil || !strings.Contains(err.Error(), `the letter "BC"`) {
		t.Errorf("BC is a letter: %v", err)
	}
}

// rowOf names item i in a file of ratings.
func rowOf(i int) string {
	k := key(i)
	return fmt.Sprintf("%s,%s,%s,%s,%d", k.ItemID, k.Variant, k.Method, k.Setting, k.Repeat)
}
