// Package harness is the run: it plans which calls a benchmark needs, makes
// those that are not yet known, and writes the tables. It parses no flags and
// prints nothing.
package harness

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"perg/harness/prompt"
)

// A Config says what to run. Its YAML keys are the names of the flags.
type Config struct {
	Models     []string `yaml:"models" json:"models"`
	Judge      string   `yaml:"judge" json:"judge"`
	JudgeAll   bool     `yaml:"judge_all" json:"judge_all"` // also rate items the baseline got wrong
	Data       string   `yaml:"data" json:"data"`           // "sample" or a file
	Limit      int      `yaml:"limit" json:"limit"`         // most items, spread over the sources; 0 for all
	Settings   []string `yaml:"settings" json:"settings"`
	Methods    []string `yaml:"methods" json:"methods"`
	Repeats    int      `yaml:"repeats" json:"repeats"`
	Seed       int      `yaml:"seed" json:"seed"`
	NumCtx     int      `yaml:"num_ctx" json:"num_ctx"`
	NumPredict int      `yaml:"num_predict" json:"num_predict"` // 0: 500, and 1024 for models that think
	Parallel   string   `yaml:"parallel" json:"parallel"`       // "auto" or calls in flight
	Host       string   `yaml:"host" json:"host"`               // "" for OLLAMA_HOST or the default
	Store      string   `yaml:"store" json:"store"`
	Out        string   `yaml:"out" json:"-"`
}

// Defaults are the protocol's settings over the embedded sample.
func Defaults() Config {
	c := Config{
		Data:     "sample",
		Repeats:  1,
		Seed:     42,
		NumCtx:   4096,
		Parallel: "auto",
	}
	for _, s := range prompt.Settings() {
		c.Settings = append(c.Settings, string(s))
	}
	for _, m := range prompt.Methods() {
		c.Methods = append(c.Methods, string(m))
	}
	return c
}

// ReadConfig reads a YAML file over the defaults. An unknown key and a value
// of the wrong kind are errors that show the line.
func ReadConfig(path string) (Config, error) {
	c := Defaults()
	text, err := os.ReadFile(path)
	if err != nil {
		return c, &Problem{Err: fmt.Errorf("config: %w", err), Usage: true}
	}
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		return c, &Problem{
			Err:   fmt.Errorf("config %s: %s", path, strings.TrimSpace(yaml.FormatError(err, false, true))),
			Hint:  "the keys are the flags of 'perg run', with underscores",
			Usage: true,
		}
	}
	return c, nil
}

// Check finds what is wrong with a config before any work starts. It reports
// every fault, not the first alone.
func (c Config) Check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, s := range c.Settings {
		if _, err := prompt.ParseSetting(s); err != nil {
			faults = append(faults, err)
		}
	}
	for _, m := range c.Methods {
		if _, err := prompt.ParseMethod(m); err != nil {
			faults = append(faults, err)
		}
	}
	if len(c.Settings) == 0 {
		fault("no settings")
	}
	if len(c.Methods) == 0 {
		fault("no methods")
	}
	for i, m := range c.Models {
		if strings.TrimSpace(m) == "" {
			fault("model %d has an empty name", i+1)
		}
		if slices.Contains(c.Models[:i], m) {
			fault("model %s is named twice", m)
		}
	}
	if c.Limit < 0 {
		fault("limit %d: a number of items, or 0 for all", c.Limit)
	}
	if c.Repeats < 1 {
		fault("repeats %d: at least 1", c.Repeats)
	}
	if c.NumPredict < 0 {
		fault("num_predict %d: a number of tokens, or 0 for the protocol's", c.NumPredict)
	}
	const least = 512 // a short question, its options and the instructions
	if c.NumCtx < least {
		fault("num_ctx %d: at least %d tokens, to hold a prompt", c.NumCtx, least)
	} else if c.NumPredict >= c.NumCtx {
		fault("num_predict %d leaves no room for a prompt in num_ctx %d", c.NumPredict, c.NumCtx)
	}
	if _, err := c.InFlight(); err != nil {
		faults = append(faults, err)
	}
	if c.JudgeAll && c.Judge == "" {
		fault("judge_all without a judge")
	}
	if len(faults) == 0 {
		return nil
	}
	return &Problem{Err: errors.Join(faults...), Usage: true}
}

// autoInFlight is what "auto" sends at once: a server whose slots are unknown
// has one, or as many as OLLAMA_NUM_PARALLEL says. Four fill the slots of a
// server started here; on one slot they wait in its queue.
const autoInFlight = 4

// InFlight is the most calls that are sent at once.
func (c Config) InFlight() (int, error) {
	if c.Parallel == "auto" {
		return autoInFlight, nil
	}
	n, err := strconv.Atoi(c.Parallel)
	if err != nil || n < 1 || n > 1024 {
		return 0, fmt.Errorf("parallel %q: auto, or a number of calls from 1 to 1024", c.Parallel)
	}
	return n, nil
}

// settings are the config's, in the order of tables, with the baseline: Q* is
// defined by it.
func (c Config) settings() []prompt.Setting {
	var all []prompt.Setting
	for _, s := range prompt.Settings() {
		if s == prompt.None || slices.Contains(c.Settings, string(s)) {
			all = append(all, s)
		}
	}
	return all
}

// A Problem is an error with what to do about it.
type Problem struct {
	Err   error
	Hint  string
	Usage bool // the user's input is wrong; nothing was started
}

func (p *Problem) Error() string { return p.Err.Error() }
func (p *Problem) Unwrap() error { return p.Err }
