package models

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// A guard is a shell that leads the process group of a server and waits for
// this process to end: then its standard input does. It asks the group to
// end, as Ollama kills its runners on SIGTERM and leaves them on SIGKILL, and
// kills what is left after five seconds, as v0.17.4 hangs when it is asked
// during a load. Being in the group, it keeps the group's number from being
// given to anyone else.
type guard struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

const guardScript = `trap '' HUP INT TERM
read server
read nothing
kill -TERM -$$
for second in 1 2 3 4 5; do
	kill -0 "$server" || break
	sleep 1
done
kill -KILL -$$`

func startGuard() (*guard, error) {
	cmd := exec.Command("/bin/sh", "-c", guardScript)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the shell that ends the server with this process: %w", err)
	}
	return &guard{cmd, pipe}, nil
}

// start runs a command in the guard's group.
func (g *guard) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: g.cmd.Process.Pid}
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err := io.WriteString(g.pipe, strconv.Itoa(cmd.Process.Pid)+"\n"); err != nil {
		g.kill()
		_ = cmd.Wait()
		return fmt.Errorf("the shell that ends the server with this process is gone: %w", err)
	}
	return nil
}

// kill kills the group, the guard with it.
func (g *guard) kill() { _ = syscall.Kill(-g.cmd.Process.Pid, syscall.SIGKILL) }

// end kills what is left of the group and waits for the guard.
func (g *guard) end() {
	g.kill()
	g.pipe.Close()
	_ = g.cmd.Wait()
}

func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) }
