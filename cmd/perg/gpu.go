package main

import (
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
	"perg/harness/hint"
	"perg/harness/printable"
)

func gpuCommand() *cli.Command {
	return &cli.Command{
		Name:  "gpu",
		Usage: "list this machine's NVIDIA GPUs and their load",
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
		Action: gpuAction,
	}
}

func gpuAction(c *cli.Context) error {
	usage := func(text string) error {
		return &hint.Error{Err: errors.New(text), Hint: "see 'perg gpu --help'", Usage: true}
	}
	watch, interval := c.Bool("watch"), c.Duration("interval")
	switch {
	case c.Args().Present():
		return usage("gpu takes no arguments")
	case interval <= 0:
		return usage(fmt.Sprintf("interval %s: it has to be longer than nothing", interval))
	case c.IsSet("interval") && !watch:
		return usage("--interval is for --watch")
	case watch:
		return watchGPUs(c.Context, c.App.Writer, c.App.ErrWriter, interval, c.Bool("json"))
	}
	s, err := seeGPUs()
	if c.Bool("json") {
		return gpuJSON(c.App.Writer, s, err)
	}
	return showGPUs(c.App.Writer, s, err)
}

// A sight is what NVML says of this machine's GPUs: what they are, and what
// those do that can be read.
type sight struct {
	gpu.Inventory
	Samples []gpu.Sample `json:"samples"`
}

func seeGPUs() (sight, error) {
	s := sight{Samples: []gpu.Sample{}}
	inventory, samples, err := gpu.Look()
	if s.Inventory = inventory; s.GPUs == nil {
		s.GPUs = []gpu.GPU{}
	}
	s.Samples = append(s.Samples, samples...)
	return s, err
}

// gpuJSON is what is seen, with why there is nothing; that is an answer, not an
// error.
func gpuJSON(w io.Writer, s sight, why error) error {
	out := struct {
		sight
		Error string `json:"error,omitempty"`
	}{sight: s}
	if why != nil {
		out.Error = why.Error()
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

func showGPUs(w io.Writer, s sight, why error) error {
	if len(s.GPUs) == 0 {
		fmt.Fprintln(w, "no GPU: "+printable.Text(why.Error()))
		fmt.Fprintln(w, "Models will run on the CPU, slowly. 'perg plan --gpus 1x24GiB' plans for a GPU\nthat is not here.")
		return nil
	}
	fmt.Fprintf(w, "driver %s, CUDA %s\n\n", orUnknown(s.Driver), orUnknown(s.CUDA))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "GPU\tNAME\tFREE\tTOTAL\tBANDWIDTH\tCC")
	for _, g := range whole(s.GPUs) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", strings.TrimPrefix(g.ID(), "gpu"), printable.Text(orUnknown(g.Name)), bytesOf(g.MemoryFree), bytesOf(g.MemoryTotal),
			valueOf(g.PeakBandwidth(), func(n uint64) string { return fmt.Sprintf("%.0f GB/s", float64(n)/1e9) }), orUnknown(g.ComputeCapability))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, g := range whole(s.GPUs) {
		fmt.Fprintf(w, "%s  %s\n", strings.TrimPrefix(g.ID(), "gpu"), orUnknown(g.UUID))
		if g.Instance != nil {
			continue
		}
		if g.Error != "" {
			fmt.Fprintln(w, "   cannot be used: "+printable.Text(g.Error))
			continue
		}
		for _, sample := range s.Samples {
			if now := doing(sample, g.PowerLimit); sample.UUID == g.UUID && len(now) > 0 {
				fmt.Fprintln(w, "   "+strings.Join(now, ", "))
			}
		}
		fmt.Fprintln(w, "   "+strings.Join(linksOf(g), ", "))
		for _, warning := range g.Warnings {
			fmt.Fprintln(w, "   note: "+printable.Text(warning))
		}
	}
	return nil
}

// whole are some GPUs, each with its instances after it.
func whole(gpus []gpu.GPU) (all []gpu.GPU) {
	for _, g := range gpus {
		all = append(append(all, g), g.Instances...)
	}
	return all
}

// doing says what is known of what a GPU does now.
func doing(s gpu.Sample, limit *uint32) (now []string) {
	add := func(known bool, text string) {
		if known {
			now = append(now, text)
		}
	}
	power := watts(s.PowerMW)
	if limit != nil {
		power += " of " + watts(limit)
	}
	add(s.GPUUtilization != nil, shareOf(s.GPUUtilization)+" busy")
	add(s.MemoryUtilization != nil, "memory "+shareOf(s.MemoryUtilization)+" busy")
	add(s.PowerMW != nil, power)
	add(s.TemperatureC != nil, celsius(s.TemperatureC))
	add(s.SMClockMHz != nil, megahertz(s.SMClockMHz))
	return now
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

func shareOf(v *float64) string {
	return valueOf(v, func(f float64) string { return fmt.Sprintf("%.0f %%", f*100) })
}

func watts(milli *uint32) string {
	return valueOf(milli, func(n uint32) string { return fmt.Sprintf("%d W", (n+500)/1000) })
}

func celsius(v *uint32) string {
	return valueOf(v, func(n uint32) string { return fmt.Sprintf("%d C", n) })
}

func megahertz(v *uint32) string {
	return valueOf(v, func(n uint32) string { return fmt.Sprintf("%d MHz", n) })
}
