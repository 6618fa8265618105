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
	if err := c.Start(); err != nil {
		return process{}, err
	}
	ended, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- peakMemory(c.Process.Pid, ended) }()
	err := c.Wait()
	p := process{took: time.Since(started), stdout: out.String()}
	close(ended)
	p.memory = <-peak
	if err != nil {
		return p, fmt.Errorf("perg %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return p, nil
}

// peakMemory is the most that was resident of a process, bytes, as it was last
// seen before the end. What wait reports is no less than this process had when
// it started the other.
func peakMemory(pid int, ended <-chan struct{}) (peak int64) {
	for tick := time.Tick(10 * time.Millisecond); ; {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
			var kB int64
			_, rest, _ := strings.Cut(string(text), "VmHWM:")
			if n, _ := fmt.Sscan(rest, &kB); n == 1 {
				peak = kB << 10
			}
		}
		select {
		case <-ended:
			return peak
		case <-tick:
		}
	}
}

// fakeProcess starts a fake server, as this program's arguments say, in a process
// of its own so that neither perg nor its peer has it in its memory.
func fakeProcess(args ...string) (host string, stop func() error, err error) {
	program, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	c := exec.Command(program, args...)
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
