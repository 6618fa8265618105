// Package ctl lets a run at work be steered by another process: over a socket in
// the run's directory, which the user that began the run may use and no other. It
// speaks HTTP, so that curl does, too:
//
//	curl --unix-socket RUN/.ctl http://run/status
//	curl --unix-socket RUN/.ctl -X POST http://run/pause
package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The commands.
const (
	Status = "status" // how far the run is
	Pause  = "pause"  // ask nothing further; what is loaded stays
	Resume = "resume"
	Retry  = "retry" // what failed and is left alone for a while
	Stop   = "stop"  // as Ctrl-C does
)

// Commands are all of them.
func Commands() []string { return []string{Status, Pause, Resume, Retry, Stop} }

// socketName is that of the socket in the directory of a run.
const socketName = ".ctl"

// longest are the bytes that the path of a socket may have (sun_path, less its
// zero); that of a run may have more.
const longest = 107

// ErrNobody: no process listens for the run.
var ErrNobody = errors.New("nobody listens")

// socket is a path of the socket that is short enough, until done is called.
func socket(dir string) (path string, done func(), err error) {
	if path = filepath.Join(dir, socketName); len(path) <= longest {
		return path, func() {}, nil
	}
	held, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", held.Fd(), socketName), func() { held.Close() }, nil
}

// A Server listens for one run.
type Server struct {
	http http.Server
	path string
	done chan struct{}
}

// Serve listens for the run in dir, whose lock the caller holds: a socket that is
// there is one of a process that died. Do is asked for each command and gives what
// to answer, a value for JSON. Close ends it.
func Serve(dir string, do func(command string) (any, error)) (*Server, error) {
	path, done, err := socket(dir)
	if err != nil {
		return nil, err
	}
	defer done()
	s := &Server{path: filepath.Join(dir, socketName), done: make(chan struct{})}
	if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// The file has the socket's mode from the moment it is there.
	private := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = unix.Fchmod(int(fd), 0o600) })
		return errors.Join(err, failed)
	}}
	l, err := private.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // its path may be one of this moment
	s.http = http.Server{Handler: handler(do), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.done)
		s.http.Serve(l)
	}()
	return s, nil
}

// Close takes the socket away, and gives an answer that is being sent a moment.
func (s *Server) Close() error {
	err := os.Remove(s.path)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close()
	}
	<-s.done
	return err
}

func handler(do func(string) (any, error)) http.Handler {
	mux := http.NewServeMux()
	for _, command := range Commands() {
		method := http.MethodPost
		if command == Status {
			method = http.MethodGet
		}
		mux.HandleFunc(method+" /"+command, func(w http.ResponseWriter, r *http.Request) {
			answer, err := do(command)
			if err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(answer)
		})
	}
	return mux
}

// Ask has the process at work on the run in dir do a command, and gives its answer,
// JSON. The error is ErrNobody where none listens, or says what the run says.
func Ask(ctx context.Context, dir, command string) ([]byte, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		path, done, err := socket(dir)
		if err != nil {
			return nil, err
		}
		defer done()
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}}
	method := http.MethodPost
	if command == Status {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://run/"+command, nil)
	if err != nil {
		return nil, err
	}
	reply, err := client.Do(r)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED):
		return nil, ErrNobody
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: it is another user's", filepath.Join(dir, socketName))
	case err != nil:
		return nil, err
	}
	defer reply.Body.Close()
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(reply.Body, most))
	if err == nil && reply.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(text)))
	}
	return text, err
}
