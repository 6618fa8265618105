package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"perg/harness/prompt"
	"perg/models"
)

// A Variant is one model at one quantization with its server-side settings.
type Variant struct {
	models.Installed
	Label     string        // its name in tables: the model's, with what else sets it apart
	NoSystem  bool          // its template has no system role: system texts go in front of user texts
	KVCache   models.KVType // "": the server's own, not known
	Think     *bool         // nil: the model cannot think
	Shape     models.Shape  // what decides its memory
	Tokenizer string        // equal for models that share token counts
	Longest   int           // tokens of the longest prompt it gets; 0 until measured
	Need      int           // tokens of context that hold its longest call; 0 until measured
	NumCtx    int           // tokens of context it is given
}

// variants makes those of the config's models, the judges and the extractor
// from what the server has installed.
func (p *Plan) variants(ctx context.Context, c Config, client *models.Client, managed bool, say func(string)) error {
	catalogue, err := client.Catalogue(ctx)
	if err != nil {
		return err
	}
	if len(c.Models) == 0 {
		return &Problem{
			Err:   errors.New("no model named"),
			Hint:  "perg run MODEL...; " + installed(catalogue),
			Usage: true,
		}
	}
	scorers := slices.DeleteFunc(append([]string{c.extractor()}, c.Judge...), func(name string) bool { return name == "" })
	if err := lookUp(slices.Concat(c.Models, scorers), catalogue, client.Host()); err != nil {
		return err
	}
	candidates, err := find(c.Models, catalogue)
	if err != nil {
		return err
	}
	if candidates, err = sweep(ctx, c, client, catalogue, candidates, managed, say); err != nil {
		return err
	}
	for _, m := range candidates {
		v, err := describe(ctx, client, m)
		if err != nil {
			return err
		}
		p.Variants = append(p.Variants, v.settings(c, managed, say)...)
	}
	return p.scoring(c, func(name string) (*Variant, error) {
		m, _ := models.Find(catalogue, name)
		v, err := describe(ctx, client, m)
		if managed {
			v.KVCache = models.KVF16
		}
		return &v, err
	})
}

// scoring makes the judges and the extractor of the config, each model once.
func (p *Plan) scoring(c Config, make func(name string) (*Variant, error)) error {
	for _, name := range c.Judge {
		v, err := make(name)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(p.Judges, func(j *Variant) bool { return j.Name == v.Name }) {
			return &Problem{Err: fmt.Errorf("judge %s is named twice", v.Name), Usage: true}
		}
		p.Judges = append(p.Judges, v)
	}
	name := c.extractor()
	if name == "" {
		return nil
	}
	if i := slices.Index(c.Judge, name); i >= 0 {
		p.Extractor = p.Judges[i]
		return nil
	}
	v, err := make(name)
	if err != nil {
		return err
	}
	p.Extractor = v
	for _, j := range p.Judges {
		if j.Name == v.Name {
			p.Extractor = j
		}
	}
	return nil
}

// settings are the variants that a model makes: with thinking on and off where
// it can think, each with the KV-cache types of the config.
func (v *Variant) settings(c Config, managed bool, say func(string)) []*Variant {
	if v.Think == nil {
		return v.caches(c, managed)
	}
	var all []*Variant
	for _, t := range c.Think {
		if t == thinkOff && v.alwaysThinks() {
			say(v.Name + " cannot be kept from thinking: it has no variant with thinking off")
			continue
		}
		with := *v
		with.Think = new(t == thinkOn)
		with.Label += "@think-" + t
		all = append(all, with.caches(c, managed)...)
	}
	return all
}

// alwaysThinks: gpt-oss takes a level of effort, and false for the lowest.
func (v *Variant) alwaysThinks() bool { return v.Family == "gptoss" || v.Family == "gpt-oss" }

// messages fits a prompt to the variant's chat template (the protocol: where
// there is no system role, the system text goes in front of the user text).
func (v *Variant) messages(text prompt.Prompt) (system, user string) {
	if !v.NoSystem || text.System == "" {
		return text.System, text.User
	}
	return "", text.System + "\n\n" + text.User
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

// lookUp says which models a catalogue lacks.
func lookUp(names []string, catalogue []models.Installed, host string) error {
	var missing []string
	for _, name := range names {
		if _, ok := models.Find(catalogue, name); !ok && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &Problem{
		Err:   fmt.Errorf("%s has no model %s", host, strings.Join(missing, ", ")),
		Hint:  fmt.Sprintf("ollama pull %s; %s", missing[0], installed(catalogue)),
		Usage: true,
	}
}

// find gives the models of a catalogue that has them all.
func find(names []string, catalogue []models.Installed) ([]models.Installed, error) {
	var all []models.Installed
	for _, name := range names {
		m, _ := models.Find(catalogue, name)
		if slices.ContainsFunc(all, func(other models.Installed) bool { return other.Name == m.Name }) {
			return nil, &Problem{Err: fmt.Errorf("model %s is named twice", m.Name), Usage: true}
		}
		all = append(all, m)
	}
	return all, nil
}

// describe asks the server what a model is.
func describe(ctx context.Context, client *models.Client, m models.Installed) (Variant, error) {
	details, err := client.Details(ctx, m.Name)
	if err != nil {
		return Variant{}, err
	}
	v := Variant{Installed: m, Label: m.Name, Shape: details.Shape, Tokenizer: details.Tokenizer, NoSystem: !details.SystemRole}
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
		ParameterSize: v.ParameterSize, Quantization: v.Quantization, KVCacheType: string(v.KVCache), Think: v.Think, NoSystemRole: v.NoSystem, NumCtx: v.NumCtx,
	}
}
