package models_test

import (
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"perg/models"
)

func TestStartServerTriesAnotherPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	ports := func(collisions int) func() (int, io.Closer, error) {
		return func() (int, io.Closer, error) {
			if collisions--; collisions >= 0 {
				return taken.Addr().(*net.TCPAddr).Port, io.NopCloser(nil), nil
			}
			return models.ReservePort()
		}
	}
	cfg := playing(t, "stubborn server")
	cfg.SetStop(time.Millisecond)

	s, err := models.StartServerOn(t.Context(), cfg, ports(2))
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Stop()

	if s, err := models.StartServerOn(t.Context(), cfg, ports(3)); err == nil {
		_ = s.Stop()
		t.Error("a server on a taken port")
	} else if !strings.Contains(err.Error(), "took the port") {
		t.Errorf("got %v, want one that says another program took the port", err)
	}
}

func TestReservePortKeepsIt(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("waits for Linux, which alone keeps a port")
	}
	port, hold, err := models.ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for range 2 { // a server, and the one after it
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		l.Close()
	}
	// Whoever asks for any free port, and has only this one to be given, gets none.
	var tooOld error
	only := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			const ipLocalPortRange = 51
			tooOld = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipLocalPortRange, port<<16|port)
		})
	}}
	l, err := only.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if tooOld != nil {
		t.Skipf("this kernel cannot narrow a socket's range of ports: %v", tooOld)
	}
	if err == nil {
		l.Close()
		t.Errorf("somebody else was given %v, which is reserved", l.Addr())
	}
	hold.Close()
	if l, err := only.Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Errorf("after Close the port is not given: %v", err)
	} else {
		l.Close()
	}
}
