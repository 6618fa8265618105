package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/mattn/go-runewidth"

	"perg/gpu"
	"perg/harness"
	"perg/harness/engine"
	"perg/harness/sofar"
)

var noon = time.Date(2026, 3, 4, 12, 3, 44, 0, time.UTC)

// gpuNow is a GPU of 24 GiB and 350 W.
func gpuNow(index int, memoryGiB uint64, busy float64, watts uint32) harness.GPUNow {
	return harness.GPUNow{
		Sample: gpu.Sample{
			Index: index, Name: "NVIDIA RTX 4090", MemoryUsed: new(memoryGiB << 30), MemoryTotal: new(uint64(24 << 30)),
			GPUUtilization: &busy, PowerMW: new(watts * 1000), TemperatureC: new(uint32(61)),
		},
		PowerLimit: new(uint32(350_000)),
	}
}

func lane(name, variant, cell string, done, total int) harness.LaneStatus {
	return harness.LaneStatus{LaneStatus: engine.LaneStatus{
		Lane: name, Model: variant, Stage: harness.Generate, State: engine.Working, Unit: strings.Fields(cell), Done: done, Total: total, Calls: done, InFlight: 12,
	}}
}

// sweep is a run on two GPUs, in its second day.
func sweep() picture {
	judge := lane("gpu1", "gemma2:27b", "self-critic irrelevant", 61234, 173000)
	judge.Stage = harness.Score
	return picture{
		at: noon, name: "runs/first",
		lanes: []harness.LaneStatus{lane("gpu0", "llama3.1:8b-instruct-fp16-q4_K_M-perg-894f9e3a82b6", "zero-shot mixed", 1240, 28832), judge},
		rates: map[string]rate{"gpu0": {12.34, 1843.2, new(37 * time.Minute)}, "gpu1": {3.21, 192, new(9*time.Hour + 41*time.Minute)}},
		whole: harness.Overview{
			Answers: harness.Part{Done: 62474, Of: 173000}, Ratings: harness.Part{Done: 61234, Of: 173000},
			Known: 1200, Elapsed: 26*time.Hour + 13*time.Minute, Left: new(38*time.Hour + 20*time.Minute),
			Next: []string{"qwen3:8b@think-on", "qwen3:8b@think-off", "mixtral:8x7b", "judge gemma2:27b"},
			GPUs: []harness.GPUNow{gpuNow(0, 18, 0.88, 220), gpuNow(1, 23, 0.07, 96)},
		},
	}
}

// troubled is the same run with errors and warnings.
func troubled() picture {
	p := sweep()
	p.warnings = 2
	p.whole.Failed = 3
	p.whole.Errors = map[string]int{"timeout": 1, "server error": 4}
	p.whole.Last = &engine.Fault{At: noon.Add(-time.Minute).Local(), Model: "llama3.1:8b", Message: "server said: CUDA error: an illegal memory access was encountered\n  current device: 0, in function ggml_backend_cuda_synchronize (HTTP 500)"}
	return p
}

// eight is a run on eight GPUs, with a judge beside a variant.
func eight() picture {
	p := troubled()
	p.lanes, p.whole.GPUs = nil, nil
	p.rates = make(map[string]rate)
	for i := range 8 {
		name := fmt.Sprintf("gpu%d", i)
		p.lanes = append(p.lanes, lane(name, fmt.Sprintf("mistral:7b-instruct-v0.%d-q8_0", i), "cot relevant", 3000*i+7, 28832))
		p.rates[name] = rate{float64(i) + 0.5, 150 * float64(i), new(time.Duration(i*1000) * time.Second)}
		p.whole.GPUs = append(p.whole.GPUs, gpuNow(i, uint64(2*i+8), 0.9, 300))
	}
	judge := lane("gpu0-beside", "gemma2:27b", "cot relevant", 900, 173000)
	judge.Stage = harness.Score
	p.lanes = append(p.lanes, judge)
	return p
}

