package page

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/report"
)

// A model of a synthetic run, with rates near those of the paper.
type synthetic struct {
	name, family, size, quantization string
	bits, right, breaks, ignores     float64
	tokens                           float64 // per second
}

var sweep = []synthetic{
	{"llama3.1:8b", "llama", "8.0B", "Q4_K_M", 4.86, .66, .108, .115, 96},
	{"llama3.1:8b-instruct-q2_K", "llama", "8.0B", "Q2_K", 3.1, .55, .21, .16, 118},
	{"gemma2:9b", "gemma2", "9.2B", "Q4_0", 4.6, .71, .102, .07, 78},
}

// gain is what a method makes of the rates of breakage and of ignoring.
var gain = map[prompt.Method][2]float64{
	prompt.ZeroShot: {1, 1}, prompt.CoT: {.8, 1.2}, prompt.ICL: {1.15, .9}, prompt.SelfCritic: {1.1, 1.05}, prompt.PrefAligner: {.4, .95},
}

var kindFactor = map[string]float64{"clarity": .7, "context": .9, "thinking": .8, "examples": 1.3, "creative": 1.9}

// run is how a synthetic one is made.
type synth struct {
	models   []synthetic
	methods  []prompt.Method
	settings []prompt.Setting
	items    int
	judged   bool
	gpus     int
	every    time.Duration // between samples
	lasts    time.Duration
	question func(i int) string
	response func(model string, setting prompt.Setting, i int, letter string) string
}

// full is a run that has something for every section: as few cells as that
// takes, because the race detector makes resampling slow.
func full() synth {
	return synth{
		models: sweep, methods: []prompt.Method{prompt.ZeroShot, prompt.PrefAligner}, settings: []prompt.Setting{prompt.None, prompt.Relevant, prompt.Irrelevant},
		items: 60, judged: true, gpus: 2, every: time.Minute, lasts: 3 * time.Hour,
	}
}

