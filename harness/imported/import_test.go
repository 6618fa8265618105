package imported

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/hint"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/rundir"
)

// file writes a file of the test's, and gives its path.
func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// request is one for a table whose model is "m", with columns and values named
// as on the command line.
func request(t testing.TB, text string, named ...string) Request {
	t.Helper()
	r := Request{
		Files: []File{{Path: file(t, "t.csv", text)}}, Out: filepath.Join(t.TempDir(), "run"),
		Columns: map[Field]string{}, Values: map[Field]string{Model: "m"},
	}
	for _, n := range named {
		name, value, _ := strings.Cut(n, "=")
		if of, ok := strings.CutPrefix(name, "set "); ok {
			r.Values[Field(of)] = value
		} else {
			r.Columns[Field(name)] = value
		}
	}
	if r.Columns[Model] != "" {
		delete(r.Values, Model)
	}
	return r
}

func rowsOf(t testing.TB, dir string) (rows []data.Generation) {
	t.Helper()
	for g, err := range data.ReadTable[data.Generation](filepath.Join(dir, "generations")) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, g)
	}
	return rows
}

// lines are the rows of a run as a reader sees them, without what is the same in
// all.
func lines(t testing.TB, dir string) (all []string) {
	t.Helper()
	orNull := func(s *string) string {
		if s == nil {
			return "null"
		}
		return *s
	}
	for _, g := range rowsOf(t, dir) {
		right := "null"
		if g.Correct != nil {
			right = map[bool]string{true: "right", false: "wrong"}[*g.Correct]
		}
		all = append(all, strings.Join([]string{g.Question, g.Preference, g.Variant, g.Method, g.Setting, orNull(g.Answer), g.AnswerFrom, right, g.Status}, "|"))
	}
	return all
}

const longTable = `question,options,gold,setting,preference,response,letter
Sky?,"['blue', 'red']",A,none,,The answer is A.,A
Sky?,"['blue', 'red']",A,relevant,I like tales.,The answer is B.,B
Sum?,"['1', '2']",B,none,,Hm.,-1
Sum?,"['1', '2']",B,relevant,I like tales.,,
`

func TestFormsComeToTheSameRows(t *testing.T) {
	want := []string{
		"Sky?||m|zero-shot|none|A|rule:stated|right|ok", "Sky?|I like tales.|m|zero-shot|relevant|B|rule:stated|wrong|ok",
	}
	pairs := "question,options,gold_option,no_pref_res,no_pref_ans,pref_res,pref_ans,preference\n" +
		`Sky?,"['blue' 'red']",(a),The answer is A.,A,The answer is B.,B,I like tales.` + "\n"
	for _, tt := range []struct {
		name, text string
		named      []string
		files      func(*Request)
	}{
		{"long", strings.Join(strings.SplitAfter(longTable, "\n")[:3], ""), nil, nil},
		{"long without settings", "question,options,gold,preference,response\n" + `Sky?,"['blue', 'red']",blue,,The answer is A.` + "\n" + `Sky?,"['blue', 'red']",blue,I like tales.,The answer is B.` + "\n", nil, nil},
		{"pairs", pairs, nil, nil},
		{"profiles", "question,options,gold_option,profile_0_res,profile_1_res\n" + `Sky?,"['blue', 'red']",A,The answer is A.,The answer is B.` + "\n", nil, func(r *Request) { r.Preferences = []string{"I like tales."} }},
		{"named columns", "q,a,b,right,plain,styled,p\nSky?,blue,red,0,The answer is A.,The answer is B.,I like tales.\n", []string{"question=q", "options=a, b", "gold=right", "baseline=plain", "response=styled", "preference=p"}, nil},
		{"JSON lines", `{"doc": {"question": "Sky?", "choices": ["blue", "red"]}, "target": 0, "resps": [["The answer is A."]], "setting": "none"}` + "\n\n" +
			`{"setting": "relevant", "doc": {"question": "Sky?", "choices": ["blue", "red"], "preference": "I like tales."}, "target": "0", "resps": [["The answer is B."]]}`, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t, tt.text, tt.named...)
			if tt.files != nil {
				tt.files(&r)
			}
			done, err := Import(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			got := lines(t, r.Out)
			// A baseline is of the item, and so knows its preference.
			want := []string{strings.Replace(want[0], "||", "|I like tales.|", 1), want[1]}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if done.Counts.OK != 2 || done.Dataset.Items != 1 || done.Imported.Answers != rundir.AnsweredByRules {
				t.Errorf("%+v, %+v", done.Counts, done.Imported)
			}
		})
	}
}

