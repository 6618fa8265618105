package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"perg/harness"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/printable"
)

func planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "does it fit my GPUs, at which quantization, and how long will it take?",
		ArgsUsage: "MODEL...",
		Description: `Takes the flags of 'perg run' and runs nothing: no server is started, no model
is loaded. --gpus names GPUs, which need not be here: 3090, 2x4090, a100-40g,
h100, or by memory 2x24GiB. --fit shows every quantization of one model.

A model need not be here, either. perg knows many by name, llama3.1:8b,
qwen3:32b, gemma3:27b, gpt-oss:20b; it reads a GGUF file (./model.gguf), or what
the config describes under 'describe', or asks the registry that the model would
be pulled from, which costs some megabytes and no download.

   perg plan llama3.3:70b --gpus 2x3090             does it fit?
   perg plan gemma3:27b --fit --gpus 4090           at which quantization?
   perg plan qwen3:8b --judge gemma2:27b --data perg.parquet   how long?
   perg plan qwen3:8b --listen :7375 --await 2      on which of three machines?

Exit status: 0 all fits, 1 something fits nowhere, 2 wrong usage.`,
		Flags: slices.Concat(
			grouped("plan",
				&cli.BoolFlag{Name: "fit", Usage: "show every quantization of one model: its size, whether it fits, how long it takes"},
				&cli.BoolFlag{Name: "json", Usage: "write the plan to stdout as JSON"}),
			configFlags()),
		Action: planAction,
	}
}

func planAction(c *cli.Context) error {
	cfg, err := runConfig(c)
	if err != nil {
		return err
	}
	items, err := harness.Items(cfg)
	if err != nil {
		return err
	}
	replies, unread := earlierStore(cfg.Store)
	if replies != nil {
		defer replies.Close()
	}
	if c.Bool("fit") {
		return fitAction(c, cfg, items, replies)
	}
	say := func(text string) { fmt.Fprintln(c.App.ErrWriter, "perg: "+text) }
	machines, leave, err := joiners(c.Context, "the plan", cfg, say)
	if err != nil {
		return err
	}
	defer leave()
	var others []fleet.Machine
	for _, m := range machines {
		say(fmt.Sprintf("%s has joined: %s", m.Name(), m.Describe()))
		others = append(others, m)
	}
	plan, over, notes, err := harness.Preview(c.Context, cfg, items, replies, others...)
	if err != nil {
		return err
	}
	s := plan.Summary(over)
	s.Notes = append(s.Notes, notes...)
	if unread != nil {
		s.Notes = append(s.Notes, fmt.Sprintf("how fast models were in earlier runs is not known: %v", unread))
	}
	if c.Bool("json") {
		enc := json.NewEncoder(c.App.Writer)
		enc.SetIndent("", "  ")
		err = enc.Encode(s)
	} else {
		showPlan(c.App.Writer, s)
	}
	if len(s.Refused) > 0 && err == nil {
		var names []string
		for _, r := range s.Refused {
			names = append(names, r.Job)
		}
		return &hint.Error{
			Err:  fmt.Errorf("on these devices there is no room for %s", strings.Join(names, ", ")),
			Hint: "leave them out, take what would fit, or accept the processor with --allow-cpu",
		}
	}
	return err
}

