package rundir

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"perg/gpu"
	"perg/harness/judge"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/task"
	"perg/models"
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
	PromptSet   string            `json:"prompt_set,omitempty"` // perg, paper, or a directory; "": not known, as of answers that were imported
	Prompts     map[string]string `json:"prompts"`              // SHA-256 by template
	Irrelevant  []string          `json:"irrelevant_preferences"`
	Models      []ModelInfo       `json:"models"`
	Judges      []ModelInfo       `json:"judges"`    // whose ratings count in the metrics
	Extractor   *ModelInfo        `json:"extractor"` // read the answers that rules could not
	Ollama      ServerInfo        `json:"ollama,omitzero"`
	GPUs        gpu.Inventory     `json:"gpus,omitzero"`
	Placement   []string          `json:"placement"`       // which variant runs where, and why, as planned
	Hosts       []Host            `json:"hosts,omitempty"` // other machines that worked for the run, in all executions
	Loads       []Load            `json:"loads"`           // as they happened, in all executions of the run
	StartedAt   time.Time         `json:"started_at"`
	EndedAt     *time.Time        `json:"ended_at"`                // of the last time the run was worked on
	Worked      Duration          `json:"worked,omitzero"`         // how long it was worked on, in all executions; 0: not known
	Energy      *float64          `json:"energy_joules,omitempty"` // of the GPUs meanwhile, from the first load to the tables; null: not known
	// Idle is what each GPU drew at rest before the first load, in watts by UUID; null: not
	// known, or there is none.
	Idle     map[string]float64 `json:"idle_watts,omitempty"`
	Counts   *Counts            `json:"counts"`
	Imported *Import            `json:"imported,omitempty"` // nil: perg asked the models itself
	Merged   []MergedShard      `json:"merged,omitempty"`   // the runs that it was made of; none: it ran as one
}

// A MergedShard is a shard's run that became part of this one.
type MergedShard struct {
	Shard  string        `json:"shard"` // i/n
	RunID  string        `json:"run_id"`
	Path   string        `json:"path"` // where it was
	Ollama ServerInfo    `json:"ollama,omitzero"`
	GPUs   gpu.Inventory `json:"gpus,omitzero"`
	Worked Duration      `json:"worked,omitzero"`
	Energy *float64      `json:"energy_joules,omitempty"` // null: not known
}

// An Import says where the answers of a run are from that perg did not ask for:
// it loaded no model, used no server and no GPU.
type Import struct {
	Files           []ImportFile      `json:"files"`
	Form            string            `json:"form"`             // of the tables: long, pairs, profiles
	Columns         map[string]string `json:"columns"`          // by what they were read as
	Values          map[string]string `json:"values"`           // given for all rows
	Answers         string            `json:"answers"`          // who read them: AnsweredBy...
	Questions       int               `json:"questions"`        // fewer than items where some are asked under several preferences
	LongestResponse int               `json:"longest_response"` // bytes
	LeftOut         int               `json:"left_out"`         // answers of the files that were not wanted
}

// Who read the answers of an import.
const (
	AnsweredByRules      = "rules"      // perg's
	AnsweredByLabel      = "label"      // letters of the file
	AnsweredByLikelihood = "likelihood" // likelihoods of the options, in the file
)

// An ImportFile is a file that answers are from.
type ImportFile struct {
	Path    string `json:"path"`
	SHA256  string `json:"sha256"`
	Bytes   int64  `json:"bytes"`
	Rows    int    `json:"rows"`
	Setting string `json:"setting,omitempty"` // of its answers; "": it says so itself
	Again   bool   `json:"again,omitempty"`   // it asks again what the others ask, without a preference
}

// DatasetInfo names the items of a run.
type DatasetInfo struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Items  int    `json:"items"`
}

// DatasetOf names the dataset of a task, with the number of items that are asked.
func DatasetOf(t *task.Task) DatasetInfo {
	return DatasetInfo{Name: t.Dataset.Name, SHA256: t.Dataset.SHA256, Items: t.Asking()}
}

