package data

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// publishedCSV writes records as the published CSV has its columns.
func publishedCSV(t testing.TB, records ...[]string) string {
	t.Helper()
	var b strings.Builder
	w := csv.NewWriter(&b)
	if err := w.WriteAll(append([][]string{csvColumns}, records...)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// anyPreference is a text of the embedded preferences, with its type.
func anyPreference(t testing.TB) (string, PreferenceType) {
	t.Helper()
	d, err := Sample()
	if err != nil {
		t.Fatal(err)
	}
	p, err := DefaultPreferences()
	if err != nil {
		t.Fatal(err)
	}
	text := d.Items[0].Preference
	return text, p.TypeOf(text)
}

func TestReadCSV(t *testing.T) {
	preference, kind := anyPreference(t)
	if kind == "" {
		t.Fatalf("the sample's preference %q is not among the embedded preferences", preference)
	}
	options := []string{"It's \"so\".", "No,\nnever.", "1 + 1 = 2 "}
	file := publishedCSV(t,
		[]string{"", "Is it so?", pyList(options), "A", "It's \"so\".", "", "truthfulqa/truthful_qa", preference},
		[]string{"nan", "A question\nover two lines", numpyArray(options), "(c)", " 1 + 1 = 2", "nan", "truthfulqa/truthful_qa", "I like rhymes."},
		[]string{"abc", "Where?", numpyArray([]string{"bank", "mall"}), "b.", "", "", "tau/commonsense_qa", preference},
		[]string{"", "What?", "[1, 0.5]", " B ", "0.5", "anatomy", "cais/mmlu", preference},
		[]string{"", "Mine?", "['yes', 'no']", "a)", "yes", "own", "My source", preference},
	)
	want := []Item{
		{ID: "truthfulqa-0001", Source: "truthfulqa", Question: "Is it so?", Options: options, Gold: 0, Preference: preference, PreferenceType: kind},
		{ID: "truthfulqa-0002", Source: "truthfulqa", Question: "A question\nover two lines", Options: options, Gold: 2, Preference: "I like rhymes."},
		{ID: "abc", Source: "commonsenseqa", Question: "Where?", Options: []string{"bank", "mall"}, Gold: 1, Preference: preference, PreferenceType: kind},
		{ID: "mmlu-0001", Source: "mmlu", Category: "anatomy", Question: "What?", Options: []string{"1", "0.5"}, Gold: 1, Preference: preference, PreferenceType: kind},
		{ID: "My source-0001", Source: "My source", Category: "own", Question: "Mine?", Options: []string{"yes", "no"}, Gold: 0, Preference: preference, PreferenceType: kind},
	}
	for name, file := range map[string]string{
		"as it is":               file,
		"byte order mark":        "\ufeff" + file,
		"CRLF":                   strings.ReplaceAll(file, "\n", "\r\n"),
		"other order of columns": reordered(t, file),
	} {
		t.Run(name, func(t *testing.T) {
			d, err := ReadCSV("PERG_Data.csv", iotest.OneByteReader(strings.NewReader(file)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, d.Items); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
			if d.Name != "PERG_Data.csv" || d.SHA256 != datasetHash(want) {
				t.Errorf("name %q, hash %q", d.Name, d.SHA256)
			}
		})
	}
}

// reordered puts the columns of a CSV the other way round, with others around
// them, as Pandas writes a row number.
func reordered(t *testing.T, file string) string {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	for i, r := range records {
		out := []string{"", "note"}
		if i > 0 {
			out = []string{"7", "\x01 anything"}
		}
		for c := range r {
			out = append(out, r[len(r)-1-c])
		}
		if err := w.Write(append(out, "")); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	return b.String()
}

// CommonsenseQA as the published CSV has it: its dev questions, their options
// printed by NumPy.
func TestReadCSVOfCommonsenseQA(t *testing.T) {
	file, err := os.Open("../../shared/sources/commonsense_qa_dev.jsonl")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs shared/sources/commonsense_qa_dev.jsonl beside the project")
	} else if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var records [][]string
	var want []Item
	for lines := json.NewDecoder(file); lines.More(); {
		var q struct {
			ID, Question, AnswerKey string
			Choices                 struct{ Text []string }
		}
		if err := lines.Decode(&q); err != nil {
			t.Fatal(err)
		}
		gold, ok := LetterIndex(q.AnswerKey, len(q.Choices.Text))
		if !ok {
			t.Fatalf("%s: answer %q", q.ID, q.AnswerKey)
		}
		want = append(want, Item{ID: q.ID, Source: "commonsenseqa", Question: q.Question, Options: q.Choices.Text, Gold: gold, Preference: "I like rhymes."})
		records = append(records, []string{q.ID, q.Question, numpyArray(q.Choices.Text), q.AnswerKey, q.Choices.Text[gold], "nan", "tau/commonsense_qa", "I like rhymes."})
	}
	d, err := ReadCSV("PERG_Data.csv", strings.NewReader(publishedCSV(t, records...)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, d.Items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	kinds := map[ProblemKind]int{}
	for _, p := range Check(d) {
		kinds[p.Kind]++
	}
	if diff := cmp.Diff(map[ProblemKind]int{EqualOptions: 24}, kinds); diff != "" || len(d.Items) != 1221 {
		t.Errorf("%d items, problems (-want +got):\n%s", len(d.Items), diff)
	}
}

// Every kind of broken record, with the line its record starts on, and the
// rest of the file read all the same.
func TestReadCSVListsProblems(t *testing.T) {
	file, err := os.Open("testdata/broken.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	_, err = ReadCSV("broken.csv", file)
	golden(t, "testdata/broken.txt", err)
}

// golden compares an error, a problem a line, with a file.
func golden(t *testing.T, name string, err error) {
	t.Helper()
	want, readErr := os.ReadFile(name)
	if readErr != nil {
		t.Fatal(readErr)
	}
	if err == nil {
		t.Fatalf("no error, want that of %s", name)
	}
	if diff := cmp.Diff(string(want), err.Error()+"\n"); diff != "" {
		t.Errorf("error (-%s +got):\n%s", name, diff)
	}
}

func TestReadCSVErrors(t *testing.T) {
	const header = "id,question,options,gold_option,gold_answer,category,source,preference\n"
	const good = `,q,"['a', 'b']",A,a,,mine,p` + "\n"
	const forms = `a dataset is "sample", a Parquet file made by "perg data build", or the published CSV (PERG_Data.csv)`
	for _, tt := range []struct{ name, file, want string }{
		{"empty file", "", "d.csv:1: the file is empty; " + forms},
		{"other columns", "id,question,answer,source\n",
			`d.csv:1: missing columns: options, gold_option, gold_answer, category, preference (found ["id" "question" "answer" "source"]; expected id, question, options, gold_option, gold_answer, category, source, preference); add them (id, category and gold_answer may be empty), or choose another file: ` + forms},
		{"a column twice", "id,id,question\n", "d.csv:1: there are two columns id; remove one"},
		{"Latin-1", "id,\xe9\n", "d.csv:1: the header is not UTF-8 text; save the file as CSV in UTF-8, or choose another: " + forms},
		{"UTF-16 that is cut", "\xff\xfei\x00d\x00,", "read d.csv: a character of this UTF-16 text is cut or unknown (U+FFFD); save the file as UTF-8"},
		{"no CSV", "\n\na \"b\n", "d.csv:3: the header is no line of CSV (bare \" in non-quoted-field); " + forms},
		{"no records", header, "d.csv: there are no items; choose a dataset that has some"},
		{"quote that is not closed", header + good + "x,\"it's\n\n", "d.csv:3: this is no CSV at line 4, column 2 (extraneous or missing \" in quoted-field); double the quotes within a quoted field (the lines after it were not read)"},
		{"quote within a quoted field", header + good + `x,"so "so"",` + "\n" + good, "d.csv:3: this is no CSV at line 3, column 7 (extraneous or missing \" in quoted-field); double the quotes within a quoted field (the lines after it were not read)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ReadCSV("d.csv", strings.NewReader(tt.file))
			if err == nil || err.Error() != tt.want {
				t.Errorf("error\n got %v\nwant %s", err, tt.want)
			}
		})
	}
}

// A file with more problems than anyone reads says how many there are.
func TestReadCSVCountsFurtherProblems(t *testing.T) {
	var records [][]string
	for range 25 {
		records = append(records, []string{"", "q", "['a', 'b']", "C", "", "", "mine", "p"})
	}
	_, err := ReadCSV("d.csv", strings.NewReader(publishedCSV(t, records...)))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 21 || !strings.HasPrefix(lines[0], "d.csv:2: ") || !strings.HasPrefix(lines[19], "d.csv:21: ") || lines[20] != "and 5 more; put these right first" {
		t.Errorf("error:\n%v", err)
	}
}

// A file whose reading fails half way is no shorter dataset.
func TestReadCSVReadError(t *testing.T) {
	file := publishedCSV(t, []string{"", "q", "['a', 'b']", "A", "", "", "mine", "p"})
	lost := errors.New("disk lost")
	for _, at := range []int{0, 10, len(file)} {
		_, err := ReadCSV("d.csv", iotest.DataErrReader(&failingReader{strings.NewReader(file[:at]), lost}))
		if !errors.Is(err, lost) || !strings.HasPrefix(err.Error(), "read d.csv: ") {
			t.Errorf("after %d bytes: %v", at, err)
		}
	}
}

// A failingReader fails where its text ends.
type failingReader struct {
	*strings.Reader
	err error
}

func (r *failingReader) Read(p []byte) (int, error) {
	if r.Len() == 0 {
		return 0, r.err
	}
	return r.Reader.Read(p)
}

func FuzzReadCSV(f *testing.F) {
	for _, name := range []string{"testdata/broken.csv"} {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add(publishedCSV(f,
		[]string{"", "Is it?", `['a', "b's"]`, "A", "a", "nan", "truthfulqa/truthful_qa", "p"},
		[]string{"x", "two\nlines", "['a' 'b'\n 'c']", "(c)", "", "c", "cais/mmlu", "p"}))
	f.Fuzz(func(t *testing.T, file string) {
		d, err := ReadCSV("d.csv", strings.NewReader(file))
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if len(line) > 4096 {
					t.Errorf("a problem of %d bytes: %.200s", len(line), line)
				}
			}
			return
		}
		for _, p := range Check(d) {
			if !p.Warning {
				t.Errorf("read a dataset with a problem: %+v", p)
			}
		}
	})
}
