package main

import (
	"os"
	"testing"

	"perg/harness/rundir"
)

func TestZZ(t *testing.T) {
	os.RemoveAll("/tmp/h/pg")
	os.MkdirAll("/tmp/h/pg", 0o755)
	t.Chdir("/tmp/h/pg")
	info := func(variant, name, quantization, kv string) rundir.ModelInfo {
		return rundir.ModelInfo{Name: name, Variant: variant, Family: "a", ParameterSize: "8B", Quantization: quantization, KVCacheType: kv, Size: map[string]int64{"F16": 16 << 30, "Q8_0": 8 << 30, "Q4_K_M": 5 << 30}[quantization]}
	}
	r := newWrittenRun("runs/x",
		info("alpha:14b-instruct-fp16", "alpha:14b-instruct-fp16", "F16", "f16"), info("alpha:14b-instruct-fp16-q8_0-perg-51fdcc80873f", "alpha:14b-instruct-fp16-q8_0-perg-51fdcc80873f", "Q8_0", "f16"),
		info("alpha:14b-instruct-fp16-q4_K_M-perg-51fdcc80873f", "alpha:14b-instruct-fp16-q4_K_M-perg-51fdcc80873f", "Q4_K_M", "f16"),
		info("beta:8b", "beta:8b", "Q4_K_M", "f16"),
	)
	for variant, under := range map[string]string{
		"alpha:14b-instruct-fp16": "300r 20R 80w 20W 80w", "alpha:14b-instruct-fp16-q8_0-perg-51fdcc80873f": "300r 20R 80w 20W 80w", "alpha:14b-instruct-fp16-q4_K_M-perg-51fdcc80873f": "200r 20R 180w 20W 80w", "beta:8b": "310r 20R 80w 10W 80w",
	} {
		for _, m := range []string{"zero-shot", "cot"} {
			if m == "zero-shot" {
				r.cell(variant, m, "none", "420r 80w")
			}
			r.cell(variant, m, "relevant", under)
			r.cell(variant, m, "irrelevant", "400r 100w")
		}
	}
	for i := range r.rows {
		r.rows[i].Source = []string{"mmlu", "truthfulqa", "commonsenseqa"}[i%3]
		r.rows[i].PreferenceType = []string{"clarity", "context", "creative", "examples", "thinking"}[i%5]
		r.rows[i].Response = &r.rows[i].Question
		r.rows[i].OutputTokens, r.rows[i].EvalNS = new(int64(120)), new(int64(1e9))
	}
	r.writeWithMetrics(t)
	status, screen := onTerminal(t, 80, "report", "runs/x", "--html", "x.html")
	t.Log(status, screen)
}