// ModelInfo names a variant of a run. Numbers that are not known have no place in
// run.json, texts are "".
type ModelInfo struct {
	Name          string `json:"name"`
	Digest        string `json:"digest"`         // "": it runs elsewhere
	Size          int64  `json:"size,omitempty"` // bytes
	Family        string `json:"family"`
	ParameterSize string `json:"parameter_size"`
	Variant       string `json:"variant"` // its name in the tables
	Quantization  string `json:"quantization"`
	KVCacheType   string `json:"kv_cache_type"` // "": the server's own, not known
	Think         *bool  `json:"think"`
	ThinkLevel    string `json:"think_level,omitempty"`
	Thinks        string `json:"thinks,omitempty"` // how it can be brought to think: see models.Thinks; "": it cannot, or it is not known
	// ThinkLines are what its way of thinking puts into its prompts; null where that
	// was not seen, or it is not asked to think.
	ThinkLines   []string   `json:"think_lines"`
	Own          models.Own `json:"own,omitzero"`       // what the model brings itself
	NoSystemRole bool       `json:"no_system_role"`     // system texts went in front of user texts
	NumCtx       int        `json:"num_ctx,omitempty"`  // tokens of context it is given
	MostCtx      int        `json:"most_ctx,omitempty"` // that it may have: --num-ctx, or what it was trained for
	Engine       string     `json:"engine,omitempty"`   // of the servers that it was asked on; "": not known
	Remote       string     `json:"remote,omitempty"`   // where it ran; "": on a server of the run
	// PromptHash is SHA-256, hex, of what its chat template makes of a sample
	// (models.Sample); "" where it was not seen.
	PromptHash string `json:"prompt_hash,omitempty"`
}

// thinking says whether it was asked to think, or does in any case.
func (m ModelInfo) thinking() bool {
	return m.Think != nil && *m.Think || m.Thinks == string(models.ThinksAloud)
}

