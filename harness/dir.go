package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"perg/data"
	"perg/gpu"
	"perg/harness/engine"
)

// The states of a run, as its manifest gives them.
const (
	StateRunning     = "running" // or killed
	StateInterrupted = "interrupted"
	StateFailed      = "failed"
	StateFinished    = "finished" // perhaps with rows in error: see the counts
)

// A Manifest is RUN/run.json: what was run, on what, and how far it came.
type Manifest struct {
	RunID       string            `json:"run_id"`
	State       string            `json:"state"`
	Error       string            `json:"error,omitempty"`
	PergVersion string            `json:"perg_version"`
	Config      Config            `json:"config"`
	Dataset     DatasetInfo       `json:"dataset"`
	Prompts     map[string]string `json:"prompts"` // SHA-256 by template
	Irrelevant  []string          `json:"irrelevant_preferences"`
	Models      []ModelInfo       `json:"models"`
	Judges      []ModelInfo       `json:"judges"`    // whose ratings count in the metrics
	Extractor   *ModelInfo        `json:"extractor"` // read the answers that rules could not
	Ollama      ServerInfo        `json:"ollama"`
	GPUs        gpu.Inventory     `json:"gpus"`
	Placement   []string          `json:"placement"` // which variant runs where, and why, as planned
	Loads       []Load            `json:"loads"`     // as they happened, in all executions of the run
	StartedAt   time.Time         `json:"started_at"`
	EndedAt     *time.Time        `json:"ended_at"` // of the last time the run was worked on
	Counts      *Counts           `json:"counts"`
}

// DatasetInfo names the items of a run.
type DatasetInfo struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Items  int    `json:"items"`
}

// ModelInfo names a variant of a run.
type ModelInfo struct {
	Name          string `json:"name"`
	Digest        string `json:"digest"`
	Size          int64  `json:"size"` // bytes
	Family        string `json:"family"`
	ParameterSize string `json:"parameter_size"`
	Variant       string `json:"variant"` // its name in the tables
	Quantization  string `json:"quantization"`
	KVCacheType   string `json:"kv_cache_type"` // "": the server's own, not known
	Think         *bool  `json:"think"`
	NoSystemRole  bool   `json:"no_system_role"` // system texts went in front of user texts
	NumCtx        int    `json:"num_ctx"`        // tokens of context it is given
}

// ServerInfo names the server that a run was last worked on with.
type ServerInfo struct {
	Host    string `json:"host"`
	Version string `json:"version"`
}

// Counts are the generations of a run by what became of them.
type Counts struct {
	Planned  int            `json:"planned"`
	OK       int            `json:"ok"` // truncated ones included
	Failed   int            `json:"failed"`
	Missing  int            `json:"missing"`   // not asked yet
	FellBack int            `json:"fell_back"` // second calls whose answer could not be read
	Rated    int            `json:"rated"`
	Unscored int            `json:"unscored"`          // rated, but not readably
	Unjudged int            `json:"unjudged"`          // the judge's call failed
	Reasons  map[string]int `json:"reasons,omitempty"` // of failed generations and judgments
}

// A Dir is a run's directory, held by one process at a time.
type Dir struct {
	Path     string
	Manifest Manifest
	lock     *os.File
	made     []string   // directories that were not there before, the deepest first
	mu       sync.Mutex // of the manifest's loads

	ratedAlike bool // the answers, ratings and metrics that are there are those that would be made now
}

const (
	manifestName = "run.json"
	lockName     = ".lock"
)

// ReadManifest reads the manifest of the run in dir; fs.ErrNotExist where
// there is none.
func ReadManifest(dir string) (Manifest, error) {
	var m Manifest
	path := filepath.Join(dir, manifestName)
	text, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return m, nil
}

// HoldDir makes or reopens the directory of a run and holds it, so that no
// other process works on it.
func HoldDir(path string) (*Dir, error) {
	fail := func(err error) (*Dir, error) {
		return nil, &Problem{Err: fmt.Errorf("run directory: %w", err), Hint: "choose a directory you may write to with --out"}
	}
	made := missing(path)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return fail(err)
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fail(err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		return nil, &Problem{Err: fmt.Errorf("another perg is working on %s", path), Hint: "wait for it, or choose another --out"}
	}
	return &Dir{Path: path, lock: lock, made: made}, nil
}

