package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"perg/models"
)

// A Variant is one model at one quantization with its server-side settings.
type Variant struct {
	models.Installed
	Label     string        // its name in tables: the model's, with what else sets it apart
	KVCache   models.KVType // "": the server's own, not known
	Think     *bool         // nil: the model cannot think
	Shape     models.Shape  // what decides its memory
	Tokenizer string        // equal for models that share token counts
	Longest   int           // tokens of the longest prompt it gets; 0 until measured
	Need      int           // tokens of context that hold its longest call; 0 until measured
	NumCtx    int           // tokens of context it is given
}

// variants makes those of the config's models, and the judge, from what the
// server has installed.
func variants(ctx context.Context, c Config, client *models.Client, managed bool, say func(string)) (all []*Variant, judge *Variant, err error) {
	catalogue, err := client.Catalogue(ctx)
	if err != nil {
		return nil, nil, err
	}
	if len(c.Models) == 0 {
		return nil, nil, &Problem{
			Err:   errors.New("no model named"),
			Hint:  "perg run MODEL...; " + installed(catalogue),
			Usage: true,
		}
	}
	candidates, judges, err := lookUp(c, catalogue, client.Host())
	if err != nil {
		return nil, nil, err
	}
	if candidates, err = sweep(ctx, c, client, catalogue, candidates, managed, say); err != nil {
		return nil, nil, err
	}
	byName := make(map[string]Variant)
	for _, m := range slices.Concat(candidates, judges) {
		if _, ok := byName[m.Name]; ok {
			continue
		}
		if byName[m.Name], err = describe(ctx, client, m); err != nil {
			return nil, nil, err
		}
	}
	for _, m := range candidates {
		v := byName[m.Name]
		all = append(all, v.caches(c, managed)...)
	}
	for _, m := range judges {
		v := byName[m.Name]
		if managed {
			v.KVCache = models.KVF16
		}
		judge = &v
	}
	return all, judge, nil
}

// caches are the variant with each KV-cache type of the config.
func (v *Variant) caches(c Config, managed bool) []*Variant {
	if len(c.KVCache) == 0 {
		only := *v
		if managed {
			only.KVCache = models.KVF16
		}
		return []*Variant{&only}
	}
	var all []*Variant
	for _, t := range c.KVCache {
		with := *v
		with.KVCache = models.KVType(t)
		with.Label += "@kv-" + t
		all = append(all, &with)
	}
	return all
}

// lookUp finds the models and the judge, if there is one, in a catalogue.
func lookUp(c Config, catalogue []models.Installed, host string) (candidates, judges []models.Installed, err error) {
	var missing []string
	for _, name := range c.Models {
		m, ok := models.Find(catalogue, name)
		switch {
		case !ok:
			missing = append(missing, name)
		case slices.ContainsFunc(candidates, func(other models.Installed) bool { return other.Name == m.Name }):
			return nil, nil, &Problem{Err: fmt.Errorf("model %s is named twice", m.Name), Usage: true}
		default:
			candidates = append(candidates, m)
		}
	}
	if c.Judge != "" {
		if m, ok := models.Find(catalogue, c.Judge); ok {
			judges = append(judges, m)
		} else {
			missing = append(missing, c.Judge)
		}
	}
	if len(missing) > 0 {
		return nil, nil, &Problem{
			Err:   fmt.Errorf("%s has no model %s", host, strings.Join(missing, ", ")),
			Hint:  fmt.Sprintf("ollama pull %s; %s", missing[0], installed(catalogue)),
			Usage: true,
		}
	}
	return candidates, judges, nil
}

// describe asks the server what a model is.
func describe(ctx context.Context, client *models.Client, m models.Installed) (Variant, error) {
	details, err := client.Details(ctx, m.Name)
	if err != nil {
		return Variant{}, err
	}
	v := Variant{Installed: m, Label: m.Name, Shape: details.Shape, Tokenizer: details.Tokenizer}
	if slices.Contains(details.Capabilities, "thinking") {
		v.Think = new(true)
	}
	return v, nil
}

func installed(catalogue []models.Installed) string {
	if len(catalogue) == 0 {
		return "no models are installed, 'ollama pull llama3.1:8b' gets one"
	}
	names := make([]string, len(catalogue))
	for i, m := range catalogue {
		names[i] = m.Name
	}
	return "installed are " + strings.Join(names, ", ")
}

func (v *Variant) info() ModelInfo {
	return ModelInfo{
		Name: v.Name, Variant: v.Label, Digest: v.Digest, Size: v.Size, Family: v.Family,
		ParameterSize: v.ParameterSize, Quantization: v.Quantization, KVCacheType: string(v.KVCache), Think: v.Think, NumCtx: v.NumCtx,
	}
}
