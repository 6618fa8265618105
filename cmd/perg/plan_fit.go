package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness"
	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/models"
)

// A levelFit is one quantization of a model on the devices.
type levelFit struct {
	Level    string          `json:"level"`
	Download int64           `json:"download"` // bytes, an estimate where it is not the model's own level
	Fits     bool            `json:"fits"`
	Plan     harness.Summary `json:"plan"` // of this level alone
}

// fitAction shows every quantization of one model, and which of them fit.
func fitAction(c *cli.Context, cfg rundir.Config, items data.Dataset, replies *store.Store) error {
	if len(cfg.Models) != 1 {
		return hint.Usage(fmt.Errorf("--fit is for one model, not %d", len(cfg.Models)), "perg plan MODEL --fit --gpus 4090")
	}
	if len(cfg.Quantize) == 0 {
		cfg.Quantize = models.Quantizations()
	}
	plan, fleet, notes, err := harness.Preview(c.Context, cfg, items, replies)
	if errors.Is(err, models.ErrOneLevel) {
		cfg.Quantize = nil
		plan, fleet, notes, err = harness.Preview(c.Context, cfg, items, replies)
		notes = append(notes, cfg.Models[0]+": "+models.ErrOneLevel.Error())
	}
	if err != nil {
		return err
	}
	plans, err := plan.ByLevel(c.Context, cfg, fleet, replies)
	if err != nil {
		return err
	}
	var all []levelFit
	for _, p := range plans {
		s := p.Summary(fleet)
		all = append(all, levelFit{Level: s.Models[0].Quantization, Download: s.Models[0].Size, Fits: len(s.Refused) == 0, Plan: s})
	}
	slices.SortStableFunc(all, func(a, b levelFit) int {
		return int(min(1, max(-1, int64(b.Plan.Memory[0].Footprint.Weights)-int64(a.Plan.Memory[0].Footprint.Weights))))
	})
	if c.Bool("json") {
		enc := json.NewEncoder(c.App.Writer)
		enc.SetIndent("", "  ")
		err = enc.Encode(struct {
			Model  string     `json:"model"`
			Levels []levelFit `json:"levels"`
			Notes  []string   `json:"notes"`
		}{cfg.Models[0], all, notes})
	} else {
		showFit(c.App.Writer, cfg.Models[0], all, notes)
	}
	if err == nil && !slices.ContainsFunc(all, func(l levelFit) bool { return l.Fits }) {
		return &hint.Error{Err: fmt.Errorf("no quantization of %s fits", cfg.Models[0]), Hint: "name more or larger GPUs, or a smaller model"}
	}
	return err
}

func showFit(w io.Writer, model string, all []levelFit, notes []string) {
	s := all[0].Plan
	var devices []string
	for _, d := range s.Devices {
		devices = append(devices, fmt.Sprintf("%s (%s free)", d.Name, humanize.IBytes(d.Memory)))
	}
	fmt.Fprintf(w, "%s on %s\n%s generations: %s items, %d settings", model, gathered(devices), comma(s.Generations), comma(s.Items), s.Settings)
	if len(s.Judges) > 0 {
		fmt.Fprintf(w, ", judged by %s", s.Judges[0].Variant)
	}
	fmt.Fprint(w, "\n\n")
	t := newColumns(w)
	fmt.Fprintln(t, "LEVEL\tDOWNLOAD\tMEMORY\tAT ONCE\tTIME\tFITS")
	for _, l := range all {
		m := l.Plan.Memory[0]
		memory, slots, time := "-", "-", "-"
		if l.Fits {
			memory, slots, time = humanize.IBytes(m.Footprint.Total()), fmt.Sprint(m.Slots), spoken(l.Plan.Makespan)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Level, humanize.Bytes(uint64(l.Download)), memory, slots, time, where(l.Plan))
	}
	t.Flush()
	fmt.Fprintln(w)
	if i := slices.IndexFunc(all, func(l levelFit) bool { return l.Fits }); i >= 0 {
		best := all[i]
		fmt.Fprintf(w, "largest that fits: %s, about %s (between %s and %s)\n", best.Level, spoken(best.Plan.Makespan), spoken(best.Plan.Least), spoken(best.Plan.Most))
		fastest := best
		for _, l := range all[i:] {
			if l.Fits && l.Plan.Makespan < fastest.Plan.Makespan*9/10 && fastest.Level == best.Level {
				fastest = l
			}
		}
		if fastest.Level != best.Level {
			fmt.Fprintf(w, "the next smaller that is clearly faster: %s, about %s\n", fastest.Level, spoken(fastest.Plan.Makespan))
		}
	}
	for _, n := range notes {
		fmt.Fprintln(w, "note: "+printable.Text(n))
	}
}

// where says on how many devices a plan's model runs, or what it lacks.
func where(s harness.Summary) string {
	if len(s.Refused) > 0 {
		return fmt.Sprintf("no: %s short", humanize.IBytes(s.Refused[0].Short))
	}
	on := s.Devices[0].ID
	for _, l := range s.Lanes {
		for _, a := range l.Work {
			if a.Job == s.Models[0].Variant {
				on = l.Lane
			}
		}
	}
	if n := strings.Count(on, "+") + 1; n > 1 {
		return fmt.Sprintf("yes, on %d GPUs together", n)
	}
	if len(s.Devices) > 1 {
		return "yes, on each GPU"
	}
	return "yes"
}

// gathered is a list with equal neighbours counted: "2 x RTX 3090 (23 GiB free)".
func gathered(names []string) string {
	var all []string
	for i := 0; i < len(names); {
		n := 1
		for i+n < len(names) && names[i+n] == names[i] {
			n++
		}
		if text := names[i]; n > 1 {
			all = append(all, fmt.Sprintf("%d x %s", n, text))
		} else {
			all = append(all, text)
		}
		i += n
	}
	return strings.Join(all, ", ")
}
