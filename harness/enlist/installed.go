// Package enlist makes rosters: which variants and scorers a config comes to, of
// models that a server has installed, or of such as are described.
package enlist

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/rundir"
	"perg/harness/task"
	"perg/models"
)

// Installed makes the roster of a config from what a server has installed; what
// is not there is pulled where that is wanted, and quantizations are made.
func Installed(ctx context.Context, c rundir.Config, f *fleet.Fleet, client fleet.Client, version string, say func(string)) (task.Roster, error) {
	var r task.Roster
	names := slices.Clone(c.Models)
	for _, name := range append([]string{c.ExtractorName()}, c.Judge...) {
		if name, _, _ = task.SplitWay(name); name != "" {
			names = append(names, name)
		}
	}
	if c.Pull {
		if err := f.Pull(ctx, names); err != nil {
			return r, err
		}
	}
	catalogue, err := client.Catalogue(ctx)
	if err != nil {
		return r, err
	}
	if len(c.Models) == 0 {
		return r, &hint.Error{
			Err:   errors.New("no model named"),
			Hint:  "perg run MODEL...; " + fleet.InWords(catalogue),
			Usage: true,
		}
	}
	if err := fleet.LookUp(names, catalogue, client.Host(), c.AllowRemote); err != nil {
		return r, err
	}
	for _, name := range names {
		if m, _ := models.Find(catalogue, name); m.Remote != "" && f.Managed() {
			return r, hint.Usage(fmt.Errorf("model %s runs elsewhere (%s), and the servers that perg starts reach nothing outside", m.Name, m.Remote), "run 'ollama serve' and name it with --host")
		}
	}
	engine, err := f.Engine(ctx)
	if err != nil {
		return r, err
	}
	candidates, err := fleet.Find(c.Models, catalogue)
	if err != nil {
		return r, err
	}
	if candidates, err = f.Quantize(ctx, client, catalogue, candidates, c.Levels()); err != nil {
		return r, err
	}
	for _, m := range candidates {
		v, err := Describe(ctx, client, m, engine)
		if err != nil {
			return r, err
		}
		made, err := variants(v.Bounded(c.NumCtx), c, version, f.Managed(), say)
		if err != nil {
			return r, err
		}
		r.Variants = append(r.Variants, made...)
	}
	return WithScorers(r, c, version, func(name string) (*task.Variant, error) {
		m, _ := models.Find(catalogue, name)
		v, err := Describe(ctx, client, m, engine)
		if f.Managed() {
			v.KVCache = models.KVF16
		}
		v = v.Bounded(c.NumCtx)
		return &v, err
	})
}

// WithScorers is a roster with the judges and the extractor of a config, each
// model once.
func WithScorers(r task.Roster, c rundir.Config, version string, describe func(name string) (*task.Variant, error)) (task.Roster, error) {
	scorer := func(name string) (*task.Variant, error) {
		model, way, err := task.SplitWay(name)
		if err != nil {
			return nil, &hint.Error{Err: err, Usage: true}
		}
		v, err := describe(model)
		if err != nil {
			return nil, err
		}
		as, err := v.Scoring(way, version)
		if err != nil {
			return nil, &hint.Error{Err: err, Usage: true}
		}
		return &as, nil
	}
	for _, name := range c.Judge {
		v, err := scorer(name)
		if err != nil {
			return r, err
		}
		if slices.ContainsFunc(r.Judges, func(j *task.Variant) bool { return j.Label == v.Label }) {
			return r, &hint.Error{Err: fmt.Errorf("judge %s is named twice", v.Label), Usage: true}
		}
		r.Judges = append(r.Judges, v)
	}
	name := c.ExtractorName()
	if name == "" {
		return r, nil
	}
	if i := slices.Index(c.Judge, name); i >= 0 {
		r.Extractor = r.Judges[i]
		return r, nil
	}
	v, err := scorer(name)
	if err != nil {
		return r, err
	}
	r.Extractor = v
	for _, j := range r.Judges {
		if j.Label == v.Label {
			r.Extractor = j
		}
	}
	return r, nil
}

// variants are those that a model makes under a config with a version of Ollama.
func variants(v task.Variant, c rundir.Config, version string, managed bool, say func(string)) ([]*task.Variant, error) {
	var servers models.KVType
	if managed {
		servers = models.KVF16
	}
	made, err := v.Variants(c.Thinking(), version, c.KVTypes(), servers, say)
	if err != nil {
		err = &hint.Error{Err: err, Hint: "name another way with --think", Usage: true}
	}
	return made, err
}

// Describe asks the server what a model is. Of one that runs elsewhere it knows
// neither template nor engine: it is marked by its label.
func Describe(ctx context.Context, client fleet.Client, m models.Installed, engine models.Engine) (task.Variant, error) {
	details, err := fleet.Details(ctx, client, m)
	if err != nil {
		return task.Variant{}, err
	}
	v := task.Variant{
		Installed: m, Label: m.Name, Engine: engine, Shape: details.Shape, Tokenizer: details.Tokenizer,
		NoSystem: !details.Shown.System, LeastCtx: details.LeastContext(),
		Own: details.Own, Thinker: details.Thinker,
	}
	switch {
	case m.Remote != "":
		v.Label, v.Engine, v.NoSystem, v.LeastCtx = m.Name+"@remote", "", false, 0
	case engine == models.Runner:
		v.PromptHash = details.Shown.Hash
	default:
		v.Unseen = true // llama-server may use a template of the model's own
	}
	return v, nil
}
