package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/loads"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/harness/tables"
	"perg/harness/task"
	"perg/harness/unseen"
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
		known = tables.Recorded(s)
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

// ByLevel are plans of the same work for one quantization each, in the order of
// the roster: each has all devices to itself.
func (p *Plan) ByLevel(ctx context.Context, c rundir.Config, f *fleet.Fleet, s *store.Store) (all []*Plan, err error) {
	var levels []string
	for _, v := range p.Variants {
		if slices.ContainsFunc(levels, func(l string) bool { return strings.EqualFold(l, v.Quantization) }) {
			continue
		}
		levels = append(levels, v.Quantization)
		r := p.Roster
		r.Variants = slices.DeleteFunc(slices.Clone(r.Variants), func(other *task.Variant) bool {
			return other.Quantization != v.Quantization
		})
		one, err := place(ctx, p.Task, r, p.Sizes, c, loads.Paces{Store: s, Fleet: f}, p.Server)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// nothingKnown is the ask of a plan without a store.
func nothingKnown(context.Context, task.Call) (store.Reply, error) {
	return store.Reply{}, engine.ErrNotAsked
}

// previewRoster is that of a config, as a server that answers shows its models,
// or as they are described, and the version of that server; "" where none does.
func previewRoster(ctx context.Context, c rundir.Config, managed bool, note func(string)) (r task.Roster, version string, err error) {
	if len(c.Models) == 0 {
		return r, "", &hint.Error{Err: errors.New("no model named"), Hint: "perg plan MODEL...; known are " + unseen.Known(), Usage: true}
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
	from := make(map[string][]string)    // names, by what is known of them
	find := func(name string) (*task.Variant, error) {
		if m, ok := models.Find(catalogue, name); ok {
			if m.Remote != "" && !c.AllowRemote {
				return nil, fleet.RunsElsewhere(m)
			}
			v, err := describe(ctx, client, m, computes)
			return &v, err
		}
		m, err := unseen.Find(ctx, name, c.Describe)
		if err != nil {
			return nil, err
		}
		from[m.From] = append(from[m.From], m.Name)
		return &task.Variant{
			Installed: models.Installed{Name: m.Name, Digest: m.From + " " + name, Size: cmp.Or(m.Download, int64(m.Shape.WeightBytes())), Family: m.Shape.Architecture, Quantization: m.Shape.Quantization},
			Label:     m.Name, Shape: m.Shape, Engine: computes, LeastCtx: m.LeastCtx, Thinker: m.Thinker,
		}, nil
	}
	for _, name := range fleet.Matching(c.Models, catalogue) {
		v, err := find(name)
		if err != nil {
			return r, version, err
		}
		all := []task.Variant{*v}
		for _, level := range c.Quantize {
			if strings.EqualFold(level, v.Quantization) {
				continue // it has that already
			}
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
	for _, source := range slices.Sorted(maps.Keys(from)) {
		text := "not installed, planned from " + source + ": " + strings.Join(from[source], ", ")
		if source != unseen.FromFile {
			text += "; perg run --pull fetches what is missing"
		}
		note(text)
	}
	return r, version, nil
}

// undescribed says whether a config names a model that is not described.
func undescribed(c rundir.Config) bool {
	return slices.ContainsFunc(slices.Concat(c.Models, c.Judge, []string{c.ExtractorName()}), func(name string) bool {
		name, _, _ = task.SplitWay(name)
		_, described := c.Describe[name]
		_, known := models.Known(name)
		return name != "" && !described && !known && !strings.HasSuffix(strings.ToLower(name), ".gguf")
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
