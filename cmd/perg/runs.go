package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/urfave/cli/v2"

	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/rundir"
)

func runsCommand() *cli.Command {
	return &cli.Command{
		Name:      "runs",
		Usage:     "list runs: their state, models, items, time and energy",
		ArgsUsage: "[DIR...]",
		Description: `Lists the runs in ./runs, or in each DIR, the newest first.

   running       a perg is at work on it
   starting      a perg has just begun with it
   stopped       its process died; perg run --out RUN goes on with it
   interrupted   it was asked to stop, and can be gone on with
   failed        it ended with an error
   finished      nothing is missing

TIME is how long it was worked on, ENERGY what the GPUs took meanwhile; an
execution that died is in neither. Wherever a command takes a RUN, "last" names
the newest run in ./runs, and so does the beginning of a name that one run has.

   perg runs
   perg runs runs /data/sweeps
   perg report last`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "write a JSON list, null for what is not known"}},
		Action: runsAction,
	}
}

func runsAction(c *cli.Context) error {
	dirs := c.Args().Slice()
	if len(dirs) == 0 {
		dirs = []string{runsHome}
	}
	var all []rundir.Listed
	for _, dir := range dirs {
		runs, err := rundir.List(dir)
		if errors.Is(err, fs.ErrNotExist) && c.NArg() == 0 {
			break
		}
		if err != nil {
			return hint.Usage(fmt.Errorf("runs: %w", err), "name directories of runs, or a run: perg runs DIR")
		}
		all = append(all, runs...)
	}
	if c.Bool("json") {
		return writeRuns(c.App.Writer, all)
	}
	if len(all) == 0 {
		fmt.Fprintf(c.App.Writer, "no runs in %s\n", printable.Text(strings.Join(dirs, ", ")))
		fmt.Fprintln(c.App.ErrWriter, "perg: make one with 'perg run MODEL --judge MODEL', or name the directory they are in: perg runs DIR")
		return nil
	}
	showRuns(c.App.Writer, all, time.Now())
	return nil
}

func showRuns(w io.Writer, all []rundir.Listed, now time.Time) {
	columns := []column{
		{least: 12, middle: true}, {}, {leaves: 3}, {align: text.AlignRight, leaves: 2}, {align: text.AlignRight, leaves: 4},
		{align: text.AlignRight, leaves: 5}, {align: text.AlignRight, leaves: 6}, {least: 10, leaves: 1},
	}
	rows := [][]any{{"RUN", "STATE", "BEGUN", "TIME", "ITEMS", "DONE", "ENERGY", "MODELS"}}
	var broken []rundir.Listed
	for _, run := range all {
		if run.Err != nil {
			broken = append(broken, run)
			continue
		}
		rows = append(rows, runRow(run, now))
	}
	within := width(w)
	if within == 0 {
		within = math.MaxInt32 // a pipe, which is as wide as it has to be
	}
	if len(rows) > 1 {
		for _, line := range grid(columns, rows, within, false) {
			fmt.Fprintln(w, line)
		}
	}
	for _, run := range broken {
		fmt.Fprintln(w, printable.Text(run.Err.Error()))
	}
}

func runRow(run rundir.Listed, now time.Time) []any {
	m, dash := run.Manifest, "-"
	begun, took, items, done, energy, names := dash, dash, dash, dash, dash, dash
	if !m.StartedAt.IsZero() {
		begun = m.StartedAt.Local().Format("2006-01-02 15:04")
	}
	if d, ok := timeOf(run, now); ok {
		took = roughly(d)
	}
	if m.Dataset.Items > 0 {
		items = comma(m.Dataset.Items)
	}
	if counts := m.Counts; counts != nil && counts.Planned > 0 && run.State != rundir.StateRunning {
		done = percent(share(float64(counts.Planned-counts.Missing)/float64(counts.Planned)), counts.Missing == 0)
	}
	if wh, ok := energyOf(run); ok {
		energy = fmt.Sprintf("%.*f Wh", decimals(wh), wh)
	}
	var variants []string
	for _, v := range m.Models {
		variants = append(variants, shortName(v.Variant))
	}
	if len(variants) > 0 {
		names = strings.Join(variants, ", ")
	}
	return []any{oneLine(run.Path), run.State, begun, took, items, done, energy, names}
}

// decimals are those that a figure of three digits has.
func decimals(v float64) int {
	switch {
	case v < 10:
		return 2
	case v < 100:
		return 1
	}
	return 0
}

// timeOf is how long a run was worked on, as far as is known. One at work counts
// since it was begun, if nobody worked on it before.
func timeOf(run rundir.Listed, now time.Time) (time.Duration, bool) {
	m := run.Manifest
	switch {
	case m.Worked > 0 && run.State != rundir.StateRunning:
		return time.Duration(m.Worked), true
	case run.State == rundir.StateRunning && m.EndedAt == nil && !m.StartedAt.IsZero():
		return now.Sub(m.StartedAt), true
	}
	return 0, false
}

// energyOf is what a run's GPUs took, in watt hours; that of one at work is known
// when it stops.
func energyOf(run rundir.Listed) (float64, bool) {
	if run.Manifest.Energy == nil || run.State == rundir.StateRunning {
		return 0, false
	}
	return *run.Manifest.Energy / 3600, true
}

func writeRuns(w io.Writer, all []rundir.Listed) error {
	type record struct {
		Run     string         `json:"run"` // path
		ID      string         `json:"run_id"`
		State   string         `json:"state"`
		Error   string         `json:"error,omitempty"`
		Models  []string       `json:"models"`
		Judges  []string       `json:"judges"`
		Items   int            `json:"items"`
		Started *time.Time     `json:"started_at"`
		Seconds *float64       `json:"worked_s"`
		Energy  *float64       `json:"energy_wh"`
		Counts  *rundir.Counts `json:"counts"` // of the last time that it stopped
	}
	records := []record{}
	for _, run := range all {
		m := run.Manifest
		r := record{Run: filepath.Clean(run.Path), ID: m.RunID, State: run.State, Error: m.Error, Models: []string{}, Judges: []string{}, Items: m.Dataset.Items, Counts: m.Counts}
		if run.Err != nil {
			r.State, r.Error = "unreadable", run.Err.Error()
		}
		for _, v := range m.Models {
			r.Models = append(r.Models, v.Variant)
		}
		for _, v := range m.Judges {
			r.Judges = append(r.Judges, v.Variant)
		}
		if !m.StartedAt.IsZero() {
			r.Started = &m.StartedAt
		}
		if d, ok := timeOf(run, time.Now()); ok {
			r.Seconds = new(d.Seconds())
		}
		if wh, ok := energyOf(run); ok {
			r.Energy = &wh
		}
		records = append(records, r)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(records)
}
