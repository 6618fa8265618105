package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"perg/harness"
	"perg/harness/report"
)

const (
	barEvery   = 200 * time.Millisecond
	lineEvery  = 10 * time.Second // where stderr is no terminal
	eventEvery = 2 * time.Second
)

// A view is what a user sees of a run: on a terminal a bar for each lane, in
// a pipe a line from time to time, with --json events on stdout.
type view struct {
	stdout, stderr io.Writer
	json           bool

	mu    sync.Mutex          // orders lines and events
	bars  *mpb.Progress       // nil where stderr is no terminal
	lanes map[string]*laneBar // owned by the goroutine that follows
	stop  func()
}

func newView(stdout, stderr io.Writer, asJSON bool) *view {
	return &view{stdout: stdout, stderr: stderr, json: asJSON, lanes: make(map[string]*laneBar), stop: func() {}}
}

// say tells the user something; warn what might spoil the results.
func (v *view) say(text string)  { v.tell("perg: ", "note", text) }
func (v *view) warn(text string) { v.tell("perg: warning: ", "warning", text) }

func (v *view) tell(prefix, kind, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	line := prefix + report.Printable(text) + "\n"
	if v.bars != nil {
		// The terminal's echo of Ctrl-C may have moved the cursor.
		io.WriteString(v.bars, "\r"+line)
	} else {
		io.WriteString(v.stderr, line)
	}
	if v.json {
		v.emit(kind, map[string]any{"text": text})
	}
}

func (v *view) event(kind string, fields map[string]any) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.emit(kind, fields)
}

func (v *view) emit(kind string, fields map[string]any) error {
	fields["event"], fields["at"] = kind, time.Now().UTC()
	return json.NewEncoder(v.stdout).Encode(fields)
}

func (v *view) begin(dir *harness.Dir, p *harness.Plan) {
	if v.json {
		v.event("start", map[string]any{"out": dir.Path, "run_id": dir.Manifest.RunID, "planned": p.Total(), "resumed": dir.Resumed()})
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
	if len(p.Methods) > 1 {
		methods = fmt.Sprintf(" x %d methods", len(p.Methods))
	}
	v.say(fmt.Sprintf("%s %s: %s generations, %d models x %d items%s, %s", verb, dir.Path, comma(p.Total()), len(p.Variants), len(p.Dataset.Items), methods, strings.Join(judges, ", ")))
}

// follow shows progress until close.
func (v *view) follow(ctx context.Context, progress func() []harness.LaneStatus) {
	quit, done := make(chan struct{}), make(chan struct{})
	show, every := v.follower(progress)
	var once sync.Once
	v.stop = func() {
		once.Do(func() {
			close(quit)
			<-done
		})
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
				v.say(fmt.Sprintf("stopping: waiting for %d calls in flight and writing what there is; Ctrl-C again quits at once", inFlight(progress())))
			case <-tick.C:
				show()
			}
		}
	}()
}

func inFlight(lanes []harness.LaneStatus) (n int) {
	for _, l := range lanes {
		n += l.InFlight
	}
	return n
}

func (v *view) follower(progress func() []harness.LaneStatus) (show func(), every time.Duration) {
	if v.json {
		return func() {
			for _, l := range progress() {
				v.event("progress", progressFields(l))
			}
		}, eventEvery
	}
	if width(v.stderr) > 0 {
		return v.followOnTerminal(progress), barEvery
	}
	return func() {
		for _, l := range progress() {
			if l.Total > 0 {
				v.say(laneText(l, 0))
			}
		}
	}, lineEvery
}

func progressFields(l harness.LaneStatus) map[string]any {
	f := map[string]any{
		"lane": l.Lane, "host": l.Host, "variant": l.Variant, "stage": l.Stage, "state": l.State, "cell": l.Cell,
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

// followOnTerminal keeps one bar for each lane at work.
func (v *view) followOnTerminal(progress func() []harness.LaneStatus) (show func()) {
	bars := mpb.New(mpb.WithOutput(v.stderr), mpb.WithRefreshRate(barEvery))
	v.mu.Lock()
	v.bars = bars
	v.mu.Unlock()
	return func() {
		lanes := progress()
		for _, l := range lanes {
			b, ok := v.lanes[l.Lane]
			if !ok {
				b = newLaneBar(v, bars)
				v.lanes[l.Lane] = b
			}
			b.status.Store(&l)
			b.bar.SetTotal(int64(l.Total), false)
			b.bar.SetCurrent(int64(l.Done))
		}
		for lane, b := range v.lanes {
			if !slices.ContainsFunc(lanes, func(l harness.LaneStatus) bool { return l.Lane == lane }) {
				b.bar.Abort(true)
				delete(v.lanes, lane)
			}
		}
	}
}

// A laneBar is the bar of a lane and what it last said.
type laneBar struct {
	bar    *mpb.Bar
	status atomic.Pointer[harness.LaneStatus]
}

func newLaneBar(v *view, bars *mpb.Progress) *laneBar {
	const barWidth = 8
	b := new(laneBar)
	b.status.Store(new(harness.LaneStatus))
	// A bar that is made with a total ends when it is reached; these are
	// ended when their lane leaves, because its total changes with its job.
	b.bar = bars.New(0, mpb.BarStyle().Lbound("").Rbound("").Filler("█").Tip("").Padding("░"),
		mpb.BarFillerTrim(), mpb.BarWidth(barWidth),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			// A line as wide as the terminal would wrap.
			return " " + laneText(*b.status.Load(), width(v.stderr)-barWidth-2)
		})))
	return b
}

// close takes progress off the screen. It may be called more than once.
func (v *view) close() {
	v.stop()
	v.mu.Lock()
	bars := v.bars
	v.bars = nil
	v.mu.Unlock()
	if bars == nil {
		return
	}
	for _, b := range v.lanes {
		b.bar.Abort(true)
	}
	bars.Wait()
}

// laneText is a lane's progress in one line of at most so many columns, 0 for
// any number. A long name gives way first.
func laneText(l harness.LaneStatus, columns int) string {
	what := l.Cell
	if l.Stage == harness.Score {
		what = "judging " + l.Cell
	}
	if l.State == "loading" {
		what = "loading"
	}
	text := fmt.Sprintf(" %s %s/%s", what, comma(l.Done), comma(l.Total))
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
	if columns <= 0 {
		return l.Variant + text
	}
	const shortest = 8
	return fit(fit(l.Variant, max(columns-len(text), shortest))+text, columns)
}

// clock shows a duration as h:mm:ss.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// width is the number of columns of a terminal, 0 where w is none.
func width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// fit cuts a line to a number of columns.
func fit(s string, columns int) string {
	runes := []rune(s)
	if columns < 1 || len(runes) <= columns {
		return s
	}
	return string(runes[:columns-1]) + "…"
}
