package data

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestDefaultPreferences(t *testing.T) {
	p, err := DefaultPreferences()
	if err != nil {
		t.Fatal(err)
	}
	lengths := map[string]int{"truthfulqa": 14, "commonsenseqa": 12, "mmlu": 11} // as in the paper
	for _, source := range sampleSources {
		lengths[source] = 10
	}
	if got, want := slices.Sorted(maps.Keys(p.Relevant)), slices.Sorted(maps.Keys(lengths)); !slices.Equal(got, want) {
		t.Fatalf("relevant preferences for %v, want those of the sample and of PERGData, %v", got, want)
	}
	all := make(map[string]bool)
	for source, list := range p.Relevant {
		if len(list) != lengths[source] {
			t.Errorf("%s: %d preferences, want %d", source, len(list), lengths[source])
		}
		count := make(map[PreferenceType]int)
		for i, q := range list {
			count[q.Type]++
			if next := list[(i+1)%len(list)]; q.Type == next.Type {
				t.Errorf("%s: %q and %q follow each other and are both of type %s", source, q.Text, next.Text, q.Type)
			}
			if all[q.Text] {
				t.Errorf("%q occurs in two lists", q.Text)
			}
			all[q.Text] = true
			if got := p.TypeOf(q.Text); got != q.Type {
				t.Errorf("TypeOf(%q) = %q, want %q", q.Text, got, q.Type)
			}
		}
		for _, kind := range PreferenceTypes() {
			if n := count[kind]; n < 2 || n > 3 {
				t.Errorf("%s: %d preferences of type %s, want 2 or 3", source, n, kind)
			}
		}
	}
	// The settings mixed and irrelevant state five.
	if len(p.Irrelevant) < 6 {
		t.Errorf("%d irrelevant preferences, want 6 or more", len(p.Irrelevant))
	}
	for _, q := range p.Irrelevant {
		if q.Type != "" {
			t.Errorf("irrelevant preference %q has type %q", q.Text, q.Type)
		}
		all[q.Text] = true
	}
	for text := range all {
		if !strings.HasSuffix(text, ".") || strings.ContainsFunc(text, forbidden) || strings.Contains(text, "\n") {
			t.Errorf("%q is not one sentence on one line", text)
		}
	}
	if got := p.TypeOf("I like rhymes."); got != "" {
		t.Errorf("the type of an unknown preference is %q", got)
	}
}

