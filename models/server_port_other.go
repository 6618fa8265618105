//go:build !linux

package models

import (
	"io"
	"net"
)

// reservePort finds a loopback port that is free now.
func reservePort() (int, io.Closer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	return l.Addr().(*net.TCPAddr).Port, io.NopCloser(nil), l.Close()
}
