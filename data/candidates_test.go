package data

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func candidates() []Candidate {
	return []Candidate{
		{Source: "mmlu", Text: "I like short answers.", Type: Clarity, Decision: Keep, Original: "I like very short answers.", Reason: `It is "long".`, Times: 3,
			Model: "m:8b", ItemID: "mmlu-0001", Question: "Which?\n\tThis: \\ or 'that' # or\u2028\u0085\x00\x1b[2J?", Options: []string{"- a", "", "é 日本 \U0001f600 \ufeff"}},
		{Source: "mmlu", Text: "yes", Type: Examples, Decision: Drop, Times: 1},
		{Source: "my source: #1", Text: "I like \"why\".", Type: Thinking},
	}
}

func TestCandidatesRoundTrip(t *testing.T) {
	for _, want := range [][]Candidate{candidates(), {}} {
		text := FormatCandidates(want)
		got, err := ParseCandidates("c.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s\n%s", d, text)
		}
	}
}

func TestParseCandidatesErrors(t *testing.T) {
	const types = "clarity, context, thinking, examples, creative"
	const good = "candidates:\n  - source: a\n    text: I like it short.\n    type: clarity\n"
	more := func(fields string) string { return good + "  - {source: a, type: context, " + fields + "}\n" }
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "c.yaml: the file is empty"},
		"preferences":       {"relevant: {}\n", `c.yaml:1: unknown field "relevant"`},
		"no list":           {"candidates:\n", `c.yaml: there is no list "candidates"; 'perg data prefs generate' writes such a file`},
		"unknown field":     {more("text: x, decisoin: keep"), `c.yaml:5: unknown field "decisoin"`},
		"no source":         {"candidates:\n  - {text: x, type: clarity}\n", "c.yaml:2: the candidate has no source; name the one whose items it is for"},
		"no text":           {more("text: ' '"), `c.yaml:5: the candidate has no text; to be rid of one, give it "decision: drop"`},
		"control character": {more(`text: "x\e[2J"`), `c.yaml:5: the candidate holds a control character: "x\x1b[2J"; remove it`},
		"unknown decision":  {more("text: x, decision: kept"), `c.yaml:5: the decision is "kept"; it is keep, drop, or "" where there is none yet`},
		"negative":          {more("text: x, times: -1"), "c.yaml:5: times is -1; it is the number of items that suggested the candidate"},
		"twice":             {more("text: ' i LIKE  it short'"), "c.yaml:5: the candidate is also that of line 2; remove one of them"},
		"twice, edited":     {more("text: x, original: I like it short"), "c.yaml:5: the candidate is also that of line 2; remove one of them"},
		"several": {"candidates:\n  - {source: a, text: x}\n  - {source: a, text: y, type: long}\n",
			"c.yaml:2: the type is \"\"; it is one of " + types + "\nc.yaml:3: the type is \"long\"; it is one of " + types},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseCandidates("c.yaml", []byte(c.text))
			if err == nil || err.Error() != c.want {
				t.Errorf("got error\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestMergeCandidatesKeepsWhatAPersonDid(t *testing.T) {
	there := candidates()
	suggested := []Candidate{
		{Source: "mmlu", Text: "I like  VERY short answers", Type: Creative, Times: 5, Reason: "another"}, // edited, kept
		{Source: "mmlu", Text: "Yes.", Type: Examples, Times: 1},                                          // dropped
		{Source: "mmlu", Text: "I like short answers.", Type: Clarity, Times: 1},                          // what the edit made of the first
		{Source: "truthfulqa", Text: "yes", Type: Context, Times: 2},
		{Source: "truthfulqa", Text: "YES", Type: Context, Times: 4},
	}
	want := append(candidates(), suggested[2], suggested[3])
	want[0].Times, want[4].Times = 5, 4
	got := MergeCandidates(there, suggested)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(got, MergeCandidates(got, suggested)); d != "" {
		t.Errorf("a second merge changes something: %s", d)
	}
	if d := cmp.Diff(candidates(), there); d != "" {
		t.Errorf("the candidates merged into have changed: %s", d)
	}
}

func TestEdit(t *testing.T) {
	c := Candidate{Text: "I like it short."}
	for _, step := range []struct{ text, want, original, err string }{
		{" I like it\tlong. ", "I like it long.", "I like it short.", ""},
		{"I like it wide.", "I like it wide.", "I like it short.", ""},
		{"\x1b[2J", "I like it wide.", "I like it short.", "control character"},
		{"  ", "I like it wide.", "I like it short.", "empty"},
		{"I like it short.", "I like it short.", "", ""},
	} {
		err := c.Edit(step.text)
		if (err == nil) != (step.err == "") || err != nil && !strings.Contains(err.Error(), step.err) || c.Text != step.want || c.Original != step.original {
			t.Errorf("Edit(%q): %v, text %q, original %q", step.text, err, c.Text, c.Original)
		}
	}
}

func TestKeptIsWhatBuildReads(t *testing.T) {
	list := append(candidates(),
		Candidate{Source: "mmlu", Text: "i like short answers", Type: Clarity, Decision: Keep},
		Candidate{Source: "b", Text: "I like short answers.", Type: Clarity, Decision: Keep},
		Candidate{Source: "b", Text: "true", Type: Creative, Decision: Keep},
	)
	kept, err := Kept(list)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]Preference{"mmlu": {{"I like short answers.", Clarity}}, "b": {{"I like short answers.", Clarity}, {"true", Creative}}}
	if d := cmp.Diff(want, kept); d != "" {
		t.Error(d)
	}
	text := FormatKept(kept)
	p, err := ParsePreferences("p.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Preferences{Relevant: want}, p); d != "" {
		t.Errorf("%s\n%s", d, text)
	}
	list[3].Type = Context
	if _, err := Kept(list); err == nil || !strings.Contains(err.Error(), `"i like short answers" is kept as clarity for mmlu and as context for mmlu`) {
		t.Errorf("two types of one preference: %v", err)
	}
}