// Two files of lm-evaluation-harness, of which one was asked under a preference,
// with the likelihoods of the options in place of texts.
func TestLikelihoods(t *testing.T) {
	const plain = `{"doc_id": 0, "doc": {"question": "Sky?", "choices": {"text": ["blue", "red"], "label": ["A", "B"]}}, "target": "0", "resps": [[["-1.5", "True"]], [["-2.5", "False"]]], "filtered_resps": [["-1.5", "True"], ["-2.5", "False"]], "acc": 1.0}`
	r := request(t, plain, "set preference=I like tales.")
	r.Files[0].Setting = prompt.None
	r.Files = append(r.Files, File{Path: file(t, "b.jsonl", strings.ReplaceAll(plain, "-1.5", "-9.5")), Setting: prompt.Relevant})
	done, err := Import(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Sky?|I like tales.|m|zero-shot|none|A|label|right|ok", "Sky?|I like tales.|m|zero-shot|relevant|B|label|wrong|ok"}
	if diff := cmp.Diff(want, lines(t, r.Out)); diff != "" || done.Imported.Answers != rundir.AnsweredByLikelihood {
		t.Errorf("%s: %s", done.Imported.Answers, diff)
	}
	if g := rowsOf(t, r.Out)[0]; g.Response != nil {
		t.Errorf("a response was made up: %q", *g.Response)
	}
}

func TestLettersAreTakenAsTheyAre(t *testing.T) {
	r := request(t, longTable, "answer=letter")
	done, err := Import(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Sky?|I like tales.|m|zero-shot|none|A|label|right|ok", "Sky?|I like tales.|m|zero-shot|relevant|B|label|wrong|ok",
		"Sum?|I like tales.|m|zero-shot|none|null|label|wrong|ok", "Sum?|I like tales.|m|zero-shot|relevant|null||null|error",
	}
	if diff := cmp.Diff(want, lines(t, r.Out)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&Letters{Options: 2, None: 1}, done.Letters); diff != "" || done.Counts.Failed != 1 || done.Counts.Reasons[NoResponse] != 1 {
		t.Errorf("%s %+v", diff, done.Counts)
	}
}

func TestWhatIsNotKnownIsNull(t *testing.T) {
	r := request(t, longTable)
	done, err := Import(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	g := rowsOf(t, r.Out)[0]
	if g.SystemPrompt != nil || g.PromptTokens != nil || g.OutputTokens != nil || g.TotalNS != nil || g.EvalNS != nil || g.StartedAt != nil || g.VRAMBytes != nil || g.Think != nil {
		t.Errorf("made up: %+v", g)
	}
	table, err := data.OpenTable(filepath.Join(r.Out, "generations"))
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	unknown := []string{"source", "category", "digest", "family", "quantization", "user_prompt", "request_hash", "host", "engine", "ollama_version", "done_reason", "question_id", "kv_cache_type"}
	for c, err := range table.Columns(append([]string{"item_id"}, unknown...), nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range unknown {
			if c.Texts[name].Codes[0] >= 0 {
				t.Errorf("%s is %q, and not null", name, c.Texts[name].At(0))
			}
		}
	}
	for m, err := range data.ReadTable[data.Metric](filepath.Join(r.Out, "metrics")) {
		if err != nil || m.OutputTokensPerSecond != nil || m.PeakVRAMBytes != nil || m.LoadedVRAMBytes != nil || m.EnergyJoules != nil {
			t.Errorf("%v; made up: %+v", err, m)
		}
	}
	text, err := os.ReadFile(filepath.Join(r.Out, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{`"ollama":`, `"gpus": {`, `"size"`} {
		if strings.Contains(string(text), name) {
			t.Errorf("run.json has %s", name)
		}
	}
	if f := done.Imported.Files[0]; len(f.SHA256) != 64 || f.Rows != 4 || f.Bytes != int64(len(longTable)) || !filepath.IsAbs(f.Path) {
		t.Errorf("%+v", f)
	}
}

// A question under three preferences, the answers to which all are like those of
// another run under one, is no more to go by: its interval is the same.
func TestQuestionsAreDrawnTogether(t *testing.T) {
	one := "question,options,gold_option,profile_0_res,profile_1_res\n"
	three := "question,options,gold_option,profile_0_res,profile_1_res,profile_2_res,profile_3_res\n"
	for i := range 200 {
		letter := "A"
		if i%3 == 0 {
			letter = "B"
		}
		start := "Question " + strings.Repeat("x", i) + `?,"['blue', 'red']",A,A,`
		one += start + letter + "\n"
		three += start + letter + "," + letter + "," + letter + "\n"
	}
	var intervals []string
	for _, text := range []string{one, three} {
		r := request(t, text)
		done, err := Import(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if done.Imported.Questions != 200 || done.Dataset.Items != done.Counts.Planned/2 {
			t.Fatalf("%d questions, %d items, %d generations", done.Imported.Questions, done.Dataset.Items, done.Counts.Planned)
		}
		table, err := metrics.Load(r.Out, done.MetricsOptions())
		if err != nil {
			t.Fatal(err)
		}
		rows, err := table.Records("")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range rows {
			if m.BreakageRate != nil {
				width := *m.BreakageRateHigh - *m.BreakageRateLow
				if *m.BreakageRate < 0.334 || *m.BreakageRate > 0.336 || width < 0.115 || width > 0.15 {
					t.Errorf("n %d: %.3f, interval %.3f wide", m.N, *m.BreakageRate, width)
				}
				intervals = append(intervals, m.Setting)
			}
		}
	}
	if len(intervals) != 2 {
		t.Errorf("cells with a Breakage Rate: %d", len(intervals))
	}
}

func TestAssigned(t *testing.T) {
	text := "question,options,source,gold_option,profile_0_res,profile_1_res,profile_2_res\n"
	for _, row := range []string{"one,s", "two,s", "three,other", "four,s"} {
		q, source, _ := strings.Cut(row, ",")
		text += q + `,"['blue', 'red']",` + source + ",A,A,A,B\n"
	}
	r := request(t, text)
	r.Assigned, r.Preferences = true, []string{"first", "second"}
	done, err := Import(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range rowsOf(t, r.Out) {
		if g.Setting == "relevant" {
			got = append(got, g.Question+": "+g.Preference)
		}
	}
	if diff := cmp.Diff([]string{"one: first", "two: second", "three: first", "four: first"}, got); diff != "" || done.Imported.LeftOut != 4 {
		t.Errorf("left out %d: %s", done.Imported.LeftOut, diff)
	}
}

// What is wrong is said with where it is and what to do, and nothing is left.
func TestWrongTables(t *testing.T) {
	header, rest, _ := strings.Cut(longTable, "\n")
	row := strings.SplitAfter(rest, "\n")
	base, under := row[0], row[1]
	for _, tt := range []struct {
		name, text string
		named      []string
		want       []string // in the error or its hint
	}{
		{"a column that is not there", longTable, []string{"response=respons"}, []string{`t.csv: --response: there is no column "respons"`, "its columns are: question, options, gold"}},
		{"a column in other letters", longTable, []string{"answer=Letter"}, []string{`did you mean "letter"?`}},
		{"a value where a column is named", longTable, []string{"source=truthfulqa"}, []string{"--set source=truthfulqa"}},
		{"no model", longTable, []string{"set model="}, []string{"--set model= has no value"}},
		{"nothing to set", longTable, []string{"set modle=x"}, []string{"--set modle=x", "there are: preference,"}},
		{"no gold", "question,options,response,setting\n", nil, []string{"no column of right options (gold_option, gold,", "--gold COLUMN"}},
		{"gold is missing", header + "\n" + strings.Replace(base, ",A,", ",,", 1) + under, nil, []string{"t.csv:2: gold: the right option is missing; name it by its letter, A to B"}},
		{"gold is beyond the options", header + "\n" + base + strings.Replace(under, ",A,", ",C,", 1), nil, []string{`t.csv:3: gold: the right option is "C", which is none of the 2`}},
		{"no baseline", header + "\n" + under, nil, []string{"t.csv:2: no baseline (setting none): question q-", "--setting"}},
		{"baseline of another model", "model," + header + "\nx," + base + "y," + under, []string{"model=model"}, []string{"t.csv:3: no baseline (setting none): question q-", ", y, zero-shot, relevant"}},
		{"twice", longTable + under, nil, []string{"t.csv:6: the same answer is at ", "t.csv:3 already", "--repeat COLUMN"}},
		{"a row copied", "question,options,gold,no_pref_res,pref_res,preference\n" + strings.Repeat("?,\"['a', 'b']\",A,A,B,I like tales.\n", 2), nil, []string{"t.csv:3: the row is the same as that at 2", "the same item, setting and preference twice", "--item COLUMN"}},
		{"unknown setting", header + "\n" + base + strings.Replace(under, "relevant", "relevent", 1), nil, []string{`t.csv:3: unknown setting "relevent"; there are: none, relevant, mixed, irrelevant`}},
		{"no setting", header + "\n" + base + strings.Replace(under, "relevant", "", 1), nil, []string{"t.csv:3: setting: there is no setting; there are: none"}},
		{"unknown method", longTable, []string{"set method=few-shot"}, []string{`--set method: unknown method "few-shot"; there are: zero-shot, cot`}},
		{"a question with two right options", header + "\n" + base + strings.Replace(under, ",A,", ",B,", 1), nil, []string{"t.csv:3: question q-", "another text, options, right option", "than at ", "t.csv:2"}},
		{"an option alone", header + "\n" + strings.Replace(base, "['blue', 'red']", "['blue']", 1), nil, []string{"t.csv:2: options: a list of 1; an item has 2 to 26 options"}},
		{"options that are no list", header + "\n" + strings.Replace(base, "['blue', 'red']", "blue; red", 1), nil, []string{"t.csv:2: options: ", "a list is ['a', 'b']"}},
		{"nothing says what the baseline is", "question,options,gold,response\n", nil, []string{"--setting COLUMN", "none=FILE relevant=FILE"}},
		{"letters of one side", "question,options,gold,no_pref_res,pref_res,pref_ans,preference\n", []string{"answer=pref_ans"}, []string{"--baseline-answer COLUMN"}},
		{"letters of one profile", "question,options,gold,profile_0_res,profile_1_res,profile_1_answer\n", []string{"answer=profile_1_answer"}, []string{"write N for the number, as in profile_N_answer"}},
		{"one column for two things", longTable, []string{"answer=response"}, []string{`column "response" is named for two things`}},
		{"empty", "", nil, []string{"t.csv:1: there is nothing in the file"}},
		{"a header alone", header, nil, []string{"t.csv has no rows"}},
		{"a field too many", header + "\n" + base + "a,b\n", nil, []string{"t.csv:3: the record has 2 fields, the header 7"}},
		{"a JSON list", "[{}]", nil, []string{"t.csv:1: the file is a JSON list", "jq"}},
		{"a line that is no JSON", `{"question": "?", "options": ["a", "b"], "gold": "A", "setting": "none", "response": "A"}` + "\n{", nil, []string{"t.csv:2: the line is no JSON object"}},
		{"two preferences, and one answer that names none", header + "\n" + base + under + strings.Replace(under, "tales", "songs", 1) + strings.Replace(strings.Replace(under, "I like tales.", "", 1), "relevant", "mixed", 1), nil, []string{"t.csv:5: nothing says which of the 2 preferences"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t, tt.text, tt.named...)
			_, err := Import(t.Context(), r)
			if err == nil {
				t.Fatal("it was imported")
			}
			said := err.Error()
			if h, ok := errors.AsType[*hint.Error](err); ok {
				said += "\n" + h.Hint
			}
			for _, want := range tt.want {
				if !strings.Contains(said, want) {
					t.Errorf("it is not said that %q:\n%s", want, said)
				}
			}
			if _, err := os.Stat(r.Out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("something is left at %s", r.Out)
			}
		})
	}
}

// MMLU has questions twice, with the same options: in a table of items each is one.
func TestQuestionsThatAreAlike(t *testing.T) {
	r := request(t, "question,options,gold,no_pref_res,pref_res,preference\n"+"?,\"['a', 'b']\",A,A,B,I like tales.\n"+"?,\"['a', 'b']\",A,A,A,I like songs.\n")
	done, err := Import(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	rows := rowsOf(t, r.Out)
	if done.Alike != 1 || done.Dataset.Items != 2 || done.Imported.Questions != 2 || len(rows) != 4 || rows[2].ItemID != rows[0].ItemID+"-2" || rows[2].Preference != "I like songs." {
		t.Errorf("%d alike, %d items: %+v", done.Alike, done.Dataset.Items, rows)
	}
}

func TestManyFaultsAreCounted(t *testing.T) {
	text := "question,options,gold,setting,response\n" + strings.Repeat("?,\"['a', 'b']\",X,none,A\n", 25)
	_, err := Import(t.Context(), request(t, text))
	if err == nil || strings.Count(err.Error(), "the right option is") != 20 || !strings.Contains(err.Error(), "and 5 more; put these right first") {
		t.Error(err)
	}
}

func TestARunIsNotOverwritten(t *testing.T) {
	r := request(t, longTable)
	if _, err := Import(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	before := lines(t, r.Out)
	if _, err := Import(t.Context(), r); err == nil || !strings.Contains(err.Error(), "holds a run") {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(r.Out, "run.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), r); err == nil || !strings.Contains(err.Error(), "holds a run") {
		t.Errorf("its tables alone: %v", err)
	}
	if diff := cmp.Diff(before, lines(t, r.Out)); diff != "" {
		t.Error(diff)
	}
}

// A file that another program changes meanwhile leaves nothing half-written.
func TestWhatFailsLateLeavesNothing(t *testing.T) {
	r := request(t, longTable)
	x := newIndex()
	if _, err := x.file(t.Context(), 0, r); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.Files[0].Path, []byte(strings.ReplaceAll(longTable, "Sum?", "Difference?")), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := write(t.Context(), r, x, rundir.Import{}); err == nil || !strings.Contains(err.Error(), "the file changed while it was read") {
		t.Error(err)
	}
	if _, err := os.Stat(r.Out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
}

// perg's own table can be imported, and comes to the same rows.
func TestItsOwnTableComesBack(t *testing.T) {
	first := request(t, longTable, "set source=s", "set category=c", "set quantization=Q4_K_M")
	if _, err := Import(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	parts, err := data.TableParts(filepath.Join(first.Out, "generations"))
	if err != nil {
		t.Fatal(err)
	}
	again := request(t, "")
	again.Files[0].Path = parts[0]
	delete(again.Values, Model)
	if _, err := Import(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	want, got := rowsOf(t, first.Out), rowsOf(t, again.Out)
	if g := want[0]; g.Source != "s" || g.Category != "c" || g.Quantization != "Q4_K_M" {
		t.Errorf("%+v", g)
	}
	for i := range want {
		want[i].RunID, got[i].RunID = "", ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What is read of any table is one answer in each of its places, right or wrong,
// or a fault; writing it is left out, as it takes a thousand times as long.
func FuzzImport(f *testing.F) {
	f.Add(longTable, "letter", "")
	f.Add("question,options,gold_option,profile_0_res,profile_1_res\nSky?,['a' 'b'],A,A,B\n", "", "profile_N_res")
	f.Add(`{"doc": {"question": "Sky?", "choices": ["blue", "red"]}, "target": 0, "resps": [[["-1", "True"], ["-2", "False"]]], "setting": "none"}`, "", "")
	f.Add("q,a,b,gold,response,setting\n?,x,y,x,A,none\n", "", "response")
	f.Fuzz(func(t *testing.T, text, answer, response string) {
		r := request(t, text, "answer="+answer, "response="+response)
		for of, column := range r.Columns {
			if column == "" {
				delete(r.Columns, of)
			}
		}
		x := newIndex()
		if _, err := x.file(t.Context(), 0, r); err != nil || x.check() != nil {
			return
		}
		w := &writer{index: x}
		n := 0
		_, _, err := r.each(t.Context(), func(_ *data.Foreign, _ int, a *answered) error {
			n++
			g := w.generation(a)
			if _, ok := data.LetterIndex(g.Gold, len(g.Options)); !ok || g.Correct != nil && *g.Correct != (g.Answer != nil && *g.Answer == g.Gold) || (g.Correct == nil) != (g.Status == data.StatusError) {
				t.Errorf("%+v", g)
			}
			return nil
		})
		if err != nil || n != len(x.answers) || x.items() < len(x.questions) {
			t.Errorf("%d answers in %d places, %d items of %d questions, %v", n, len(x.answers), x.items(), len(x.questions), err)
		}
	})
}
