package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perg/harness/metrics"
	"perg/models/ollamatest"
)

// say runs a command in a folder of its own and gives its exit status and all
// that it said.
func say(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	var out bytes.Buffer
	code = run(t.Context(), append([]string{"perg"}, args...), &out, &out)
	return code, out.String()
}

const chatML = "{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}{{ end }}"

// What a version does wrong is said before it does, with what to install.
func TestDoctorKnowsVersions(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no program
	t.Chdir(t.TempDir())
	for version, want := range map[string][]string{
		"0.17.4": {"drops the schema", "0.31.2 or newer"},
		"0.30.0": {"reads the whole of every prompt anew", "0.30.8 or newer", "does not count the tokens", "0.30.1 or newer", "drops the schema"},
		"0.33.0": nil,
	} {
		s := ollamatest.NewScripted(t, version, map[string]ollamatest.Model{"a:latest": {}, "b:latest": {}})
		code, said := say(t, "doctor", "--host", s.URL, "--store", filepath.Join(t.TempDir(), "replies.db"))
		if code != 0 || !strings.Contains(said, "Ollama "+version) {
			t.Errorf("%s: exit %d\n%s", version, code, said)
		}
		for _, text := range want {
			if !strings.Contains(said, text) {
				t.Errorf("%s: it does not say %q:\n%s", version, text, said)
			}
		}
		if want == nil && strings.Contains(said, "install Ollama 0") {
			t.Errorf("%s:\n%s", version, said)
		}
	}
}

// An Ollama that came in part is found out.
func TestDoctorMissesLlamaQuantize(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"bin/ollama", "lib/ollama/llama-server"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", filepath.Join(dir, "bin"))
	const lacks = "has no llama-quantize: it can neither quantize nor import"
	if _, said := say(t, "doctor", "--host", "127.0.0.1:9"); !strings.Contains(said, lacks) {
		t.Errorf("it does not say that it %s:\n%s", lacks, said)
	}
	if err := os.WriteFile(filepath.Join(dir, "lib/ollama/llama-quantize"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, said := say(t, "doctor", "--host", "127.0.0.1:9"); strings.Contains(said, lacks) {
		t.Errorf("it does:\n%s", said)
	}
}

// A judge whose schema is dropped ends the run with the version that keeps it.
func TestRunStopsAtAJudgeWhoseSchemaIsDropped(t *testing.T) {
	t.Chdir(t.TempDir())
	s := ollamatest.NewScripted(t, "0.31.1", map[string]ollamatest.Model{
		"a:latest": {Template: chatML}, "judge:latest": {Template: chatML, Family: "qwen35", Thinks: true, Parser: true},
	})
	code, said := say(t, "run", "a", "--judge", "judge", "--host", s.URL, "--limit", "2", "--out", "run", "--store", "replies.db")
	if code != 1 || !strings.Contains(said, "by a JSON schema and said") || !strings.Contains(said, "install Ollama 0.31.2 or newer") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if _, err := os.Stat(filepath.Join("run", "generations")); err == nil {
		t.Error("it answered first")
	}
}

// The same on one that keeps it is done, and is told nothing of versions.
func TestRunOnTodaysServer(t *testing.T) {
	t.Chdir(t.TempDir())
	s := ollamatest.NewScripted(t, "0.33.0", map[string]ollamatest.Model{
		"a:latest": {Template: chatML}, "judge:latest": {Template: chatML, Family: "qwen35", Thinks: true, Parser: true},
	})
	code, said := say(t, "run", "a", "--judge", "judge", "--host", s.URL, "--limit", "2", "--out", "run", "--store", "replies.db")
	if code != 0 || strings.Contains(said, "install Ollama") || strings.Contains(said, "newer than perg") {
		t.Errorf("exit %d\n%s", code, said)
	}
}

// Where prompts that begin alike are read anew the report says so, with what to
// install; where they are not it says nothing.
func TestReportTellsWhetherBeginningsAreKept(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, v := range ollamatest.Versions {
		t.Run(v.Number, func(t *testing.T) {
			s := ollamatest.NewScripted(t, v.Number, map[string]ollamatest.Model{"a:latest": {Template: chatML}})
			store := filepath.Join(t.TempDir(), "replies.db")
			code, said := say(t, "run", "a", "--host", s.URL, "--limit", "24", "--methods", "icl", "--settings", "irrelevant", "--parallel", "1", "--out", v.Number, "--store", store)
			if code != 0 {
				t.Fatalf("exit %d\n%s", code, said)
			}
			all, err := metrics.LoadReuse(v.Number)
			if err != nil || len(all) != 1 {
				t.Fatalf("%+v, error %v", all, err)
			}
			t.Logf("%d prompts that began like one before, a token %.2f times as long to read as of %d first ones", all[0].Later, all[0].Ratio, all[0].Firsts)
			code, said = say(t, "report", v.Number)
			said = strings.ReplaceAll(said, "\n", " ")
			reread := strings.Contains(said, "did not keep the examples that icl prompts begin with")
			advised := strings.Contains(said, "Ollama 0.30.0 does so, install Ollama 0.30.8 or newer")
			if want := v.CachesWithShift; code != 0 || reread != want || advised != want {
				t.Errorf("exit %d\n%s", code, said)
			}
		})
	}
}
