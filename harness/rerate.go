package harness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/store"
	"perg/models"
)

// noExtractor in the place of the extractor: rules alone read answers.
const noExtractor = "none"

// PrepareRerating makes the plan by which the judges of a config rate the
// generations of a run that is there, and the run's new manifest. The config is
// the run's own but for its judges. Nothing is generated and no answer is read
// again, so the run's variants need not be installed any more; its replies must
// be in the store.
func PrepareRerating(ctx context.Context, c Config, set data.Dataset, old Manifest, f *Fleet, s *store.Store, say, warn func(string)) (*Plan, Manifest, error) {
	fail := func(err error) (*Plan, Manifest, error) { return nil, Manifest{}, err }
	p, err := newPlan(c, set)
	if err != nil {
		return fail(err)
	}
	p.Rerating = true
	for _, info := range old.Models {
		p.Variants = append(p.Variants, info.variant())
	}
	if old.Extractor != nil {
		p.Extractor = old.Extractor.variant()
		c.Extractor = p.Extractor.Name
	} else {
		c.Extractor = noExtractor
	}
	if err := p.answered(ctx, s, c.Store); err != nil {
		return fail(err)
	}
	client, err := f.Client(ctx)
	if err != nil {
		return fail(err)
	}
	catalogue, err := client.Catalogue(ctx)
	if err != nil {
		return fail(err)
	}
	if err := lookUp(c.Judge, catalogue, client.Host()); err != nil {
		return fail(err)
	}
	judges, err := find(c.Judge, catalogue)
	if err != nil {
		return fail(err)
	}
	for _, m := range judges {
		v, err := describe(ctx, client, m)
		if err != nil {
			return fail(err)
		}
		if f.Managed() {
			v.KVCache = models.KVF16
		}
		p.Judges = append(p.Judges, &v)
	}
	m := old
	m.Config, m.Irrelevant, m.Prompts = c, p.Irrelevant, p.hashes()
	m.Dataset = DatasetInfo{Name: set.Name, SHA256: set.SHA256, Items: len(set.Items)}
	m.judges(p)
	if changes := m.differences(old.ratedLike(m)); len(changes) > 0 {
		return fail(&Problem{
			Err:   fmt.Errorf("the run was made with other settings than could be rated now:\n  %s", strings.Join(changes, "\n  ")),
			Hint:  "its ratings would be of other prompts; make a new run, replies that both need are taken from the store",
			Usage: true,
		})
	}
	if err := p.settle(ctx, c, f, s, client, warn); err != nil {
		return fail(err)
	}
	m.Placement = p.Placement.Lines()
	return p, m, nil
}

// ratedLike is the manifest with the judging of another, which may change.
func (m Manifest) ratedLike(other Manifest) Manifest {
	m.Judges, m.Config.JudgeAll = other.Judges, other.Config.JudgeAll
	m.Prompts = maps.Clone(m.Prompts)
	for _, name := range []string{"judge_system", "judge_user"} {
		m.Prompts[name] = other.Prompts[name]
	}
	return m
}

// variant is what a manifest tells of one: enough to find its replies.
func (m ModelInfo) variant() *Variant {
	return &Variant{
		Installed: models.Installed{
			Name: m.Name, Digest: m.Digest, Size: m.Size, Family: m.Family, ParameterSize: m.ParameterSize, Quantization: m.Quantization,
		},
		Label: m.Variant, KVCache: models.KVType(m.KVCacheType), Think: m.Think, NoSystem: m.NoSystemRole, NumCtx: m.NumCtx,
	}
}

// answered makes sure that the store is the run's: it has a reply to one of the
// first generations.
func (p *Plan) answered(ctx context.Context, s *store.Store, path string) error {
	const enough = 200
	ask := recorded(s)
	n := 0
	for g := range p.all() {
		if n++; n > enough {
			break
		}
		_, err := p.generate(ctx, ask, g)
		if err == nil {
			return nil
		}
		if !errors.Is(err, engine.ErrNotAsked) {
			return err
		}
	}
	return &Problem{
		Err:  fmt.Errorf("the store %s has none of the run's replies", path),
		Hint: "name the store that the run was made with, with --store",
	}
}

// Readopt gives the directory the manifest of its run anew.
func (d *Dir) Readopt(m Manifest) { d.Manifest = m }
