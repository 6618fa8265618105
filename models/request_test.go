package models

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// deaf is an address at which connections are neither accepted nor refused, as
// of a machine that is switched off: the backlog of the listening socket is
// full, so that the kernel drops what asks for more.
func deaf(t *testing.T) string {
	t.Helper()
	local := [4]byte{127, 0, 0, 1}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: local}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := name.(*syscall.SockaddrInet4).Port
	for range 4 {
		c, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { syscall.Close(c) })
		_ = syscall.Connect(c, &syscall.SockaddrInet4{Addr: local, Port: port}) // in progress, for ever
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// A dial that times out is a deadline exceeded, by one of two timers of package
// net; the server is away all the same, and it is noticed in seconds.
func TestDialTimeoutIsAServerThatIsAway(t *testing.T) {
	t.Run("as it is", func(t *testing.T) {
		t.Parallel()
		c, err := NewClient(deaf(t))
		if err != nil {
			t.Fatal(err)
		}
		gone := make(chan struct{})
		close(gone) // one attempt
		c.Gone = gone
		started := time.Now()
		if err := asks(t.Context(), c); !errors.Is(err, ErrUnreachable) || time.Since(started) > 2*dialTimeout {
			t.Errorf("after %s: %v", time.Since(started), err)
		}
	})
	for _, limit := range []string{"the dial's", "the call's"} {
		t.Run(limit, func(t *testing.T) {
			t.Parallel()
			c, err := NewClient(deaf(t))
			if err != nil {
				t.Fatal(err)
			}
			c.Patience = time.Nanosecond
			short := 20 * time.Millisecond
			if limit == "the call's" {
				c.CallTimeout = short
			} else {
				c.http.Transport.(*http.Transport).DialContext = (&net.Dialer{Timeout: short}).DialContext
			}
			for range 20 {
				if err := asks(t.Context(), c); !errors.Is(err, ErrUnreachable) {
					t.Error(err)
				}
			}
		})
	}
}

// lines plays a server by hand, each connection in turn.
func lines(t *testing.T, each ...func(*net.TCPConn)) *Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for _, serve := range each {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn.(*net.TCPConn))
		}
	}()
	c, err := NewClient(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Patience = 10 * time.Second
	return c
}

func take(conn *net.TCPConn) {
	buffer := make([]byte, 4096)
	for text := ""; !strings.Contains(text, question); {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		text += string(buffer[:n])
	}
}

func TestConnectionReset(t *testing.T) {
	rst := func(conn *net.TCPConn) {
		take(conn)
		_ = conn.SetLinger(0)
		conn.Close()
	}
	half := func(conn *net.TCPConn) {
		take(conn)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{\"message\":{\"content\":\"The corr")
		_ = conn.SetLinger(0)
		conn.Close()
	}
	for name, serve := range map[string]func(*net.TCPConn){"before the answer": rst, "in the middle of the answer": half} {
		t.Run(name, func(t *testing.T) {
			if err := asks(t.Context(), lines(t, serve)); !errors.Is(err, ErrCut) {
				t.Error(err)
			}
		})
	}
}

// A proxy closes a connection for being idle at the moment that it is written
// to: the request is not lost.
func TestIdleConnectionClosed(t *testing.T) {
	answer := func(conn *net.TCPConn) {
		take(conn)
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(whole), whole)
	}
	c := lines(t, func(conn *net.TCPConn) {
		answer(conn)
		_, _ = conn.Read(make([]byte, 1)) // the next request
		_ = conn.SetLinger(0)
		conn.Close()
	}, answer)
	for range 2 {
		if err := asks(t.Context(), c); err != nil {
			t.Error(err)
		}
		time.Sleep(1100 * time.Millisecond)
	}
}

// The credentials of an address are used, and said nowhere.
func TestCredentialsAreSaidNowhere(t *testing.T) {
	var user, password string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ = r.BasicAuth()
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer srv.Close()
	c, err := NewClient(strings.Replace(srv.URL, "://", "://me:hunter2@", 1))
	if err != nil {
		t.Fatal(err)
	}
	err = asks(t.Context(), c)
	if user != "me" || password != "hunter2" {
		t.Errorf("sent as %q, %q", user, password)
	}
	if c.Host() != srv.URL || !errors.Is(err, ErrDenied) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("host %s, error %v", c.Host(), err)
	}
	srv.Close()
	c.Patience = time.Millisecond
	c.http.CloseIdleConnections()
	if err := asks(t.Context(), c); !errors.Is(err, ErrUnreachable) || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
