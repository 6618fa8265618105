package export

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perg/data"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/results"
)

// A shape is what a made-up run has.
type shape struct {
	variants, items, repeats int
	null                     int // how often the baseline is asked again, and so with other options
	methods                  []string
	judges                   []string // the first no longer counts where there are several
	textBytes                int      // of a response
	faults                   bool     // some calls and ratings fail, some judgments are missing
}

// hostile is text that tries to break out of what holds it.
const hostile = "'; drop table results; --\n\"quoted\",\ttabs\r\n\x01\x1b[31mred\x7f </script> $x^2$ \\N \u202eright to left \u05e9\u05dc\u05d5\u05dd \u2028 🙂 NULL"

// writeRun writes the tables of a made-up run as a run would: by variant, the
// baseline first, by preference, all repeats of an item together, the ratings of judges that
// no longer count first.
func writeRun(tb testing.TB, dir string, s shape) Run {
	tb.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	generations, err := data.CreateTable[data.Generation](filepath.Join(dir, "generations"))
	if err != nil {
		tb.Fatal(err)
	}
	judgments, err := data.CreateTable[data.Judgment](filepath.Join(dir, "judgments"))
	if err != nil {
		tb.Fatal(err)
	}
	var late []data.Judgment
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	types := []string{"clarity", "context", "creative", "examples", "thinking"}
	sources := []string{"truthful", "commonsense", "mmlu"}
	options := []string{"one", "two \"quoted\"", "it's three", "four,\nover two lines"}
	for v := range s.variants {
		right := 0.5 + 0.4*random.Float64()
		for _, method := range s.methods {
			for _, cell := range [][2]string{{"none", ""}, {"none", "again"}, {"none", "rotated"}, {"relevant", ""}, {"mixed", ""}, {"irrelevant", ""}} {
				setting, control := cell[0], cell[1]
				if setting == "none" && method != string(prompt.ZeroShot) {
					continue
				}
				each := s.repeats
				if control != "" {
					each = s.null
				}
				for _, item := range itemsOf(setting, s.items) {
					for repeat := range each {
						g := data.Generation{
							RunID: "made-up", ItemID: fmt.Sprintf("item-%05d", item), Source: sources[item%3], Category: "c",
							Question: "Which one? " + hostile, Options: options, Gold: "A", Preference: "I like it " + hostile,
							PreferenceType: types[item%5], Preferences: []string{}, Setting: setting, Method: method,
							Model: "m", Variant: fmt.Sprintf("model-%d:7b", v), Digest: "d", Quantization: "Q4_K_M", Repeat: int32(repeat), Control: control,
							SystemPrompt: new("Be right."), UserPrompt: fmt.Sprintf("Question %d", item), Status: data.StatusOK,
							Correct: new(random.Float64() < right), StartedAt: &at, RequestHash: fmt.Sprint(v, method, setting, control, item, repeat),
						}
						g.Response = new(response(g, s.textBytes))
						g.PromptTokens, g.OutputTokens = new(int64(100)), new(int64(50+random.IntN(20)))
						g.TotalNS, g.EvalNS = new(int64(2e9)), new(int64(1e9+random.Int64N(1e8)))
						switch {
						case *g.Correct:
							g.Answer, g.AnswerFrom = new("A"), "leading letter"
						case random.IntN(10) > 0:
							g.Answer, g.AnswerFrom = new("B"), "leading letter"
						}
						if s.faults && random.IntN(25) == 0 {
							g.Response, g.Answer, g.Correct, g.OutputTokens, g.EvalNS = nil, nil, nil, nil, nil
							g.Status, g.Error = data.StatusError, "cut off "+hostile
						}
						if err := generations.Write(g); err != nil {
							tb.Fatal(err)
						}
						if g.Correct == nil || !prompt.Setting(setting).Judged() {
							continue
						}
						for i, name := range s.judges {
							for _, j := range judged(random, g, name, s.faults) {
								if i == 0 && len(s.judges) > 1 {
									if err := judgments.Write(j); err != nil {
										tb.Fatal(err)
									}
								} else {
									late = append(late, j)
								}
							}
						}
						if len(s.judges) == 1 {
							for _, j := range late {
								if err := judgments.Write(j); err != nil {
									tb.Fatal(err)
								}
							}
							late = late[:0]
						}
					}
				}
			}
		}
	}
	for _, j := range late {
		if err := judgments.Write(j); err != nil {
			tb.Fatal(err)
		}
	}
	if err := generations.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := judgments.Close(); err != nil {
		tb.Fatal(err)
	}
	run := Run{Dir: dir, ID: "made-up", About: "made up", Panel: results.Panel{Judges: s.judges, Rule: judge.Majority}}
	if len(s.judges) > 1 {
		run.Panel.Judges = s.judges[1:]
	}
	return run
}

