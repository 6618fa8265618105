package models_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

func TestServerDiesWithItsParent(t *testing.T) {
	program := ollamatest.Program(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(t *testing.T, pgid int, answer io.Reader){
		"idle":     func(*testing.T, int, io.Reader) {},
		"stubborn": func(*testing.T, int, io.Reader) {},
		// v0.17.4 may hang when it gets SIGTERM now.
		"loading": func(t *testing.T, pgid int, _ io.Reader) {
			eventually(t, "a runner runs", func() bool { return len(group(t, pgid)) == complete })
		},
		"answering": func(t *testing.T, _ int, answer io.Reader) {
			if _, err := io.ReadFull(answer, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, until := range tests {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(self, program, t.TempDir(), role+"=none")
			if name == "stubborn" {
				cmd = exec.Command(self, self, t.TempDir(), role+"=stubborn server")
			}
			cmd.Env = append(os.Environ(), role+"=parent")
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			var pid int
			var url string
			if _, err := fmt.Fscan(out, &pid, &url); err != nil {
				t.Fatal(err)
			}
			pgid := groupOf(t, pid)
			answer, w := io.Pipe()
			if name == "loading" || name == "answering" {
				ollamatest.Install(t, url, map[string]gguftest.Chain{"endless": gguftest.Endless()})
				const req = `{"model": "endless", "messages": [{"role": "user", "content": "Hello"}], "options": {"num_predict": 4000, "num_ctx": 4096, "temperature": 0}}`
				go func() {
					resp, err := http.Post(url+"/api/chat", "application/json", strings.NewReader(req))
					if err == nil {
						_, err = io.Copy(w, resp.Body)
						resp.Body.Close()
					}
					w.CloseWithError(err)
				}()
			}
			until(t, pgid, answer)
			go io.Copy(io.Discard, answer)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			eventually(t, "server and runner are gone", func() bool { return len(group(t, pgid)) == 0 })
		})
	}
}

// parent starts a server, says where it is, and waits to be killed.
func parent() {
	s, err := models.StartServer(context.Background(), models.ServerConfig{
		Program: os.Args[1],
		Models:  filepath.Join(os.Args[2], "models"),
		Env:     []string{"HOME=" + os.Args[2], os.Args[3]},
		Log:     filepath.Join(os.Args[2], "log"),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.Pid(), s.URL())
	time.Sleep(time.Minute)
}

func TestStopKillsAServerThatIgnoresIt(t *testing.T) {
	cfg := playing(t, "stubborn server")
	cfg.SetStop(200 * time.Millisecond)
	s, err := models.StartServer(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	pgid := groupOf(t, s.Pid())
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if left := group(t, pgid); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if alive(s.URL()) {
		t.Error("it answers after Stop")
	}
}
