package data

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

// publicSources are the real files, or the test is skipped.
func publicSources(t testing.TB) Sources {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "sources")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is absent: it holds the public sources", dir)
	}
	return Sources{
		TruthfulQA:    filepath.Join(dir, "truthfulqa_mc1.json"),
		CommonsenseQA: filepath.Join(dir, "commonsense_qa_dev.jsonl"),
		MMLU:          filepath.Join(dir, "mmlu"),
	}
}

func defaultPreferences(t testing.TB) Preferences {
	t.Helper()
	p, err := DefaultPreferences()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBuildPERGData(t *testing.T) {
	s := publicSources(t)
	p := defaultPreferences(t)
	d, notes, err := Build(s, p, DefaultSeed)
	if err != nil {
		t.Fatal(err)
	}
	if notes != nil {
		t.Errorf("notes %q on the whole of PERGData", notes)
	}
	want := []Count{{"truthfulqa", 817}, {"commonsenseqa", 1221}, {"mmlu", 5170}}
	if diff := cmp.Diff(want, Counts(d).Sources); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	rights := rightAnswers(t, s)
	if len(d.Items) != 7208 || len(rights) != 7208 {
		t.Fatalf("%d items of %d questions, want 7208", len(d.Items), len(rights))
	}
	inSource := map[string]int{}
	for i, it := range d.Items {
		if got := [2]string{it.Question, it.Options[it.Gold]}; got != rights[i] {
			t.Errorf("item %s: question and gold text are %q, in the source %q", it.ID, got, rights[i])
		}
		list := p.Relevant[it.Source]
		if q := list[inSource[it.Source]%len(list)]; it.Preference != q.Text || it.PreferenceType != q.Type {
			t.Errorf("item %s has preference %q (%s), want %q", it.ID, it.Preference, it.PreferenceType, q.Text)
		}
		inSource[it.Source]++
	}
	var categories []string
	for _, c := range Counts(d).Categories[1:] {
		categories = append(categories, c.Value)
	}
	if diff := cmp.Diff(mmluSubjects, categories); diff != "" {
		t.Errorf("subjects (-want +got):\n%s", diff)
	}

	path := filepath.Join(t.TempDir(), "perg.parquet")
	if err := WriteParquet(path, d); err != nil {
		t.Fatal(err)
	}
	again, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if again.SHA256 != d.SHA256 {
		t.Error("the file that was written reads as other items")
	}
}

// rightAnswers reads question and right answer of the real files, in the order
// of PERGData, by other means than Build does.
func rightAnswers(t *testing.T, s Sources) (rights [][2]string) {
	t.Helper()
	read := func(name string) []byte {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	decode := func(b []byte, v any) {
		if err := json.Unmarshal(b, v); err != nil {
			t.Fatal(err)
		}
	}
	type truthfulQuestion struct {
		Question string
		Targets  struct{ Choices []string } `json:"mc1_targets"`
	}
	var truthful []truthfulQuestion
	decode(read(s.TruthfulQA), &truthful)
	truthfulQAPlaces := truthfulQAPlaces()
	slices.SortFunc(truthful, func(a, b truthfulQuestion) int {
		return truthfulQAPlaces[fingerprint(a.Question)] - truthfulQAPlaces[fingerprint(b.Question)]
	})
	for _, q := range truthful {
		rights = append(rights, [2]string{q.Question, q.Targets.Choices[0]})
	}
	for line := range bytes.Lines(read(s.CommonsenseQA)) {
		var q struct {
			Question, AnswerKey string
			Choices             struct{ Text []string }
		}
		decode(line, &q)
		rights = append(rights, [2]string{q.Question, q.Choices.Text[strings.Index("ABCDE", q.AnswerKey)]})
	}
	for _, subject := range mmluSubjects {
		rows, err := csv.NewReader(bytes.NewReader(read(filepath.Join(s.MMLU, subject+"_test.csv")))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			rights = append(rights, [2]string{row[0], row[1+strings.Index("0123", row[5])]})
		}
	}
	return rights
}

func TestBuildIsDeterministic(t *testing.T) {
	s := publicSources(t)
	p := defaultPreferences(t)
	build := func(s Sources, seed uint64) Dataset {
		d, _, err := Build(s, p, seed)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := build(s, DefaultSeed)
	if again := build(s, DefaultSeed); again.SHA256 != first.SHA256 {
		t.Error("the same seed gives other items")
	}
	other := build(s, 7)
	for i, it := range other.Items {
		if it.Source != "truthfulqa" && !cmp.Equal(it, first.Items[i]) {
			t.Fatalf("item %s depends on the seed", it.ID)
		}
	}
	if other.SHA256 == first.SHA256 {
		t.Error("another seed gives the same items")
	}
	// The right answer stands everywhere: of 4 options, about a quarter each.
	golds := map[int]int{}
	four := 0
	for _, it := range first.Items[:817] {
		if len(it.Options) == 4 {
			four++
			golds[it.Gold]++
		}
	}
	for gold := range 4 {
		if n := golds[gold]; n < four/6 || n > four/3 {
			t.Errorf("of %d questions with 4 options, %d have option %s right", four, n, Letter(gold))
		}
	}
}

// testSources writes one question of TruthfulQA, two of CommonsenseQA and two
// of each subject of MMLU.
func testSources(t testing.TB) Sources {
	t.Helper()
	dir := t.TempDir()
	s := Sources{filepath.Join(dir, "t.json"), filepath.Join(dir, "c.jsonl"), filepath.Join(dir, "[mmlu]")}
	write(t, s.TruthfulQA, `[{"question": "Is it so?", "mc1_targets": {"choices": ["Yes.", "No."], "labels": [1, 0]}}]`)
	write(t, s.CommonsenseQA, `{"id": "c1", "question": "Where?", "choices": {"label": ["A", "B"], "text": ["here", "there"]}, "answerKey": "B"}
{"id": "c2", "question": "Who?", "choices": {"label": ["A", "B"], "text": ["me", "you"]}, "answerKey": "A"}
`)
	for _, subject := range mmluSubjects {
		write(t, filepath.Join(s.MMLU, subject+"_test.csv"), "What of "+subject+"?,one,two,three,four,C\n\"And\nwhy?\",a,b,\"c\n\",d,0\n")
	}
	return s
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBuildLeavesSourcesOut(t *testing.T) {
	s := testSources(t)
	whole, notes, err := Build(s, defaultPreferences(t), DefaultSeed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"truthfulqa: 1 questions are not among the paper's 817; they come after those that are",
		"truthfulqa: 1 questions, where PERGData has 817, so that preferences, which go by place, are not all the paper's",
		"commonsenseqa: 2 questions, where PERGData has 1221, so that preferences, which go by place, are not all the paper's",
		"mmlu: 42 questions, where PERGData has 5170, so that preferences, which go by place, are not all the paper's",
	}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	d, notes, err := Build(Sources{CommonsenseQA: s.CommonsenseQA}, defaultPreferences(t), DefaultSeed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole.Items[1:3], d.Items); diff != "" {
		t.Errorf("items (-of the whole +alone):\n%s", diff)
	}
	if len(notes) != 3 || notes[0] != "truthfulqa: not given, so not in the dataset" || notes[2] != "mmlu: not given, so not in the dataset" {
		t.Errorf("notes %q", notes)
	}
	if _, _, err := Build(s, Preferences{Relevant: map[string][]Preference{"mmlu": {{"I like rhymes.", Creative}}}}, 1); err == nil ||
		!strings.Contains(err.Error(), `none for source "truthfulqa"`) {
		t.Errorf("without preferences for a source: %v", err)
	}
}

// Faults of all files are found at once, each with its place.
func TestBuildFaults(t *testing.T) {
	s := testSources(t)
	write(t, s.TruthfulQA, `[
  {"question": "P?", "mc1_targets": {"choices": ["a", "b"], "labels": [0, 0]}},
  {"question": "Q?",
   "mc1_targets": {"choices": ["a", "b"], "labels": [1]}},
  {"question": "R?", "mc1_targets": {"only": 1}}
]`)
	write(t, s.CommonsenseQA, `{"id": "c1", "question": "Where?", "choices": {"label": ["A", "B"], "text": ["here", "there"]}, "answerKey": "C"}

{"id": "c2", "question":
{"id": "c3", "question": "When?", "choices": {"label": ["A", "B"], "text": ["now", "then"]}, "answerKey": "A"}
{"id": "c3", "question": "Who?", "choices": {"label": ["A", "B"], "text": ["me", " "]}, "answerKey": "A"}
`)
	os.Remove(filepath.Join(s.MMLU, "anatomy_test.csv"))
	write(t, filepath.Join(s.MMLU, "marketing_test.csv"), "question,a,b,c,d,answer\n\"x\ny\",1,2,3,4,4\nx,1,2,3\nx,1,2,3,4,E\n")
	write(t, filepath.Join(s.MMLU, "college_physics_test.csv"), "question,a,b,answer\nx,1,2,0\n")
	_, _, err := Build(s, defaultPreferences(t), DefaultSeed)
	if err == nil {
		t.Fatal("no error")
	}
	got := strings.Split(err.Error(), "\n")
	want := []string{
		"t.json:2: mc1_targets has 0 right choices (label 1)",
		"t.json:3: mc1_targets has 2 choices and 1 labels",
		`c.jsonl:1: answerKey is "C"; it is one of the labels A, B`,
		"c.jsonl:3: the line is no JSON",
		"[mmlu]: there are no test questions of anatomy; expected for each subject SUBJECT_test.csv",
		`[mmlu]/college_physics_test.csv:1: there are no columns of choices (found ["question" "a" "b" "answer"])`,
		`[mmlu]/marketing_test.csv:2: the answer is "4"; it is an index from 0 to 3 or a letter from A to D`,
		"[mmlu]/marketing_test.csv:4: the row has 4 fields, the first 6",
		`[mmlu]/marketing_test.csv:5: the answer is "E"`,
		`t.json:5: item "truthfulqa-0001": number of options: 1`,
		`c.jsonl:5: item "c3": option B is empty`,
		`c.jsonl:5: item "c3": the id is also that of the item that asks "When?"`,
	}
	if len(got) != len(want) {
		t.Fatalf("%d faults, want %d:\n%v", len(got), len(want), err)
	}
	dir := filepath.Dir(s.TruthfulQA) + string(filepath.Separator)
	for i := range want {
		if !strings.HasPrefix(got[i], dir+want[i]) {
			t.Errorf("fault %d is\n%s\nwant\n%s", i, got[i], want[i])
		}
	}
}

// A file of another form is a fault or two, not one for each of its records.
func TestBuildOtherForms(t *testing.T) {
	many := strings.Repeat(`{"id": 1, "text": "x"}`+"\n", 1000)
	for name, c := range map[string]struct{ file, want string }{
		"missing":       {"", "no such file or directory; expected JSON lines"},
		"empty":         {" \n", "the file is empty; expected JSON lines"},
		"empty list":    {"[]", "the list is empty"},
		"CSV":           {"question,answer\n", `the file begins with "question,answer"; expected JSON lines`},
		"other columns": {many, "there is no question (found id, text); a question of TruthfulQA is"},
		"other type":    {`{"question": 7}`, "question is of JSON type number where it should be a text"},
		"no objects":    {"[1, 2]", "the record is of JSON type number where it should be an object"},
		"cut":           {`[{"question": "a"},` + "\n" + `{"que`, ":2: the file is no JSON (unexpected end of JSON input)"},
		"damaged":       {"PAR1 and so on", "export or copy the file again"},
		"damaged end":   {"PAR1 and so on PAR1", "its end is not that of a Parquet file"},
		"not UTF-8":     {"[\n\"\xff\"]", ":2: byte 0xff is not UTF-8 text"},
		"lines":         {"{}\n{\"\xff\": 1}", ":2: byte 0xff is not UTF-8 text"},
		"half":          {`{"question": "\ud83d", "mc1_targets": {"a": 1, "b": 0}}`, `\ud83d is half of a character`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if c.file != "" {
				write(t, path, c.file)
			}
			_, _, err := Build(Sources{TruthfulQA: path}, defaultPreferences(t), 1)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) {
				t.Errorf("error %v, want %q", err, c.want)
			} else if n := strings.Count(err.Error(), "\n"); n > 1 {
				t.Errorf("%d faults:\n%v", n, err)
			}
		})
	}
}

// parquetFile writes rows as a file of exported data.
func parquetFile[T any](t testing.TB, path string, rows []T, options ...parquet.WriterOption) {
	t.Helper()
	var b bytes.Buffer
	if err := parquet.Write(&b, rows, options...); err != nil {
		t.Fatal(err)
	}
	write(t, path, b.String())
}

// The exports as Parquet give the same items as the files they were made of.
func TestBuildFromParquet(t *testing.T) {
	s := testSources(t)
	want, _, err := Build(s, defaultPreferences(t), DefaultSeed)
	if err != nil {
		t.Fatal(err)
	}
	type targets struct {
		Choices []string `parquet:"choices,optional,list"`
		Labels  []int32  `parquet:"labels,optional,list"`
	}
	type truthful struct {
		Question *string `parquet:"question"`
		MC1      targets `parquet:"mc1_targets,optional"`
		MC2      targets `parquet:"mc2_targets,optional"`
	}
	question := "Is it so?"
	dir := t.TempDir()
	from := Sources{filepath.Join(dir, "t.parquet"), filepath.Join(dir, "c.parquet"), filepath.Join(dir, "mmlu")}
	parquetFile(t, from.TruthfulQA, []truthful{{&question, targets{[]string{"Yes.", "No."}, []int32{1, 0}}, targets{}}})

	type choices struct {
		Label []string `parquet:"label,list"`
		Text  []string `parquet:"text,list"`
	}
	type commonsense struct {
		ID      string  `parquet:"id"`
		Text    string  `parquet:"question,dict"`
		Concept string  `parquet:"question_concept"`
		Choices choices `parquet:"choices"`
		Answer  string  `parquet:"answerKey"`
	}
	parquetFile(t, from.CommonsenseQA, []commonsense{
		{"c1", "Where?", "place", choices{[]string{"A", "B"}, []string{"here", "there"}}, "B"},
		{"c2", "Who?", "person", choices{[]string{"A", "B"}, []string{"me", "you"}}, "A"},
	})

	type mmlu struct {
		Text    string   `parquet:"question"`
		Subject string   `parquet:"subject"`
		Choices []string `parquet:"choices,list"`
		Answer  int64    `parquet:"answer"`
	}
	all := []mmlu{{"Which star?", "astronomy", []string{"a", "b", "c", "d"}, 1}}
	for _, subject := range mmluSubjects {
		rows := []mmlu{
			{"What of " + subject + "?", subject, []string{"one", "two", "three", "four"}, 2},
			{"And\nwhy?", subject, []string{"a", "b", "c\n", "d"}, 0},
		}
		all = append(rows, all...)
		parquetFile(t, filepath.Join(from.MMLU, subject, "test-00000-of-00001.parquet"), rows)
	}
	for name, from := range map[string]Sources{
		"by subject": from,
		"directory":  {from.TruthfulQA, from.CommonsenseQA, filepath.Join(dir, "whole")},
		"file":       {from.TruthfulQA, from.CommonsenseQA, filepath.Join(dir, "whole", "all", "test-00000-of-00001.parquet")},
	} {
		t.Run(name, func(t *testing.T) {
			parquetFile(t, filepath.Join(dir, "whole", "all", "test-00000-of-00001.parquet"), all)
			d, notes, err := Build(from, defaultPreferences(t), DefaultSeed)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Items, d.Items); diff != "" {
				t.Errorf("items (-CSV and JSON +Parquet):\n%s", diff)
			}
			left := strings.Contains(fmt.Sprint(notes), "1 questions of other subjects")
			if left != (name != "by subject") {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

// Programs name the inner nodes of a list differently, and lists may be null.
func TestParquetRecords(t *testing.T) {
	type old struct {
		Text  *string `parquet:"text"`
		Inner struct {
			Numbers struct {
				List []struct {
					Item *int32 `parquet:"item"`
				} `parquet:"list"`
			} `parquet:"numbers,optional"`
		} `parquet:"inner"`
		Choices struct {
			Bag []struct {
				Element struct{ Label, Text string } `parquet:"array_element"`
			} `parquet:"bag"`
		} `parquet:"choices"`
		Plain []string    `parquet:"plain"`
		Score float64     `parquet:"score"`
		Deep  [][]float64 `parquet:"deep,list"`
	}
	var full old
	text, one := "a\n\u00e9\"", int32(1)
	full.Text = &text
	full.Inner.Numbers.List = []struct {
		Item *int32 `parquet:"item"`
	}{{&one}, {nil}}
	full.Choices.Bag = []struct {
		Element struct{ Label, Text string } `parquet:"array_element"`
	}{{struct{ Label, Text string }{"A", "x"}}, {struct{ Label, Text string }{"B", "y"}}}
	full.Plain = []string{"p"}
	path := filepath.Join(t.TempDir(), "f")
	parquetFile(t, path, []old{full, {}})
	records := readRecords(path)
	want := []string{
		`{"choices":{"Label":["A","B"],"Text":["x","y"]},"inner":{"numbers":[1,null]},"plain":["p"],"score":0,"text":"a\né\""}`,
		`{"choices":{"Label":null,"Text":null},"inner":{"numbers":null},"plain":null,"score":0,"text":null}`,
	}
	if len(records) != len(want) {
		t.Fatalf("%d records, want %d: %v", len(records), len(want), records)
	}
	for i, r := range records {
		if string(r.text) != want[i] || r.err != nil || r.place != fmt.Sprintf("%s: row %d", path, i+1) {
			t.Errorf("record %s: %s, %v; want %s", r.place, r.text, r.err, want[i])
		}
	}
}

func FuzzParseRecords(f *testing.F) {
	f.Add([]byte("[\n{\"question\": \"a\"},\n\n 7]"))
	f.Add([]byte("{\"question\": \"a\"}\n\n{}\n{"))
	f.Add([]byte("\ufeff[]"))
	dir := f.TempDir()
	parquetFile(f, filepath.Join(dir, "p"), []struct{ Options []string }{{[]string{"a", ""}}, {nil}})
	b, err := os.ReadFile(filepath.Join(dir, "p"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, content []byte) {
		records := parseRecords("f", content)
		if len(records) == 0 {
			t.Error("neither a record nor an error")
		}
		for _, r := range records {
			if !strings.HasPrefix(r.place, "f") || r.err == nil && !json.Valid(r.text) {
				t.Errorf("record %+v", r)
			}
		}
	})
}
