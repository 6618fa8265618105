package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"perg/models/ollamatest"
)

// withServer runs the tests and stops the server they shared.
type withServer struct{ m *testing.M }

func (s withServer) Run() int { return ollamatest.Main(s.m) }

func TestMain(m *testing.M) {
	testscript.Main(withServer{m}, map[string]func(){"perg": main, "witnessed-ollama": witnessedMain, "noted-ollama": notedMain})
}

// Scripts run perg as a shell would, where no server is needed.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			// Nothing of the user's, and no ollama to be found.
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("OLLAMA_HOST", "")
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
	})
}