// itemsOf is the order in which a cell asks its items: those of a preference
// together where it is stated, in the order of the dataset where it is not.
func itemsOf(setting string, n int) (items []int) {
	preferences := 12
	if !prompt.Setting(setting).Judged() {
		preferences = 1
	}
	for first := range preferences {
		for item := first; item < n; item += preferences {
			items = append(items, item)
		}
	}
	return items
}

// response is a text that tells its generation.
func response(g data.Generation, size int) string {
	text := fmt.Sprintf("%s %s %s %s %d %s ", g.Variant, g.Method, g.Setting, g.ItemID, g.Repeat, hostile)
	if n := size - len(text); n > 0 {
		seed := fnv.New64()
		seed.Write([]byte(text))
		words := rand.New(rand.NewPCG(seed.Sum64(), 0))
		var b strings.Builder
		b.WriteString(text)
		for b.Len() < size {
			fmt.Fprintf(&b, "word%d ", words.IntN(5000))
		}
		return b.String()
	}
	return text
}

// judged is what a judge makes of a generation.
func judged(random *rand.Rand, g data.Generation, name string, faults bool) []data.Judgment {
	var all []data.Judgment
	for _, swapped := range []bool{false, true} {
		if swapped && !faults {
			break
		}
		score := int32(1 + random.IntN(5))
		j := data.Judgment{
			RunID: g.RunID, ItemID: g.ItemID, Setting: g.Setting, Method: g.Method, Variant: g.Variant, Repeat: g.Repeat,
			JudgeModel: name, JudgeDigest: "d", Swapped: swapped, Score: &score, Followed: new(score >= 3),
			Explanation: explanation(g, name, swapped), Raw: "raw", Status: data.StatusOK, RequestHash: "h",
		}
		switch {
		case !faults:
		case random.IntN(10) == 0:
			continue
		case random.IntN(10) == 0:
			j.Score, j.Followed, j.Explanation, j.Status, j.Error = nil, nil, "", data.StatusUnscored, "rating cannot be read"
		}
		all = append(all, j)
	}
	return all
}

func explanation(g data.Generation, name string, swapped bool) string {
	return fmt.Sprint(name, swapped, g.Variant, g.Method, g.Setting, g.ItemID, g.Repeat, hostile)
}

// everything is a run with all that a run can have.
var everything = shape{
	variants: 2, items: 40, repeats: 2, null: 3, methods: []string{"zero-shot", "cot", "pref-aligner"},
	judges: []string{"old:1b", "strict:9b", "kind:9b"}, faults: true,
}

func exported(tb testing.TB, run Run, out string) []Row {
	tb.Helper()
	if _, err := Write(tb.Context(), run, out, func(int64) {}); err != nil {
		tb.Fatal(err)
	}
	return readRows(tb, out)
}

func readRows(tb testing.TB, out string) []Row {
	tb.Helper()
	// A table is a directory of parts: the one file stands for it.
	table := tb.TempDir()
	if err := linkFile(filepath.Join(out, Results), filepath.Join(table, "part-00000.parquet")); err != nil {
		tb.Fatal(err)
	}
	// Read as what it is made of: parquet-go reads no nulls into the pointers of
	// an embedded struct.
	var rows []Row
	for g, err := range data.ReadTable[data.Generation](table) {
		if err != nil {
			tb.Fatal(err)
		}
		rows = append(rows, Row{Generation: g})
	}
	i := 0
	for joined, err := range data.ReadTable[Joined](table) {
		if err != nil {
			tb.Fatal(err)
		}
		rows[i].Joined = joined
		i++
	}
	return rows
}
