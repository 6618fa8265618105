// Package ollamatest gives tests a real Ollama server with models that say
// what a test wants them to say.
package ollamatest

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ollama/ollama/api"

	"perg/models"
	"perg/models/gguftest"
)

// Program finds an ollama program: $PERG_OLLAMA, the one on PATH, or the one
// that build-ollama.sh built. Where there is none the test is skipped, or
// fails if PERG_REQUIRE_OLLAMA is 1.
func Program(tb testing.TB) string {
	tb.Helper()
	program, err := find()
	if err != nil {
		if os.Getenv("PERG_REQUIRE_OLLAMA") == "1" {
			tb.Fatal(err)
		}
		tb.Skip(err)
	}
	return program
}

func find() (string, error) {
	if p := os.Getenv("PERG_OLLAMA"); p != "" {
		return exec.LookPath(p)
	}
	if p, err := made("build-ollama.sh"); err == nil {
		return p, nil
	}
	return "", errors.New("no ollama program on PATH and none built: run `make ollama`, or set PERG_OLLAMA")
}

// made asks a script of the folder above for the path of what it has made, and
// has it make nothing.
func made(script string) (string, error) {
	_, here, _, _ := runtime.Caller(0)
	path, err := exec.Command("/bin/sh", filepath.Join(filepath.Dir(here), "..", script), "-n").Output()
	return strings.TrimSpace(string(path)), err
}

// Start runs a server of the test's own until the test ends. Program, Models
// and the home folder are set where cfg leaves them empty, so that nothing of
// the user's is read or written.
func Start(tb testing.TB, cfg models.ServerConfig) *models.Server {
	tb.Helper()
	if cfg.Program == "" {
		cfg.Program = Program(tb)
	}
	s, err := models.StartServer(tb.Context(), isolate(cfg, tb.TempDir()))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func isolate(cfg models.ServerConfig, dir string) models.ServerConfig {
	if cfg.Models == "" {
		cfg.Models = filepath.Join(dir, "models")
	}
	cfg.Env = append([]string{"HOME=" + dir}, cfg.Env...)
	return cfg
}

// Install gives a server the models, by name.
func Install(tb testing.TB, host string, chains map[string]gguftest.Chain) {
	tb.Helper()
	base, err := url.Parse(host)
	if err != nil {
		tb.Fatal(err)
	}
	client := api.NewClient(base, http.DefaultClient)
	for name, c := range chains {
		if err := c.Install(tb.Context(), client, name); err != nil {
			tb.Fatal(err)
		}
	}
}

// SmolLM2 gives a server a real model, SmolLM2-135M-Instruct, and says under
// which name. Where fetch-smollm2.sh has not fetched it the test is skipped.
func SmolLM2(tb testing.TB, host string) string {
	tb.Helper()
	weights, err := made("fetch-smollm2.sh")
	if err != nil {
		tb.Skip("waits for real weights: models/fetch-smollm2.sh fetches them")
	}
	base, err := url.Parse(host)
	if err != nil {
		tb.Fatal(err)
	}
	const name = "smollm2:135m"
	// Threads that wait for each other cost the more the less of the machine
	// the tests of other packages leave to them.
	alone := map[string]any{"num_thread": 1}
	if err := gguftest.InstallFile(tb.Context(), api.NewClient(base, http.DefaultClient), name, weights, alone); err != nil {
		tb.Fatal(err)
	}
	return name
}
