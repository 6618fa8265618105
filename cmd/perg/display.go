package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"perg/harness"
	"perg/harness/printable"
	"perg/harness/rundir"
)

const (
	lineEvery  = 10 * time.Second // where nothing is shown live
	eventEvery = 2 * time.Second

	// mostProgress is what waits of progress where nobody reads: minutes of it.
	mostProgress = 100
	// screenPatience is how long the end waits for a screen that is not read.
	screenPatience = 2 * time.Second
)

// A display is what a user sees of a run: on a terminal a live one, in a pipe a
// line from time to time, with --json events on stdout. Telling it something
// never waits for the screen: the lanes do it.
type display struct {
	stdout io.Writer
	json   bool

	mu     sync.Mutex // orders lines and events
	lines  *spool     // on stderr
	events *spool     // on stdout, with --json
	live   *live      // nil where there is none
	stop   func()
}

// What is followed, a run or a pass.
type followed interface {
	Progress() []harness.LaneStatus
	Overview() harness.Overview
}

func newDisplay(stdout, stderr io.Writer, asJSON bool) *display {
	d := &display{stdout: stdout, json: asJSON, stop: func() {}}
	if terminal, ok := liveTerminal(stderr); ok && !asJSON {
		d.live = &live{terminal: terminal}
		stderr = d.live
	}
	d.lines = &spool{w: stderr, most: mostProgress, gap: func(lost int) string { return "perg: " + unread(lost, "line") + "\n" }}
	d.events = &spool{w: stdout, most: mostProgress, gap: func(lost int) string {
		text, _ := encoded("note", map[string]any{"text": unread(lost, "event"), "left_out": lost})
		return text
	}}
	return d
}

func unread(lost int, what string) string {
	return fmt.Sprintf("%s %s of progress left out: nobody read", comma(lost), plural(lost, what))
}

// outliveReaders keeps perg from ending with the reader of its output, as in
// perg run --json | head -1: what a run pays for is more than what is shown.
// Notify and not Ignore, which programs that perg starts would inherit.
var outliveReaders = sync.OnceFunc(func() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) })

// unlessGone is the error of a write, but for a reader's having gone.
func unlessGone(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}

// say tells the user something; warn what might spoil the results.
func (d *display) say(text string) { d.tell("perg: ", "note", text) }

func (d *display) warn(text string) {
	if d.live != nil {
		d.live.warnings.Add(1)
	}
	d.tell("perg: warning: ", "warning", text)
}

func (d *display) tell(prefix, kind, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines.put(message{text: prefix + printable.Text(text) + "\n"})
	if d.json {
		d.event(kind, map[string]any{"text": text}, false)
	}
}

// event puts an event on stdout.
func (d *display) event(kind string, fields map[string]any, progress bool) error {
	text, err := encoded(kind, fields)
	if err == nil {
		d.events.put(message{text: text, progress: progress})
	}
	return err
}

// lastEvent is the result, which waits for its reader.
func (d *display) lastEvent(fields map[string]any) error {
	if err := d.event("result", fields, false); err != nil {
		return err
	}
	return unlessGone(d.events.flush())
}

// encoded is an event as a line of JSON.
func encoded(kind string, fields map[string]any) (string, error) {
	fields["event"], fields["at"] = kind, time.Now().UTC()
	text, err := json.Marshal(fields)
	return string(text) + "\n", err
}

func (d *display) begin(dir *rundir.Dir, p *harness.Plan) {
	if d.json {
		d.event("start", map[string]any{"out": dir.Path, "run_id": dir.Manifest.RunID, "planned": p.Total(), "resumed": dir.Resumed()}, false)
	}
	verb := "running"
	if dir.Resumed() {
		verb = "resuming"
	}
	if p.Rerating {
		verb = "rating"
	}
	judges := make([]string, len(p.Judges))
	for i, j := range p.Judges {
		judges[i] = "judge " + j.Name
	}
	if len(judges) == 0 {
		judges = []string{"no judge"}
	}
	methods := ""
	if len(p.Task.Methods) > 1 {
		methods = fmt.Sprintf(" x %d methods", len(p.Task.Methods))
	}
	d.say(fmt.Sprintf("%s %s: %s generations, %d models x %d items%s, %s", verb, dir.Path, comma(p.Total()), len(p.Variants), p.Task.Asking(), methods, strings.Join(judges, ", ")))
}

// follow shows progress until close. The name is for what is shown live.
func (d *display) follow(ctx context.Context, name string, f followed) {
	show, every := d.progressLines, lineEvery
	changes := make(chan os.Signal, 4)
	switch {
	case d.json:
		show, every = d.progressEvents, eventEvery
	case d.live != nil:
		show, every = func(followed) { d.lines.put(message{}) }, frameEvery
		d.live.warnings.Store(0)
		d.live.subject.Store(&subject{name: name, followed: f, stopping: func() bool { return ctx.Err() != nil }, recent: make(recent)})
		signal.Notify(changes, syscall.SIGWINCH, syscall.SIGCONT)
		d.lines.put(message{})
	}
	quit, done := make(chan struct{}), make(chan struct{})
	d.stop = sync.OnceFunc(func() {
		close(quit)
		<-done
	})
	go func() {
		defer close(done)
		defer signal.Stop(changes)
		tick := time.NewTicker(every)
		defer tick.Stop()
		interrupted, last := ctx.Done(), time.Now()
		for {
			select {
			case <-quit:
				return
			case <-interrupted:
				interrupted = nil
				d.stopping(f.Progress())
			case sig := <-changes:
				if sig == syscall.SIGCONT {
					d.live.resumed.Store(true)
				}
				show(f)
			case <-tick.C:
				// Where perg was stopped it is late, and may come before SIGCONT.
				late := time.Since(last) > every*5/4
				if last = time.Now(); !late {
					show(f)
				}
			}
		}
	}()
}

// close takes progress off the screen, and gives what was told a moment to be
// read. It may be called more than once.
func (d *display) close() {
	d.stop()
	if d.live != nil && d.live.subject.Swap(nil) != nil {
		d.lines.put(message{})
		if width(d.stdout) > 0 { // a terminal, which the result waits for, too
			d.lines.flush()
		}
	}
	d.lines.flushWithin(screenPatience)
	d.events.flushWithin(screenPatience)
}

// end tells an error as [show] does, which would wait for a screen that nobody
// reads.
func (d *display) end(err error) error {
	d.close()
	if err == nil {
		return nil
	}
	d.lines.put(message{text: errorText(err)})
	d.lines.flushWithin(screenPatience)
	return &told{err}
}

func (d *display) stopping(lanes []harness.LaneStatus) {
	d.say(fmt.Sprintf("stopping: waiting for %d calls in flight and writing what there is; Ctrl-C again quits at once", inFlight(lanes)))
}
