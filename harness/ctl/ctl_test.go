package ctl

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Commands arrive and are answered, however long the path of the run is, and by a
// socket that is its user's alone; one that a dead process left is no hindrance.
func TestCommandsArrive(t *testing.T) {
	for name, dir := range map[string]string{"short": "run", "of 300 bytes": strings.Repeat("directory/", 30) + "run"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), dir)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second finds what the first left
				var done []string
				s, err := Serve(dir, func(command string) (any, error) {
					if done = append(done, command); command == Retry {
						return nil, errors.New("there is nothing to retry")
					}
					return map[string]string{"did": command}, nil
				})
				if err != nil {
					t.Fatal(err)
				}
				info, err := os.Stat(filepath.Join(dir, socketName))
				if err != nil || info.Mode().Perm() != 0o600 || info.Mode()&os.ModeSocket == 0 {
					t.Fatalf("the socket is %v, %v", info.Mode(), err)
				}
				for _, command := range Commands() {
					text, err := Ask(t.Context(), dir, command)
					if command == Retry {
						if err == nil || err.Error() != "there is nothing to retry" {
							t.Errorf("retry says %v", err)
						}
					} else if err != nil || string(text) != `{"did":"`+command+`"}`+"\n" {
						t.Errorf("%s: %s, %v", command, text, err)
					}
				}
				if strings.Join(done, " ") != "status pause resume retry stop" {
					t.Errorf("done is %v", done)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if _, err := Ask(t.Context(), dir, Status); !errors.Is(err, ErrNobody) {
					t.Errorf("after the end: %v", err)
				}
			}
			// A process that died leaves its socket.
			path, done, err := socket(dir)
			if err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			l.(*net.UnixListener).SetUnlinkOnClose(false)
			l.Close()
			done()
			if _, err := Ask(t.Context(), dir, Status); !errors.Is(err, ErrNobody) {
				t.Errorf("of a process that died: %v", err)
			}
			s, err := Serve(dir, func(string) (any, error) { return nil, nil })
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
		})
	}
}
