package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What 200,000 answers of a thousand bytes may take to be read by perg's rules, in
// a run of their own.
const (
	importTime   = 60.0  // s
	importMemory = 300.0 // MB resident
	importRows   = 200_000
)

// perg import, as a process of its own.
func BenchmarkImport(b *testing.B) {
	dir := b.TempDir()
	path := filepath.Join(dir, "answers.csv")
	writeAnswers(b, path, importRows)
	for b.Loop() {
		out := filepath.Join(dir, "run")
		if err := os.RemoveAll(out); err != nil {
			b.Fatal(err)
		}
		took, cpu, resident := process(b, "perg", "import", path, "--set", "model=mine", "--out", out)
		b.ReportMetric(importRows, "rows")
		b.ReportMetric(took.Seconds(), "s")
		b.ReportMetric(importTime, "s-limit")
		b.ReportMetric(cpu.Seconds(), "cpu-s")
		b.ReportMetric(resident, "MB")
		b.ReportMetric(importMemory, "MB-limit")
	}
}

// writeAnswers writes a long table: two answers to each question.
func writeAnswers(b *testing.B, path string, rows int) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	w := csv.NewWriter(out)
	rng := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("the sky is often said to be of one colour and people who ask why may hear about light air dust and the eye")
	prose := func(n int) string {
		var text strings.Builder
		for text.Len() < n {
			text.WriteString(words[rng.IntN(len(words))] + " ")
		}
		return text.String()
	}
	write := func(fields ...string) {
		if err := w.Write(fields); err != nil {
			b.Fatal(err)
		}
	}
	write("question", "options", "gold", "source", "preference", "setting", "response")
	for i := range rows / 2 {
		question := fmt.Sprintf("Question %d: %s?", i, prose(150))
		options := fmt.Sprintf("['%s', '%s', '%s', '%s']", prose(40), prose(40), prose(40), prose(40))
		preference := fmt.Sprintf("I like preference %d.", i%14)
		for _, setting := range []string{"none", "relevant"} {
			write(question, options, "A", "mmlu", preference, setting, prose(900)+"So the answer is "+[]string{"A", "B"}[rng.IntN(2)]+".")
		}
	}
	if w.Flush(); w.Error() != nil {
		b.Fatal(w.Error())
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
}
