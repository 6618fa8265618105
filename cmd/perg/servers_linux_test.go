package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"perg/data"
	"perg/models"
	"perg/models/ollamatest"
)

// killRunners kills the processes that an Ollama server runs models in.
func killRunners(t *testing.T, server int) (killed int) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// pid (name) state ppid ...
		_, rest, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 2 || fields[1] != strconv.Itoa(server) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		if unix.Kill(pid, unix.SIGKILL) == nil {
			killed++
		}
	}
	return killed
}

func TestServerFaultsDuringARun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	args := []string{"steady", "wavering", "--judge", "judge", "--limit", "9", "--parallel", "4"}
	whole := filepath.Join(b.dir, "whole")
	if status, _, stderr := b.run(append(args, "--out", whole, "--store", filepath.Join(b.dir, "whole.db"))...); status != exitDone {
		t.Fatal(status, stderr)
	}
	own := func(t *testing.T) *models.Server {
		s := ollamatest.Start(t, models.ServerConfig{Slots: 4})
		ollamatest.Install(t, s.URL(), actors)
		return s
	}
	at := func(fault func(), numbers ...int32) func(http.ResponseWriter, *http.Request, []byte) bool {
		var calls atomic.Int32
		return func(http.ResponseWriter, *http.Request, []byte) bool {
			if slices.Contains(numbers, calls.Add(1)) {
				go fault()
			}
			return false
		}
	}
	step := func(steps map[int32]http.HandlerFunc) func(http.ResponseWriter, *http.Request, []byte) bool {
		var calls atomic.Int32
		return func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			h, ok := steps[calls.Add(1)]
			if ok {
				h(w, r)
			}
			return ok
		}
	}
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for _, tt := range []struct {
		name string
		host func(t *testing.T) string
	}{
		{"the server dies and comes back", func(t *testing.T) string {
			s := own(t)
			return ollamatest.Proxy(t, s.URL(), at(func() { unix.Kill(s.Pid(), unix.SIGKILL) }, 30))
		}},
		{"runners are killed twice during generation", func(t *testing.T) string {
			s := own(t)
			return ollamatest.Proxy(t, s.URL(), at(func() {
				if killRunners(t, s.Pid()) == 0 {
					t.Error("there was no runner to kill")
				}
			}, 30, 60))
		}},
		{"streams are cut, the server is busy, errors come inside a 200", func(t *testing.T) string {
			return ollamatest.Proxy(t, b.host, step(map[int32]http.HandlerFunc{
				1: say(503, `{"error":"server busy, please try again.  maximum pending requests exceeded"}`),
				5: cut, 9: cut, 20: say(200, `{"error":"an error was encountered while running the model: unexpected EOF"}`),
				33: say(200, `{"message":{"role":"assistant","content":"The corr"},"done":false}`),
				40: say(500, `{"error":"model runner has unexpectedly stopped, this may be due to resource limitations or an internal error"}`),
			}))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(b.dir, strconv.Itoa(len(tt.name)))
			b := bench{t, tt.host(t), dir}
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			status, stdout, stderr := b.run(args...)
			if status != exitDone {
				t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
			}
			// Another server gives the same model another digest: it notes when it was made.
			sameResults(t, whole, filepath.Join(dir, "run"),
				cmpopts.IgnoreFields(data.Generation{}, "Digest", "RequestHash"), cmpopts.IgnoreFields(data.Judgment{}, "JudgeDigest", "RequestHash"))
		})
	}
}
