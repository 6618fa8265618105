// Package merge makes one run of those of all shards of a task, which were asked by
// machines that knew nothing of each other. It reads their tables alone, so that it
// is the same where their stores are gone.
package merge

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"perg/gpu"
	"perg/harness/hint"
	"perg/harness/rundir"
	"perg/harness/task"
	"perg/models"
)

// A Part is the run of one shard.
type Part struct {
	Dir      string
	Manifest rundir.Manifest
}

// shard is the part's, of items or of variants.
func (p Part) shard() task.Shard {
	items, variants := p.Manifest.Config.Shards()
	if items.Of == 0 {
		return variants
	}
	return items
}

// A Merge is what is to be one run.
type Merge struct {
	Parts    []Part          // in the order of the shards
	Whole    rundir.Manifest // of all of them; without items where one is missing
	Warnings []string
}

// An IncompleteError says of which shards there is no finished run. Nothing is
// merged then: over fewer items every rate would look like one over all.
type IncompleteError struct{ Missing []string }

func (e *IncompleteError) Error() string {
	return "not all shards are there and finished:\n  " + strings.Join(e.Missing, "\n  ")
}

// Open reads the manifests of shards' runs, and makes sure that they are one task's:
// of one perg, the same data, prompts, models by their digests, judges and settings,
// asked on one engine. The error is an *IncompleteError where shards are missing.
func Open(dirs []string) (Merge, error) {
	var m Merge
	for _, dir := range dirs {
		p, err := read(dir)
		if err != nil {
			return m, err
		}
		m.Parts = append(m.Parts, p)
	}
	if len(m.Parts) == 0 {
		return m, hint.Usage(errors.New("no shard is named"), "perg merge OUT SHARD...")
	}
	slices.SortStableFunc(m.Parts, func(a, b Part) int { return cmp.Compare(a.shard().Index, b.shard().Index) })
	if err := m.alike(); err != nil {
		return m, err
	}
	if missing := m.missing(); len(missing) > 0 {
		return m, &IncompleteError{missing}
	}
	m.Whole = m.whole()
	return m, nil
}

func read(dir string) (Part, error) {
	p := Part{Dir: filepath.Clean(dir)}
	var err error
	p.Manifest, err = rundir.ReadManifest(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p, hint.Usage(fmt.Errorf("%s is not a perg run (no run.json in it)", p.Dir), "name the directories that the shards' runs have with --out")
	case err != nil:
		return p, err
	case p.shard().Of == 0:
		return p, hint.Usage(fmt.Errorf("%s is no shard: its run was begun without --shard", p.Dir), "name the runs of one task that were begun with --shard i/n")
	}
	p.Manifest.State = rundir.StateIn(dir, p.Manifest)
	return p, nil
}

