package main

import (
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/rundir"
)

// A million has the rows of a run of about a million generations: PERGData's
// questions, the prompts that perg makes of them, and responses made of those
// that the paper's models gave. No two responses are the same.
type million struct {
	items      []data.Item // in a run's order
	prompts    *prompt.Set
	examples   prompt.Examples
	irrelevant []string
	said       []quotation
	words      []string           // of all responses, as often as they come
	asked      map[string][]asked // by method and setting, in the order of items
}

type asked struct {
	prompt.Prompt
	stated []string // preferences
}

// A quotation is a response of the paper by its sentences.
type quotation []string

const millionItems = 7208

func newMillion(tb testing.TB) *million {
	tb.Helper()
	shared := filepath.Join("..", "..", "..", "shared")
	if _, err := os.Stat(filepath.Join(shared, "sources")); errors.Is(err, fs.ErrNotExist) {
		tb.Skip("needs shared/sources and shared/responses beside the project, for real texts")
	}
	check := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	preferences, err := data.DefaultPreferences()
	check(err)
	d, _, err := data.Build(data.Sources{
		TruthfulQA:    filepath.Join(shared, "sources", "truthfulqa_mc1.json"),
		CommonsenseQA: filepath.Join(shared, "sources", "commonsense_qa_dev.jsonl"),
		MMLU:          filepath.Join(shared, "sources", "mmlu"),
	}, preferences, data.DefaultSeed)
	check(err)
	if len(d.Items) != millionItems {
		tb.Fatalf("PERGData has %d items", len(d.Items))
	}
	m := &million{items: d.Items, asked: make(map[string][]asked)}
	// A run asks items with the same preference one after the other.
	slices.SortStableFunc(m.items, func(a, b data.Item) int { return strings.Compare(a.Preference, b.Preference) })
	for _, p := range preferences.Irrelevant[:prompt.NIrrelevant] {
		m.irrelevant = append(m.irrelevant, p.Text)
	}
	m.prompts, err = prompt.Embedded(prompt.Own)
	check(err)
	m.examples, err = m.prompts.Examples()
	check(err)
	files, err := filepath.Glob(filepath.Join(shared, "responses", "*.csv"))
	check(err)
	for _, name := range files {
		m.read(tb, name)
	}
	if len(m.said) < 1000 {
		tb.Skip("needs the CSV files of shared/responses beside the project, for real texts")
	}
	return m
}

// read takes the responses of a file: of one profile after the other, as a run
// asks one cell after the other.
func (m *million) read(tb testing.TB, name string) {
	tb.Helper()
	f, err := os.Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	for column, title := range rows[0] {
		if !strings.HasSuffix(title, "_res") {
			continue
		}
		for _, row := range rows[1:] {
			m.said = append(m.said, strings.SplitAfter(row[column], ". "))
			m.words = append(m.words, strings.Fields(row[column])...)
		}
	}
}

// response draws a published response, takes every other sentence of it from
// another one, and another word for one word in eight: texts that repeat would
// make the table smaller than a run's is. Short ones get some words more, so
// that no two are the same.
func (m *million) response(rng *rand.Rand) string {
	var b strings.Builder
	for i, sentence := range m.said[rng.IntN(len(m.said))] {
		if i%2 == 1 {
			other := m.said[rng.IntN(len(m.said))]
			sentence = other[rng.IntN(len(other))]
		}
		for word := range strings.SplitAfterSeq(sentence, " ") {
			if rng.IntN(8) == 0 {
				word = m.words[rng.IntN(len(m.words))] + " "
			}
			b.WriteString(word)
		}
	}
	if b.Len() < 200 {
		for range 5 {
			b.WriteString(" " + m.words[rng.IntN(len(m.words))])
		}
	}
	return b.String()
}

// A millionRun says which cells a run has.
type millionRun struct {
	variants int
	methods  []prompt.Method
}

func (r millionRun) generations() int {
	return r.variants * len(r.methods) * len(prompt.Settings()) * millionItems
}

