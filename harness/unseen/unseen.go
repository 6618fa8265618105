// Package unseen finds out what a model is that no server here has: from its
// GGUF file, from a description, or from the registry that it would be pulled
// from.
package unseen

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"perg/harness/hint"
	"perg/models"
)

// A Model is one that is not installed.
type Model struct {
	Shape    models.Shape
	Name     string // as it is shown
	Thinker  models.Thinker
	LeastCtx int    // tokens of context that servers give it in any case
	From     string // what is known of it, in words
	Download int64  // bytes; 0: a file that is here
}

// FromFile is what is known of a model whose file is here.
const FromFile = "its GGUF file"

// Find looks a model up, in this order: a file, if the name ends in .gguf; the
// descriptions given; those that perg has; the registry. An error is of usage
// where the name is wrong, and says what to do in any case.
func Find(ctx context.Context, name string, described map[string]models.Description) (Model, error) {
	if strings.EqualFold(filepath.Ext(name), ".gguf") {
		f, err := models.ReadGGUFFile(name)
		if err != nil {
			return Model{}, hint.Usage(err, "name a whole GGUF file")
		}
		m := of(filepath.Base(name), f)
		m.From, m.Download = FromFile, 0
		return m, nil
	}
	d, ok := described[name]
	if !ok {
		d, ok = models.Known(name)
	}
	if ok {
		shape, err := d.Shape()
		if err != nil {
			return Model{}, hint.Usage(fmt.Errorf("describe %s: %w", name, err), "README.md lists what a description says")
		}
		return Model{Shape: shape, Name: name, Thinker: models.Thinker{Thinks: d.Thinks, Levels: d.Levels}, LeastCtx: d.LeastContext(), From: "a description", Download: int64(shape.WeightBytes())}, nil
	}
	f, err := models.Registry{}.Head(ctx, name)
	switch {
	case errors.Is(err, models.ErrNoTag):
		return Model{}, hint.Usage(fmt.Errorf("model %s is not installed, and the registry has none of that name", name), otherwise(name))
	case err != nil:
		return Model{}, &hint.Error{Err: fmt.Errorf("model %s is not installed, and is not described: %w", name, err), Hint: otherwise(name), Usage: errors.Is(err, models.ErrNoRegistry)}
	}
	m := of(name, f)
	m.From = "the registry"
	return m, nil
}

func of(name string, f models.File) Model {
	m := Model{Shape: f.Shape, Name: name, Download: f.Bytes}
	if f.Thinks {
		m.Thinker.Thinks = models.ThinksAsked
	}
	m.LeastCtx = models.Description{Vision: f.Sees}.LeastContext()
	return m
}

// otherwise says how else a plan may know a model.
func otherwise(name string) string {
	todo := "fetch it (ollama pull, or perg run --pull), name a GGUF file (perg plan ./model.gguf), or describe it in the config under 'describe'; " + Listed()
	if near := hint.Near(name, models.KnownNames()); len(near) > 0 {
		todo = fmt.Sprintf("Did you mean %s? Or %s", strings.Join(near, " or "), todo)
	}
	return todo
}

// Listed says how the models are listed that perg has descriptions of.
func Listed() string {
	return fmt.Sprintf("%d are known by name: perg models --known", len(models.KnownNames()))
}
