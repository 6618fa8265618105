package ratings

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/harness/prompt"
	"perg/harness/results"
)

func openSheet(t *testing.T, content string) *Sheet {
	t.Helper()
	s, err := OpenSheet([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func set(t *testing.T, s *Sheet, r Row, m Mark) {
	t.Helper()
	if err := s.Set(r, m); err != nil {
		t.Fatal(err)
	}
}

// reads gives the ratings that Read finds, as 'perg judge agree' does.
func reads(t *testing.T, s *Sheet, n int) Filled {
	t.Helper()
	f, err := Read("f", bytes.NewReader(s.Bytes()), knownItems(n))
	if err != nil {
		t.Fatalf("%v in\n%s", err, s.Bytes())
	}
	return f
}

func TestNewSheet(t *testing.T) {
	s := openSheet(t, "")
	row := Row{Key: key(3), Preference: "=short", Question: "Which,\n\"one\"?", PlainResponse: "A", Response: "B"}
	set(t, s, row, Mark{}) // nothing is said: no row
	set(t, s, row, Mark{Rating: 4, Note: "=SUM(1)\nwell, \"well\""})
	set(t, s, Row{Key: key(1)}, Mark{Thumb: ThumbDown})
	if !strings.Contains(string(s.Bytes()), `"'=SUM(1)`) || !strings.Contains(string(s.Bytes()), "'=short") {
		t.Errorf("a spreadsheet would take cells for formulas:\n%s", s.Bytes())
	}
	got := reads(t, s, 5)
	if len(got.People) != 1 || got.People[0].Scores[key(3)] != 4 || got.Blank != 1 {
		t.Errorf("%+v", got)
	}
	again := openSheet(t, string(s.Bytes()))
	for k, want := range map[results.Key]Mark{
		key(3): {Rating: 4, Note: "=SUM(1)\nwell, \"well\""}, key(1): {Thumb: ThumbDown}, key(0): {},
	} {
		if got := again.Mark(k); got != want {
			t.Errorf("%s: %+v, want %+v", k, got, want)
		}
	}
	if again.Rated() != 1 {
		t.Errorf("%d rated", again.Rated())
	}
	// Taken back.
	set(t, again, row, Mark{})
	if got := reads(t, again, 5); len(got.People) != 0 || got.Blank != 2 || again.Mark(key(3)) != (Mark{}) {
		t.Errorf("%+v", got)
	}
	for _, m := range []Mark{{Rating: 6}, {Rating: -1}, {Thumb: "sideways"}} {
		if err := again.Set(row, m); err == nil {
			t.Errorf("%+v is set", m)
		}
	}
}

// A form that was begun in a spreadsheet is gone on with, in its own order,
// cells and line ends; what is not rated here stays to the byte.
func TestSheetOfOthers(t *testing.T) {
	k := key(0)
	form := string(Form([]Row{{Key: k, Question: "Q0"}, {Key: key(1), Question: "=Q1"}, {Key: key(2), Question: "Q2"}}))
	s := openSheet(t, form)
	set(t, s, Row{Key: key(1)}, Mark{Rating: 2})
	want := strings.Replace(form, "\n,"+key(1).ItemID, "\n2,"+key(1).ItemID, 1)
	if diff := cmp.Diff(want, string(s.Bytes())); diff != "" {
		t.Error(diff)
	}

	excel := "own;rating;item_id;variant;method;setting;repeat;note\r\n" +
		"\"a;b\";3;" + strings.Join([]string{k.ItemID, k.Variant, string(k.Method), string(k.Setting), "0"}, ";") + ";\"mine\"\r\n" +
		";;;;;;;\r\n" +
		"x; 5 ;" + strings.Join([]string{key(1).ItemID, k.Variant, string(k.Method), string(k.Setting), "0"}, ";") + ";"
	s = openSheet(t, excel)
	if got := s.Mark(k); got != (Mark{Rating: 3, Note: "mine"}) {
		t.Errorf("%+v", got)
	}
	if got := s.Mark(key(1)); got.Rating != 5 || s.Rated() != 2 {
		t.Errorf("%+v", got)
	}
	set(t, s, Row{Key: key(2)}, Mark{Rating: 1})
	line := ";1;" + strings.Join([]string{key(2).ItemID, k.Variant, string(k.Method), string(k.Setting), "0"}, ";") + ";\r\n"
	if diff := cmp.Diff(excel+"\r\n"+line, string(s.Bytes())); diff != "" {
		t.Error(diff)
	}
	set(t, s, Row{Key: k}, Mark{Rating: 3, Note: "mine", Thumb: ThumbUp})
	got := string(s.Bytes())
	for _, want := range []string{"repeat;note;thumb\r\n", "a;b\";3;" + k.ItemID, ";mine;up\r\n", "\r\n;;;;;;;;\r\n", "0;;\r\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if f := reads(t, s, 5); len(f.People[0].Scores) != 3 {
		t.Errorf("%+v", f)
	}
}

// Of two rows of a generation the one with the rating counts: two ratings of it
// would be refused.
func TestSheetWithARowTwice(t *testing.T) {
	k := key(0)
	name := strings.Join([]string{k.ItemID, k.Variant, string(k.Method), string(k.Setting), "0"}, ",")
	s := openSheet(t, "item_id,variant,method,setting,repeat,rating\n"+name+",\n"+name+",4\n")
	set(t, s, Row{Key: k}, Mark{Rating: 5})
	if f := reads(t, s, 1); f.People[0].Scores[k] != 5 || f.Blank != 1 {
		t.Errorf("%+v\n%s", f, s.Bytes())
	}
}

// A cell and its controls have the same item, variant, method and setting: what is
// said of one is of no other, in a file that was begun without a column for it, too.
func TestSheetTellsControlsApart(t *testing.T) {
	cell := results.Key{Cell: results.CellOf("v", "zero-shot", "none", ""), ItemID: "1"}
	again, rotated := cell, cell
	again.Control, rotated.Control = prompt.Again, prompt.Rotated
	for name, content := range map[string]string{"new": "", "begun": "item_id,variant,method,setting,repeat,rating,note\n1,v,zero-shot,none,0,,of the cell\n"} {
		s := openSheet(t, content)
		set(t, s, Row{Key: cell}, Mark{Note: "of the cell"})
		set(t, s, Row{Key: rotated}, Mark{Thumb: ThumbUp, Note: "of another order"})
		s = openSheet(t, string(s.Bytes()))
		for k, want := range map[results.Key]Mark{cell: {Note: "of the cell"}, rotated: {Thumb: ThumbUp, Note: "of another order"}, again: {}} {
			if got := s.Mark(k); got != want {
				t.Errorf("%s: %s: %+v, want %+v in\n%s", name, k, got, want, s.Bytes())
			}
		}
		if all := s.All(); len(all) != 2 {
			t.Errorf("%s: %d are marked", name, len(all))
		}
	}
	known := map[results.Key]bool{rotated: true}
	f, err := Read("f", strings.NewReader("item_id,variant,method,setting,repeat,control,rating\n1,v,zero-shot,none,0,rotated,4\n"), known)
	if err != nil || f.People[0].Scores[rotated] != 4 {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestSheetsThatAreRefused(t *testing.T) {
	for content, want := range map[string]string{
		"a,b\n1,2\n": "line 1: the header lacks item_id, variant, method, setting, repeat, rating",
		"item_id,variant,method,setting,repeat,rating,rater\n": "several people's ratings",
		"item_id,variant,method,setting,repeat,rating\n1,2\n":  "wrong number of fields",
		"item_id,variant,method,setting,repeat,rating\n\"a":    "extraneous or missing",
		"\xff\xfea": "UTF-16",
	} {
		if _, err := OpenSheet([]byte(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", content, err, want)
		}
	}
}

func FuzzSheet(f *testing.F) {
	header := "item_id,variant,method,setting,repeat,rating"
	f.Add(string(Form([]Row{{Key: key(0), Response: "=A"}, {Key: key(1)}})), "note")
	f.Add(header+"\r\n\r\nitem,v,m,s,0,3\r\n\r\n", "")
	f.Add("\ufeff"+strings.ReplaceAll(header, ",", "\t")+"\tnote\n\"i\ntem\"\tv\tm\ts\t0\t\t'=x", "=1")
	f.Add(header+",thumb", "\"")
	f.Fuzz(func(t *testing.T, content, note string) {
		s, err := OpenSheet([]byte(content))
		if err != nil || content == "" {
			return
		}
		if got := string(s.Bytes()); got != content {
			t.Fatalf("%q comes back as %q", content, got)
		}
		before := make(map[results.Key]Mark)
		for k := range s.byPlace {
			before[k] = s.Mark(k)
		}
		row := Row{Key: results.Key{Cell: results.CellOf("v", "m", "s", ""), ItemID: "fuzzed"}, Response: note}
		want := Mark{Rating: 4, Thumb: ThumbUp}
		if err := s.Set(row, want); err != nil {
			t.Fatal(err)
		}
		again, err := OpenSheet(s.Bytes())
		if err != nil {
			t.Fatalf("%q made of %q: %v", s.Bytes(), content, err)
		}
		if got := again.Mark(row.Key); got.Rating != want.Rating || got.Thumb != want.Thumb {
			t.Errorf("%q made of %q: %+v", s.Bytes(), content, got)
		}
		for k, m := range before {
			if got := again.Mark(k); k != row.Key && got != m {
				t.Errorf("%q made of %q: %v was %+v, is %+v", s.Bytes(), content, k, m, got)
			}
		}
	})
}
