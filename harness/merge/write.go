package merge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"perg/data"
	"perg/harness/hint"
	"perg/harness/prompt"
	"perg/harness/rundir"
	"perg/harness/tables"
	"perg/harness/task"
)

const (
	generations = "generations"
	judgments   = "judgments"
	samples     = "gpu_samples"
)

// Write writes the run of all shards into out, over the dataset that they asked
// about. Its replies are in a store, where that is named: see [Merge.Replies]. An
// earlier merge there is replaced; another run is not.
func (m Merge) Write(ctx context.Context, out, store string, set data.Dataset) (done rundir.Manifest, err error) {
	t, err := m.task(set)
	if err != nil {
		return done, err
	}
	old, err := rundir.ReadManifest(out)
	switch {
	case err == nil && len(old.Merged) == 0:
		return done, hint.Usage(fmt.Errorf("%s holds a run that was not merged", out), "choose another directory")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return done, err
	}
	dir, err := rundir.Hold(out)
	if err != nil {
		return done, err
	}
	defer dir.Close()
	defer func() {
		if err != nil && old.RunID == "" { // then it never was a run
			dir.Manifest.RunID = ""
			for _, name := range []string{generations, judgments, samples, "metrics"} {
				os.RemoveAll(filepath.Join(out, name))
			}
		}
	}()
	whole := m.Whole
	whole.Config.Out, whole.Config.Store = out, cmp.Or(store, whole.Config.Store)
	if err := dir.Adopt(whole, nil); err != nil {
		return done, err
	}
	id := dir.Manifest.RunID
	dir.Manifest = whole
	dir.Manifest.RunID = id
	for _, write := range []func() error{
		func() error { return m.generations(ctx, t, id, filepath.Join(out, generations)) },
		func() error {
			return concat(ctx, m.Parts, judgments, out, func(_ Part, j *data.Judgment) { j.RunID = id })
		},
		func() error {
			return concat(ctx, m.Parts, samples, out, func(p Part, s *data.GPUSample) { s.Lane = p.lane(s.Lane) })
		},
		func() error { return tables.WriteMetrics(out, whole.MetricsOptions()) },
		func() error { return dir.Begin(time.Now()) },
		func() error { return dir.End(*whole.Counts, nil, false) },
	} {
		if err := write(); err != nil {
			return done, err
		}
	}
	return dir.Manifest, nil
}

// task is what all shards together ask.
func (m Merge) task(set data.Dataset) (*task.Task, error) {
	if set.SHA256 != m.Whole.Dataset.SHA256 {
		return nil, hint.Usage(fmt.Errorf("%s is not the data that the shards asked about", set.Name), "name the file that they read, with --data")
	}
	t, err := m.Whole.Config.Task(set)
	if err != nil {
		return nil, err
	}
	if t.Asking() != m.Whole.Dataset.Items {
		return nil, fmt.Errorf("the shards asked about %d items, and the data has %d", m.Whole.Dataset.Items, t.Asking())
	}
	return t, nil
}

// generations writes those of all parts in the order that one run has them in, and
// makes sure that each is there once.
func (m Merge) generations(ctx context.Context, t *task.Task, id, to string) error {
	of := make(map[string]int, t.Asking()) // by item its part
	for i, p := range m.Parts {
		share := *t
		share.Shard, _ = p.Manifest.Config.Shards()
		for _, at := range share.Asked() {
			of[t.Dataset.Items[at].ID] = i
		}
	}
	byVariant := m.Parts[0].Manifest.Config.ShardBy == rundir.ShardByVariant
	var from []*rows
	for _, p := range m.Parts {
		r := open(p.Dir)
		defer r.stop()
		from = append(from, r)
	}
	table, err := data.CreateTable[data.Generation](to)
	if err != nil {
		return err
	}
	defer table.Abort()
	for n, v := range m.Whole.Roster().Variants {
		a := t.Listed(v)
		for place := range a.Len() {
			if err := ctx.Err(); err != nil {
				return err
			}
			g := a.Generation(place)
			i := of[g.Item.ID]
			if byVariant {
				i = n % len(m.Parts)
			}
			row, err := from[i].next(g)
			if err != nil {
				return err
			}
			row.RunID = id
			if err := table.Write(row); err != nil {
				return err
			}
		}
	}
	for _, r := range from {
		if err := r.end(); err != nil {
			return err
		}
	}
	return table.Close()
}

// rows are the generations of a part, one after the other.
type rows struct {
	dir  string
	pull func() (data.Generation, error, bool)
	stop func()
}

func open(dir string) *rows {
	pull, stop := iter.Pull2(data.ReadTable[data.Generation](filepath.Join(dir, generations)))
	return &rows{dir, pull, stop}
}

// next is the row of a generation, which has to be the next.
func (r *rows) next(g task.Generation) (data.Generation, error) {
	row, err, ok := r.pull()
	if err != nil {
		return row, err
	}
	wanted := fmt.Sprintf("item %s of %s, %s %s", g.Item.ID, g.Variant.Label, g.Method, g.Setting)
	if !ok {
		return row, fmt.Errorf("%s: its table ends before %s", r.dir, wanted)
	}
	if row.ItemID != g.Item.ID || row.Variant != g.Variant.Label || row.Method != string(g.Method) || row.Setting != string(g.Setting) ||
		prompt.Control(row.Control) != g.Control || int(row.Repeat) != g.Repeat {
		return row, fmt.Errorf("%s: its table has item %s of %s, %s %s, where %s should be", r.dir, row.ItemID, row.Variant, row.Method, row.Setting, wanted)
	}
	return row, nil
}

// end makes sure that no row is left.
func (r *rows) end() error {
	row, err, more := r.pull()
	if err == nil && more {
		err = fmt.Errorf("%s: its table has item %s of %s, which no shard was to ask", r.dir, row.ItemID, row.Variant)
	}
	return err
}

// concat writes a table of all parts, one after the other, where one of them has it.
func concat[T any](ctx context.Context, parts []Part, name, out string, each func(Part, *T)) error {
	var from []Part
	for _, p := range parts {
		_, err := data.TableParts(filepath.Join(p.Dir, name))
		switch {
		case err == nil:
			from = append(from, p)
		case !errors.Is(err, data.ErrNoTable):
			return err
		}
	}
	if len(from) == 0 {
		return nil
	}
	table, err := data.CreateTable[T](filepath.Join(out, name))
	if err != nil {
		return err
	}
	defer table.Abort()
	for _, p := range from {
		for row, err := range data.ReadTable[T](filepath.Join(p.Dir, name)) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			each(p, &row)
			if err := table.Write(row); err != nil {
				return err
			}
		}
	}
	return table.Close()
}
