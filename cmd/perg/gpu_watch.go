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
	"perg/harness/printable"
)

// watchGPUs shows samples until ctx is done, which is its normal end.
func watchGPUs(ctx context.Context, stdout, stderr io.Writer, interval time.Duration, asJSON bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	screen := &gpuScreen{w: stdout}
	if width(stdout) > 0 {
		screen.columns = func() int { return width(stdout) }
	}
	show := screen.show
	if asJSON {
		show = func(round []gpu.Sample) error { return json.NewEncoder(stdout).Encode(round) }
	}
	s := gpu.Sampler{Interval: interval, Warn: func(text string) {
		fmt.Fprintln(stderr, "perg: warning: "+printable.Text(text))
		screen.forget() // it was written below
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
	columns func() int // of the terminal, as it is now; nil: there is none
	begun   bool
	screen
}

const (
	gpuLine     = "%3v  %8s  %8s  %5s  %5s  %6s  %4s  %8s  %s\n"
	timeColumns = "%-8s  "
)

var gpuHeads = []any{"GPU", "USED", "TOTAL", "BUSY", "MEM", "POWER", "TEMP", "CLOCK", "NAME"}

func (s *gpuScreen) show(round []gpu.Sample) error {
	var b strings.Builder
	switch {
	case s.columns != nil:
		fmt.Fprintf(&b, "%s, until Ctrl-C\n", round[0].At.Format(time.TimeOnly))
		fmt.Fprintf(&b, gpuLine, gpuHeads...)
	case !s.begun:
		fmt.Fprintf(&b, timeColumns+gpuLine, append([]any{"TIME"}, gpuHeads...)...)
	}
	s.begun = true
	for _, g := range round {
		// The maker's name says least and would push the rest off the screen.
		name := printable.Text(orUnknown(strings.TrimPrefix(g.Name, "NVIDIA ")))
		row := fmt.Sprintf(gpuLine, strings.TrimPrefix(g.ID(), "gpu"), bytesOf(g.MemoryUsed), bytesOf(g.MemoryTotal), shareOf(g.GPUUtilization), shareOf(g.MemoryUtilization),
			watts(g.PowerMW), celsius(g.TemperatureC), megahertz(g.SMClockMHz), name)
		if s.columns == nil {
			fmt.Fprintf(&b, timeColumns, g.At.Format(time.TimeOnly))
		}
		b.WriteString(row)
	}
	out := b.String()
	if s.columns != nil {
		columns := s.columns()
		var frame []string
		for text := range strings.Lines(out) {
			frame = append(frame, fit(strings.TrimSuffix(text, "\n"), max(1, columns-1)))
		}
		out = s.draw("", frame, columns)
	}
	_, err := io.WriteString(s.w, out)
	return err
}
