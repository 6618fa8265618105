package data

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMMLUCSV(t *testing.T) {
	want := []question{
		{Item{Category: "anatomy", Question: "What, \"then\"?", Options: []string{"1", "2\n", "é", "4 "}, Gold: 2}, ""},
		{Item{Category: "anatomy", Question: "Why?", Options: []string{"a", "b", "c", "d"}, Gold: 0}, ""},
	}
	rows := "\"What, \"\"then\"\"?\",1,\"2\n\",é,4 ,2\nWhy?,a,b,c,d,A\n"
	for name, c := range map[string]struct{ file, subject string }{
		"no header":        {rows, "anatomy"},
		"semicolons":       {"\"What, \"\"then\"\"?\";1;\"2\n\";é;4 ;2\nWhy?;a;b;c;d;A\n", "anatomy"},
		"tabs":             {"\"What, \"\"then\"\"?\"\t1\t\"2\n\"\té\t4 \t2.0\nWhy?\ta\tb\tc\td\tA\n", "anatomy"},
		"header":           {"question,choice0,choice1,choice2,choice3,answer\n" + rows, "anatomy"},
		"letters":          {"Question,A,B,C,D,Answer\n" + rows, "anatomy"},
		"CRLF":             {strings.ReplaceAll("input,A,B,C,D,target\n"+rows, "\n", "\r\n"), "anatomy"},
		"list of choices":  {"question,subject,choices,answer\n\"What, \"\"then\"\"?\",anatomy,\"['1', '2\\n', 'é', '4 ']\",2\nWhy?,anatomy,['a' 'b' 'c' 'd'],0\n", "anatomy"},
		"subject of a row": {",answer,d,c,b,a,question,subject\n0,C,4 ,é,\"2\n\",1,\"What, \"\"then\"\"?\",anatomy\n1,0,d,c,b,a,Why?,anatomy\n2,0,d,c,b,a,Why?,astronomy\n", ""},
	} {
		got, leftOut, bad := parseMMLUCSV("m.csv", []byte(c.file), c.subject)
		if err := bad.err(); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := range got {
			got[i].place = ""
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(question{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if leftOut != strings.Count(c.file, "astronomy") {
			t.Errorf("%s: %d left out", name, leftOut)
		}
	}
}

func TestParseMMLUCSVFaults(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"empty":             {"", "m.csv:1: there are no questions; a row of MMLU is question, 4 choices, answer"},
		"header alone":      {"question,a,b,c,d,answer\n", "m.csv:1: there are no questions"},
		"other columns":     {"text,label\nx,1\n", `m.csv:1: the first row is no header and no question (2 fields: ["text" "label"]); a row of MMLU is`},
		"five choices":      {"Q?,a,b,c,d,e,A\n", "m.csv:1: the first row is no header and no question (7 fields"},
		"answer in words":   {"Q?,a,b,c,d,A\nQ?,a,b,c,d,d\nQ?,a,b,c,d,four\n", `m.csv:3: the answer is "four"; it is an index from 0 to 3 or a letter from A to D`},
		"no answer":         {"question,a,b,c,d,answer\nQ?,1,2,3,4,\n", `m.csv:2: the answer is ""`},
		"negative":          {"question,a,b,c,d,answer\nQ?,1,2,3,4,-1\n", `m.csv:2: the answer is "-1"`},
		"ragged":            {"Q?,a,b,c,d,A\n\"Q\n?\",a,b,A\nQ?,a,b,c,d,e,A\n", "m.csv:2: the row has 4 fields, the first 6; quote fields that hold the separator\nm.csv:4: the row has 7 fields"},
		"quotes":            {"Q?,a,b,c,d,A\nQ,\"a\" b,c,d,e,A\n", "m.csv:2: this is no CSV at line 2, column 5"},
		"not UTF-8":         {"Q?,a,b,c,d,A\nQ?,a,\"b\n\xff\",c,d,A\n", "m.csv:3: byte 0xff is not UTF-8 text"},
		"another subject":   {"question,subject,choices,answer\nQ?,marketing,\"['a','b','c','d']\",0\n", `m.csv:2: the subject is "marketing" in the file of anatomy`},
		"too few":           {"question,choices,answer\nQ?,\"['a','b']\",0\n", "m.csv:2: there are 2 choices; a question of MMLU has 4"},
		"unreadable choice": {"question,choices,answer\nQ?,a b,0\n", "m.csv:2: choices: list at offset 0"},
	} {
		_, _, bad := parseMMLUCSV("m.csv", []byte(c.file), "anatomy")
		if err := bad.err(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestParseMMLU(t *testing.T) {
	want := Item{Category: "anatomy", Question: "Why?", Options: []string{"a", "b", "c", "d"}, Gold: 3}
	for _, answer := range []string{`3`, `"3"`, `"D"`, `"(d)"`} {
		for _, subject := range []string{"", "anatomy"} {
			got, err := parseMMLU([]byte(`{"question": "Why?", "subject": "anatomy", "choices": ["a", "b", "c", "d"], "answer": `+answer+`}`), subject)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("answer %s: %v (-want +got):\n%s", answer, err, diff)
			}
		}
	}
	for text, want := range map[string]string{
		`{"choices": [], "answer": 0}`:                                     "there is no question (found answer, choices)",
		`{"question": "Q?", "A": "a", "answer": 0}`:                        "there is no choices (found A, answer, question)",
		`{"question": "Q?", "choices": ["a", "b", "c", "d"]}`:              "there is no answer",
		`{"question": "Q?", "choices": ["a", "b", "c", "d"], "answer": 4}`: `the answer is "4"`,
		`{"question": "Q?", "choices": ["a", "b", "c"], "answer": 0}`:      "there are 3 choices",
		`{"question": "Q?", "choices": "a", "answer": 0}`:                  "choices is of JSON type string where it should be a list",
	} {
		if _, err := parseMMLU([]byte(text), "anatomy"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
	if _, err := parseMMLU([]byte(`{"question": "Q?", "choices": ["a", "b", "c", "d"], "answer": 0}`), ""); err == nil || !strings.Contains(err.Error(), "has no subject") {
		t.Errorf("without a subject: %v", err)
	}
}

func TestReadMMLUDirectory(t *testing.T) {
	archive := testSources(t).MMLU
	want, _, bad := readMMLU(archive)
	if err := bad.err(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(archive, "astronomy_test.csv"), "not read")
	got, notes, bad := readMMLU(archive)
	if err := bad.err(); err != nil || len(got) != len(want) {
		t.Errorf("%d questions, %v; want %d", len(got), err, len(want))
	}
	if len(notes) != 1 || !strings.HasPrefix(notes[0], "mmlu: 1 other files in ") {
		t.Errorf("notes %q", notes)
	}
	write(t, filepath.Join(archive, "test", "anatomy_test.csv"), "Q?,a,b,c,d,A\n")
	if _, _, bad := readMMLU(archive); bad.err() == nil || !strings.Contains(bad.err().Error(), "both have the questions of anatomy; keep one") {
		t.Errorf("two files of one subject: %v", bad.err())
	}
	one := filepath.Join(t.TempDir(), "some.jsonl")
	write(t, one, `{"question": "Q?", "subject": "anatomy", "choices": ["a", "b", "c", "d"], "answer": 0}`)
	if _, _, bad := readMMLU(one); len(bad) != 20 || !strings.Contains(bad.err().Error(), "there are no questions of professional_law") {
		t.Errorf("one subject alone: %v", bad.err())
	}
}

func FuzzParseMMLUCSV(f *testing.F) {
	f.Add([]byte("Q?,a,b,c,d,A\n\"Q\n?\",a,b,A\n"), "anatomy")
	f.Add([]byte("question,choice0,choice1,choice2,choice3,answer\nQ?,a,b,c,d,3\n"), "anatomy")
	f.Add([]byte("question,subject,choices,answer\nQ?,marketing,\"['a','b','c','d']\",0\n"), "")
	f.Fuzz(func(t *testing.T, file []byte, subject string) {
		questions, leftOut, bad := parseMMLUCSV("m.csv", file, subject)
		if len(questions) == 0 && leftOut == 0 && len(bad) == 0 {
			t.Error("neither a question nor a fault")
		}
		for _, q := range questions {
			if it := q.item; it.Gold < 0 || it.Gold > 3 || len(it.Options) != 4 || !strings.HasPrefix(q.place, "m.csv:") {
				t.Errorf("question %+v", q)
			}
		}
	})
}

func FuzzParseMMLU(f *testing.F) {
	f.Add([]byte(`{"question": "Q?", "subject": "anatomy", "choices": ["a", "b", "c", "d"], "answer": 3}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if it, err := parseMMLU(text, ""); err == nil && (it.Gold < 0 || it.Gold > 3 || len(it.Options) != 4 || it.Category == "") {
			t.Errorf("item %+v", it)
		}
	})
}
