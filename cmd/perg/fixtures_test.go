package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/models/gguftest"
	"perg/models/ollamatest"

	"github.com/google/go-cmp/cmp"
)

const (
	// plainSystem is more bytes than the system prompt has without a
	// preference, longQuestion splits the sample's questions in two.
	plainSystem  = 100
	longQuestion = 330
)

// actors are the scripted models of the end-to-end tests: real GGUF files on a
// real server, which say exactly what their names promise.
var actors = map[string]gguftest.Chain{
	"steady":   gguftest.Steady("B"),
	"swayed":   gguftest.Swayed(gguftest.Sway{Plain: "A", Under: "B", SystemOver: plainSystem}),
	"wavering": gguftest.Swayed(gguftest.Sway{Plain: "A", Under: "C", SystemOver: plainSystem, UserOver: longQuestion}),
	"vague":    gguftest.Vague(),
	"endless":  gguftest.Endless(),
	"looping":  gguftest.Looping(),
	"thinker":  gguftest.Thinking("The letter comes second in the alphabet.", "B"),
	"levelled": levelled(),
	"judge":    gguftest.Judge(gguftest.Ratings{Score: 4}),
	"strict":   gguftest.Judge(gguftest.Ratings{Score: 2}),
	"rambling": gguftest.Rambling(),
	// escaping explains itself in escapes, six tokens each: within what its
	// schema allows in characters, and over what it may take in tokens.
	"escaping": {
		Template: "{{ range .Messages }}{{ .Content }}\n{{ end }}<|plain|>",
		Next: map[string][]string{
			"<|plain|>": {`{"explanation":"`}, `{"explanation":"`: {`\`},
			`\`: {"u"}, "u": {"2"}, "2": {"0"}, "0": {"1"}, "1": {"4"}, "4": {`\`},
		},
		Otherwise: []string{`"`},
	},
}

// A bench is a place to run perg in: a server, a store and a directory.
type bench struct {
	t    *testing.T
	host string
	dir  string
}

func newBench(t *testing.T) bench {
	t.Helper()
	if testing.Short() {
		t.Skip("waits for a run without -short, which leaves out what needs a real server")
	}
	return bench{t, ollamatest.Shared(t, actors), t.TempDir()}
}

// perg runs a command as a user would and gives its exit status and output.
func (b bench) perg(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	b.t.Helper()
	var out, errs bytes.Buffer
	status = run(ctx, append([]string{"perg"}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

func (b bench) run(args ...string) (status int, stdout, stderr string) {
	b.t.Helper()
	return b.perg(b.t.Context(), b.args(args...)...)
}

// args are those of a run that asks nothing again: a test that counts calls
// counts those of its cells, and one of controls asks for them.
func (b bench) args(args ...string) []string {
	return append([]string{"run", "--host", b.host, "--store", filepath.Join(b.dir, "store.db"), "--out", filepath.Join(b.dir, "run"),
		"--num-predict", "20", "--null", "0"}, args...)
}

func table[T any](t *testing.T, dir, name string) []T {
	t.Helper()
	var rows []T
	for r, err := range data.ReadTable[T](filepath.Join(dir, name)) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// sameAsFile holds what was got against a golden file, which UPDATE_SCRIPTS=1
// writes anew.
func sameAsFile(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), UPDATE_SCRIPTS=1 accepts it:\n%s", path, diff)
	}
}

func sample(t *testing.T, limit int) []data.Item {
	t.Helper()
	d, err := data.Load("sample")
	if err != nil {
		t.Fatal(err)
	}
	return d.Limit(limit).Items
}

// An actor's letter for an item under a setting; "" for no answer.
type script func(it data.Item, setting prompt.Setting) string

func always(letter string) script { return func(data.Item, prompt.Setting) string { return letter } }

func wavering(t *testing.T) script {
	prompts, err := prompt.Embedded(prompt.Own)
	if err != nil {
		t.Fatal(err)
	}
	return func(it data.Item, s prompt.Setting) string {
		p, err := prompts.Ask(prompt.Query{Item: it, Method: prompt.ZeroShot, Setting: s})
		if err != nil {
			t.Fatal(err)
		}
		if s != prompt.None && len(p.User) > longQuestion {
			return "C"
		}
		return "A"
	}
}

// expected works the metrics of a script out from the gold letters alone.
func expected(items []data.Item, say script, setting prompt.Setting, source string, followed, judged bool) data.Metric {
	var m data.Metric
	var right, rightPlain, both, either, broken, invalid, invalidPlain int
	for _, it := range items {
		if source != metrics.All && it.Source != source {
			continue
		}
		m.N++
		plain, under := say(it, prompt.None), say(it, setting)
		a, b := under == it.GoldLetter(), plain == it.GoldLetter()
		for n, yes := range map[*int]bool{&right: a, &rightPlain: b, &both: a && b, &either: a || b, &broken: b && !a, &invalid: under == "", &invalidPlain: plain == ""} {
			if yes {
				*n++
			}
		}
	}
	share := func(n, of int) *float64 {
		if of == 0 {
			return nil
		}
		return new(float64(n) / float64(of))
	}
	n := int(m.N)
	m.NBaselineCorrect = int64(rightPlain)
	m.Accuracy, m.AccuracyBaseline = share(right, n), share(rightPlain, n)
	m.InvalidRate, m.InvalidRateBaseline = share(invalid, n), share(invalidPlain, n)
	if setting == prompt.None {
		return m
	}
	m.BreakageRate = share(broken, rightPlain)
	m.PerformanceVariation = new(0.0)
	if either > 0 {
		m.PerformanceVariation = share(either-both, either)
	}
	switch {
	case setting == prompt.Irrelevant:
		m.RobustnessError = m.BreakageRate
	case !judged:
	case followed:
		m.AlignmentFailure, m.RobustnessError = share(0, rightPlain), m.BreakageRate
	default:
		m.AlignmentFailure, m.RobustnessError = share(rightPlain, rightPlain), share(rightPlain, rightPlain)
	}
	return m
}

func show64(v *float64) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprintf("%.6f", *v)
}

func rates(m data.Metric) string {
	return fmt.Sprintf("n %d, Q* %d, right %s/%s, invalid %s/%s, breakage %s, alignment %s, robustness %s, variation %s",
		m.N, m.NBaselineCorrect, show64(m.Accuracy), show64(m.AccuracyBaseline), show64(m.InvalidRate), show64(m.InvalidRateBaseline),
		show64(m.BreakageRate), show64(m.AlignmentFailure), show64(m.RobustnessError), show64(m.PerformanceVariation))
}

func checkMetrics(t *testing.T, dir string, items []data.Item, scripts map[string]script, followed, judged bool) {
	t.Helper()
	got := make(map[string]data.Metric)
	for _, m := range table[data.Metric](t, dir, "metrics") {
		got[m.Variant+" "+m.Setting+" "+m.Source] = m
	}
	sources := map[string]bool{metrics.All: true}
	for _, it := range items {
		sources[it.Source] = true
	}
	for name, say := range scripts {
		for _, setting := range prompt.Settings() {
			for source := range sources {
				key := name + ":latest " + string(setting) + " " + source
				m, ok := got[key]
				if !ok {
					t.Errorf("no metrics for %s", key)
					continue
				}
				want := rates(expected(items, say, setting, source, followed, judged))
				if rates(m) != want {
					t.Errorf("%s\n got %s\nwant %s", key, rates(m), want)
				}
			}
		}
	}
	if want := len(scripts) * len(prompt.Settings()) * len(sources); len(got) != want {
		t.Errorf("%d rows of metrics, want %d", len(got), want)
	}
}

// measures says whether a call only counts the tokens of a prompt.
func measures(body []byte) bool { return bytes.Contains(body, []byte(`"num_predict":1,`)) }
