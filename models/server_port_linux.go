package models

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// reservePort finds a free loopback port and keeps it from being given to
// anyone who asks for any free port, until closed. A socket that is bound with
// SO_REUSEADDR and does not listen does that on Linux, and still lets a server
// that asks for this very port listen there, again and again.
func reservePort() (int, io.Closer, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, os.NewSyscallError("socket", err)
	}
	socket := os.NewFile(uintptr(fd), "port")
	port, err := bindAny(fd)
	if err != nil {
		socket.Close()
		return 0, nil, err
	}
	return port, socket, nil
}

func bindAny(fd int) (int, error) {
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, os.NewSyscallError("bind", err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	in4, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		return 0, fmt.Errorf("bound to %T, not to an IPv4 address", name)
	}
	return in4.Port, nil
}