// halfWay is a run of which there is something to say.
func halfWay() picture {
	p := sweep()
	rate := func(value, low, high float64) sofar.Rate {
		return sofar.Rate{Value: value, Low: low, High: high, Of: 600}
	}
	p.whole.Variants = []sofar.Variant{
		{Label: "llama3.1:8b-instruct-fp16", Right: rate(0.667, 0.63, 0.701), Breakage: rate(0.122, 0.09, 0.16), Invalid: rate(0.004, 0.001, 0.012)},
		{Label: "qwen3:8b@think-off", Invalid: rate(1, 0.994, 1)},
		{Label: "llama3.1:8b-instruct-fp16-q4_K_M-perg-894f9e3a82b6", Right: rate(0.652, 0.61, 0.69), Breakage: rate(0.151, 0.12, 0.19), Invalid: rate(0, 0, 0.006)},
	}
	p.whole.Judges = []sofar.Judge{{Name: "gemma2:27b", Scores: [5]int{40, 60, 200, 500, 200}, Unscored: 3}, {Name: "strict:7b", Scores: [5]int{0, 0, 0, 90, 0}}}
	return p
}

// The time left of a run is no less than that of a lane.
func TestTimeLeftAgrees(t *testing.T) {
	rates := map[string]rate{"gpu0": {left: new(27 * time.Minute)}, "gpu1": {left: new(time.Minute)}, "gpu2": {}}
	if got := atLeast(new(14*time.Minute), rates); *got != 27*time.Minute {
		t.Errorf("a run with a lane that takes 27 minutes has %v left", *got)
	}
	if got := atLeast(new(time.Hour), rates); *got != time.Hour {
		t.Errorf("an hour becomes %v", *got)
	}
	if atLeast(nil, rates) != nil {
		t.Error("what is not known is known")
	}
}

// beginning is a run whose first variant is being loaded from a server, where
// no GPU is seen.
func beginning() picture {
	l := lane("http://127.0.0.1:11434", "steady:latest", "", 0, 600)
	l.State, l.InFlight = "loading", 0
	return picture{
		at: noon, name: "demo/run", lanes: []harness.LaneStatus{l}, rates: map[string]rate{},
		whole: harness.Overview{Answers: harness.Part{Of: 1200}, Ratings: harness.Part{Of: 1200}, Left: new(90 * time.Second), Next: []string{"swayed:latest"}},
	}
}

// What a frame looks like. UPDATE_SCRIPTS writes the files anew.
func TestFrames(t *testing.T) {
	for _, c := range []struct {
		name          string
		picture       picture
		columns, rows int
	}{
		{"sweep", sweep(), 80, 24},
		{"sweep", sweep(), 120, 40},
		{"sweep", sweep(), 40, 10},
		{"troubled", troubled(), 80, 24},
		{"troubled", troubled(), 80, 8},
		{"eight", eight(), 80, 24},
		{"eight", eight(), 120, 40},
		{"eight", eight(), 40, 10},
		{"eight", eight(), 80, 8},
		{"sofar", halfWay(), 80, 24},
		{"sofar", halfWay(), 120, 40},
		{"sofar", halfWay(), 40, 24},
		{"sofar", halfWay(), 80, 10},
		{"beginning", beginning(), 80, 24},
		{"nothing yet", picture{name: "runs/first"}, 80, 24},
	} {
		name := fmt.Sprintf("%s-%dx%d", strings.ReplaceAll(c.name, " ", "-"), c.columns, c.rows)
		t.Run(name, func(t *testing.T) {
			var got strings.Builder
			for _, l := range c.picture.lines(c.columns-1, c.rows-1) {
				got.WriteString(text.StripEscape(l) + "\n")
			}
			sameAsFile(t, filepath.Join("testdata", "frames", name+".txt"), got.String())
		})
	}
}

