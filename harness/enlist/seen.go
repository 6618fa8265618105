package enlist

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/rundir"
	"perg/harness/task"
	"perg/harness/unseen"
	"perg/models"
)

// Seen makes the roster of a config without making or fetching anything: as a
// server that answers shows its models, or as they are described, with the version
// of that server; "" where none does. where says which servers are looked for.
func Seen(ctx context.Context, c rundir.Config, where fleet.Options, managed bool, note func(string)) (r task.Roster, version string, err error) {
	if len(c.Models) == 0 {
		return r, "", noModel(ctx, where)
	}
	client, catalogue, end, err := fleet.Look(ctx, where, undescribed(c))
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
			v, err := Describe(ctx, client, m, computes)
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
	if r, err = WithScorers(r, c, version, find); err != nil {
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

// noModel is what is said where a plan names none.
func noModel(ctx context.Context, where fleet.Options) error {
	where.Say = func(string) {}
	client, catalogue, end, err := fleet.Look(ctx, where, false)
	if err != nil {
		return err
	}
	defer end()
	todo := "perg plan MODEL...; "
	if client != nil {
		todo += fleet.InWords(catalogue) + "; "
	}
	return &hint.Error{Err: errors.New("no model named"), Hint: todo + unseen.Listed(), Usage: true}
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
