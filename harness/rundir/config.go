// Package rundir is what a run is asked for and what is known of it: its config,
// and its directory with the manifest and the lock.
package rundir

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"perg/data"
	"perg/harness/hint"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/task"
	"perg/models"
)

// thoughtTokens is the most of a thought where nothing else is said.
const thoughtTokens = 8192

// Words of a config.
const (
	// PaperThought in the place of the tokens of a thought: thought and answer have
	// one limit, the protocol's.
	PaperThought = "paper"
	allMethods   = "all"
	// NoExtractor in the place of the extractor: rules alone read answers.
	NoExtractor = "none"
	// What shards share out.
	ShardByItem    = "item"
	ShardByVariant = "variant"
)

// A Config says what to run. Its YAML keys are the names of the flags.
type Config struct {
	Models      Names   `yaml:"models" json:"models"`
	Judge       Names   `yaml:"judge" json:"judge"`                         // each rates alone
	JudgeRule   string  `yaml:"judge_rule" json:"judge_rule"`               // what several judges' ratings come to: majority or mean
	JudgeSwap   bool    `yaml:"judge_swap" json:"judge_swap"`               // rate again with the two responses in the other order
	JudgeAll    bool    `yaml:"judge_all" json:"judge_all"`                 // also rate items the baseline got wrong
	Extractor   string  `yaml:"extractor" json:"extractor"`                 // reads the answers that rules cannot; "": the first judge; "none": rules alone
	Think       Names   `yaml:"think" json:"think"`                         // on, off or a level: each a variant of models that can think so
	Thought     string  `yaml:"think_budget" json:"think_budget,omitempty"` // most tokens of a thought; "paper", and "" of a manifest from before: the protocol's one limit for thought and answer
	Prompts     string  `yaml:"prompts" json:"prompts,omitempty"`           // "": perg's own; "paper"; or a directory of templates that replace perg's own
	ICL         Names   `yaml:"icl" json:"icl,omitempty"`                   // files of worked examples: FILE, or SOURCE=FILE
	Data        string  `yaml:"data" json:"data"`                           // "sample" or a file
	Limit       int     `yaml:"limit" json:"limit"`                         // most items, spread over the sources; 0 for all
	Settings    Names   `yaml:"settings" json:"settings"`
	Methods     Names   `yaml:"methods" json:"methods"`
	Repeats     int     `yaml:"repeats" json:"repeats"`
	Null        int     `yaml:"null" json:"null"` // how often the baseline is asked again, to see what breaks without a preference; 0: never
	Seed        int     `yaml:"seed" json:"seed"`
	Shard       string  `yaml:"shard" json:"shard,omitempty"`             // i/n: ask a part alone, number i of n from 0; "": all
	ShardBy     string  `yaml:"shard_by" json:"shard_by,omitempty"`       // item, or variant; "": item
	NumCtx      int     `yaml:"num_ctx" json:"num_ctx"`                   // tokens; 0: the smallest bucket that holds every prompt and its answer
	NumPredict  int     `yaml:"num_predict" json:"num_predict"`           // 0: the protocol's: 500, 1000 for second calls, 1024 for cot
	Temperature float64 `yaml:"temperature" json:"temperature,omitempty"` // 0: greedy; else each repeat has a seed of its own
	Parallel    string  `yaml:"parallel" json:"parallel"`                 // "auto" or calls in flight on each lane
	Store       string  `yaml:"store" json:"store"`
	Out         string  `yaml:"out" json:"-"`

	RotateOptions bool `yaml:"rotate_options" json:"rotate_options"` // ask it again with its options in another order, too

	Quantize       Names    `yaml:"quantize" json:"quantize"`                   // levels to make from each F16 model
	KVCache        Names    `yaml:"kv_cache" json:"kv_cache"`                   // KV-cache types, each a variant; none: f16 on perg's own servers
	Host           Servers  `yaml:"host" json:"host"`                           // servers to use as they are, each a lane; none: OLLAMA_HOST or the default, or perg's own
	Header         Names    `yaml:"header" json:"header,omitempty"`             // NAME=VARIABLE: headers that servers are sent, and where their values are
	Lanes          string   `yaml:"lanes" json:"lanes"`                         // servers of perg's own: "" where none is running, "auto" one per GPU, or a number
	GPUs           Names    `yaml:"gpus" json:"gpus"`                           // UUIDs or indexes of those to use; none: all
	Listen         string   `yaml:"listen" json:"listen,omitempty"`             // HOST:PORT where other machines join the run; "": none does
	NoLocal        bool     `yaml:"no_local" json:"no_local,omitempty"`         // this machine has no lanes: others have
	NATS           string   `yaml:"nats" json:"-"`                              // URL of a NATS server in place of one of perg's own; it may have a password
	Await          int      `yaml:"await" json:"-"`                             // machines to wait for before the run is planned
	AllowCPU       bool     `yaml:"allow_cpu" json:"allow_cpu"`                 // accept that part of a model runs on the CPU
	AllowRemote    bool     `yaml:"allow_remote" json:"allow_remote,omitempty"` // accept models that run elsewhere, and are not measured
	Pull           bool     `yaml:"pull" json:"-"`                              // fetch models that are not installed
	GPUInterval    Duration `yaml:"gpu_interval" json:"gpu_interval"`           // between GPU samples
	PruneQuantized bool     `yaml:"prune_quantized" json:"prune_quantized"`     // remove what quantize made, after the run

	// Describe has models by name that a plan may use though they are not
	// installed.
	Describe map[string]models.Description `yaml:"describe" json:"describe,omitempty"`
}