// alike finds what keeps parts from being one run.
func (m *Merge) alike() error {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	first := m.Parts[0]
	seen := make(map[int]string)
	for _, p := range m.Parts {
		s := p.shard()
		if other, ok := seen[s.Index]; ok {
			fault("%s and %s are both shard %s", other, p.Dir, s)
		}
		seen[s.Index] = p.Dir
		for _, d := range p.common().Differences(first.common()) {
			fault("%s and %s: %s", first.Dir, p.Dir, d)
		}
		was, is := first.Manifest, p.Manifest
		if was.PergVersion != is.PergVersion {
			fault("%s is of perg %s, %s of %s: they may read answers in other ways", first.Dir, was.PergVersion, p.Dir, is.PergVersion)
		}
		a, b := was.Ollama.Version, is.Ollama.Version
		switch {
		case models.EngineOf(a) != models.EngineOf(b):
			fault("%s was asked on Ollama %s, %s on %s, which has another engine: the same model answers otherwise there", first.Dir, a, p.Dir, b)
		case a != b:
			m.Warnings = append(m.Warnings, fmt.Sprintf("%s was asked on Ollama %s, %s on %s: answers may differ between the two", first.Dir, a, p.Dir, b))
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return hint.Usage(fmt.Errorf("these are not shards of one run:\n  %s", strings.Join(faults, "\n  ")), "leave out what is of another run, or run the shard again as the others were")
}

// common is what the manifests of all shards say alike.
func (p Part) common() rundir.Manifest {
	m := p.Manifest
	if m.Config.ShardBy == rundir.ShardByVariant {
		m.Models = nil
	}
	m.Config.Shard, m.Dataset.Items = fmt.Sprintf("of %d", p.shard().Of), m.Config.Limit
	return m
}

// missing are the shards without a finished run.
func (m *Merge) missing() (all []string) {
	of := m.Parts[0].shard().Of
	for i := range of {
		at := slices.IndexFunc(m.Parts, func(p Part) bool { return p.shard().Index == i })
		if at < 0 {
			all = append(all, fmt.Sprintf("%s: no run of it is named", task.Shard{Index: i, Of: of}))
			continue
		}
		p := m.Parts[at]
		c := p.Manifest.Counts
		if p.Manifest.State == rundir.StateFinished && c != nil && c.Missing == 0 {
			continue
		}
		said := fmt.Sprintf("%s: %s is %s", p.shard(), p.Dir, p.Manifest.State)
		if c != nil {
			said += fmt.Sprintf(", %s of %s answers are there", humanize.Comma(int64(c.Planned-c.Missing)), humanize.Comma(int64(c.Planned)))
		}
		all = append(all, said+"; to finish it: perg run --out "+p.Dir)
	}
	return all
}

// whole is the manifest of all parts together. What is counted, and the time and the
// energy that it took, are sums.
func (m *Merge) whole() rundir.Manifest {
	w := m.Parts[0].Manifest
	byVariant := w.Config.ShardBy == rundir.ShardByVariant
	w.RunID, w.Config.Shard, w.Config.ShardBy, w.Error = "", "", "", ""
	w.Counts = &rundir.Counts{Reasons: make(map[string]int)}
	w.Dataset.Items, w.Worked, w.Energy = 0, 0, new(0.0)
	w.Loads, w.Placement, w.GPUs.GPUs, w.Merged, w.Idle = nil, nil, nil, nil, make(map[string]float64)
	if byVariant {
		w.Models = nil
		w.Dataset.Items = m.Parts[0].Manifest.Dataset.Items
	}
	for _, p := range m.Parts {
		of := p.Manifest
		if !byVariant {
			w.Dataset.Items += of.Dataset.Items
		}
		if of.StartedAt.Before(w.StartedAt) {
			w.StartedAt = of.StartedAt
		}
		add(w.Counts, *of.Counts)
		w.Worked += of.Worked
		switch {
		case of.Energy == nil:
			w.Energy = nil // of a part of it would be taken for all
		case w.Energy != nil:
			*w.Energy += *of.Energy
		}
		for _, l := range of.Loads {
			l.Lane = p.lane(l.Lane)
			w.Loads = append(w.Loads, l)
		}
		for _, line := range of.Placement {
			w.Placement = append(w.Placement, p.lane(line))
		}
		maps.Copy(w.Idle, of.Idle)
		for _, g := range of.GPUs.GPUs {
			if !slices.ContainsFunc(w.GPUs.GPUs, func(o gpu.GPU) bool { return o.UUID == g.UUID }) {
				w.GPUs.GPUs = append(w.GPUs.GPUs, g)
			}
		}
		maps.Copy(w.Idle, of.Idle)
		w.Merged = append(w.Merged, rundir.MergedShard{
			Shard: p.shard().String(), RunID: of.RunID, Path: p.Dir, Ollama: of.Ollama, GPUs: of.GPUs, Worked: of.Worked, Energy: of.Energy,
		})
	}
	if byVariant {
		// As they were shared out: see task.Roster.Share.
		for i := 0; ; i++ {
			of := m.Parts[i%len(m.Parts)].Manifest.Models
			if i/len(m.Parts) >= len(of) {
				break
			}
			w.Models = append(w.Models, of[i/len(m.Parts)])
		}
	}
	slices.SortStableFunc(w.Loads, func(a, b rundir.Load) int { return a.At.Compare(b.At) })
	return w
}

// lane tells lanes of one name on several machines apart.
func (p Part) lane(name string) string {
	if name == "" {
		return ""
	}
	return "shard " + p.shard().String() + ": " + name
}

func add(to *rundir.Counts, c rundir.Counts) {
	to.Planned += c.Planned
	to.OK += c.OK
	to.Failed += c.Failed
	to.Missing += c.Missing
	to.FellBack += c.FellBack
	to.Rated += c.Rated
	to.Unscored += c.Unscored
	to.Unjudged += c.Unjudged
	for _, reason := range slices.Sorted(maps.Keys(c.Reasons)) {
		to.Reasons[reason] += c.Reasons[reason]
	}
}
