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

	"github.com/dustin/go-humanize"

	"perg/harness"
	"perg/harness/report"
	"perg/harness/rundir"
)

const (
	lineEvery  = 10 * time.Second // where there is no live view
	eventEvery = 2 * time.Second

	// mostProgress is what waits of progress where nobody reads: minutes of it.
	mostProgress = 100
	// screenPatience is how long the end waits for a screen that is not read.
	screenPatience = 2 * time.Second
)

// A view is what a user sees of a run: on a terminal a live view, in a pipe a
// line from time to time, with --json events on stdout. Telling it something
// never waits for the screen: the lanes do it.
type view struct {
	stdout, stderr io.Writer
	json           bool

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

func newView(stdout, stderr io.Writer, asJSON bool) *view {
	v := &view{stdout: stdout, stderr: stderr, json: asJSON, stop: func() {}}
	v.lines = &spool{w: stderr, most: mostProgress, gap: func(lost int) string { return "perg: " + unread(lost, "line") + "\n" }}
	v.events = &spool{w: stdout, most: mostProgress, gap: func(lost int) string {
		text, _ := encoded("note", map[string]any{"text": unread(lost, "event"), "left_out": lost})
		return text
	}}
	return v
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
func (v *view) say(text string) { v.tell("perg: ", "note", text) }

func (v *view) warn(text string) {
	v.mu.Lock()
	l := v.live
	v.mu.Unlock()
	if l != nil {
		l.warnings.Add(1)
	}
	v.tell("perg: warning: ", "warning", text)
}

func (v *view) tell(prefix, kind, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.line(message{text: prefix + report.Printable(text) + "\n"})
	if v.json {
		v.event(kind, map[string]any{"text": text}, false)
	}
}

// line puts a line on the screen, above the live view where there is one.
func (v *view) line(m message) {
	if v.live == nil || !v.live.tell(m.text) {
		v.lines.put(m)
	}
}

// event puts an event on stdout.
func (v *view) event(kind string, fields map[string]any, progress bool) error {
	text, err := encoded(kind, fields)
	if err == nil {
		v.events.put(message{text: text, progress: progress})
	}
	return err
}

// lastEvent is the result, which waits for its reader.
func (v *view) lastEvent(fields map[string]any) error {
	if err := v.event("result", fields, false); err != nil {
		return err
	}
	return unlessGone(v.events.flush())
}

// encoded is an event as a line of JSON.
func encoded(kind string, fields map[string]any) (string, error) {
	fields["event"], fields["at"] = kind, time.Now().UTC()
	text, err := json.Marshal(fields)
	return string(text) + "\n", err
}

func (v *view) begin(dir *rundir.Dir, p *harness.Plan) {
	if v.json {
		v.event("start", map[string]any{"out": dir.Path, "run_id": dir.Manifest.RunID, "planned": p.Total(), "resumed": dir.Resumed()}, false)
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
	v.say(fmt.Sprintf("%s %s: %s generations, %d models x %d items%s, %s", verb, dir.Path, comma(p.Total()), len(p.Variants), len(p.Task.Dataset.Items), methods, strings.Join(judges, ", ")))
}

// follow shows progress until close. The name is for the live view.
func (v *view) follow(ctx context.Context, name string, f followed) {
	quit, done := make(chan struct{}), make(chan struct{})
	v.stop = sync.OnceFunc(func() {
		close(quit)
		var enough <-chan time.Time
		if width(v.stdout) == 0 { // a terminal is what the result waits for, too
			enough = time.After(screenPatience)
		}
		select {
		case <-done:
		case <-enough:
		}
	})
	if terminal, ok := liveTerminal(v.stderr); ok && !v.json {
		v.mu.Lock()
		v.live = newLive(terminal, name, f)
		v.mu.Unlock()
		go func() {
			defer close(done)
			v.lines.flush() // what was said before stands above it
			v.live.run(ctx, quit, v.stopping)
		}()
		return
	}
	show, every := v.progressLines, lineEvery
	if v.json {
		show, every = v.progressEvents, eventEvery
	}
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		interrupted := ctx.Done()
		for {
			select {
			case <-quit:
				return
			case <-interrupted:
				interrupted = nil
				v.stopping(f.Progress())
			case <-tick.C:
				show(f)
			}
		}
	}()
}

// close takes progress off the screen, and gives what was told a moment to be
// read. It may be called more than once.
func (v *view) close() {
	v.stop()
	v.mu.Lock()
	if v.live != nil {
		v.lines.put(message{text: v.live.abandon()})
	}
	v.mu.Unlock()
	v.lines.flushWithin(screenPatience)
	v.events.flushWithin(screenPatience)
}

// end tells an error as [show] does, which would wait for a screen that nobody
// reads.
func (v *view) end(err error) error {
	v.close()
	if err == nil {
		return nil
	}
	v.lines.put(message{text: errorText(err)})
	v.lines.flushWithin(screenPatience)
	return &told{err}
}

func (v *view) stopping(lanes []harness.LaneStatus) {
	v.say(fmt.Sprintf("stopping: waiting for %d calls in flight and writing what there is; Ctrl-C again quits at once", inFlight(lanes)))
}

func inFlight(lanes []harness.LaneStatus) (n int) {
	for _, l := range lanes {
		n += l.InFlight
	}
	return n
}

func (v *view) progressLines(f followed) {
	for _, l := range f.Progress() {
		if l.Total > 0 {
			v.lines.put(message{text: "perg: " + report.Printable(laneText(l)) + "\n", progress: true})
		}
	}
}

func (v *view) progressEvents(f followed) {
	whole := overviewFields(f.Overview())
	for _, l := range f.Progress() {
		fields := progressFields(l)
		fields["run"] = whole
		v.event("progress", fields, true)
	}
}

func progressFields(l harness.LaneStatus) map[string]any {
	f := map[string]any{
		"lane": l.Lane, "host": l.Host, "variant": l.Model, "stage": l.Stage, "state": l.State, "cell": l.Cell(),
		"done": l.Done, "total": l.Total, "calls": l.Calls, "in_flight": l.InFlight, "limit": l.Limit, "slots": nil, "gpus": l.GPUs, "memory_used": nil, "power_mw": nil, "known": l.Known, "failed": l.Failed,
		"calls_per_second": l.CallsPerSecond(), "output_tokens_per_second": l.TokensPerSecond(), "left_s": nil,
	}
	if l.MemoryTotal > 0 {
		f["memory_used"], f["power_mw"] = l.MemoryUsed, l.PowerMW
	}
	if l.Slots > 0 {
		f["slots"] = l.Slots
	}
	if left, ok := l.Left(); ok {
		f["left_s"] = left.Seconds()
	}
	return f
}

// overviewFields is the whole run at that moment, the same in each lane's
// event.
func overviewFields(o harness.Overview) map[string]any {
	f := map[string]any{
		"answered": o.Answers.Done, "to_answer": o.Answers.Of, "rated": o.Ratings.Done, "to_rate": o.Ratings.Of,
		"calls": o.Calls, "known": o.Known, "failed": o.Failed, "errors": o.Errors, "next": o.Next,
		"elapsed_s": o.Elapsed.Seconds(), "left_s": nil,
	}
	if o.Left != nil {
		f["left_s"] = o.Left.Seconds()
	}
	return f
}

// laneText is a lane's progress in one line.
func laneText(l harness.LaneStatus) string {
	text := fmt.Sprintf("%s %s %s/%s", l.Model, doingOf(l), comma(l.Done), comma(l.Total))
	if left, ok := l.Left(); ok && l.Done < l.Total {
		text += " " + clock(left) + " left"
	}
	if l.Calls > 0 {
		text += fmt.Sprintf(" %.1f calls/s %s tok/s", l.CallsPerSecond(), humanize.Comma(int64(l.TokensPerSecond())))
	}
	if l.MemoryTotal > 0 {
		text += fmt.Sprintf(" %.0f/%.0f GiB", float64(l.MemoryUsed)/(1<<30), float64(l.MemoryTotal)/(1<<30))
	}
	if l.Failed > 0 {
		text += fmt.Sprintf(" %s failed", comma(l.Failed))
	}
	return text
}

// doingOf says what a lane is at.
func doingOf(l harness.LaneStatus) string {
	switch {
	case l.State == "loading":
		return "loading"
	case l.Stage == harness.Score:
		return "judging " + l.Cell()
	}
	return l.Cell()
}

// clock shows a duration as h:mm:ss.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
