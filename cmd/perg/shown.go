package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/jedib0t/go-pretty/v6/text"

	"perg/data"
	"perg/harness"
	"perg/harness/hint"
	"perg/harness/prompt"
	"perg/harness/rundir"
	"perg/harness/standing"
)

// A shownRun is a run with the tables that it is shown by: its own or, while it is
// at work or where its process died, those of how it stands.
type shownRun struct {
	dir      string // its own
	tables   string // what they are in
	manifest rundir.Manifest
	standing *standing.Standing // nil: the tables are the run's own
	stale    error              // why they are the run's own, and of before
}

// openShown opens a run as it is named, with its metrics. Close comes at the end.
func openShown(ctx context.Context, name string) (shownRun, []data.Metric, error) {
	dir, m, err := readRun(name)
	if err != nil {
		return shownRun{}, nil, err
	}
	s, err := showable(ctx, dir, m)
	if err != nil {
		return s, nil, err
	}
	rows, err := readMetrics(s.tables)
	if err != nil {
		s.Close()
	}
	if errors.Is(err, data.ErrNoTable) {
		err = noTables(dir, s.manifest)
	}
	return s, rows, err
}

// showable finds the tables of a run in dir. Close comes at the end.
func showable(ctx context.Context, dir string, m rundir.Manifest) (shownRun, error) {
	s := shownRun{dir: dir, tables: dir, manifest: m}
	if ended(m) {
		return s, nil
	}
	made, err := os.MkdirTemp("", "perg-standing-")
	if err != nil {
		return s, err
	}
	now, err := standing.Write(ctx, dir, m, made)
	if err == nil && now.Answered > 0 {
		s.tables, s.manifest, s.standing = made, now.Manifest, &now
		return s, nil
	}
	os.RemoveAll(made)
	switch {
	case errors.Is(err, context.Canceled):
		return s, harness.ErrInterrupted
	case err == nil:
		return s, &hint.Error{Err: fmt.Errorf("%s has no answers yet: the run is %s", dir, m.State), Hint: afterwards(dir, m)}
	case !errors.Is(err, standing.ErrUnknown):
		return s, err
	}
	if _, e := os.Stat(filepath.Join(dir, "generations")); e != nil {
		later := "they are written when it stops"
		if m.State == rundir.StateStopped {
			later = "its process died; to go on with it: perg run --out " + quoted(dir)
		}
		return s, &hint.Error{Err: fmt.Errorf("%s has no tables yet: the run is %s, and %w", dir, m.State, err), Hint: later}
	}
	s.stale = err
	return s, nil
}

// ended says whether a run said how it ended.
func ended(m rundir.Manifest) bool {
	return m.State != rundir.StateRunning && m.State != rundir.StateStopped
}

// afterwards is what to do where there is nothing to show of a run.
func afterwards(dir string, m rundir.Manifest) string {
	if m.State == rundir.StateRunning {
		return "ask again when the first are there"
	}
	return "its process died; to go on with it: perg run --out " + quoted(dir)
}

func (s shownRun) Close() {
	if s.standing != nil {
		os.RemoveAll(s.tables)
	}
}

// caveats say that what is shown is not all, and how much it is.
func (s shownRun) caveats() []string {
	switch {
	case s.stale != nil:
		return []string{fmt.Sprintf("caveat: the run is %s, and this is what it came to before: %v", s.manifest.State, s.stale)}
	case s.standing == nil:
		return nil
	}
	return []string{fmt.Sprintf("caveat: the run is %s, %s: every figure may change; memory and energy are known as far as its GPU samples are written", s.manifest.State, soFar(*s.standing))}
}

// soFar is how much of a run is there.
func soFar(n standing.Standing) string {
	part := share(float64(n.Answered) / float64(max(1, n.Planned)))
	text := fmt.Sprintf("%s of %s answers are there (%s)", comma(n.Answered), comma(n.Planned), percent(part, n.Answered == n.Planned))
	if n.Uneven() {
		text += ", of some cells more than of others"
	}
	return text
}

// showCells has a line for each variant and method, where some cells are answered
// less than others.
func (s shownRun) showCells(w io.Writer) {
	if s.standing == nil || !s.standing.Uneven() {
		return
	}
	columns := []column{{least: 12, middle: true}, {leaves: 6}}
	head := []any{"VARIANT", "METHOD"}
	for _, setting := range prompt.Settings() {
		columns, head = append(columns, column{align: text.AlignRight}), append(head, string(setting))
	}
	rows := [][]any{head}
	type line struct {
		variant string
		method  prompt.Method
	}
	var lines []line
	for _, c := range s.standing.Cells {
		if c.Control != prompt.NoControl {
			continue
		}
		at := slices.Index(lines, line{c.Variant, c.Method})
		if at < 0 {
			at = len(lines)
			lines = append(lines, line{c.Variant, c.Method})
			row := []any{shortName(c.Variant), string(c.Method)}
			for range prompt.Settings() {
				row = append(row, "")
			}
			rows = append(rows, row)
		}
		rows[at+1][2+slices.Index(prompt.Settings(), c.Setting)] = comma(c.Answered) + "/" + comma(c.Planned)
	}
	within := width(w)
	if within == 0 {
		within = math.MaxInt32
	}
	fmt.Fprint(w, "\nHow much is there\n\n")
	for _, line := range grid(columns, rows, within, false) {
		fmt.Fprintln(w, line)
	}
}
