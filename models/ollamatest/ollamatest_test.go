package ollamatest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A verdict records how a test that needs a program ends.
type verdict struct {
	testing.TB
	said string
}

func (v *verdict) Helper() {}
func (v *verdict) Skip(args ...any) {
	v.said = "skip: " + fmt.Sprint(args...)
	runtime.Goexit()
}
func (v *verdict) Fatal(args ...any) {
	v.said = "fail: " + fmt.Sprint(args...)
	runtime.Goexit()
}

func program(t *testing.T) string {
	v := &verdict{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.said = Program(v)
	}()
	<-done
	return v.said
}

func TestProgram(t *testing.T) {
	dir := t.TempDir()
	executable := func(parts ...string) string {
		path := filepath.Join(append([]string{dir}, parts...)...)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("PERG_OLLAMA", "")
	t.Setenv("PATH", filepath.Join(dir, "path"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))

	t.Setenv("PERG_REQUIRE_OLLAMA", "")
	if got := program(t); !strings.HasPrefix(got, "skip: ") || !strings.Contains(got, "make ollama") {
		t.Errorf("without a program: %q, want a skip that names make ollama", got)
	}
	t.Setenv("PERG_REQUIRE_OLLAMA", "1")
	if got := program(t); !strings.HasPrefix(got, "fail: ") || !strings.Contains(got, "make ollama") {
		t.Errorf("without a program that is required: %q, want a failure that names make ollama", got)
	}

	executable("cache", "perg", "ollama-v0.17.4", "ollama") // of an older script, for any CPU
	if got := program(t); !strings.HasPrefix(got, "fail: ") {
		t.Errorf("with one built for another CPU: %q, want a failure", got)
	}
	for _, cpu := range []string{"baseline", "avx2"} {
		executable("cache", "perg", "ollama-v0.17.4-"+cpu, "ollama")
	}
	if got := program(t); filepath.Dir(filepath.Dir(got)) != filepath.Join(dir, "cache", "perg") {
		t.Errorf("with the built one: %q, want one in the cache", got)
	}
	installed := executable("path", "ollama")
	if got := program(t); got != installed {
		t.Errorf("with one on PATH: %q, want %s", got, installed)
	}
	chosen := executable("chosen")
	t.Setenv("PERG_OLLAMA", chosen)
	if got := program(t); got != chosen {
		t.Errorf("with PERG_OLLAMA: %q, want %s", got, chosen)
	}
	t.Setenv("PERG_OLLAMA", filepath.Join(dir, "nothing"))
	if got := program(t); !strings.HasPrefix(got, "fail: ") || !strings.Contains(got, "nothing") {
		t.Errorf("with a PERG_OLLAMA that is not there: %q, want a failure that names it", got)
	}
}
