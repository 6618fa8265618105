// Package tables writes the tables of a run: what a task's generations come to by
// the replies that are kept, and the metrics over them.
package tables

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/judge"
	"perg/harness/metrics"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/harness/task"
)

// A Run is what is written, and where.
type Run struct {
	Dir       string // of the run
	ID        string
	Roster    task.Roster
	Evaluator task.Evaluator // asks the store alone
	Metrics   metrics.Options
	// Seen is told of each generation, and whether it has its answer; may be nil.
	Seen func(s task.Evaluated, answered bool)
}

// Recorded asks a store alone.
func Recorded(s *store.Store) task.Ask { return RecordedBy(engine.Kept(s)) }

// RecordedBy asks alone what is kept.
func RecordedBy(r engine.Replies) task.Ask {
	recorded := engine.Recorded(r)
	return func(ctx context.Context, c task.Call) (store.Reply, error) {
		return recorded(ctx, engine.Call{Key: c.Key(), Earlier: c.Earlier(), Bound: c.Bound()})
	}
}

// Write writes generations, judgments, and the metrics over them, each whole or
// not at all. A generation that was not answered yet has no row, one that was
// not rated yet no judgment; the counts say how many are missing something. Those
// that were made elsewhere stay as they are.
func (r Run) Write(ctx context.Context) (rundir.Counts, error) {
	// Rows on their way to a table are garbage a moment later: collected at
	// a quarter more than what is in use, a run of a million takes no more
	// memory than one of a hundred thousand.
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	counts := rundir.Counts{Planned: r.Evaluator.Total(r.Roster.Variants), Reasons: make(map[string]int)}
	var generations *data.TableWriter[data.Generation] // nil: it is there, and only rated
	if r.Evaluator.Given == nil {
		var err error
		if generations, err = data.CreateTable[data.Generation](filepath.Join(r.Dir, "generations")); err != nil {
			return counts, err
		}
		defer generations.Abort()
	}
	judgments, err := data.CreateTable[data.Judgment](filepath.Join(r.Dir, "judgments"))
	if err != nil {
		return counts, err
	}
	defer judgments.Abort()
	if err := r.keepOthers(judgments); err != nil {
		return counts, err
	}
	for _, v := range r.Roster.Variants {
		for s, err := range r.Evaluator.All(ctx, v, r.Roster.Judges) {
			missing := errors.Is(err, engine.ErrNotAsked)
			switch {
			case errors.Is(err, task.ErrNotGiven):
				counts.Planned--
				continue
			case err != nil && !missing:
				return counts, err
			case missing:
				counts.Missing++
			default:
				tally(&counts, s)
			}
			if r.Seen != nil {
				r.Seen(s, !missing || s.Answer != nil)
			}
			if missing && s.Answer == nil {
				continue
			}
			if generations != nil {
				if err := generations.Write(s.Row(r.ID, r.Evaluator.Irrelevant)); err != nil {
					return counts, err
				}
			}
			for _, j := range s.Judgments {
				if err := judgments.Write(s.JudgmentRow(r.ID, j)); err != nil {
					return counts, err
				}
			}
		}
	}
	if generations != nil {
		if err := generations.Close(); err != nil {
			return counts, err
		}
	}
	if err := judgments.Close(); err != nil {
		return counts, err
	}
	debug.FreeOSMemory() // what encoding took, before metrics take their own
	return counts, WriteMetrics(r.Dir, r.Metrics)
}

// keepOthers takes the ratings of judges that the run had before over into its
// new table.
func (r Run) keepOthers(judgments *data.TableWriter[data.Judgment]) error {
	for row, err := range data.ReadTable[data.Judgment](filepath.Join(r.Dir, "judgments")) {
		if errors.Is(err, data.ErrNoTable) {
			return nil
		}
		if err != nil {
			return err
		}
		if slices.ContainsFunc(r.Roster.Judges, func(j *task.Variant) bool { return j.Label == row.JudgeModel }) {
			continue
		}
		if err := judgments.Write(row); err != nil {
			return err
		}
	}
	return nil
}

// WriteMetrics writes the metrics over the generations and judgments that are in
// the directory of a run.
func WriteMetrics(dir string, o metrics.Options) error {
	table, err := metrics.Load(dir, o)
	if errors.Is(err, data.ErrNoTable) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	rows, err := table.Records(metrics.BySource)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return data.WriteTable(filepath.Join(dir, "metrics"), rows)
}

// tally adds a generation to the counts.
func tally(c *rundir.Counts, s task.Evaluated) {
	if s.Err != nil {
		c.Failed++
		c.Reasons[reason(s.Err)]++
	} else {
		c.OK++
	}
	if s.FellBack {
		c.FellBack++
	}
	for _, j := range s.Judgments {
		switch {
		case j.Rating != nil:
			c.Rated++
		case j.Reply != nil:
			c.Unscored++
			c.Reasons["judge: "+reason(j.Err)]++
		default:
			c.Unjudged++
			c.Reasons["judge: "+reason(j.Err)]++
		}
	}
}

// reason is the short name under which failures are counted together.
func reason(err error) string {
	var past *engine.FailedError
	switch {
	case errors.As(err, &past):
		return past.Reason
	case errors.Is(err, judge.ErrUnreadable):
		return judge.ErrUnreadable.Error()
	default:
		return err.Error()
	}
}
