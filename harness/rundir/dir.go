package rundir

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"perg/data"
	"perg/harness/hint"
	"perg/harness/task"
)

// A Dir is a run's directory, held by one process at a time.
type Dir struct {
	Path     string
	Manifest Manifest
	lock     *os.File
	made     []string   // directories that were not there before, the deepest first
	mu       sync.Mutex // of what the manifest comes to say while the run is worked on

	ratedAlike bool // the answers, ratings and metrics that are there are those that would be made now
}

const lockName = ".lock"

// Hold makes or reopens the directory of a run and holds it, so that no
// other process works on it.
func Hold(path string) (*Dir, error) {
	fail := func(err error) (*Dir, error) {
		return nil, &hint.Error{Err: fmt.Errorf("run directory: %w", err), Hint: "choose a directory you may write to with --out"}
	}
	made := missing(path)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return fail(err)
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fail(err)
	}
	if err := take(lock); err != nil {
		lock.Close()
		return nil, &hint.Error{Err: fmt.Errorf("another perg is working on %s", path), Hint: "wait for it, or choose another --out"}
	}
	return &Dir{Path: path, lock: lock, made: made}, nil
}

// take takes the lock of a directory. Whoever asks whether it is held has it for a
// moment (see [Working]), which is waited for.
func take(lock *os.File) (err error) {
	const patience = 20
	for range patience {
		if err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// Adopt makes the directory that of a run. A run that is there already goes on
// only where what determines its results is the same, with a warning where
// another server answers now.
func (d *Dir) Adopt(m Manifest, warn func(string)) error {
	old, err := ReadManifest(d.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.Manifest = m
		d.Manifest.RunID = cmp.Or(m.RunID, newRunID(time.Now()))
	case err != nil:
		return &hint.Error{Err: err, Hint: "its replies are in the store: choose another --out, and they are used again"}
	default:
		if changes := m.Differences(old); len(changes) > 0 {
			return &hint.Error{
				Err:   fmt.Errorf("%s holds a run with other settings:\n  %s", d.Path, strings.Join(changes, "\n  ")),
				Hint:  "choose another --out: replies that both need are taken from the store, not made again; to change judges alone: perg judge RUN --judge MODEL",
				Usage: true,
			}
		}
		if text := m.otherServer(old); text != "" {
			warn(text)
		}
		if old.Idle != nil {
			m.Idle = old.Idle
		}
		d.Manifest = m
		d.Manifest.RunID, d.Manifest.StartedAt, d.Manifest.Counts = old.RunID, old.StartedAt, old.Counts
		d.Manifest.Loads, d.Manifest.Hosts = old.Loads, old.Hosts
		d.Manifest.Worked, d.Manifest.Energy = old.Worked, old.Energy
		d.Manifest.State, d.Manifest.EndedAt = old.State, old.EndedAt
		// Another version may read answers in another way.
		d.ratedAlike = old.PergVersion == m.PergVersion && reflect.DeepEqual(old.MetricsOptions(), m.MetricsOptions()) && (old.Config.JudgeSwap || !m.Config.JudgeSwap)
	}
	return nil
}

// missing are the directories of a path that are not there, the deepest first.
func missing(path string) (all []string) {
	for {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return all
		}
		all = append(all, path)
		path = filepath.Dir(path)
	}
}

// Close lets another process have the directory. One that never became a
// run's is removed, if nothing else is in it, with those that were made for it.
func (d *Dir) Close() error {
	if d.Manifest.RunID == "" {
		if entries, err := os.ReadDir(d.Path); err == nil && len(entries) == 1 && entries[0].Name() == lockName {
			os.Remove(filepath.Join(d.Path, lockName))
			os.Remove(d.Path)
			for _, dir := range d.made {
				os.Remove(dir) // fails where another run is in it by now
			}
		}
	}
	return d.lock.Close()
}

// Resumed says whether the directory held the run already.
func (d *Dir) Resumed() bool { return !d.Manifest.StartedAt.IsZero() }

// Done says whether nothing is left to do in the directory: its run is
// finished, nothing in it failed, and its tables are whole.
func (d *Dir) Done() bool {
	c := d.Manifest.Counts
	if d.Manifest.State != StateFinished || !d.ratedAlike || c == nil || c.Missing+c.Failed+c.Unjudged > 0 {
		return false
	}
	for _, t := range []struct {
		name  string
		least int
	}{{"generations", c.Planned}, {"judgments", c.Rated + c.Unscored}, {"metrics", 1}} {
		table, err := data.OpenTable(filepath.Join(d.Path, t.name))
		if err != nil {
			return false
		}
		rows := table.Rows()
		if err := table.Close(); err != nil || rows < t.least {
			return false
		}
	}
	return true
}

// Finished says whether the directory holds a run of the config over the dataset
// with the hash, with prompts made of what has these hashes, by this version of
// perg, to which nothing is left to do; it takes up its manifest then. No server
// is asked.
func (d *Dir) Finished(c Config, sha256 string, prompts map[string]string) bool {
	old, err := ReadManifest(d.Path)
	if err != nil || old.PergVersion != Version() || old.Dataset.SHA256 != sha256 || !maps.Equal(old.Prompts, prompts) {
		return false
	}
	was, e := json.Marshal(old.Config)
	is, err := json.Marshal(c)
	if e != nil || err != nil || string(was) != string(is) {
		return false
	}
	there := Dir{Path: d.Path, Manifest: old, ratedAlike: true}
	if !there.Done() {
		return false
	}
	d.Manifest, d.ratedAlike = old, true
	return true
}

// Begin notes that the run is worked on.
func (d *Dir) Begin(at time.Time) error {
	if !d.Resumed() {
		d.Manifest.StartedAt = at.UTC()
	}
	d.Manifest.State = StateRunning
	return d.write()
}

// Loaded adds a load to the manifest, or what was learned of one since. Its
// errors are seen when the run ends and the manifest is written again.
func (d *Dir) Loaded(l Load) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.Manifest.Loads, func(o Load) bool { return o.At.Equal(l.At) && o.Lane == l.Lane })
	if i < 0 {
		d.Manifest.Loads = append(d.Manifest.Loads, l)
	} else {
		d.Manifest.Loads[i] = l
	}
	d.write()
}

