// Package standing tells how a run stands that has not written its tables: one at
// work, or one whose process died. It works them out of the run's manifest and of
// the store, where each reply is from the moment it came, into a directory of the
// caller's: the run is not disturbed and nothing is written beside it. Tables that a
// run would write as its cells fill could say less: nothing of one that died.
package standing

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/harness/tables"
	"perg/harness/task"
)

// ErrUnknown: the run's answers cannot be worked out of the store.
var ErrUnknown = errors.New("how the run stands cannot be told")

// A Cell is how much of a cell is answered, in generations.
type Cell struct {
	Variant           string
	Method            prompt.Method
	Setting           prompt.Setting
	Control           prompt.Control
	Answered, Planned int
}

// Standing is how a run stands.
type Standing struct {
	Manifest          rundir.Manifest // with the counts of now
	Cells             []Cell          // in the order of the tables
	Answered, Planned int             // generations
}

// Write writes the tables of the run in dir as it stands into another directory.
// What the GPUs did is known as far as the run has written it. The error is
// ErrUnknown where the run's data or its store is not what it was begun with.
func Write(ctx context.Context, dir string, m rundir.Manifest, to string) (Standing, error) {
	now := Standing{Manifest: m}
	t, err := taskOf(m)
	if err != nil {
		return now, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	replies, err := store.Read(m.Config.Store)
	if err != nil {
		return now, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	defer replies.Close()
	r := tables.Run{
		Dir: to, ID: m.RunID, Roster: m.Roster(), Metrics: m.MetricsOptions(), Seen: now.seen,
		Evaluator: task.Evaluator{Task: t, Ask: tables.Recorded(replies), Server: m.Ollama.Version},
	}
	r.Evaluator.Extractor = r.Roster.Extractor
	counts, err := r.Write(ctx)
	if err != nil {
		return now, err
	}
	now.Manifest.Counts = &counts
	// Of earlier executions, and of this one as far as it is written.
	const samples = "gpu_samples"
	whole, err := filepath.Abs(filepath.Join(dir, samples))
	if err == nil {
		if _, e := os.Stat(whole); e == nil {
			err = os.Symlink(whole, filepath.Join(to, samples))
		}
	}
	return now, err
}

// taskOf is what a run asks, if that can still be told.
func taskOf(m rundir.Manifest) (*task.Task, error) {
	if m.Imported != nil {
		return nil, errors.New("its answers were imported, and are in its tables")
	}
	items, err := data.Load(m.Config.Data)
	if err != nil {
		return nil, err
	}
	items = items.Limit(m.Config.Limit)
	t, err := m.Config.Task(items)
	if err != nil {
		return nil, err
	}
	asked := m
	asked.Dataset, asked.Prompts, asked.Irrelevant = rundir.DatasetOf(t), t.Hashes(), t.Irrelevant
	if changes := asked.Differences(m); len(changes) > 0 {
		return nil, fmt.Errorf("what it asks has changed since it was begun: %s", changes[0])
	}
	return t, nil
}

// seen counts a generation.
func (n *Standing) seen(s task.Evaluated, answered bool) {
	of := Cell{Variant: s.Variant.Label, Method: s.Method, Setting: s.Setting, Control: s.Control}
	i := len(n.Cells) - 1
	for ; i >= 0; i-- {
		c := n.Cells[i]
		if c.Answered, c.Planned = 0, 0; c == of {
			break
		}
	}
	if i < 0 {
		n.Cells = append(n.Cells, of)
		i = len(n.Cells) - 1
	}
	n.Cells[i].Planned++
	n.Planned++
	if answered {
		n.Cells[i].Answered++
		n.Answered++
	}
}

// Uneven says whether some cells are answered less than others.
func (n Standing) Uneven() bool {
	for _, c := range n.Cells {
		if c.Answered*n.Cells[0].Planned != n.Cells[0].Answered*c.Planned {
			return true
		}
	}
	return false
}
