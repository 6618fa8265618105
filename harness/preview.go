package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/loads"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/harness/task"
	"perg/models"
)

// bytesPerToken is of English text; the tokens of a plan are estimated by it
// where no model has counted them.
const bytesPerToken = 4

// Preview makes the plan of a config without starting, loading or making
// anything. Models that are not installed are taken from the config's
// descriptions, and from those that perg has of the paper's models; GPUs that
// are not here are written as in "2x24GiB". The notes say what the plan rests
// on. Paces are those of a store, which may be nil.
func Preview(ctx context.Context, c rundir.Config, set data.Dataset, s *store.Store) (p *Plan, f *fleet.Fleet, notes []string, err error) {
	note := func(text string) { notes = append(notes, text) }
	t, err := c.Task(set)
	if err != nil {
		return nil, nil, nil, err
	}
	o := FleetOptions(c, "", note, note)
	if f, err = fleet.Preview(ctx, o); err != nil {
		return nil, nil, nil, err
	}
	r, version, err := previewRoster(ctx, c, f.Managed(), note)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, text := range r.Concerns(version) {
		note(text)
	}
	for _, text := range r.Brings(c.Temperature) {
		note(text)
	}
	known := nothingKnown
	if s != nil {
		known = recorded(s)
	}
	sizes, err := sizesOf(ctx, t, r, estimated, known, c.NumCtx, note)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("by estimate, %w", err)
	}
	for _, v := range r.Loaded() {
		if text := sizes.Thoughts[v].String(); text != "" {
			note(v.Label + ": " + text)
		}
	}
	note(fmt.Sprintf("prompts are estimated at %d bytes a token, answers at %.0f %% of num_predict; 'perg run' measures the prompts before it starts", bytesPerToken, task.AnswerShare*100))
	if p, err = place(ctx, t, r, sizes, c, loads.Paces{Store: s, Fleet: f}, version); err != nil {
		return nil, nil, nil, err
	}
	return p, f, notes, nil
}

// nothingKnown is the ask of a plan without a store.
func nothingKnown(context.Context, task.Call) (store.Reply, error) {
	return store.Reply{}, engine.ErrNotAsked
}

// previewRoster is that of a config, as a server that answers shows its models,
// or as they are described, and the version of that server; "" where none does.
func previewRoster(ctx context.Context, c rundir.Config, managed bool, note func(string)) (r task.Roster, version string, err error) {
	if len(c.Models) == 0 {
		return r, "", &hint.Error{Err: errors.New("no model named"), Hint: "perg plan MODEL...; described are " + strings.Join(models.KnownNames(), ", "), Usage: true}
	}
	client, catalogue, end, err := fleet.Look(ctx, FleetOptions(c, "", note, note), undescribed(c))
	if err != nil {
		return r, "", err
	}
	defer end()
	if client != nil {
		version, _ = client.Version(ctx)
	}
	computes := models.EngineOf(version) // not known, where nobody answers
	var described []string
	find := func(name string) (*task.Variant, error) {
		if m, ok := models.Find(catalogue, name); ok {
			if m.Remote != "" && !c.AllowRemote {
				return nil, fleet.RunsElsewhere(m)
			}
			v, err := describe(ctx, client, m, computes)
			return &v, err
		}
		d, ok := c.Describe[name]
		if !ok {
			d, ok = models.Known(name)
		}
		if !ok {
			hints := "ollama pull " + name + ", or perg run --pull, fetches it; describe it in the config under 'describe'; described are " + strings.Join(models.KnownNames(), ", ")
			if client != nil {
				hints += "; " + fleet.InWords(catalogue)
			}
			if client == nil {
				return nil, hint.Usage(fmt.Errorf("model %s is not described, and whether it is installed is not known: no Ollama server answers", name), fleet.HowToInstall+"; or "+hints)
			}
			return nil, hint.Usage(fmt.Errorf("model %s is neither installed nor described", name), hints)
		}
		shape, err := d.Shape()
		if err != nil {
			return nil, &hint.Error{Err: fmt.Errorf("describe %s: %w", name, err), Usage: true}
		}
		described = append(described, name)
		return &task.Variant{
			Installed: models.Installed{Name: name, Digest: "described " + name, Size: int64(shape.WeightBytes()), Quantization: shape.Quantization},
			Label:     name, Shape: shape, Engine: computes, LeastCtx: d.LeastContext(), Thinker: models.Thinker{Thinks: d.Thinks, Levels: d.Levels},
		}, nil
	}
	for _, name := range fleet.Matching(c.Models, catalogue) {
		v, err := find(name)
		if err != nil {
			return r, version, err
		}
		all := []task.Variant{*v}
		for _, level := range c.Quantize {
			q, err := quantized(*v, level)
			if err != nil {
				return r, version, err
			}
			all = append(all, q)
		}
		for _, v := range all {
			made, err := variants(v, c, version, managed, note)
			if err != nil {
				return r, version, err
			}
			r.Variants = append(r.Variants, made...)
		}
	}
	if r, err = withScorers(r, c, version, find); err != nil {
		return r, version, err
	}
	if len(described) > 0 {
		note("not installed, planned from descriptions: " + strings.Join(described, ", ") + "; perg run --pull fetches what is missing")
	}
	return r, version, nil
}

// undescribed says whether a config names a model that is not described.
func undescribed(c rundir.Config) bool {
	return slices.ContainsFunc(slices.Concat(c.Models, c.Judge, []string{c.ExtractorName()}), func(name string) bool {
		name, _, _ = task.SplitWay(name)
		_, described := c.Describe[name]
		_, known := models.Known(name)
		return name != "" && !described && !known
	})
}

// quantized is a variant as it would be at another level.
func quantized(v task.Variant, level string) (task.Variant, error) {
	shape, err := v.Shape.At(level)
	if err != nil {
		return v, &hint.Error{Err: err, Usage: true}
	}
	v.Shape, v.Quantization, v.Size = shape, shape.Quantization, int64(shape.WeightBytes())
	v.Name, v.Label = v.Name+"-"+level, v.Label+"-"+level
	v.Digest = "to be made " + v.Name
	return v, nil
}
