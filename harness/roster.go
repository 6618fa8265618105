package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/rundir"
	"perg/harness/task"
	"perg/models"
)

// enlist makes the roster of a config from what a server has installed;
// quantizations that are not there are made.
func enlist(ctx context.Context, c rundir.Config, client fleet.Client, managed bool, say func(string)) (task.Roster, error) {
	var r task.Roster
	catalogue, err := client.Catalogue(ctx)
	if err != nil {
		return r, err
	}
	if len(c.Models) == 0 {
		return r, &hint.Error{
			Err:   errors.New("no model named"),
			Hint:  "perg run MODEL...; " + inWords(catalogue),
			Usage: true,
		}
	}
	scorers := slices.DeleteFunc(append([]string{c.ExtractorName()}, c.Judge...), func(name string) bool { return name == "" })
	if err := lookUp(slices.Concat(c.Models, scorers), catalogue, client.Host()); err != nil {
		return r, err
	}
	candidates, err := find(c.Models, catalogue)
	if err != nil {
		return r, err
	}
	if candidates, err = sweep(ctx, c, client, catalogue, candidates, managed, say); err != nil {
		return r, err
	}
	for _, m := range candidates {
		v, err := describe(ctx, client, m)
		if err != nil {
			return r, err
		}
		r.Variants = append(r.Variants, variants(v, c, managed, say)...)
	}
	return withScorers(r, c, func(name string) (*task.Variant, error) {
		m, _ := models.Find(catalogue, name)
		v, err := describe(ctx, client, m)
		if managed {
			v.KVCache = models.KVF16
		}
		return &v, err
	})
}

// withScorers is a roster with the judges and the extractor of a config, each
// model once.
func withScorers(r task.Roster, c rundir.Config, describe func(name string) (*task.Variant, error)) (task.Roster, error) {
	for _, name := range c.Judge {
		v, err := describe(name)
		if err != nil {
			return r, err
		}
		if slices.ContainsFunc(r.Judges, func(j *task.Variant) bool { return j.Name == v.Name }) {
			return r, &hint.Error{Err: fmt.Errorf("judge %s is named twice", v.Name), Usage: true}
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
	v, err := describe(name)
	if err != nil {
		return r, err
	}
	r.Extractor = v
	for _, j := range r.Judges {
		if j.Name == v.Name {
			r.Extractor = j
		}
	}
	return r, nil
}

// variants are those that a model makes under a config.
func variants(v task.Variant, c rundir.Config, managed bool, say func(string)) []*task.Variant {
	if v.Think != nil && v.AlwaysThinks() && slices.Contains(c.Thinking(), task.ThinkOff) {
		say(v.Name + " cannot be kept from thinking: it has no variant with thinking off")
	}
	var servers models.KVType
	if managed {
		servers = models.KVF16
	}
	return v.Variants(c.Thinking(), c.KVTypes(), servers)
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
	return &hint.Error{
		Err:   fmt.Errorf("%s has no model %s", host, strings.Join(missing, ", ")),
		Hint:  fmt.Sprintf("ollama pull %s; %s", missing[0], inWords(catalogue)),
		Usage: true,
	}
}

// find gives the models of a catalogue that has them all.
func find(names []string, catalogue []models.Installed) ([]models.Installed, error) {
	var all []models.Installed
	for _, name := range names {
		m, _ := models.Find(catalogue, name)
		if slices.ContainsFunc(all, func(other models.Installed) bool { return other.Name == m.Name }) {
			return nil, &hint.Error{Err: fmt.Errorf("model %s is named twice", m.Name), Usage: true}
		}
		all = append(all, m)
	}
	return all, nil
}

// describe asks the server what a model is.
func describe(ctx context.Context, client fleet.Client, m models.Installed) (task.Variant, error) {
	details, err := client.Details(ctx, m.Name)
	if err != nil {
		return task.Variant{}, err
	}
	v := task.Variant{Installed: m, Label: m.Name, Shape: details.Shape, Tokenizer: details.Tokenizer, NoSystem: !details.SystemRole}
	if slices.Contains(details.Capabilities, "thinking") {
		v.Think = new(true)
	}
	return v, nil
}

// inWords says which models are installed.
func inWords(catalogue []models.Installed) string {
	if len(catalogue) == 0 {
		return "no models are installed, 'ollama pull llama3.1:8b' gets one"
	}
	names := make([]string, len(catalogue))
	for i, m := range catalogue {
		names[i] = m.Name
	}
	return "installed are " + strings.Join(names, ", ")
}