// Rendered notes in the manifest what a server was seen to make of the prompts of
// a variant whose template it shows but may not use. Errors are seen when the
// run ends.
func (d *Dir) Rendered(v *task.Variant, seen task.Seen) {
	d.mu.Lock()
	defer d.mu.Unlock()
	note := func(of *ModelInfo) {
		if of.Variant == v.Label {
			of.NoSystemRole, of.PromptHash = !seen.System, seen.Hash
			if seen.Think != nil {
				of.ThinkLines = seen.Think
			}
		}
	}
	for _, all := range [][]ModelInfo{d.Manifest.Models, d.Manifest.Judges} {
		for i := range all {
			note(&all[i])
		}
	}
	if d.Manifest.Extractor != nil {
		note(d.Manifest.Extractor)
	}
	d.write()
}

// Spent adds what working on the run took: time, and the energy of the GPUs in
// joules, nil where it is not known.
func (d *Dir) Spent(worked time.Duration, energy *float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := &d.Manifest
	first := m.Worked == 0
	m.Worked += Duration(worked)
	switch {
	case energy == nil:
		m.Energy = nil // of a part of it would be taken for all
	case first:
		m.Energy = energy
	case m.Energy != nil:
		m.Energy = new(*m.Energy + *energy)
	}
}

// End notes how a run ended: interrupted, with an error, or having come to its
// end, which is finished where nothing is missing.
func (d *Dir) End(c Counts, err error, interrupted bool) error {
	now := time.Now().UTC()
	d.Manifest.EndedAt, d.Manifest.Counts = &now, &c
	switch {
	case err == nil && c.Missing == 0:
		d.Manifest.State, d.Manifest.Error = StateFinished, ""
	case err == nil, interrupted: // or rated again, and not finished before
		d.Manifest.State = StateInterrupted
	default:
		d.Manifest.State, d.Manifest.Error = StateFailed, err.Error()
	}
	return d.write()
}

func (d *Dir) write() error {
	text, err := json.MarshalIndent(d.Manifest, "", "  ")
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	if err := data.WriteFile(filepath.Join(d.Path, manifestName), append(text, '\n')); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}

// RunID is that of the run in a directory, or one for a run that is new there.
func RunID(dir string) string {
	m, _ := ReadManifest(dir)
	return cmp.Or(m.RunID, newRunID(time.Now()))
}

// newRunID is a time to read and a tail that tells runs of one moment apart.
func newRunID(at time.Time) string {
	return fmt.Sprintf("%s-%06x", at.UTC().Format("20060102-150405"), at.UnixNano()&0xffffff)
}