func showPlan(w io.Writer, s harness.Summary) {
	size := func(n uint64) string { return humanize.IBytes(n) }
	cells := fmt.Sprintf("%d settings", s.Settings)
	if s.Methods > 1 {
		cells = fmt.Sprintf("%d cells (%d methods, %d settings)", (s.Generations-s.Controls)/max(len(s.Models)*s.Items*s.Repeats, 1), s.Methods, s.Settings)
	}
	fmt.Fprintf(w, "%s generations: %s x %s x %s", comma(s.Generations), counted(len(s.Models), "variant"), counted(s.Items, "item"), cells)
	if s.Repeats > 1 {
		fmt.Fprintf(w, " x %d repeats", s.Repeats)
	}
	if s.Controls > 0 {
		fmt.Fprintf(w, ", and %s that ask again without a preference", comma(s.Controls))
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "about %s prompt tokens, %s answer tokens", short(s.PromptTokens), short(s.OutputTokens))
	if len(s.Judges) > 0 {
		names := make([]string, len(s.Judges))
		for i, j := range s.Judges {
			names[i] = j.Variant
		}
		some := ""
		if s.Expected < s.Ratings {
			some = fmt.Sprintf("some %s, and ", comma(s.Expected))
		}
		fmt.Fprintf(w, "; %sat most %s ratings by %s", some, comma(s.Ratings), strings.Join(names, ", "))
	}
	fmt.Fprint(w, "\n\n")

	t := newColumns(w)
	fmt.Fprintln(t, "DEVICE\tNAME\tFREE\tTAKEN AT MOST")
	for _, d := range s.Devices {
		free := "unknown"
		if d.Memory > 0 {
			free = size(d.Memory)
		}
		peak := "-"
		if d.Peak > 0 {
			peak = size(d.Peak)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", d.ID, d.Name, free, peak)
	}
	t.Flush()
	fmt.Fprintln(w)

	fmt.Fprintln(t, "MODEL\tQUANT\tCONTEXT\tSLOTS\tWEIGHTS\tKV\tBUFFERS\tKEPT FREE\tIN ALL")
	for _, m := range s.Memory {
		f := m.Footprint
		slots, kv, buffers, reserve, total := "-", "-", "-", "-", "-"
		if m.Slots > 0 {
			slots, kv, buffers, reserve, total = fmt.Sprint(m.Slots), size(f.KV), size(f.Compute+f.Overhead), size(f.Reserve), size(f.Total())
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", m.Variant, orUnknown(m.Quantization), m.NumCtx, slots, size(f.Weights), kv, buffers, reserve, total)
	}
	t.Flush()
	fmt.Fprintln(w)

	for _, l := range s.Lanes {
		fmt.Fprintln(w, l.Lane)
		for _, a := range l.Work {
			fmt.Fprintf(w, "  %s to %s  %s\n      %s%s%s\n", spoken(a.Begin), spoken(a.End), a.Job, printable.Text(a.Reason), together(a, s.Devices), remembered(a))
		}
	}
	for _, r := range s.Refused {
		fmt.Fprintf(w, "does not fit: %s\n      %s\n", r.Job, printable.Text(r.Reason))
	}
	fmt.Fprintln(w)
	if s.Makespan > 0 {
		fmt.Fprintf(w, "time: about %s, between %s and %s; no plan could take less than %s\n", spoken(s.Makespan), spoken(s.Least), spoken(s.Most), spoken(s.Bound))
		fmt.Fprintf(w, "loads: %d\n", s.Loads)
	}
	for _, n := range s.Notes {
		fmt.Fprintln(w, "note: "+printable.Text(n))
	}
}

// newColumns aligns cells that tabs divide.
func newColumns(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

// together says what a model takes that is spread over several devices; "" where
// it is on one.
func together(a harness.PlannedWork, devices []harness.PlannedDevice) string {
	if len(a.Bytes) < 2 {
		return ""
	}
	var taken, free uint64
	for i, on := range a.Devices {
		taken += a.Bytes[i]
		for _, d := range devices {
			if d.ID == on {
				free += d.Memory
			}
		}
	}
	return fmt.Sprintf(", and fits there: %s of %s", humanize.IBytes(taken), humanize.IBytes(free))
}

// remembered says how a model works fastest, as an earlier run found; "" where
// none did.
func remembered(a harness.PlannedWork) string {
	switch {
	case a.Gain == 0 || a.Slots == 0:
		return ""
	case a.Servers > 1:
		return fmt.Sprintf("; %d servers of %d slots, as an earlier run found best", a.Servers, a.Slots)
	default:
		return fmt.Sprintf("; %d slots, as an earlier run found best", a.Slots)
	}
}

// short is a number to read: 1.2 M.
func short(n int) string {
	if n < 10_000 {
		return comma(n)
	}
	return strings.TrimSpace(humanize.SIWithDigits(float64(n), 1, ""))
}

// spoken is a duration as one says it.
func spoken(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()+0.5))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	case d < 72*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	default:
		return fmt.Sprintf("%.1f days", d.Hours()/24)
	}
}