func TestParsePreferences(t *testing.T) {
	const plain = `relevant:
  mmlu:
    - text: "  I like short answers. "
      type: clarity
    - {text: 'I''d like "why".', type: thinking}
    - type: examples
      text: >-
        I like
        examples.
  truthfulqa:
    - {text: I like short answers., type: clarity}
irrelevant:
  - text: I like roses.
  - {text: I like plums., type: creative}
`
	want := Preferences{
		Relevant: map[string][]Preference{
			"mmlu":       {{"I like short answers.", Clarity}, {`I'd like "why".`, Thinking}, {"I like examples.", Examples}},
			"truthfulqa": {{"I like short answers.", Clarity}},
		},
		Irrelevant: []Preference{{"I like roses.", ""}, {"I like plums.", Creative}},
	}
	for name, text := range map[string]string{
		"plain":           plain,
		"byte order mark": "\ufeff" + plain,
		"CRLF":            strings.ReplaceAll(plain, "\n", "\r\n"),
		"document marks":  "---\n" + plain + "...\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParsePreferences("p.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
	if got := want.TypeOf("I like plums."); got != Creative {
		t.Errorf("the type of an irrelevant preference is %q, want creative", got)
	}
}

func TestParsePreferencesShared(t *testing.T) {
	got, err := ParsePreferences("p.yaml", []byte("relevant:\n  a: &all\n    - &one {text: I like it short., type: clarity}\n  b: *all\n  c:\n    - *one\n"))
	if err != nil {
		t.Fatal(err)
	}
	list := []Preference{{"I like it short.", Clarity}}
	if d := cmp.Diff(map[string][]Preference{"a": list, "b": list, "c": list}, got.Relevant); d != "" {
		t.Error(d)
	}
}

func TestParsePreferencesErrors(t *testing.T) {
	const types = "clarity, context, thinking, examples, creative"
	const good = "relevant:\n  a:\n    - {text: I like it short., type: clarity}\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":              {"", "p.yaml: the file is empty"},
		"comments alone":     {"# none yet\n", "p.yaml: the file is empty"},
		"two documents":      {good + "---\n" + good, "p.yaml: there is more than one YAML document; keep everything in the first"},
		"not UTF-8":          {good + "# \xff\n", "p.yaml:4: the text is not UTF-8; save it as UTF-8"},
		"unknown field":      {good + "    - text: I like it long.\n      kind: clarity\n", `p.yaml:5: unknown field "kind"`},
		"unknown section":    {good + "other: []\n", `p.yaml:4: unknown field "other"`},
		"key twice":          {good + "  a: []\n", `p.yaml:4: mapping key "a" already defined at [2:3]`},
		"not a list":         {"relevant:\n  a: 5\n", "p.yaml:2: int was used where sequence is expected"},
		"no relevant ones":   {"irrelevant:\n  - text: I like roses.\n", `p.yaml: there are no relevant preferences; list some for each source under "relevant"`},
		"source with none":   {good + "  b: []\n", `p.yaml: source "b" has no preferences; list some or remove it`},
		"source unnamed":     {good + "  \" \":\n    - {text: I like it long., type: context}\n", `p.yaml: a list under "relevant" has no source; name the source as the dataset does`},
		"no text":            {good + "    - type: clarity\n", "p.yaml:4: a preference has no text; write one or remove the entry"},
		"blank text":         {good + "    - {text: \" \", type: clarity}\n", "p.yaml:4: a preference has no text; write one or remove the entry"},
		"null":               {good + "    -\n", "p.yaml: a preference has no text; write one or remove the entry"},
		"control character":  {good + "    - {text: \"I like \\0 bytes.\", type: clarity}\n", `p.yaml:4: the preference holds a control character: "I like \x00 bytes."; remove it`},
		"relevant, no type":  {good + "    - text: I like it long.\n", "p.yaml:4: the preference has no type; give it one of " + types},
		"unknown type":       {good + "    - {text: I like it long., type: length}\n", `p.yaml:4: the preference type is "length"; it is one of ` + types},
		"irrelevant, type":   {good + "irrelevant:\n  - {text: I like roses., type: flowers}\n", `p.yaml:5: the preference type is "flowers"; it is one of ` + types},
		"twice in a list":    {good + "    - {text: ' I like it short. ', type: context}\n", "p.yaml:4: the preference is also that of line 3; state it once"},
		"irrelevant twice":   {good + "irrelevant:\n  - text: I like roses.\n  - text: I like roses.\n", "p.yaml:6: the preference is also that of line 5; state it once"},
		"both":               {good + "irrelevant:\n  - text: I like it short.\n", "p.yaml:5: the preference is relevant in line 3 and irrelevant here; keep one of them"},
		"two types":          {good + "  b:\n    - {text: I like it short., type: context}\n", `p.yaml:5: the preference has type "context" here and "clarity" in line 3; give both the same`},
		"several, by line":   {"irrelevant:\n  - type: ''\nrelevant:\n  a:\n    - text: I like it long.\n", "p.yaml:2: a preference has no text; write one or remove the entry\np.yaml:5: the preference has no type; give it one of " + types},
		"alias without name": {good + "irrelevant:\n  - *roses\n", `p.yaml:5: could not find alias "roses"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePreferences("p.yaml", []byte(c.text))
			if err == nil || err.Error() != c.want {
				t.Errorf("got error\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

// What is accepted keeps the promises that prompts rest on.
func FuzzParsePreferences(f *testing.F) {
	f.Add(embeddedPreferences)
	f.Add([]byte("relevant:\n  a: &l\n    - {text: x, type: clarity}\n  b: *l\nirrelevant:\n  - text: >-\n      y\n      z\n"))
	f.Add([]byte("relevant: {a: [{text: \"\\0\", type: context}, null]}\n"))
	f.Add([]byte("a: &a [*a]\n---\n\xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePreferences("p.yaml", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "p.yaml:") {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		if len(p.Relevant) == 0 {
			t.Error("no relevant preferences and no error")
		}
		for source, list := range p.Relevant {
			if source == "" || len(list) == 0 {
				t.Errorf("source %q with %d preferences", source, len(list))
			}
			seen := make(map[string]bool)
			for _, q := range list {
				if q.Text == "" || q.Text != strings.TrimSpace(q.Text) || !utf8.ValidString(q.Text) || strings.ContainsFunc(q.Text, forbidden) || seen[q.Text] {
					t.Errorf("accepted the text %q", q.Text)
				}
				seen[q.Text] = true
				if !slices.Contains(PreferenceTypes(), q.Type) {
					t.Errorf("accepted the type %q", q.Type)
				}
				if got := p.TypeOf(q.Text); got != q.Type {
					t.Errorf("TypeOf(%q) = %q, want %q", q.Text, got, q.Type)
				}
			}
		}
	})
}
