package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"perg/harness"
	"perg/harness/rundir"
)

// onEnd runs the user's command after a run, however it ended: with its state, its
// directory, perg's exit status and the error in the environment. What the command
// comes to changes nothing of that.
func onEnd(ctx context.Context, command, dir string, ended error, out io.Writer) {
	if command == "" {
		return
	}
	state := rundir.StateFailed
	switch {
	case ended == nil || errors.Is(ended, errRowsInError):
		state = rundir.StateFinished
	case errors.Is(ended, harness.ErrInterrupted):
		state = rundir.StateInterrupted
	}
	said := ""
	if ended != nil {
		said = ended.Error()
	}
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	c := exec.CommandContext(context.WithoutCancel(ctx), "sh", "-c", command)
	c.Env = append(os.Environ(), "PERG_RUN="+dir, "PERG_STATE="+state, "PERG_EXIT="+strconv.Itoa(exitStatus(ended)), "PERG_ERROR="+said)
	c.Stdout, c.Stderr = out, out
	if err := c.Run(); err != nil {
		fmt.Fprintf(out, "perg: warning: --on-end: %v\n", err)
	}
}