// rows hands out the run's generations in its order: variant by variant, cell
// by cell.
func (m *million) rows(tb testing.TB, r millionRun, write func(data.Generation) error) {
	tb.Helper()
	rng := rand.New(rand.NewPCG(5, 5))
	hash := func() string {
		var raw [32]byte
		for i := range raw {
			raw[i] = byte(rng.Uint32())
		}
		return hex.EncodeToString(raw[:])
	}
	began := time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)
	for v := range r.variants {
		model, digest, vram := fmt.Sprintf("model-%d:8b-instruct-q4_K_M", v), hash(), int64(5<<30+v)
		for _, method := range r.methods {
			for _, setting := range prompt.Settings() {
				asked := m.ask(tb, method, setting)
				for i, it := range m.items {
					response := m.response(rng)
					took := int64(len(response)/4)*12e6 + rng.Int64N(1e8)
					began = began.Add(time.Duration(took / 8))
					g := data.Generation{
						RunID: "20260102-150405-a1b2c3", ItemID: it.ID, Source: it.Source, Category: it.Category,
						Question: it.Question, Options: it.Options, Gold: it.GoldLetter(),
						Preference: it.Preference, PreferenceType: string(it.PreferenceType), Preferences: asked[i].stated,
						Setting: string(setting), Method: string(method),
						Model: model, Variant: model, Digest: digest, Family: "llama", ParameterSize: "8.0B", Quantization: "Q4_K_M", KVCacheType: "f16",
						SystemPrompt: &asked[i].System, UserPrompt: asked[i].User,
						Response: &response, Correct: new(false), AnswerFrom: "letter", Status: data.StatusOK, DoneReason: "stop",
						PromptTokens: new(int64(len(asked[i].System)+len(asked[i].User)) / 4), OutputTokens: new(int64(len(response) / 4)),
						TotalNS: new(took), LoadNS: new(2e7 + rng.Int64N(3e7)), PromptEvalNS: new(1e7 + rng.Int64N(4e7)), EvalNS: new(took - rng.Int64N(1e7)),
						StartedAt: new(began), Host: "http://127.0.0.1:11434", GPUUUIDs: []string{"GPU-6a4d1a2e-9a0f-4c1e-8c8e-0a1b2c3d4e5f"}, VRAMBytes: &vram,
						RequestHash: hash(),
					}
					if rng.IntN(50) > 0 {
						g.Answer = new(data.Letter(rng.IntN(len(it.Options))))
						if rng.IntN(3) > 0 {
							g.Answer = new(it.GoldLetter())
						}
						*g.Correct = *g.Answer == it.GoldLetter()
					}
					if err := write(g); err != nil {
						tb.Fatal(err)
					}
				}
			}
		}
	}
}

// ask gives the prompts of a cell: the same ones in all variants.
func (m *million) ask(tb testing.TB, method prompt.Method, setting prompt.Setting) []asked {
	tb.Helper()
	cell := string(method) + "/" + string(setting)
	if m.asked[cell] != nil {
		return m.asked[cell]
	}
	all := make([]asked, len(m.items))
	for i, it := range m.items {
		q := prompt.Query{Item: it, Method: method, Setting: setting, Preferences: setting.Stated(it.Preference, m.irrelevant)}
		if method == prompt.ICL {
			var err error
			if q.Examples, err = m.examples.For(it.Source); err != nil {
				tb.Fatal(err)
			}
		}
		p, err := m.prompts.Ask(q)
		if err != nil {
			tb.Fatal(err)
		}
		all[i] = asked{p, q.Preferences}
	}
	m.asked[cell] = all
	return all
}

// write makes the run in dir, with one judge's ratings.
func (m *million) write(tb testing.TB, dir string, r millionRun) {
	tb.Helper()
	check := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	generations, err := data.CreateTable[data.Generation](filepath.Join(dir, "generations"))
	check(err)
	judgments, err := data.CreateTable[data.Judgment](filepath.Join(dir, "judgments"))
	check(err)
	rng := rand.New(rand.NewPCG(6, 6))
	m.rows(tb, r, func(g data.Generation) error {
		if err := generations.Write(g); err != nil || !prompt.Setting(g.Setting).Judged() {
			return err
		}
		score := 1 + rng.Int32N(5)
		return judgments.Write(data.Judgment{
			RunID: g.RunID, ItemID: g.ItemID, Setting: g.Setting, Method: g.Method, Variant: g.Variant,
			JudgeModel: "judge:24b", JudgeDigest: g.Digest, Score: &score, Followed: new(score >= 3), Status: data.StatusOK,
			Explanation: (*g.Response)[:min(len(*g.Response), 120)], Raw: (*g.Response)[:min(len(*g.Response), 160)],
			PromptTokens: g.PromptTokens, OutputTokens: new(int64(40)), TotalNS: g.TotalNS, RequestHash: g.RequestHash,
		})
	})
	check(generations.Close())
	check(judgments.Close())
	table, err := metrics.Load(dir, metrics.Options{})
	check(err)
	rows, err := table.Records(metrics.BySource)
	check(err)
	check(data.WriteTable(filepath.Join(dir, "metrics"), rows))
	manifest := rundir.Manifest{
		RunID: "20260102-150405-a1b2c3", State: rundir.StateFinished, Dataset: rundir.DatasetInfo{Name: "PERGData", Items: len(m.items)},
		Judges: []rundir.ModelInfo{{Name: "judge:24b"}},
	}
	text, err := json.Marshal(manifest)
	check(err)
	check(os.WriteFile(filepath.Join(dir, "run.json"), text, 0o644))
}
