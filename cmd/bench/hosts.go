package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"perg/data"
)

const (
	hostsCall  = 200 * time.Millisecond
	hostsOwn   = 150 * time.Millisecond
	hostsItems = 100
	hostsDelay = 5 * time.Millisecond // each way
)

// severalHosts measures runs on several machines, which are processes here: what
// more of them bring, and what the network between them costs.
func severalHosts(ctx context.Context, b *bench) (rows []row, err error) {
	set, err := b.manyItems(scaleItems)
	if err != nil {
		return nil, err
	}
	path, err := b.fakeOllama(3, 4, hostsCall, hostsOwn)
	if err != nil {
		return nil, err
	}
	var gains, costs []float64
	var one, three, far time.Duration
	for turn := range b.repeats {
		task := []string{"fake:1", "fake:2", "fake:3", "--data", set, "--limit", fmt.Sprint(hostsItems), "--settings", "relevant", "--parallel", "4"}
		for _, of := range []struct {
			into   *time.Duration
			agents int
			delay  time.Duration
		}{{&one, 1, 0}, {&three, 3, 0}, {&far, 1, hostsDelay}} {
			store := filepath.Join(b.dir, fmt.Sprintf("hosts-%d-%d-%d.db", turn, of.agents, of.delay))
			dir, _, err := b.hosted(ctx, path, of.agents, of.delay, append(task, "--store", store)...)
			if err != nil {
				return nil, err
			}
			calls, err := recordedCalls(dir, func(data.Generation) bool { return true })
			if err != nil {
				return nil, err
			}
			*of.into = calls[len(calls)-1].StartedAt.Sub(*calls[0].StartedAt) + hostsCall
		}
		gains, costs = append(gains, one.Seconds()/three.Seconds()), append(costs, far.Seconds()/one.Seconds()-1)
		fmt.Fprintf(os.Stderr, "bench: hosts: one %s, three %s, one with 10 ms between %s\n", one, three, far)
	}
	calls := fmt.Sprintf("%d calls of %s, 4 at once", 3*2*hostsItems, hostsCall)
	rows = append(rows, row{
		what: calls + ", on three machines", limit: fmt.Sprintf("on one, %.1f s", one.Seconds()), mark: "2.9 times as fast",
		got: fmt.Sprintf("%.1f s", three.Seconds()), ratio: fmt.Sprintf("%.2f", median(gains)), met: median(gains) >= 2.9,
		how: fmt.Sprintf("from the first call to the last answer; %d turns, ratios %s; the machines are processes on one", b.repeats, spread(gains, "")),
	}.progress(), row{
		what: calls + ", with a round trip of 10 ms", limit: fmt.Sprintf("without, %.1f s", one.Seconds()), mark: "at most 2 % more",
		got: fmt.Sprintf("%.1f s", far.Seconds()), ratio: fmt.Sprintf("%.3f", 1+median(costs)), met: median(costs) <= 0.02,
		how: fmt.Sprintf("a proxy between agent and controller holds each byte for 5 ms; %d turns, costs %s", b.repeats, spread(costs, "")),
	}.progress())
	return rows, nil
}

// controllerMemory is what a run takes at its most to which eight machines have come.
// All but one of its variants were answered before, on this machine: the run has all
// their replies to look up, to count and to write, which is as if the machines had
// made them.
func controllerMemory(ctx context.Context, b *bench) (rows []row, err error) {
	set, err := b.manyItems(scaleItems)
	if err != nil {
		return nil, err
	}
	variants := max(1, b.largest/scaleItems/scaleSettings)
	task := []string{"--data", set, "--limit", fmt.Sprint(b.largest / variants / scaleSettings), "--null", "0"}
	for v := range variants {
		task = append(task, fmt.Sprint("fake:", v+1))
	}
	path, err := b.fakeOllama(variants+1, 4, 0, time.Millisecond)
	if err != nil {
		return nil, err
	}
	// perg starts it, as agents do: replies of servers of perg's own are others
	// than those of a server that is named.
	was := os.Getenv("PATH")
	os.Setenv("PATH", path+":"+was)
	defer os.Setenv("PATH", was)
	dir := filepath.Join(b.dir, "alone")
	alone, err := b.run(ctx, append([]string{"run", "--lanes", "1", "--parallel", "16", "--store", dir + ".db", "--out", dir}, task...)...)
	if err != nil {
		return nil, err
	}
	_, hosted, err := b.hosted(ctx, path, 8, 0, append(task, fmt.Sprint("fake:", variants+1), "--parallel", "4", "--store", dir+".db", "--json")...)
	if err != nil {
		return nil, err
	}
	o, err := hosted.outcome()
	if err != nil {
		return nil, err
	}
	return []row{row{
		what: fmt.Sprintf("memory of the controller of 8 agents, %s generations", humanize.Comma(int64(o.Counts.OK))), limit: "200 MB", mark: "200 MB",
		got: humanize.Bytes(uint64(hosted.memory)), ratio: fmt.Sprintf("%.2f", float64(hosted.memory)/memoryLimit), met: hosted.memory <= memoryLimit,
		how: fmt.Sprintf("most that was resident; %s calls are made by the agents, the other replies are in the store; without agents %s", humanize.Comma(int64(o.Calls)), humanize.Bytes(uint64(alone.memory))),
	}.progress()}, nil
}

