package ollamatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"perg/models"
	"perg/models/gguftest"
)

// Slots of a shared server.
const Slots = 4

// A lent server is used by one test at a time, and by the next one after it.
type lent struct {
	*models.Server
	folder string // of its models
	has    map[string]gguftest.Chain
}

// shared are the servers of a binary: as many as tests that run at once want.
var shared struct {
	sync.Mutex
	dir  string
	all  []*lent
	idle []*lent
}

// Shared is the URL of a server with four slots and the models installed, which
// no other test uses until this one ends: then it is the next one's. A test that
// stops it, or breaks a runner of it, starts one of its own instead. The binary's
// TestMain calls [Main].
func Shared(tb testing.TB, chains map[string]gguftest.Chain) string {
	tb.Helper()
	return lend(tb, chains).URL()
}

// SharedModels is the folder of models of a server as [Shared] has it, for
// servers that only read it.
func SharedModels(tb testing.TB, chains map[string]gguftest.Chain) (folder string) {
	tb.Helper()
	return lend(tb, chains).folder
}

func lend(tb testing.TB, chains map[string]gguftest.Chain) *lent {
	tb.Helper()
	s := idle(tb, Program(tb))
	tb.Cleanup(func() {
		shared.Lock()
		defer shared.Unlock()
		shared.idle = append(shared.idle, s)
	})
	s.install(tb, chains)
	return s
}

// idle is a server that no test uses.
func idle(tb testing.TB, program string) *lent {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.dir == "" {
		tb.Fatal("a shared server without ollamatest.Main in TestMain")
	}
	if last := len(shared.idle) - 1; last >= 0 {
		s := shared.idle[last]
		shared.idle = shared.idle[:last]
		return s
	}
	dir := filepath.Join(shared.dir, fmt.Sprint(len(shared.all)))
	if err := os.Mkdir(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	cfg := isolate(models.ServerConfig{Program: program, Slots: Slots, Log: filepath.Join(dir, "ollama.log")}, dir)
	server, err := models.StartServer(context.Background(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	s := &lent{server, cfg.Models, make(map[string]gguftest.Chain)}
	shared.all = append(shared.all, s)
	return s
}

// install gives the server what it lacks of the models: to write them all for
// every test takes a second and more.
func (s *lent) install(tb testing.TB, chains map[string]gguftest.Chain) {
	tb.Helper()
	client, err := models.NewClient(s.URL())
	if err != nil {
		tb.Fatal(err)
	}
	there, err := client.Catalogue(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	for name, c := range chains {
		was, wrote := s.has[name]
		if _, is := models.Find(there, name); is && wrote && reflect.DeepEqual(was, c) {
			continue
		}
		Install(tb, s.URL(), map[string]gguftest.Chain{name: c})
		s.has[name] = c
	}
}

// Main runs a binary's tests and then stops the servers they shared:
//
//	func TestMain(m *testing.M) { os.Exit(ollamatest.Main(m)) }
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ollamatest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	shared.dir = dir
	code := m.Run()
	var stopped error
	for _, s := range shared.all {
		stopped = errors.Join(stopped, s.Stop())
	}
	if stopped != nil {
		fmt.Fprintln(os.Stderr, stopped)
		return 1
	}
	return code
}
