package schedule

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// An open is an open model of the PERG paper: parameters, layers, KV heads,
// the size of a head, and output tokens a call. The API model of the paper is
// not placed.
type open struct {
	name                 string
	parameters           float64
	layers, heads, width float64
	output               float64
}

var paper = []open{
	{"Llama3-8B", 8.03e9, 32, 8, 128, 150},
	{"Llama3-70B", 70.6e9, 80, 8, 128, 150},
	{"Mistral-7B", 7.25e9, 32, 8, 128, 150},
	{"Mixtral-8x7B", 46.7e9, 32, 8, 128, 150},
	{"Gemma-2-9B", 9.24e9, 42, 8, 256, 150},
	{"Gemma-2-27B", 27.2e9, 46, 16, 128, 150},
	{"Janus-7B", 7.24e9, 32, 8, 128, 150},
	{"Qwen3-8B", 8.19e9, 36, 8, 128, 150},
	{"Qwen3-8B-Thinking", 8.19e9, 36, 8, 128, 800},
	{"Qwen3-32B", 32.8e9, 64, 8, 128, 150},
	{"Qwen3-32B-Thinking", 32.8e9, 64, 8, 128, 800},
	{"DeepSeek-R1-70B", 70.6e9, 80, 8, 128, 800},
}

// Bits a weight, scales included.
var levels = []struct {
	name string
	bits float64
}{{"f16", 16}, {"q8_0", 8.5}, {"q6_K", 6.56}, {"q4_K_M", 4.85}}

const (
	calls   = 3000.0
	context = 4096
	// bandwidth of a device of speed 1, and of the drive, in bytes a second.
	bandwidth, drive = 0.6e12, 2e9
)

// variant is the model at a level, its KV cache in f16.
func (o open) variant(level int, slots int) Job {
	weights := o.parameters * levels[level].bits / 8
	kv := 2 * o.layers * o.heads * o.width * 2 * context
	m := model{
		id: o.name + " " + levels[level].name, weights: uint64(weights) + gib, kv: uint64(kv), slots: slots,
		work: time.Duration(calls * o.output * weights / bandwidth * 1e9),
		load: 3*time.Second + time.Duration(weights/drive*1e9),
	}
	return m.job()
}

func sweep() []Job {
	var jobs []Job
	for _, o := range paper {
		for level := range levels {
			jobs = append(jobs, o.variant(level, 8))
		}
	}
	return jobs
}

// equal are devices as a rack has them.
func equal(n int, memory uint64, speed float64) []Device {
	var devices []Device
	for i := range n {
		// A GPU has some memory taken before a model comes.
		devices = append(devices, Device{ID: fmt.Sprintf("gpu%d", i), Memory: memory - gib/2, Speed: speed})
	}
	return devices
}

// inFileOrder is the time of one job after another, each alone on the devices
// it needs.
func inFileOrder(devices []Device, jobs []Job) time.Duration {
	p := newPolicy(devices)
	var sum time.Duration
	for _, j := range jobs {
		if h := p.home(j); h.width > 0 {
			sum += h.fit.whole()
		}
	}
	return sum
}

var machines = []struct {
	name    string
	devices []Device
}{
	{"1x24GB", equal(1, 24e9, 1)},
	{"2x24GB", equal(2, 24e9, 1)},
	{"4x80GB", equal(4, 80e9, 2)},
	{"8x141GB", equal(8, 141e9, 4.8)},
}

func BenchmarkPlacement(b *testing.B) {
	judge := open{"judge", 24.0e9, 40, 8, 128, 20}.variant(3, 8)
	judge.Kind = Score
	for _, m := range machines {
		for _, with := range []struct {
			name  string
			judge *Job
		}{{"alone", nil}, {"judged", &judge}} {
			b.Run(m.name+"/"+with.name, func(b *testing.B) {
				jobs := sweep()
				var p Placement
				for b.Loop() {
					p = Place(m.devices, jobs, with.judge)
				}
				all := jobs
				if with.judge != nil {
					all = append(all, *with.judge)
				}
				b.ReportMetric(float64(p.Makespan)/float64(p.Bound), "makespan/bound")
				b.ReportMetric(nearBound, "makespan/bound-limit")
				b.ReportMetric(float64(inFileOrder(m.devices, all))/float64(p.Makespan), "speedup-on-file-order")
				b.ReportMetric(float64(len(p.Refused)), "refused")
			})
		}
	}
}

// A thousand variants on 64 GPUs.
func BenchmarkThousand(b *testing.B) {
	var jobs []Job
	for i := 0; len(jobs) < 1000; i++ {
		o := paper[i%len(paper)]
		o.name = fmt.Sprintf("%s-%d", o.name, i)
		o.output += float64(i % 37)
		jobs = append(jobs, o.variant(i%len(levels), 8))
	}
	devices := equal(64, 80e9, 2)
	var p Placement
	for b.Loop() {
		p = Place(devices, jobs, nil)
	}
	b.ReportMetric(float64(p.Makespan)/float64(p.Bound), "makespan/bound")
}

// nearBound is the most that a placement of the paper's sweep may take, over
// what no placement can beat.
const nearBound = 1.10

func TestNearBound(t *testing.T) {
	for _, m := range machines {
		p := Place(m.devices, sweep(), nil)
		if ratio := float64(p.Makespan) / float64(p.Bound); ratio > nearBound || math.IsNaN(ratio) {
			t.Errorf("%s: makespan %v is %.3f of the bound %v, want at most %.2f", m.name, p.Makespan, ratio, p.Bound, nearBound)
		}
	}
}