// Whatever there is to show, it stays within the terminal, a line is a line,
// and nothing of a name acts on the terminal.
func TestFramesFitAnyTerminal(t *testing.T) {
	styles := regexp.MustCompile(`\x1b\[[0-9]+m`)
	names := []string{"", "llama3.1:8b", "模型:七十亿参数-指令微调", "a\x1b[2Jb\x1b]0;title\x07", "tab\tand\nline", "é́́́", strings.Repeat("long-", 40), "\u202eright-to-left", "👨‍👩‍👧‍👦:7b"}
	defer func(wide bool) {
		runewidth.DefaultCondition.EastAsianWidth = wide
		text.OverrideRuneWidthEastAsianWidth(wide)
	}(runewidth.DefaultCondition.EastAsianWidth)
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 0))
		runewidth.DefaultCondition.EastAsianWidth = seed%4 == 0
		text.OverrideRuneWidthEastAsianWidth(seed%4 == 0)
		name := func() string { return names[r.IntN(len(names))] }
		p := picture{at: noon, name: name(), rates: make(map[string]rate), warnings: r.IntN(3), stopping: r.IntN(5) == 0}
		for i := range r.IntN(20) {
			l := lane(name()+fmt.Sprint(i), name(), name(), r.IntN(1000), r.IntN(1000000))
			l.Stage = []harness.Stage{harness.Generate, harness.Score}[r.IntN(2)]
			p.lanes = append(p.lanes, l)
			p.rates[l.Lane] = rate{r.Float64() * 1e4, r.Float64() * 1e7, new(time.Duration(r.IntN(1e6)) * time.Second)}
		}
		for i := range r.IntN(10) {
			g := gpuNow(i, uint64(r.IntN(30)), r.Float64(), uint32(r.IntN(700)))
			if r.IntN(3) == 0 {
				g = harness.GPUNow{Sample: gpu.Sample{Index: i, Name: name()}}
			}
			p.whole.GPUs = append(p.whole.GPUs, g)
		}
		p.whole.Answers = harness.Part{Done: r.IntN(100), Of: r.IntN(200)}
		for range r.IntN(3) {
			p.whole.Next = append(p.whole.Next, name())
			p.whole.Errors = map[string]int{name(): 1 + r.IntN(1e6), name(): 2}
			p.whole.Last = &engine.Fault{At: noon, Model: name(), Message: name()}
		}
		columns, rows := 1+r.IntN([]int{200, 5}[seed%2]), 1+r.IntN(50)
		frame := p.lines(columns, rows)
		if len(frame) > rows || len(frame) == 0 {
			t.Fatalf("seed %d: %d lines in %d rows", seed, len(frame), rows)
		}
		for _, l := range frame {
			line := styles.ReplaceAllString(l, "")
			if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == '\u202e' }) {
				t.Fatalf("seed %d: a line has more than styles: %q", seed, l)
			}
			if w := runewidth.StringWidth(line); w > columns || measured(l) > columns {
				t.Fatalf("seed %d: %d or %d columns of %d: %q", seed, w, measured(l), columns, line)
			}
		}
	}
}

// Where rows are few the lanes' sum stands for those that are not shown.
func TestHiddenLanesAreCounted(t *testing.T) {
	p := eight()
	more := regexp.MustCompile(`^(\d+) (more )?lanes?:`)
	for rows := 4; rows < 30; rows++ {
		shown, hidden := 0, 0
		for _, l := range p.lines(79, rows) {
			if strings.HasPrefix(text.StripEscape(l), "gpu") && !strings.Contains(text.StripEscape(l), "GiB") {
				shown++
			}
			if m := more.FindStringSubmatch(text.StripEscape(l)); m != nil {
				hidden, _ = strconv.Atoi(m[1])
			}
		}
		if shown+hidden != len(p.lanes) {
			t.Errorf("%d rows: %d lanes shown, %d counted", rows, shown, hidden)
		}
	}
}