// ServerInfo names the server that a run was last worked on with.
type ServerInfo struct {
	Host    string `json:"host"`
	Version string `json:"version"`
	// Environment are the variables that decide how it runs a model, by name: of
	// perg's own servers what they take over from the user, of one that the user
	// runs on this machine all that can be read; empty where nothing is known.
	Environment map[string]string `json:"environment,omitempty"`
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

// A Load is a variant put into memory, as the manifest lists them.
type Load struct {
	At      time.Time `json:"at"`
	Lane    string    `json:"lane"`
	Host    string    `json:"host"`
	Variant string    `json:"variant"`
	GPUs    []string  `json:"gpus"`    // UUIDs; null where there are none, or not known
	Slots   *int      `json:"slots"`   // null: the server's own, not known
	NumCtx  int       `json:"num_ctx"` // tokens for each slot
	Version string    `json:"ollama_version,omitempty"`
	Size    int64     `json:"size"` // bytes, as the server reports them
	VRAM    int64     `json:"vram"` // of them in GPU memory
	// Estimate is the size that was planned for these slots and tokens; null
	// where it is not known.
	Estimate *int64   `json:"estimate"`
	Took     Duration `json:"took"`
	// InFlight is the number of calls at once that brought the most, or that
	// was asked for; null where the job ended before it was measured.
	InFlight *int `json:"in_flight"`
	// Servers is how many of the model's were at work on the devices at once, each
	// with so many calls, and Gain what they brought together, as a multiple of
	// what one did. They and Pace are null where nothing was measured.
	Servers *int     `json:"servers"`
	Gain    *float64 `json:"gain"`
	Pace    *Pace    `json:"pace"`
}

// A Pace is how fast a model was found to work on its devices: the seconds that
// a token of a prompt took of their time, and a new one, with all calls and
// servers at work.
type Pace struct {
	Prompt float64 `json:"prompt"`
	New    float64 `json:"new"`
	Calls  int     `json:"calls"` // that were measured
}

const manifestName = "run.json"

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

// InfoOf names a variant that is given so many tokens of context.
func InfoOf(v *task.Variant, numCtx int) ModelInfo {
	return ModelInfo{
		Name: v.Name, Variant: v.Label, Digest: v.Digest, Size: v.Size, Family: v.Family,
		ParameterSize: v.ParameterSize, Quantization: v.Quantization, KVCacheType: string(v.KVCache), Think: v.Think,
		ThinkLevel: string(v.Level), Thinks: string(v.Thinker.Thinks), ThinkLines: v.ThinkLines(), Own: v.Own,
		NoSystemRole: v.NoSystem, NumCtx: numCtx, MostCtx: v.MostCtx, Engine: string(v.Engine), PromptHash: v.PromptHash, Remote: v.Remote,
	}
}

// VariantOf is what the manifest tells of one of its variants: enough to find its
// replies.
func (run Manifest) VariantOf(m ModelInfo) *task.Variant {
	v := &task.Variant{
		Installed: models.Installed{
			Name: m.Name, Digest: m.Digest, Size: m.Size, Family: m.Family, ParameterSize: m.ParameterSize, Quantization: m.Quantization, Remote: m.Remote,
		},
		Label: m.Variant, KVCache: models.KVType(m.KVCacheType), Think: m.Think, Level: models.Level(m.ThinkLevel), Own: m.Own,
		Thinker: models.Thinker{Thinks: models.Thinks(m.Thinks)}, NoSystem: m.NoSystemRole, Engine: models.Engine(m.Engine), MostCtx: m.MostCtx,
	}
	if m.Remote != "" {
		v.Only = run.RunID
	}
	return v
}

// Roster are the models of the run, as the manifest tells of them.
func (run Manifest) Roster() (r task.Roster) {
	for _, info := range run.Models {
		r.Variants = append(r.Variants, run.VariantOf(info))
	}
	for _, info := range run.Judges {
		r.Judges = append(r.Judges, run.VariantOf(info))
	}
	if run.Extractor != nil {
		r.Extractor = run.VariantOf(*run.Extractor)
	}
	return r
}

// ScorerOf is what a manifest tells of a model that reads or rates. One from before
// models were known by how they think says of it whether it can: it was told not to,
// or to think as little as it can.
func (run Manifest) ScorerOf(m ModelInfo) *task.Variant {
	v := run.VariantOf(m)
	if m.Thinks != "" || v.Think == nil {
		return v
	}
	v.Think = new(false)
	if v.Family == "gptoss" || v.Family == "gpt-oss" {
		v.Think, v.Level = new(true), models.LevelLow
	}
	return v
}

// MetricsOptions say how the run's tables are scored: by its present judges and
// their rule, with its seed.
func (m Manifest) MetricsOptions() metrics.Options {
	o := metrics.Options{Rule: judge.Rule(m.Config.JudgeRule), Seed: uint64(m.Config.Seed), Idle: m.Idle}
	for _, j := range m.Judges {
		o.Judges = append(o.Judges, cmp.Or(j.Variant, j.Name))
	}
	return o
}

// RatedLike is the manifest with the judging of another, which may change.
func (m Manifest) RatedLike(other Manifest) Manifest {
	m.Judges, m.Config.JudgeAll = other.Judges, other.Config.JudgeAll
	m.Prompts = maps.Clone(m.Prompts)
	maps.Copy(m.Prompts, JudgePrompts(other.Prompts))
	return m
}

// How says in words what became of the run: its state, of which part it is, or how
// it was imported.
func (m Manifest) How() string {
	switch {
	case m.Config.Shard != "":
		return "shard " + m.Config.Shard + ", " + m.State
	case m.Imported == nil || m.State != StateFinished:
		return m.State
	}
	return map[string]string{
		AnsweredByRules: "imported, answers read by rules", AnsweredByLabel: "imported with its letters", AnsweredByLikelihood: "imported, answers by likelihood",
	}[m.Imported.Answers]
}

// JudgePrompts are the hashes, of all of a run, of the templates that judges see.
func JudgePrompts(all map[string]string) map[string]string {
	return map[string]string{"judge_system": all["judge_system"], "judge_user": all["judge_user"]}
}

// Asked is a config by which the run may be rated: where the answers were
// imported nothing is known of how their methods asked, such as with which
// examples, and nothing is made of it.
func (m Manifest) Asked(c Config) Config {
	if m.Imported != nil {
		c.Methods = []string{string(prompt.ZeroShot)}
	}
	return c
}

// Tokens bounds those of the longest response, by the bytes that a token has at
// least, on average, in any language that models are asked in.
func (i Import) Tokens() int {
	const bytesPerToken = 3
	return max(1, i.LongestResponse/bytesPerToken)
}

// otherServer says what to expect where a run goes on with another version of
// Ollama than it was begun with; "" where it does not.
func (m Manifest) otherServer(old Manifest) string {
	was, is := old.Ollama.Version, m.Ollama.Version
	if was == "" || is == "" || was == is {
		return ""
	}
	if a, b := models.EngineOf(was), models.EngineOf(is); a != b {
		return fmt.Sprintf("the run was begun with Ollama %s, and %s has another engine (%s): all is asked anew, since the same model answers otherwise there", was, is, b)
	}
	return fmt.Sprintf("the run was begun with Ollama %s and goes on with %s: answers may differ between the two, and those of before are kept", was, is)
}

// Differences lists what sets a run apart from an older one in ways that
// change its results.
func (m Manifest) Differences(old Manifest) []string {
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
	differ("settings", old.Config.SettingsInOrder(), m.Config.SettingsInOrder())
	differ("methods", old.Config.MethodsInOrder(), m.Config.MethodsInOrder())
	differ("repeats", old.Config.Repeats, m.Config.Repeats)
	differ("null", old.Config.Null, m.Config.Null)
	differ("rotate-options", old.Config.RotateOptions, m.Config.RotateOptions)
	differ("shard", old.Config.shard(), m.Config.shard())
	differ("seed", old.Config.Seed, m.Config.Seed)
	differ("num-predict", old.Config.NumPredict, m.Config.NumPredict)
	differ("temperature", old.Config.Temperature, m.Config.Temperature)
	if slices.ContainsFunc(slices.Concat(m.Models, m.Judges), ModelInfo.thinking) {
		differ("think-budget", old.Config.thoughts(), m.Config.thoughts())
	}
	differ("prompts", old.Config.PromptSet(), m.Config.PromptSet())
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
