package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"perg/gpu"
	"perg/harness/report"
)

// watchGPUs shows samples until ctx is done, which is its normal end.
func watchGPUs(ctx context.Context, stdout, stderr io.Writer, interval time.Duration, asJSON bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	screen := &gpuScreen{w: stdout, columns: width(stdout)}
	show := screen.show
	if asJSON {
		show = func(round []gpu.Sample) error { return json.NewEncoder(stdout).Encode(round) }
	}
	s := gpu.Sampler{Interval: interval, Warn: func(text string) {
		fmt.Fprintln(stderr, "perg: warning: "+report.Printable(text))
		screen.keep()
	}}
	s.Run(ctx, func(round []gpu.Sample) {
		if err := show(round); err != nil {
			cancel(err) // the reader of a pipe has gone
		}
	})
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// A gpuScreen shows rounds of samples: on a terminal each in the place of the
// one before, elsewhere line after line.
type gpuScreen struct {
	w       io.Writer
	columns int // of the terminal; 0: none
	shown   int // lines to write over
	begun   bool
}

const (
	gpuLine     = "%3v  %8s  %8s  %5s  %5s  %6s  %4s  %8s  %s\n"
	timeColumns = "%-8s  "
)

var gpuHeads = []any{"GPU", "USED", "TOTAL", "BUSY", "MEM", "POWER", "TEMP", "CLOCK", "NAME"}

func (s *gpuScreen) show(round []gpu.Sample) error {
	var b strings.Builder
	terminal := s.columns > 0
	switch {
	case terminal:
		if s.shown > 0 {
			fmt.Fprintf(&b, "\x1b[%dA\x1b[J", s.shown)
		}
		fmt.Fprintln(&b, fit(fmt.Sprintf("%s, until Ctrl-C", round[0].At.Format(time.TimeOnly)), s.columns))
		fmt.Fprint(&b, s.fitted(fmt.Sprintf(gpuLine, gpuHeads...)))
		s.shown = len(round) + 2
	case !s.begun:
		fmt.Fprintf(&b, timeColumns+gpuLine, append([]any{"TIME"}, gpuHeads...)...)
	}
	s.begun = true
	for _, g := range round {
		// The maker's name says least and would push the rest off the screen.
		name := report.Printable(orUnknown(strings.TrimPrefix(g.Name, "NVIDIA ")))
		line := fmt.Sprintf(gpuLine, g.Index, bytesOf(g.MemoryUsed), bytesOf(g.MemoryTotal), shareOf(g.GPUUtilization), shareOf(g.MemoryUtilization),
			watts(g.PowerMW), celsius(g.TemperatureC), megahertz(g.SMClockMHz), name)
		if !terminal {
			fmt.Fprintf(&b, timeColumns, g.At.Format(time.TimeOnly))
		}
		b.WriteString(s.fitted(line))
	}
	_, err := io.WriteString(s.w, b.String())
	return err
}

func (s *gpuScreen) fitted(line string) string {
	return fit(strings.TrimSuffix(line, "\n"), s.columns) + "\n"
}

// keep leaves what is shown where it is: something was written below.
func (s *gpuScreen) keep() { s.shown = 0 }