// Names are those of servers, models or files. One alone needs no list.
type Names []string

// UnmarshalYAML reads a name or a list of them.
func (n *Names) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		n.only(one)
		return nil
	}
	return unmarshal((*[]string)(n))
}

// UnmarshalJSON reads a name or a list of them: manifests of earlier versions
// have one judge.
func (n *Names) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		n.only(one)
		return nil
	}
	return json.Unmarshal(text, (*[]string)(n))
}

func (n *Names) only(name string) {
	*n = nil
	if name != "" {
		*n = Names{name}
	}
}

// A Duration is a time.Duration that YAML and JSON write as "200ms".
type Duration time.Duration

func (d Duration) String() string               { return time.Duration(d).String() }
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what time.ParseDuration does.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// Defaults are the protocol's settings over the embedded sample.
func Defaults() Config {
	c := Config{
		Data:        "sample",
		Methods:     []string{string(prompt.ZeroShot)},
		Think:       []string{string(task.ThinkOn), string(task.ThinkOff)},
		Thought:     strconv.Itoa(thoughtTokens),
		JudgeRule:   string(judge.Majority),
		Repeats:     1,
		Null:        1,
		Seed:        42,
		Parallel:    "auto",
		GPUInterval: Duration(200 * time.Millisecond),
	}
	for _, s := range prompt.Settings() {
		c.Settings = append(c.Settings, string(s))
	}
	return c
}

// ReadConfig reads a YAML file over the defaults. An unknown key and a value
// of the wrong kind are errors that show the line.
func ReadConfig(path string) (Config, error) {
	c := Defaults()
	text, err := data.ReadText(path)
	if err != nil {
		return c, &hint.Error{Err: fmt.Errorf("config: %w", err), Usage: true}
	}
	var nothing any
	if yaml.Unmarshal(text, &nothing) == nil && nothing == nil {
		return c, nil // which the decoder would empty
	}
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		todo := "the keys are the flags of 'perg run', with underscores"
		if near := hint.Nearest(unknownKey(err), keys()); near != "" {
			todo = "did you mean " + near + "? " + todo
		}
		return c, &hint.Error{
			Err:   fmt.Errorf("config %s: %s", path, models.HideCredentials(inWords(strings.TrimSpace(yaml.FormatError(err, false, true))))),
			Hint:  todo,
			Usage: true,
		}
	}
	return c, nil
}

// keys are those that a config and its descriptions of models may have.
func keys() (all []string) {
	for _, of := range []reflect.Type{reflect.TypeFor[Config](), reflect.TypeFor[models.Description]()} {
		for field := range of.Fields() {
			all = append(all, field.Tag.Get("yaml"))
		}
	}
	return all
}

var wrongKind = regexp.MustCompile(`cannot unmarshal (\w+) into Go (?:struct field \S+|value) of type (\S+)`)

// inWords says which kind of value is wanted where another one stands, without
// the names that it has in Go.
func inWords(text string) string {
	return wrongKind.ReplaceAllStringFunc(text, func(said string) string {
		wanted := "another kind of value"
		switch to := wrongKind.FindStringSubmatch(said)[2]; {
		case strings.HasPrefix(to, "int"), strings.HasPrefix(to, "uint"), strings.HasPrefix(to, "float"):
			wanted = "a number, such as 8030000000"
		case to == "bool":
			wanted = "true or false"
		case to == "string":
			wanted = "text"
		}
		return "wanted here is " + wanted
	})
}

// unknownKey is the key that a config may not have; "" where another thing is
// wrong.
func unknownKey(err error) string {
	unknown, ok := errors.AsType[*yaml.UnknownFieldError](err)
	if !ok {
		return ""
	}
	key := unknown.Token.Value
	return strings.NewReplacer("-", "_", " ", "_").Replace(key)
}

