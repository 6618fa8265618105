package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A lab is machines and a network between them: a network namespace each, with one
// tap device, and a switch in this process, which passes frames on, late, or not
// at all. It needs no more of the kernel than taps: those of small virtual
// machines have neither netem nor nftables.
type lab struct {
	t     *testing.T
	boxes []*box
}

// spaces counts the namespaces of this process.
var spaces atomic.Int32

// A box is a machine of a lab.
type box struct {
	lab   *lab
	name  string // as perg knows it
	space string // its network namespace
	ip    string
	home  string // directory of what it keeps

	tap          *os.File
	sends, hears *cable
}

func needsNamespaces(t *testing.T) {
	t.Helper()
	switch _, err := exec.LookPath("ip"); {
	case os.Getuid() != 0:
		t.Skip("waits for root, who may make network namespaces")
	case err != nil:
		t.Skip("waits for the program ip (iproute2)")
	}
}

// newLab is machines of these names, at 10.75.0.1 and so on.
func newLab(t *testing.T, names ...string) *lab {
	t.Helper()
	needsNamespaces(t)
	l := &lab{t: t}
	for i, name := range names {
		b := &box{lab: l, name: name, space: fmt.Sprintf("perg-%d-%d", os.Getpid(), spaces.Add(1)), ip: fmt.Sprintf("10.75.0.%d", i+1)}
		if out, err := exec.Command("ip", "netns", "add", b.space).CombinedOutput(); err != nil {
			t.Skipf("waits for network namespaces: %s", out)
		}
		t.Cleanup(func() { l.ip("netns", "del", b.space) })
		var err error
		if b.tap, err = openTap(b.space); err != nil {
			t.Skipf("waits for tap devices: %v", err)
		}
		b.sends, b.hears = newCable(), newCable()
		l.ip("-n", b.space, "addr", "add", b.ip+"/24", "dev", "eth0")
		l.ip("-n", b.space, "link", "set", "lo", "up")
		b.link("up")
		l.boxes = append(l.boxes, b)
	}
	for _, b := range l.boxes {
		go b.forward()
		t.Cleanup(func() {
			b.tap.Close()
			b.sends.close()
			b.hears.close()
		})
	}
	return l
}

func (l *lab) ip(args ...string) {
	l.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.t.Errorf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// link sets a machine's network up or down, as it notices.
func (b *box) link(state string) { b.lab.ip("-n", b.space, "link", "set", "eth0", state) }

// openTap makes the device eth0 in a namespace.
func openTap(space string) (*os.File, error) {
	there, err := os.Open("/var/run/netns/" + space)
	if err != nil {
		return nil, err
	}
	defer there.Close()
	runtime.LockOSThread()
	here, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		return nil, err
	}
	defer here.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	fd, err := plugIn("eth0")
	if back := unix.Setns(int(here.Fd()), unix.CLONE_NEWNET); back != nil {
		return nil, back // the thread is lost with its goroutine
	}
	runtime.UnlockOSThread()
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "eth0 of "+space), nil
}

func plugIn(name string) (fd int, err error) {
	if fd, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0); err != nil {
		return 0, err
	}
	r, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	r.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	return fd, unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
}

// forward passes what a machine sends on to all others: each takes what is meant
// for it.
func (b *box) forward() {
	for buffer := make([]byte, 64<<10); ; {
		n, err := b.tap.Read(buffer)
		if err != nil {
			return
		}
		frame := append([]byte{}, buffer[:n]...)
		b.sends.carry(len(frame), func() {
			for _, other := range b.lab.boxes {
				if other != b {
					other.hears.carry(len(frame), func() { other.tap.Write(frame) })
				}
			}
		})
	}
}

// Weather is what a cable suffers from, in one direction.
type weather struct {
	cut           bool
	delay, jitter time.Duration
	loss          float64 // share of frames
	rate          float64 // bytes per second; 0: no limit
}

// mostLate is how much traffic waits for a cable that is slow, before frames are
// lost.
const mostLate = time.Second

// A cable carries frames in one direction, in order.
type cable struct {
	mu     sync.Mutex
	now    weather
	free   time.Time // of what it carries at its rate
	last   time.Time // when the last frame arrives
	queue  chan late
	closed bool
}

type late struct {
	at      time.Time
	deliver func()
}

func newCable() *cable {
	c := &cable{queue: make(chan late, 4096)}
	go func() {
		for l := range c.queue {
			time.Sleep(time.Until(l.at))
			l.deliver()
		}
	}()
	return c
}

func (c *cable) set(w weather) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = w
}

func (c *cable) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		close(c.queue)
	}
}

func (c *cable) carry(size int, deliver func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, now := c.now, time.Now()
	if c.closed || w.cut || rand.Float64() < w.loss {
		return
	}
	at := now
	if w.rate > 0 {
		if c.free.Before(now) {
			c.free = now
		}
		if c.free.Sub(now) > mostLate {
			return
		}
		c.free = c.free.Add(time.Duration(float64(size) / w.rate * float64(time.Second)))
		at = c.free
	}
	at = at.Add(w.delay)
	if w.jitter > 0 {
		at = at.Add(time.Duration(rand.Int64N(int64(2*w.jitter))) - w.jitter)
	}
	if at.Before(c.last) {
		at = c.last
	}
	c.last = at
	select {
	case c.queue <- late{at, deliver}:
	default: // full
	}
}

// command is a program on a machine. Its process is the program's.
func (b *box) command(program string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", b.space, program}, args...)...)
}
