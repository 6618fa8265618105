package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"perg/gpu"
	"perg/harness/report"
)

func gpuCommand() *cli.Command {
	return &cli.Command{
		Name:  "gpu",
		Usage: "what NVML sees of this machine's GPUs",
		Description: `Shows each GPU with its memory, what it can do, and what it does now. With
--watch it goes on until Ctrl-C: on a terminal in place, in a pipe line by line.

   perg gpu
   perg gpu --watch
   perg gpu --watch --json > gpu.jsonl`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "watch", Usage: "go on until Ctrl-C"},
			&cli.DurationFlag{Name: "interval", Value: time.Second, Usage: "`TIME` between looks, with --watch"},
			&cli.BoolFlag{Name: "json", Usage: "write JSON; with --watch a line for each look"},
		},
		Action: func(c *cli.Context) error {
			if c.Bool("watch") {
				return watchGPUs(c.Context, c.App.Writer, c.App.ErrWriter, c.Duration("interval"), c.Bool("json"))
			}
			inventory, err := gpu.Discover()
			if c.Bool("json") {
				return gpuJSON(c.App.Writer, inventory, err)
			}
			return showGPUs(c.App.Writer, inventory, err)
		},
	}
}

// gpuJSON is the inventory with why there is none; that is an answer, not an
// error.
func gpuJSON(w io.Writer, inventory gpu.Inventory, why error) error {
	out := struct {
		gpu.Inventory
		Error string `json:"error,omitempty"`
	}{Inventory: inventory}
	if out.GPUs == nil {
		out.GPUs = []gpu.GPU{}
	}
	if why != nil {
		out.Error = why.Error()
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

func showGPUs(w io.Writer, inventory gpu.Inventory, why error) error {
	if len(inventory.GPUs) == 0 {
		fmt.Fprintln(w, "no GPU: "+report.Printable(why.Error()))
		fmt.Fprintln(w, "Models will run on the CPU, slowly. 'perg plan --gpus 1x24GiB' plans for a GPU\nthat is not here.")
		return nil
	}
	fmt.Fprintf(w, "driver %s, CUDA %s\n\n", orUnknown(inventory.Driver), orUnknown(inventory.CUDA))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "GPU\tNAME\tFREE\tTOTAL\tPEAK BANDWIDTH\tPOWER LIMIT\tCC")
	for _, g := range inventory.GPUs {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", g.Index, report.Printable(orUnknown(g.Name)), bytesOf(g.MemoryFree), bytesOf(g.MemoryTotal),
			valueOf(g.PeakBandwidth(), func(n uint64) string { return fmt.Sprintf("%.0f GB/s", float64(n)/1e9) }),
			valueOf(g.PowerLimit, func(n uint32) string { return fmt.Sprintf("%d W", n/1000) }), orUnknown(g.ComputeCapability))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, g := range inventory.GPUs {
		fmt.Fprintf(w, "%d  %s\n   %s\n", g.Index, orUnknown(g.UUID), strings.Join(linksOf(g), ", "))
		if g.Error != "" {
			fmt.Fprintln(w, "   cannot be used: "+report.Printable(g.Error))
		}
		for _, warning := range g.Warnings {
			fmt.Fprintln(w, "   note: "+report.Printable(warning))
		}
	}
	return nil
}

// linksOf says how a GPU is connected and split.
func linksOf(g gpu.GPU) []string {
	var parts []string
	if p := g.PCIe; p != nil && p.Generation != nil && p.Lanes != nil {
		parts = append(parts, fmt.Sprintf("PCIe %d x%d", *p.Generation, *p.Lanes))
	} else {
		parts = append(parts, "PCIe unknown")
	}
	if l := g.NVLink; l != nil && l.Links > 0 {
		parts = append(parts, fmt.Sprintf("%d NVLinks %s", l.Links, l.Version))
	} else {
		parts = append(parts, "no NVLink")
	}
	switch {
	case g.MIG == nil:
		parts = append(parts, "no MIG")
	case *g.MIG:
		parts = append(parts, "MIG on: Ollama cannot use it whole")
	default:
		parts = append(parts, "MIG off")
	}
	return parts
}

func bytesOf(n *uint64) string {
	return valueOf(n, func(n uint64) string { return humanize.IBytes(n) })
}

func valueOf[T any](v *T, text func(T) string) string {
	if v == nil {
		return "-"
	}
	return text(*v)
}

// watchGPUs shows samples until ctx is done, which is its normal end.
func watchGPUs(ctx context.Context, w, stderr io.Writer, interval time.Duration, asJSON bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	lines := 0 // shown in place, to be written over
	s := gpu.Sampler{Interval: interval, Warn: func(text string) { fmt.Fprintln(stderr, "perg: warning: "+report.Printable(text)); lines = 0 }}
	s.Run(ctx, func(round []gpu.Sample) {
		var err error
		if asJSON {
			err = json.NewEncoder(w).Encode(round)
		} else {
			if lines > 0 {
				fmt.Fprintf(w, "\x1b[%dA\x1b[J", lines)
			}
			var text string
			text, err = samplesText(round, width(w))
			if _, e := io.WriteString(w, text); err == nil {
				err = e
			}
			if width(w) > 0 {
				lines = strings.Count(text, "\n")
			}
		}
		if err != nil {
			cancel(err) // the reader of a pipe has gone
		}
	})
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func samplesText(round []gpu.Sample, columns int) (string, error) {
	percent := func(v *float64) string {
		return valueOf(v, func(f float64) string { return fmt.Sprintf("%.0f %%", f*100) })
	}
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TIME\tGPU\tUSED\tTOTAL\tBUSY\tMEMORY BUSY\tPOWER\tTEMP\tSM CLOCK\tNAME")
	for _, s := range round {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.At.Format(time.TimeOnly), s.Index, bytesOf(s.MemoryUsed), bytesOf(s.MemoryTotal),
			percent(s.GPUUtilization), percent(s.MemoryUtilization),
			valueOf(s.PowerMW, func(n uint32) string { return fmt.Sprintf("%d W", (n+500)/1000) }),
			valueOf(s.TemperatureC, func(n uint32) string { return fmt.Sprintf("%d C", n) }),
			valueOf(s.SMClockMHz, func(n uint32) string { return fmt.Sprintf("%d MHz", n) }), report.Printable(orUnknown(s.Name)))
	}
	if err := t.Flush(); err != nil {
		return "", err
	}
	if columns == 0 {
		return b.String(), nil
	}
	var cut strings.Builder
	for line := range strings.Lines(b.String()) {
		cut.WriteString(fit(strings.TrimRight(line, " \n"), columns) + "\n")
	}
	return cut.String(), nil
}