// fakeOllama is a directory for PATH, with an ollama that is a fake server.
func (b *bench) fakeOllama(models, slots int, call, own time.Duration) (dir string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp(b.dir, "path-"); err != nil {
		return "", err
	}
	script := fmt.Sprintf("#!/bin/sh\nexec %s serve %d %d %s %s\n", self, models, slots, call, own)
	return dir, os.WriteFile(filepath.Join(dir, "ollama"), []byte(script), 0o755)
}

// hosted is a run of so many agents, each byte between which and the controller
// takes a while; p is the controller's.
func (b *bench) hosted(ctx context.Context, path string, agents int, delay time.Duration, task ...string) (dir string, p process, err error) {
	if dir, err = os.MkdirTemp(b.dir, "hosts-"); err != nil {
		return "", p, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", p, err
	}
	address := l.Addr().String()
	l.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	reached := address
	if delay > 0 {
		if reached, err = late(ctx, address, delay); err != nil {
			return "", p, err
		}
	}
	out := filepath.Join(dir, "run")
	var all sync.WaitGroup
	said := make([]bytes.Buffer, agents)
	for i := range agents {
		all.Go(func() {
			token := ""
			for ; token == "" && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
				text, _ := os.ReadFile(filepath.Join(out, "join"))
				_, token, _ = strings.Cut(strings.TrimSpace(string(text)), "--token ")
			}
			home := filepath.Join(dir, fmt.Sprint("agent", i))
			c := exec.CommandContext(ctx, b.perg, "agent", reached, "--token", token, "--name", fmt.Sprint("agent", i), "--store", filepath.Join(home, "agent.db"))
			c.Env = append(os.Environ(), "HOME="+home, "PATH="+path+":"+os.Getenv("PATH"))
			c.Stderr = &said[i]
			c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
			c.WaitDelay = 10 * time.Second
			c.Run()
		})
	}
	p, err = b.run(ctx, append([]string{"run", "--out", out, "--listen", address, "--no-local", "--await", fmt.Sprint(agents)}, task...)...)
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, &said[0])
		stop()
	}
	all.Wait()
	return out, p, err
}

// late is an address where an other one is reached, by a way that takes as long for
// each byte.
func late(ctx context.Context, to string, delay time.Duration) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			go pass(in, out, delay)
			go pass(out, in, delay)
		}
	}()
	return l.Addr().String(), nil
}

// pass passes on what is read, each piece after the delay.
func pass(from, to net.Conn, delay time.Duration) {
	type piece struct {
		due  time.Time
		text []byte
	}
	pieces := make(chan piece, 4096)
	go func() {
		defer to.Close()
		for p := range pieces {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.text); err != nil {
				from.Close()
			}
		}
	}()
	defer close(pieces)
	for buffer := make([]byte, 64<<10); ; {
		n, err := from.Read(buffer)
		if n > 0 {
			pieces <- piece{time.Now().Add(delay), bytes.Clone(buffer[:n])}
		}
		if err != nil {
			return
		}
	}
}

// untilDone is read until a context is done.
type untilDone struct{ ctx context.Context }

func (u untilDone) Read([]byte) (int, error) {
	<-u.ctx.Done()
	return 0, io.EOF
}
