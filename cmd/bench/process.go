package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A process is what one execution of perg took.
type process struct {
	took   time.Duration // from its start to its exit
	memory int64         // most that was resident, bytes
	stdout string
}

// run executes perg as a user would.
func (b *bench) run(ctx context.Context, args ...string) (process, error) {
	var out, errs bytes.Buffer
	c := exec.CommandContext(ctx, b.perg, args...)
	c.Stdout, c.Stderr = &out, &errs
	started := time.Now()
	err := c.Run()
	p := process{took: time.Since(started), stdout: out.String()}
	if err != nil {
		return p, fmt.Errorf("perg %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	usage := c.ProcessState.SysUsage().(*syscall.Rusage)
	p.memory = usage.Maxrss << 10
	return p, nil
}

// fakeProcess starts a server that answers at once, in a process of its own so
// that neither perg nor its peer has it in its memory.
func fakeProcess(models int) (host string, stop func() error, err error) {
	program, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	c := exec.Command(program, "fake", fmt.Sprint(models))
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := c.Start(); err != nil {
		return "", nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", nil, fmt.Errorf("start the fake server: %w", err)
	}
	return strings.TrimSpace(line), func() error {
		in.Close()
		io.Copy(io.Discard, out)
		return c.Wait()
	}, nil
}
