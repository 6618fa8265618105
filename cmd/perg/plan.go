package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"perg/harness"
	"perg/harness/hint"
	"perg/harness/printable"
)

func planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "what a run would do: calls, memory, placement, time",
		ArgsUsage: "MODEL...",
		Description: `Takes the flags of 'perg run' and runs nothing: no server is started, no model
is loaded. Models that are not installed may be described in the config, and
those of the PERG paper are known: ` + "llama3.1:70b-instruct-q4_K_M, gemma2:27b" + `.
With --gpus 2x24GiB the plan is for GPUs that are not here.

   perg plan llama3.1:8b qwen3:8b --judge gemma2:27b
   perg plan llama3.3:70b --gpus 2x24GiB
   perg plan llama3.1:8b-instruct-fp16 --quantize q8_0,q4_K_M --gpus 1x24GiB`,
		Flags:  append(configFlags(), &cli.BoolFlag{Name: "json", Usage: "write the plan to stdout as JSON"}),
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
	plan, fleet, notes, err := harness.Preview(c.Context, cfg, items, replies)
	if err != nil {
		return err
	}
	s := plan.Summary(fleet)
	s.Notes = append(s.Notes, notes...)
	if unread != nil {
		s.Notes = append(s.Notes, fmt.Sprintf("how fast models were in earlier runs is not known: %v", unread))
	}
	if c.Bool("json") {
		enc := json.NewEncoder(c.App.Writer)
		enc.SetIndent("", "  ")
		return enc.Encode(s)
	}
	return showPlan(c.App.Writer, s)
}

func showPlan(w io.Writer, s harness.Summary) error {
	size := func(n uint64) string { return humanize.IBytes(n) }
	cells := fmt.Sprintf("%d settings", s.Settings)
	if s.Methods > 1 {
		cells = fmt.Sprintf("%d cells (%d methods, %d settings)", (s.Generations-s.Controls)/max(len(s.Models)*s.Items*s.Repeats, 1), s.Methods, s.Settings)
	}
	fmt.Fprintf(w, "%s generations: %d variants x %s items x %s", comma(s.Generations), len(s.Models), comma(s.Items), cells)
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
		fmt.Fprintf(w, "; at most %s ratings by %s", comma(s.Ratings), strings.Join(names, ", "))
	}
	fmt.Fprint(w, "\n\n")

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
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

	fmt.Fprintln(t, "MODEL\tQUANT\tCONTEXT\tSLOTS\tWEIGHTS\tKV\tBUFFERS\tKEPT FREE\tON ONE GPU")
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
			fmt.Fprintf(w, "  %s - %s  %s\n      %s%s\n", clock(a.Begin), clock(a.End), a.Job, printable.Text(a.Reason), remembered(a))
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
	if len(s.Refused) > 0 {
		return &hint.Error{
			Err:  fmt.Errorf("%d of %d models fit nowhere", len(s.Refused), len(s.Memory)),
			Hint: "leave them out, take what would fit, or accept the processor with --allow-cpu",
		}
	}
	return nil
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