// Home gives a path that begins with ~/ its place in the user's home directory,
// as a shell does where it sees one.
func Home(path string) (string, error) {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%s: the home directory is not known (%w); write the path in full", path, err)
	}
	return filepath.Join(home, strings.TrimPrefix(path, "~")), nil
}

// PromptSet names the prompts that the config asks with: perg, paper, or the
// directory of templates that replace some of perg's.
func (c Config) PromptSet() string { return cmp.Or(c.Prompts, "perg") }

// InFlight is the most calls that are sent to a lane at once; 0: found by
// measuring.
func (c Config) InFlight() (int, error) {
	if c.Parallel == "auto" {
		return 0, nil
	}
	n, err := strconv.Atoi(c.Parallel)
	if err != nil || n < 1 || n > 1024 {
		return 0, fmt.Errorf("--parallel %q: auto, or a number of calls from 1 to 1024", c.Parallel)
	}
	return n, nil
}

// Listens says whether other machines may join the run.
func (c Config) Listens() bool { return c.Listen != "" || c.NATS != "" }

// LaneCount is the number of servers that perg starts; 0: one for each device.
func (c Config) LaneCount() (int, error) {
	if c.Lanes == "" || c.Lanes == "auto" {
		return 0, nil
	}
	n, err := strconv.Atoi(c.Lanes)
	if err != nil || n < 1 || n > 64 {
		return 0, fmt.Errorf("--lanes %q: auto, or a number of servers from 1 to 64", c.Lanes)
	}
	return n, nil
}

// SettingsInOrder are the config's, in the order of tables, with the baseline: Q* is
// defined by it.
func (c Config) SettingsInOrder() []prompt.Setting {
	var all []prompt.Setting
	for _, s := range prompt.Settings() {
		if s == prompt.None || slices.Contains(c.Settings, string(s)) {
			all = append(all, s)
		}
	}
	return all
}

// MethodsInOrder are the config's, in the order of tables.
func (c Config) MethodsInOrder() []prompt.Method {
	return slices.DeleteFunc(prompt.Methods(), func(m prompt.Method) bool {
		return !slices.Contains(c.Methods, string(m)) && !slices.Contains(c.Methods, allMethods)
	})
}

// ExtractorName is the model that reads the answers which rules cannot; "" where
// there is none.
func (c Config) ExtractorName() string {
	switch {
	case c.Extractor == NoExtractor:
		return ""
	case c.Extractor == "" && len(c.Judge) > 0:
		return c.Judge[0]
	default:
		return c.Extractor
	}
}

// Levels are the quantizations to make: the source is F16 itself.
func (c Config) Levels() []string {
	return slices.DeleteFunc(slices.Clone(c.Quantize), func(level string) bool {
		return level == "f16" || level == "F16" || level == "fp16"
	})
}

// Thinking are the ways in which models that can think are asked.
func (c Config) Thinking() []task.Thinking {
	all := make([]task.Thinking, len(c.Think))
	for i, t := range c.Think {
		all[i] = task.Thinking(t)
	}
	return all
}

// ThoughtTokens is the most of a thought beside those of the answer; 0: they have
// one limit.
func (c Config) ThoughtTokens() (int, error) {
	if c.Thought == "" || c.Thought == PaperThought {
		return 0, nil
	}
	n, err := strconv.Atoi(c.Thought)
	if err != nil || n < 1 || n > 1<<20 {
		return 0, fmt.Errorf("think_budget %q: a number of tokens, or %s", c.Thought, PaperThought)
	}
	return n, nil
}

// Shards are the parts of the items and of the variants that the config asks: one of
// them at most is not the whole.
func (c Config) Shards() (items, variants task.Shard) {
	s, _ := task.ParseShard(c.Shard) // which was checked
	if c.ShardBy == ShardByVariant {
		return task.Shard{}, s
	}
	return s, task.Shard{}
}

// shard says which part is asked.
func (c Config) shard() string {
	if c.Shard == "" {
		return "all"
	}
	return c.Shard + " by " + cmp.Or(c.ShardBy, ShardByItem)
}

// thoughts says how thoughts are bounded.
func (c Config) thoughts() string { return cmp.Or(c.Thought, PaperThought) }

// KVTypes are the KV-cache types that each make a variant.
func (c Config) KVTypes() []models.KVType {
	all := make([]models.KVType, len(c.KVCache))
	for i, t := range c.KVCache {
		all[i] = models.KVType(t)
	}
	return all
}
