package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness/hint"
	"perg/harness/prompt"
	"perg/harness/rundir"
)

// runConfig is what the user asked for: flags over a config file, or over
// what the run in --out was begun with, or over the defaults.
func runConfig(c *cli.Context) (rundir.Config, error) {
	cfg := rundir.Defaults()
	var err error
	if c.IsSet("config") {
		if cfg, err = rundir.ReadConfig(c.String("config")); err != nil {
			return cfg, err
		}
	}
	if c.IsSet("out") {
		cfg.Out = c.String("out")
	}
	if cfg.Out, err = rundir.Home(cfg.Out); err != nil {
		return cfg, err
	}
	if c.IsSet("out") && !c.IsSet("config") && c.NArg() == 0 {
		if cfg.Out, err = resumed(cfg.Out); err != nil {
			return cfg, err
		}
	}
	if cfg.Out == "" {
		cfg.Out = filepath.Join("runs", time.Now().Format("20060102-150405"))
	}
	if !c.IsSet("config") {
		m, err := rundir.ReadManifest(cfg.Out)
		switch {
		case m.Imported != nil:
			return cfg, hint.Usage(fmt.Errorf("%s was imported: its models are not asked here", cfg.Out), "perg judge RUN --judge MODEL rates its answers; for a run choose another --out")
		case err == nil:
			out := cfg.Out
			cfg = m.Config
			cfg.Out = out
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return cfg, &hint.Error{Err: err, Hint: "its replies are in the store: choose another --out, and they are used again"}
		}
	}
	if c.Args().Present() {
		cfg.Models = c.Args().Slice()
	}
	for name, to := range map[string]*string{
		"judge-rule": &cfg.JudgeRule, "extractor": &cfg.Extractor, "prompts": &cfg.Prompts, "data": &cfg.Data, "store": &cfg.Store, "parallel": &cfg.Parallel, "think-budget": &cfg.Thought, "lanes": &cfg.Lanes, "shard": &cfg.Shard, "shard-by": &cfg.ShardBy, "listen": &cfg.Listen, "nats": &cfg.NATS,
	} {
		if c.IsSet(name) {
			*to = c.String(name)
		}
	}
	for name, to := range map[string]*int{
		"limit": &cfg.Limit, "num-ctx": &cfg.NumCtx, "num-predict": &cfg.NumPredict, "repeats": &cfg.Repeats, "null": &cfg.Null, "seed": &cfg.Seed, "await": &cfg.Await,
	} {
		if c.IsSet(name) {
			*to = c.Int(name)
		}
	}
	for name, to := range map[string]*rundir.Names{
		"settings": &cfg.Settings, "methods": &cfg.Methods, "quantize": &cfg.Quantize, "kv-cache": &cfg.KVCache, "host": (*rundir.Names)(&cfg.Host), "header": &cfg.Header, "judge": &cfg.Judge, "think": &cfg.Think, "gpus": &cfg.GPUs,
	} {
		if c.IsSet(name) {
			*to = c.StringSlice(name)
		}
	}
	for name, to := range map[string]*bool{"judge-all": &cfg.JudgeAll, "judge-swap": &cfg.JudgeSwap, "allow-cpu": &cfg.AllowCPU, "rotate-options": &cfg.RotateOptions, "allow-remote": &cfg.AllowRemote, "pull": &cfg.Pull, "no-local": &cfg.NoLocal, "prune-quantized": &cfg.PruneQuantized} {
		if c.IsSet(name) {
			*to = c.Bool(name)
		}
	}
	if c.IsSet("temperature") {
		cfg.Temperature = c.Float64("temperature")
	}
	if c.IsSet("gpu-interval") {
		cfg.GPUInterval = rundir.Duration(c.Duration("gpu-interval"))
	}
	if c.IsSet("icl") {
		cfg.ICL = nil
		for _, value := range *c.Generic("icl").(*wholeValues) {
			cfg.ICL = append(cfg.ICL, splitFiles(value)...)
		}
	}
	if cfg.Store == "" {
		cfg.Store = defaultStore()
	}
	// A run may be finished from another directory than it was begun in.
	if cfg.Store, err = absolute(cfg.Store); err != nil {
		return cfg, err
	}
	if cfg.Prompts == (rundir.Config{}).PromptSet() { // by its name
		cfg.Prompts = prompt.Own
	}
	for _, path := range []*string{&cfg.Data, &cfg.Prompts} {
		if *path == "" || path == &cfg.Data && *path == data.SampleName || path == &cfg.Prompts && *path == prompt.Paper {
			continue
		}
		if *path, err = absolute(*path); err != nil {
			return cfg, err
		}
	}
	for i, entry := range cfg.ICL {
		source, path := prompt.SourceOf(entry)
		if path, err = absolute(path); err != nil {
			return cfg, err
		}
		if cfg.ICL[i] = path; source != "" {
			cfg.ICL[i] = source + "=" + path
		}
	}
	return cfg, cfg.Check()
}

// resumed is the run that is to be gone on with, by its name, where no model is
// named for a new one. A name that none has is left to be a new directory's.
func resumed(name string) (string, error) {
	dir, err := findRun(name)
	if err == nil {
		return dir, nil
	}
	if name == lastRun || errors.Is(err, errSeveral) {
		return name, err
	}
	return name, nil
}

func absolute(path string) (string, error) {
	path, err := rundir.Home(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// wholeValues are those of a flag that may be given several times, each as it was
// written: a path may hold commas.
type wholeValues []string

func (v *wholeValues) Set(value string) error {
	*v = append(*v, value)
	return nil
}

func (v *wholeValues) String() string { return strings.Join(*v, ",") }

// splitFiles takes apart a list of FILE or SOURCE=FILE at those commas that end
// the name of a file. Where there is no such file, it is one name.
func splitFiles(list string) []string {
	for end := range len(list) + 1 {
		if end < len(list) && list[end] != ',' {
			continue
		}
		_, path := prompt.SourceOf(list[:end])
		path, err := rundir.Home(path)
		if err != nil {
			break
		}
		if _, err := os.Stat(path); err == nil {
			if end == len(list) {
				break
			}
			return append([]string{list[:end]}, splitFiles(list[end+1:])...)
		}
	}
	return []string{list}
}
