//go:build !linux

package models

import (
	"io"
	"net"
	"os"
	"syscall"
)

// Elsewhere than on Linux the server shares this process's group and outlives
// it when it is killed.
func processAttributes() *syscall.SysProcAttr { return nil }

func terminate(p *os.Process) {
	if p.Signal(syscall.SIGTERM) != nil {
		_ = p.Kill() // Windows has no SIGTERM
	}
}

func killGroup(p *os.Process) { _ = p.Kill() }

// reservePort finds a loopback port that is free now.
func reservePort() (int, io.Closer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	return l.Addr().(*net.TCPAddr).Port, io.NopCloser(nil), l.Close()
}