func TestReplaceableKept(t *testing.T) {
	text := FormatKept(map[string][]Preference{"a": {{"I like it short.", Clarity}}})
	for name, c := range map[string]struct {
		text string
		want string // part of the error; "": it may be replaced
	}{
		"as written":        {string(text), ""},
		"edited":            {strings.Replace(string(text), "short", "long", 1), "changed since"},
		"line added":        {string(text) + "# mine\n", "changed since"},
		"another's":         {"relevant: {}\n", "not written by"},
		"empty":             {"", "not written by"},
		"CRLF":              {strings.ReplaceAll(string(text), "\n", "\r\n"), "changed since"},
		"the embedded ones": {string(embeddedPreferences), "not written by"},
	} {
		err := ReplaceableKept([]byte(c.text))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// Whatever a model or a dataset says is read back as it was, and what a person
// makes of the file is read or refused by name.
func FuzzCandidates(f *testing.F) {
	f.Add(string(FormatCandidates(candidates())), "a\n b: - #'\"\\", "\x00\u2028\u0085\ufeff\U0001f600")
	f.Add("candidates: [{source: a, text: x, type: clarity, options: [1, null, ~, 0x1]}]", "~", "\r\n\xff")
	f.Add("candidates: &c [*c]", "%YAML", "\t- ")
	f.Fuzz(func(t *testing.T, file, one, other string) {
		list, err := ParseCandidates("c.yaml", []byte(file))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "c.yaml") {
				t.Errorf("the error does not name the file: %v", err)
			}
			list = nil
		}
		one, other = strings.ToValidUTF8(one, "?"), strings.ToValidUTF8(other, "?")
		if text, err := OneLine(one); err == nil {
			list = MergeCandidates(list, []Candidate{{Source: "fuzz", Text: text, Type: Context, Reason: other, ItemID: one, Question: other, Options: []string{one, other}, Times: 1}})
		}
		again, err := ParseCandidates("c.yaml", FormatCandidates(list))
		if err != nil {
			t.Fatalf("%v\n%s", err, FormatCandidates(list))
		}
		empty := cmp.FilterValues(func(a, b []string) bool { return len(a)+len(b) == 0 }, cmp.Ignore())
		if d := cmp.Diff(list, again, empty); d != "" && len(list)+len(again) > 0 {
			t.Errorf("%s\n%s", d, FormatCandidates(list))
		}
		for i := range list {
			list[i].Decision = Keep
		}
		kept, err := Kept(list)
		if err != nil || len(kept) == 0 {
			return
		}
		text := FormatKept(kept)
		p, err := ParsePreferences("p.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if d := cmp.Diff(kept, p.Relevant); d != "" {
			t.Errorf("%s\n%s", d, text)
		}
		if err := ReplaceableKept(text); err != nil {
			t.Error(err)
		}
	})
}
