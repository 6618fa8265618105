package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"perg/data"
	"perg/harness/rundir"
)

const (
	scaleItems    = 5000
	scaleSettings = 4
	memoryLimit   = 200 << 20
	lagLimit      = 250 * time.Millisecond
)

// A sized is what a run of some size took, and what became of it.
type sized struct {
	generations, calls  int
	run, resume, report process
	durable             float64         // seconds, 99th percentile
	gaps                []time.Duration // from a variant's last call to the next one's load
	parquet, store      int64           // bytes
}

// scale measures runs of growing size: what they take has to grow with it, and
// what they hold in memory must not.
func scale(ctx context.Context, b *bench) (rows []row, err error) {
	var sizes []int
	for n := 10_000; n < b.largest; n *= 10 {
		sizes = append(sizes, n)
	}
	sizes = append(sizes, b.largest)
	set, err := b.manyItems(scaleItems)
	if err != nil {
		return nil, err
	}
	most := max(1, b.largest/scaleItems/scaleSettings)
	host, stop, err := fakeProcess("fake", fmt.Sprint(most+1))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	var all []sized
	for _, n := range sizes {
		s, err := b.sized(ctx, host, set, n, most+1)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
		rows = append(rows, s.row(all).progress())
	}
	return append(rows, marks(all)...), nil
}

func (b *bench) sized(ctx context.Context, host, set string, n, judge int) (s sized, err error) {
	dir := filepath.Join(b.dir, fmt.Sprint("scale-", n))
	variants := max(1, n/scaleItems/scaleSettings)
	args := []string{"run", "--host", host, "--data", set, "--parallel", fmt.Sprint(atOnce), "--store", dir + ".db", "--out", dir,
		"--limit", fmt.Sprint(n / variants / scaleSettings), "--judge", fmt.Sprint("fake:", judge), "--json"}
	for v := range variants {
		args = append(args, fmt.Sprint("fake:", v+1))
	}
	if s.run, err = b.run(ctx, args...); err != nil {
		return s, err
	}
	o, err := s.run.outcome()
	if err != nil {
		return s, err
	}
	s.generations, s.calls = o.Counts.OK, o.Calls
	if o.Durable != nil {
		s.durable = *o.Durable
	}
	if s.resume, err = b.run(ctx, "run", "--out", dir); err != nil {
		return s, err
	}
	if s.report, err = b.run(ctx, "report", dir, "--by", "source,preference_type"); err != nil {
		return s, err
	}
	if s.gaps, err = gaps(dir); err != nil {
		return s, err
	}
	s.parquet = bytesUnder(filepath.Join(dir, "generations"))
	s.store = bytesUnder(dir + ".db")
	// A million replies are a few gigabytes: the next size needs the room.
	return s, errors.Join(os.RemoveAll(dir), os.Remove(dir+".db"))
}

// gaps are the times in which a server had nothing to do between two variants:
// from when the last call of one was sent to the load of the next.
func gaps(dir string) ([]time.Duration, error) {
	m, err := rundir.ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	last := make(map[string]time.Time)
	type sent struct {
		Variant   string     `parquet:"variant"`
		StartedAt *time.Time `parquet:"started_at,timestamp(microsecond)"`
	}
	for g, err := range data.ReadTable[sent](filepath.Join(dir, "generations")) {
		if err != nil {
			return nil, err
		}
		if g.StartedAt != nil && g.StartedAt.After(last[g.Variant]) {
			last[g.Variant] = *g.StartedAt
		}
	}
	var all []time.Duration
	for i, l := range m.Loads[1:] {
		if before, ok := last[m.Loads[i].Variant]; ok {
			all = append(all, l.At.Sub(before))
		}
	}
	return all, nil
}

func bytesUnder(path string) (n int64) {
	filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

func megabytes(n int64) string { return fmt.Sprintf("%.0f MB", float64(n)/(1<<20)) }

// row is a line of the table of growth, with the rate since the size before.
func (s sized) row(all []sized) row {
	r := row{
		what: fmt.Sprintf("a run of %s generations, %s calls", humanize.Comma(int64(s.generations)), humanize.Comma(int64(s.calls))), limit: "-", mark: "-", met: true,
		got: fmt.Sprintf("%.1f s, %s", s.run.took.Seconds(), megabytes(s.run.memory)),
		how: fmt.Sprintf("resume %.2f s, %s; report %.2f s, %s; Parquet %s, store %s", s.resume.took.Seconds(), megabytes(s.resume.memory),
			s.report.took.Seconds(), megabytes(s.report.memory), megabytes(s.parquet), megabytes(s.store)),
	}
	if len(all) > 1 {
		before := all[len(all)-2]
		times := float64(s.generations) / float64(before.generations)
		r.ratio = fmt.Sprintf("%.1f times the generations, %.1f times the time, %.2f times the memory", times,
			s.run.took.Seconds()/before.run.took.Seconds(), float64(s.run.memory)/float64(before.run.memory))
	}
	return r
}

// marks are the rows that the largest run has to meet.
func marks(all []sized) []row {
	s := all[len(all)-1]
	what := humanize.Comma(int64(s.generations)) + " generations"
	within := func(name, how, unit string, got, limit float64) row {
		return row{
			what: name + ", " + what, limit: fmt.Sprintf("%g %s", limit, unit), mark: fmt.Sprintf("%g %s", limit, unit),
			got: fmt.Sprintf("%.3g %s", got, unit), ratio: fmt.Sprintf("%.2f", got/limit), met: got <= limit, how: how,
		}.progress()
	}
	const mb = 1 << 20
	rows := []row{
		within("peak memory", "most that was resident of `perg run`", "MB", float64(s.run.memory)/mb, memoryLimit/mb),
		within("a reply is durable", "99th percentile, from its arrival to the end of its transaction", "ms", s.durable*1000, float64(lagLimit.Milliseconds())),
		within("`perg report`", "`--by source,preference_type`", "s", s.report.took.Seconds(), 5),
		within("memory of `perg report`", "resident set", "MB", float64(s.report.memory)/mb, 300),
		within("a finished run, once more", "`perg run --out`, to \"nothing to do\"", "s", s.resume.took.Seconds(), 5),
	}
	if len(s.gaps) > 0 {
		rows = append(rows, within("between two variants, from the last call to the next load", fmt.Sprintf("median of %d, the longest %s", len(s.gaps), slices.Max(s.gaps).Round(time.Millisecond)), "ms", median(s.gaps).Seconds()*1000, 20))
	}
	if len(all) > 1 {
		before := all[len(all)-2]
		rows = append(rows, within("growth of peak memory", fmt.Sprintf("over that of %s generations", humanize.Comma(int64(before.generations))), "times", float64(s.run.memory)/float64(before.run.memory), 1.1))
	}
	return rows
}
