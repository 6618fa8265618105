package rundir

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"perg/harness/hint"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/task"
	"perg/models"
)

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
		if _, err := prompt.ParseMethod(m); err != nil && m != allMethods {
			faults = append(faults, fmt.Errorf("%w, %s", err, allMethods))
		}
	}
	for _, t := range c.Think {
		if !slices.Contains(task.Ways(), task.Thinking(t)) {
			fault("--think %q; there are: %s", t, task.InWords(task.Ways()))
		}
	}
	if len(c.Think) == 0 {
		fault("--think is empty; there are: %s", task.InWords(task.Ways()))
	}
	for _, name := range slices.Concat(c.Judge, []string{c.ExtractorName()}) {
		if _, _, err := task.SplitWay(name); err != nil {
			faults = append(faults, fmt.Errorf("--judge or --extractor: %w", err))
		}
	}
	if _, err := c.ThoughtTokens(); err != nil {
		faults = append(faults, err)
	}
	if c.Temperature < 0 || c.Temperature > 2 {
		fault("--temperature %v: 0 for the likeliest answer, up to 2", c.Temperature)
	}
	if c.Temperature > 0 && c.Repeats == 1 {
		fault("--temperature %v with --repeats 1: a drawn answer says little alone; ask each item some times, with --repeats 3 or more", c.Temperature)
	}
	if _, err := judge.ParseRule(c.JudgeRule); err != nil {
		faults = append(faults, fmt.Errorf("--judge-rule: %w", err))
	}
	if len(c.Settings) == 0 {
		fault("--settings is empty")
	}
	if len(c.Methods) == 0 {
		fault("--methods is empty")
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
		fault("--limit %d: must be a number of items, or 0 for all", c.Limit)
	}
	if c.Repeats < 1 {
		fault("--repeats %d: must be at least 1", c.Repeats)
	}
	if c.Null < 0 {
		fault("--null %d: must be how often the baseline is asked again, or 0 for never", c.Null)
	}
	if c.RotateOptions && c.Null == 0 {
		fault("--rotate-options with --null 0: the baseline is not asked again")
	}
	if _, err := task.ParseShard(c.Shard); err != nil {
		faults = append(faults, fmt.Errorf("--%w", err))
	}
	switch c.ShardBy {
	case "", ShardByItem, ShardByVariant:
		if c.ShardBy != "" && c.Shard == "" {
			fault("--shard-by without --shard")
		}
	default:
		fault("--shard-by %q; there are: %s, %s", c.ShardBy, ShardByItem, ShardByVariant)
	}
	if c.NumPredict < 0 {
		fault("--num-predict %d: must be a number of tokens, or 0 for the default", c.NumPredict)
	}
	const least = 512 // a short question, its options and the instructions
	switch {
	case c.NumCtx == 0:
	case c.NumCtx < least:
		fault("--num-ctx %d: must be at least %d tokens, to hold a prompt, or 0 to choose it from the data", c.NumCtx, least)
	case c.NumPredict >= c.NumCtx:
		fault("--num-predict %d leaves no room for a prompt in --num-ctx %d", c.NumPredict, c.NumCtx)
	}
	if _, err := c.InFlight(); err != nil {
		faults = append(faults, err)
	}
	if _, err := c.LaneCount(); err != nil {
		faults = append(faults, err)
	}
	for _, t := range c.KVCache {
		if _, err := models.ParseKVType(t); err != nil {
			faults = append(faults, err)
		}
	}
	for _, level := range c.Levels() {
		if _, err := models.ParseLevel(level); err != nil {
			faults = append(faults, err)
		}
	}
	repeated := func(what string, all []string) {
		for i, s := range all {
			if slices.Contains(all[:i], s) {
				fault("%s %s is named twice", what, s)
			}
		}
	}
	repeated("kv_cache", c.KVCache)
	repeated("quantize", c.Quantize)
	for i, host := range c.Host {
		if slices.Contains(c.Host[:i], host) {
			fault("host %s is named twice", models.WithoutCredentials(host))
		}
	}
	for _, h := range c.Header {
		if _, err := models.ParseHeader(h); err != nil {
			faults = append(faults, err)
		}
	}
	repeated("judge", c.Judge)
	repeated("think", c.Think)
	repeated("gpus", c.GPUs)
	if len(c.Host) > 0 {
		// A server that is used as it is keeps its own settings.
		for _, o := range []struct {
			name string
			set  bool
		}{{"kv_cache", len(c.KVCache) > 0}, {"lanes", c.Lanes != ""}, {"gpus", len(c.GPUs) > 0}} {
			if o.set {
				fault("--%s does not work with --host: it is for servers that perg starts, and the one at %s is used as it is", strings.ReplaceAll(o.name, "_", "-"), models.WithoutCredentials(c.Host[0]))
			}
		}
	}
	if _, port, err := net.SplitHostPort(c.Listen); c.Listen != "" && (err != nil || !isPort(port)) {
		fault("--listen %q: a port, or an address and a port, as in :7375 or 10.0.0.5:7375", c.Listen)
	}
	switch {
	case c.Listens() && len(c.Host) > 0:
		fault("--listen does not work with --host: machines that join have servers that perg starts there")
	case c.Listen != "" && c.NATS != "":
		fault("--listen and --nats: machines join at one of them")
	case c.NoLocal && !c.Listens():
		fault("--no-local without --listen: no machine would have a lane")
	case c.Await > 0 && !c.Listens():
		fault("--await without --listen: nobody could come")
	case c.Await < 0:
		fault("--await %d: a number of machines", c.Await)
	}
	if c.PruneQuantized && len(c.Quantize) == 0 {
		fault("--prune-quantized without --quantize")
	}
	if c.GPUInterval < Duration(10*time.Millisecond) {
		fault("--gpu-interval %s: must be at least 10ms", c.GPUInterval)
	}
	if len(c.ICL) > 0 && !slices.Contains(c.MethodsInOrder(), prompt.ICL) {
		fault("--icl only affects the method icl: add --methods icl")
	}
	if c.JudgeAll && len(c.Judge) == 0 {
		fault("--judge-all without --judge")
	}
	if c.JudgeSwap && len(c.Judge) == 0 {
		fault("--judge-swap without --judge")
	}
	if len(faults) == 0 {
		return nil
	}
	return &hint.Error{Err: errors.Join(faults...), Usage: true}
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}