// Adopt makes the directory that of a run. A run that is there already goes on
// only where what determines its results is the same.
func (d *Dir) Adopt(m Manifest) error {
	old, err := ReadManifest(d.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.Manifest = m
		d.Manifest.RunID = newRunID(time.Now())
	case err != nil:
		return &Problem{Err: err, Hint: "its replies are in the store: choose another --out, and they are used again"}
	default:
		if changes := m.differences(old); len(changes) > 0 {
			return &Problem{
				Err:   fmt.Errorf("%s holds a run with other settings:\n  %s", d.Path, strings.Join(changes, "\n  ")),
				Hint:  "choose another --out: replies that both need are taken from the store, not made again; to change judges alone: perg judge RUN --judge MODEL",
				Usage: true,
			}
		}
		d.Manifest = m
		d.Manifest.RunID, d.Manifest.StartedAt, d.Manifest.Counts = old.RunID, old.StartedAt, old.Counts
		d.Manifest.Loads = old.Loads
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

func (d *Dir) begin(at time.Time) error {
	if !d.Resumed() {
		d.Manifest.StartedAt = at.UTC()
	}
	d.Manifest.State = StateRunning
	return d.write()
}

// A Load is a variant put into memory, as the manifest lists them.
type Load struct {
	At      time.Time `json:"at"`
	Lane    string    `json:"lane"`
	Host    string    `json:"host"`
	Variant string    `json:"variant"`
	GPUs    []string  `json:"gpus"`    // UUIDs; null where there are none, or not known
	Slots   *int      `json:"slots"`   // null: the server's own, not known
	NumCtx  int       `json:"num_ctx"` // tokens for each slot
	Size    int64     `json:"size"`    // bytes, as the server reports them
	VRAM    int64     `json:"vram"`    // of them in GPU memory
	Took    Duration  `json:"took"`
	// InFlight is the number of calls at once that brought the most, or that
	// was asked for; null where the job ended before it was measured.
	InFlight *int `json:"in_flight"`
}

func loadOf(l engine.Load) Load {
	known := func(n int) *int {
		if n == 0 {
			return nil
		}
		return &n
	}
	return Load{
		At: l.At, Lane: l.Lane, Host: l.Host, Variant: l.Model, GPUs: l.GPUs, Slots: known(l.Slots),
		NumCtx: l.NumCtx, Size: l.Size, VRAM: l.VRAM, Took: Duration(l.Took), InFlight: known(l.InFlight),
	}
}

// loaded adds a load to the manifest, or what was learned of one since. Its
// errors are seen when the run ends and the manifest is written again.
func (d *Dir) loaded(load engine.Load) {
	l := loadOf(load)
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

func (d *Dir) end(c Counts, err error) error {
	now := time.Now().UTC()
	d.Manifest.EndedAt, d.Manifest.Counts = &now, &c
	switch {
	case err == nil && c.Missing == 0:
		d.Manifest.State, d.Manifest.Error = StateFinished, ""
	case err == nil: // rated again, and not finished before
		d.Manifest.State = StateInterrupted
	case errors.Is(err, ErrInterrupted):
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

// differences lists what sets a run apart from an older one in ways that
// change its results.
func (m Manifest) differences(old Manifest) []string {
	var changes []string
	differ := func(what string, was, is any) {
		if fmt.Sprint(was) != fmt.Sprint(is) {
			changes = append(changes, fmt.Sprintf("%s: %v there, %v here", what, was, is))
		}
	}
	differ("dataset", short(old.Dataset.SHA256, old.Dataset.Name), short(m.Dataset.SHA256, m.Dataset.Name))
	differ("items", old.Dataset.Items, m.Dataset.Items)
	differ("models", modelNames(old.Models), modelNames(m.Models))
	differ("judges", modelNames(old.Judges), modelNames(m.Judges))
	differ("extractor", modelName(old.Extractor), modelName(m.Extractor))
	differ("judge-all", old.Config.JudgeAll, m.Config.JudgeAll)
	differ("settings", old.Config.settings(), m.Config.settings())
	differ("methods", old.Config.methods(), m.Config.methods())
	differ("repeats", old.Config.Repeats, m.Config.Repeats)
	differ("seed", old.Config.Seed, m.Config.Seed)
	differ("num-predict", old.Config.NumPredict, m.Config.NumPredict)
	differ("irrelevant preferences", old.Irrelevant, m.Irrelevant)
	for name, hash := range m.Prompts {
		if was, ok := old.Prompts[name]; !ok || was != hash {
			changes = append(changes, fmt.Sprintf("prompt template %s: its text has changed", name))
		}
	}
	slices.Sort(changes)
	return changes
}

func short(hash, name string) string { return fmt.Sprintf("%s (%.12s)", name, hash) }

func modelNames(all []ModelInfo) []string {
	names := make([]string, len(all))
	for i, m := range all {
		names[i] = short(m.Digest, m.Variant)
	}
	slices.Sort(names)
	return names
}

func modelName(m *ModelInfo) string {
	if m == nil {
		return "none"
	}
	return short(m.Digest, m.Name)
}

// judges notes which models measure.
func (m *Manifest) judges(p *Plan) {
	m.Judges = []ModelInfo{}
	for _, j := range p.Judges {
		m.Judges = append(m.Judges, j.info())
	}
	m.Extractor = nil
	if p.Extractor != nil {
		m.Extractor = new(p.Extractor.info())
	}
}

// newRunID is a time to read and a tail that tells runs of one moment apart.
func newRunID(at time.Time) string {
	return fmt.Sprintf("%s-%06x", at.UTC().Format("20060102-150405"), at.UnixNano()&0xffffff)
}

// Version is the version of this build: its module version, or the commit it
// was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return fmt.Sprintf("devel-%.12s", s.Value)
		}
	}
	return strings.Trim(info.Main.Version, "()")
}