// make writes the tables of the run to dir and reads them back as a page's.
func (s synth) make(t *testing.T, dir string) Run {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	generations, err := data.CreateTable[data.Generation](filepath.Join(dir, "generations"))
	check(t, err)
	judgments, err := data.CreateTable[data.Judgment](filepath.Join(dir, "judgments"))
	check(t, err)
	sources := []string{"truthfulqa", "commonsenseqa", "mmlu"}
	options := []string{"it gets warmer", "it gets colder", "it stays as it is", "nobody knows"}
	for _, m := range s.models {
		baseline := make([]bool, s.items)
		for i := range baseline {
			baseline[i] = random.Float64() < m.right
		}
		for _, method := range s.methods {
			for _, setting := range s.settings {
				if setting == prompt.None && method != prompt.ZeroShot {
					continue
				}
				for i := range s.items {
					kind := string(data.PreferenceTypes()[i%5])
					right := baseline[i]
					if setting != prompt.None {
						breaks := m.breaks * gain[method][0] * kindFactor[kind]
						if setting == prompt.Irrelevant {
							breaks *= .6
						}
						if right {
							right = random.Float64() >= breaks
						} else {
							right = random.Float64() < .07
						}
					}
					letter := "B"
					if !right {
						letter = []string{"A", "C", "D"}[random.IntN(3)]
					}
					question := fmt.Sprintf("What happens to the temperature of the air when a parcel of it rises by %d m without exchanging heat?", 100+i)
					if s.question != nil {
						question = s.question(i)
					}
					response := fmt.Sprintf("Rising air expands, and the work of expanding comes out of its own warmth. The answer is %s.", letter)
					if setting != prompt.None {
						response = fmt.Sprintf("Think of a bicycle pump run backwards: letting air out of a tyre chills the valve, much as a story cools when its hero leaves. So the answer is %s.", letter)
					}
					if s.response != nil {
						response = s.response(m.name, setting, i, letter)
					}
					check(t, generations.Write(data.Generation{
						RunID: "r", ItemID: fmt.Sprintf("%s-%d", sources[i%3], i), Source: sources[i%3], Category: "physics", Question: question,
						Options: options, Gold: "B", Preference: "I like answers with " + kind + " in them.", PreferenceType: kind,
						Preferences: setting.Stated("I like answers with "+kind+" in them.", []string{"a", "b", "c", "d", "e"}),
						Setting:     string(setting), Method: string(method), Model: m.name, Variant: m.name, Family: m.family, ParameterSize: m.size, Quantization: m.quantization,
						Response: &response, Answer: &letter, AnswerFrom: "rule:stated", Correct: &right, Status: data.StatusOK,
						OutputTokens: new(int64(120)), EvalNS: new(int64(120 / m.tokens * 1e9)), VRAMBytes: new(int64(m.bits * 1e9)),
					}))
					if s.judged && setting.Judged() {
						score := int32(4)
						if random.Float64() < m.ignores*gain[method][1] {
							score = 2
						}
						check(t, judgments.Write(data.Judgment{
							RunID: "r", ItemID: fmt.Sprintf("%s-%d", sources[i%3], i), Setting: string(setting), Method: string(method), Variant: m.name,
							JudgeModel: "judge", Score: &score, Followed: new(score >= 3), Status: data.StatusOK,
						}))
					}
				}
			}
		}
	}
	check(t, generations.Close())
	check(t, judgments.Close())
	r := Run{Name: "sweep", State: "finished", Dataset: "pergdata.parquet", Items: s.items, StartedAt: started, EndedAt: new(started.Add(s.lasts))}
	var measured []report.Measured
	for _, m := range s.models {
		series, _, _ := strings.Cut(m.name, "-instruct")
		r.Variants = append(r.Variants, Variant{m.name, m.quantization, series, m.bits, "", Answers{"r", m.name}})
		measured = append(measured, report.Measured{Variant: m.name, Model: m.name, Family: m.family, ParameterSize: m.size, Quantization: m.quantization})
	}
	if s.gpus > 0 {
		s.sample(t, dir, &r)
	}
	table, err := metrics.Load(dir, metrics.Options{Seed: 42})
	check(t, err)
	r.Metrics, err = table.Records(metrics.BySource)
	check(t, err)
	r.Improvements = table.Improvements()
	r.Published = report.ComparePublished(r.Metrics, measured, "perg", r.Dataset, r.Items)
	r.Caveats = report.Caveats(r.Metrics)
	r.Facts = []Fact{{"Run", "20260102-150405-abcdef, finished"}, {"Ollama", "0.17.4 http://127.0.0.1:11434"}, {"GPUs", "0: NVIDIA H100\n1: NVIDIA H100"}}
	check(t, r.Read(dir, table))
	return r
}

var started = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

// sample writes samples of GPUs that load a model in each equal share of the
// run and work on it.
func (s synth) sample(t *testing.T, dir string, r *Run) {
	t.Helper()
	w, err := data.CreateTable[data.GPUSample](filepath.Join(dir, "gpu_samples"))
	check(t, err)
	random := rand.New(rand.NewPCG(3, 4))
	share := s.lasts / time.Duration(len(s.models))
	for i, m := range s.models {
		r.Loads = append(r.Loads, Load{At: started.Add(time.Duration(i) * share), Took: 7 * time.Second, Variant: m.name, Lane: "gpu0", Size: int64(m.bits * 1e9), VRAM: int64(m.bits * 1e9)})
	}
	for at := time.Duration(0); at < s.lasts; at += s.every {
		m := s.models[min(int(at/share), len(s.models)-1)]
		into := (at % share).Seconds()
		for g := range s.gpus {
			used, busy, watts := m.bits*1.25e9+2e9, .86+.1*math.Sin(into/40+float64(g))+.03*random.Float64(), 520+60*math.Sin(into/40+float64(g))
			if into < 20 {
				used, busy, watts = used*into/20, 0, 90
			}
			if into > share.Seconds()-15 {
				used, busy, watts = .5e9, .0, 70
			}
			check(t, w.Write(data.GPUSample{
				At: started.Add(at), Host: "box", GPUUUID: fmt.Sprintf("GPU-%d", g), GPUIndex: int32(g), Name: "NVIDIA H100",
				MemoryUsed: new(int64(used)), MemoryTotal: new(int64(80e9)), GPUUtilization: new(min(busy, 1)), PowerMW: new(int64(watts * 1e3)),
			}))
		}
	}
	check(t, w.Close())
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
