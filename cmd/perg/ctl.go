package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"perg/harness"
	"perg/harness/ctl"
	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/rundir"
)

func ctlCommand() *cli.Command {
	return &cli.Command{
		Name:      "ctl",
		Usage:     "steer a run at work: status, pause, resume, retry, stop",
		ArgsUsage: "RUN [" + strings.Join(ctl.Commands(), "|") + "]",
		Description: `Tells the process that is at work on a run what to do, from another terminal:

   status   how far it is (also where no command is named)
   pause    ask nothing further; what is in flight comes back, and models stay
            in memory
   resume   go on
   retry    try servers and models again now that failed and are left alone for
            a while; answers in error stay so until the run is gone on with
   stop     end as after Ctrl-C: what is in flight is kept, the tables are
            written, and perg run --out RUN goes on with it

   perg ctl last status
   perg ctl runs/night pause

It asks over a socket in the run's directory, RUN/.ctl, that the user who began
the run may use and no other.`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "write what the run answers as JSON"}},
		Action: ctlAction,
	}
}

func ctlAction(c *cli.Context) error {
	const example = "perg ctl RUN status"
	if c.NArg() < 1 || c.NArg() > 2 {
		return hint.Usage(fmt.Errorf("ctl takes a run and a command, not %d arguments", c.NArg()), example)
	}
	name, command := c.Args().First(), c.Args().Get(1)
	if command == "" {
		command = ctl.Status
	}
	if !slices.Contains(ctl.Commands(), command) {
		todo := "there are: " + strings.Join(ctl.Commands(), ", ")
		if near := hint.Nearest(command, ctl.Commands()); near != "" {
			todo = "did you mean " + near + "? " + todo
		}
		return hint.Usage(fmt.Errorf("ctl has no command %q", command), todo)
	}
	dir, err := findRun(name)
	if err != nil {
		return err
	}
	text, err := ctl.Ask(c.Context, dir, command)
	switch {
	case errors.Is(err, ctl.ErrNobody):
		return nobodyAt(dir)
	case err != nil:
		return &hint.Error{Err: fmt.Errorf("%s: %s: %w", dir, command, err)}
	}
	if c.Bool("json") {
		_, err := c.App.Writer.Write(text)
		return err
	}
	var s steered
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("%s answers what cannot be read: %w", dir, err)
	}
	s.show(c.App.Writer, dir)
	return nil
}

// nobodyAt says why a run cannot be steered.
func nobodyAt(dir string) error {
	if rundir.Working(dir) {
		return &hint.Error{Err: fmt.Errorf("a perg is at work on %s and does not listen", dir), Hint: "it is an older one, or just begins or ends; Ctrl-C where it runs stops it"}
	}
	m, err := rundir.ReadManifest(dir)
	if err != nil {
		return err
	}
	return &hint.Error{Err: fmt.Errorf("nothing is at work on %s: it is %s", dir, rundir.StateIn(dir, m)), Hint: "to go on with it: perg run --out " + quoted(dir)}
}

// A steered is what a run says of itself.
type steered struct {
	State    string               `json:"state"` // preparing, running, paused or stopping
	Answered harness.Part         `json:"answered"`
	Judged   harness.Part         `json:"judged"`
	Failed   int                  `json:"failed"`
	Calls    int                  `json:"calls"`
	Known    int                  `json:"known"` // replies that the store had
	Elapsed  time.Duration        `json:"elapsed_ns"`
	Left     *time.Duration       `json:"left_ns"`
	Errors   map[string]int       `json:"errors"` // failed calls by reason
	Next     []string             `json:"next"`
	Lanes    []harness.LaneStatus `json:"lanes"`
}

func (s steered) show(w io.Writer, dir string) {
	fmt.Fprintf(w, "%s: %s", printable.Text(dir), s.State)
	if s.Answered.Of+s.Judged.Of > 0 {
		fmt.Fprintf(w, ", answered %s/%s, judged %s/%s", comma(s.Answered.Done), comma(s.Answered.Of), comma(s.Judged.Done), comma(s.Judged.Of))
		if s.Failed > 0 {
			fmt.Fprintf(w, ", %s failed", comma(s.Failed))
		}
		fmt.Fprintf(w, ", %s so far", roughly(s.Elapsed))
		if s.Left != nil && s.State == rundir.StateRunning {
			fmt.Fprintf(w, ", about %s left", roughly(*s.Left))
		}
	}
	fmt.Fprintln(w)
	for _, l := range s.Lanes {
		fmt.Fprintf(w, "  %s: %s %s %s/%s, %s in flight\n", laneOf(l.Lane), shortName(l.Model), oneLine(doingOf(l)), comma(l.Done), comma(l.Total), comma(l.InFlight))
	}
}

// A helm takes the commands for a run, which may not have begun yet.
type helm struct {
	stop context.CancelFunc
	ctx  context.Context

	mu  sync.Mutex
	run *harness.Run // nil: it is being prepared
}

func (h *helm) begins(r *harness.Run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.run = r
}

// do does a command and says how the run is then.
func (h *helm) do(command string) (any, error) {
	h.mu.Lock()
	r := h.run
	h.mu.Unlock()
	if command == ctl.Stop {
		h.stop()
	}
	if command == ctl.Pause || command == ctl.Resume || command == ctl.Retry {
		if r == nil || !r.Steer(command) {
			return nil, errors.New("the run is being prepared; it can be stopped, and steered once it asks")
		}
	}
	s := steered{State: "preparing"}
	if r != nil {
		o := r.Overview()
		s = steered{
			State: rundir.StateRunning, Answered: o.Answers, Judged: o.Ratings, Failed: o.Failed, Calls: o.Calls, Known: o.Known,
			Elapsed: o.Elapsed, Left: o.Left, Errors: o.Errors, Next: o.Next, Lanes: r.Progress(),
		}
		if o.Paused {
			s.State = "paused"
		}
	}
	if h.ctx.Err() != nil {
		s.State = "stopping"
	}
	return s, nil
}

// listen has a run be steered by others. Where that cannot be, the run goes on
// without.
func (h *helm) listen(dir string, warn func(string)) (end func()) {
	s, err := ctl.Serve(dir, h.do)
	if err != nil {
		warn(fmt.Sprintf("perg ctl cannot reach this run: %v", err))
		return func() {}
	}
	return func() { s.Close() }
}
