package gguftest_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/fs/ggml"

	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

func write(t *testing.T, c gguftest.Chain) ([]byte, error) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "chain.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := c.WriteGGUF(f); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return data, nil
}

func TestWriteGGUFIsReproducible(t *testing.T) {
	c := gguftest.Judge(gguftest.Ratings{Score: 4, UserOver: 100, LongScore: 2})
	first, err := write(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) > 2<<20 {
		t.Errorf("%d bytes, want about a megabyte", len(first))
	}
	for range 3 {
		again, err := write(t, c)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, again) {
			t.Fatal("the same chain, other bytes")
		}
	}
}

// The loader asserts that tokens differ, and reads any prompt only if every
// byte is one.
func TestWriteGGUFVocabulary(t *testing.T) {
	data, err := write(t, gguftest.Steady("A"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := ggml.Decode(bytes.NewReader(data), -1)
	if err != nil {
		t.Fatal(err)
	}
	tokens := f.KV().Strings("tokenizer.ggml.tokens")
	if unique := slices.Compact(slices.Sorted(slices.Values(tokens))); len(unique) != len(tokens) {
		t.Errorf("%d tokens, %d different", len(tokens), len(unique))
	}
	for _, want := range []string{"a", "\u0120", "\u0100", "\u010a", "\u0143", "\u00ff", "<|end|>", "<|plain|>", "The\u0120correct\u0120answer\u0120is\u0120A."} {
		if !slices.Contains(tokens, want) {
			t.Errorf("no token %q", want)
		}
	}
	for _, merge := range f.KV().Strings("tokenizer.ggml.merges") {
		left, right, _ := strings.Cut(merge, " ")
		for _, token := range []string{left, right, left + right} {
			if !slices.Contains(tokens, token) {
				t.Errorf("merge %q: no token %q", merge, token)
			}
		}
	}
}

func TestWriteGGUFRefuses(t *testing.T) {
	many := map[string][]string{}
	for i := range 300 {
		many["token "+strconv.Itoa(i)] = []string{"token " + strconv.Itoa(i+1)}
	}
	for name, tt := range map[string]struct {
		chain gguftest.Chain
		want  string
	}{
		"too many followers":  {gguftest.Chain{Otherwise: strings.Split("abcdefghi", "")}, "9 followers, the most is 8"},
		"too many states":     {gguftest.Chain{Next: many}, "301 different lists of followers"},
		"an empty token":      {gguftest.Chain{Next: map[string][]string{"a": {""}}}, "an empty token"},
		"favours of a byte":   {gguftest.Chain{Favours: map[string][]string{"a": {"b"}}}, `favours of "a", which is no marker`},
		"two things at once":  {gguftest.Chain{Otherwise: strings.Split("abcdefghi", ""), Favours: map[string][]string{"a": {"b"}}}, "\n"},
		"too many favourites": {gguftest.Chain{Favours: manyMarkers(40)}, "40 markers, more than fit"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := write(t, tt.chain); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func manyMarkers(n int) map[string][]string {
	m := map[string][]string{}
	for i := range n {
		m["<|"+strconv.Itoa(i)+"|>"] = []string{"a"}
	}
	return m
}

// Every template puts the whole conversation into the prompt and ends in one
// of its chain's markers.
func TestScriptedTemplates(t *testing.T) {
	for name, c := range scripted {
		t.Run(name, func(t *testing.T) {
			tmpl, err := template.New("").Parse(c.Template)
			if err != nil {
				t.Fatal(err)
			}
			for _, think := range []bool{false, true} {
				var b strings.Builder
				system := strings.Repeat("system text ", 20)
				err := tmpl.Execute(&b, map[string]any{"System": system, "Think": think, "Messages": []api.Message{
					{Role: "system", Content: system},
					{Role: "user", Content: "first question"},
					{Role: "assistant", Content: "first answer"},
					{Role: "user", Content: strings.Repeat("last question ", 20)},
				}})
				if err != nil {
					t.Fatal(err)
				}
				prompt := b.String()
				for _, want := range []string{"system text", "first question", "first answer", "last question"} {
					if !strings.Contains(prompt, want) {
						t.Errorf("the prompt lacks %q:\n%s", want, prompt)
					}
				}
				marker := prompt[strings.LastIndex(prompt, "<|"):]
				if len(c.Next[marker]) == 0 {
					t.Errorf("the prompt ends in %q, which nothing follows", marker)
				}
			}
		})
	}
}

var scripted = map[string]gguftest.Chain{
	"steady":   gguftest.Steady("A"),
	"swayed":   gguftest.Swayed(gguftest.Sway{Plain: "A", Under: "B", SystemOver: 60, UserOver: 100}),
	"vague":    gguftest.Vague(),
	"endless":  gguftest.Endless(),
	"looping":  gguftest.Looping(),
	"judge":    gguftest.Judge(gguftest.Ratings{Score: 4, UserOver: 100, LongScore: 2}),
	"rambling": gguftest.Rambling(),
	"thinking": gguftest.Thinking("It is A.", "B"),
}

func TestInstall(t *testing.T) {
	s := ollamatest.Start(t, models.ServerConfig{})
	base, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := api.NewClient(base, http.DefaultClient)
	install := func(c gguftest.Chain) (modified string) {
		t.Helper()
		if err := c.Install(t.Context(), client, "steady"); err != nil {
			t.Fatal(err)
		}
		list, err := client.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Models) != 1 {
			t.Fatalf("%d models", len(list.Models))
		}
		return list.Models[0].ModifiedAt.String()
	}

	first := install(gguftest.Steady("A"))
	if again := install(gguftest.Steady("A")); again != first {
		t.Errorf("installed again: %s, %s", first, again)
	}
	other := install(gguftest.Steady("B"))
	if other == first {
		t.Error("another chain under the name was not installed")
	}
	c := gguftest.Steady("B")
	c.Template = "{{ range .Messages }}{{ .Content }}{{ end }}<|plain|>"
	if third := install(c); third == other {
		t.Error("the chain with another template was not installed")
	}

	show, err := client.Show(t.Context(), &api.ShowRequest{Model: "steady"})
	if err != nil {
		t.Fatal(err)
	}
	if show.Template != c.Template {
		t.Errorf("template %q", show.Template)
	}
	if show.Details.Family != "llama" || show.Details.QuantizationLevel != "F16" {
		t.Errorf("details %+v", show.Details)
	}
	if err := gguftest.Steady("A").Install(t.Context(), client, "not a name"); err == nil {
		t.Error("installed under a name that is none")
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := gguftest.Steady("A").Install(t.Context(), client, "steady"); err == nil || !strings.Contains(err.Error(), "install steady") {
		t.Errorf("on a server that is gone: %v", err)
	}
}

func TestCapabilitiesOfScriptedModels(t *testing.T) {
	host := ollamatest.Shared(t, scripted)
	base, err := url.Parse(host)
	if err != nil {
		t.Fatal(err)
	}
	client := api.NewClient(base, http.DefaultClient)
	for _, name := range slices.Sorted(maps.Keys(scripted)) {
		show, err := client.Show(t.Context(), &api.ShowRequest{Model: name})
		if err != nil {
			t.Fatal(err)
		}
		want := "completion"
		if name == "thinking" {
			want = "completion thinking"
		}
		var got []string
		for _, c := range show.Capabilities {
			got = append(got, string(c))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: capabilities %q, want %s", name, got, want)
		}
	}
}
