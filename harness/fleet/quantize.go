package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"perg/harness/hint"
	"perg/models"
)

const sayEvery = 5 * time.Second

// Quantize adds to some models their quantizations at some levels, each right
// after its source. They are made where they are not there.
func (f *Fleet) Quantize(ctx context.Context, client Client, catalogue, sources []models.Installed, levels []string) ([]models.Installed, error) {
	if len(levels) == 0 {
		return sources, nil
	}
	var need uint64
	for _, source := range sources {
		if source.Quantization != "F16" {
			return nil, &hint.Error{
				Err:   fmt.Errorf("quantize: %s is %s, and only an F16 model can be quantized", source.Name, source.Quantization),
				Hint:  "pull its -fp16 tag, or run ready-made tags side by side: perg run MODEL:...-q8_0 MODEL:...-q4_K_M",
				Usage: true,
			}
		}
		for _, level := range levels {
			if _, ok := models.Find(catalogue, models.QuantizedName(source, level)); !ok {
				need += uint64(float64(source.Size) * models.BitsPerWeight(level) / 16)
			}
		}
	}
	if f.Managed() && need > 0 {
		// Another machine's disk, or that of a server with settings of its
		// own, is not known.
		if err := room(need); err != nil {
			return nil, err
		}
	}
	var all []models.Installed
	for _, source := range sources {
		all = append(all, source)
		for _, level := range levels {
			m, err := client.Quantize(ctx, catalogue, source, level, telling(f.options.Say, source.Name, level))
			if errors.Is(err, models.ErrNoQuantizer) {
				return nil, &hint.Error{Err: err, Hint: HowToComplete}
			}
			if err != nil {
				return nil, err
			}
			all = append(all, m)
		}
	}
	return all, nil
}

// telling says how far quantizing is, from time to time.
func telling(say func(string), name, level string) func(done, total int64) {
	var last time.Time
	return func(done, total int64) {
		if last.IsZero() {
			say(fmt.Sprintf("making %s of %s (%s)", level, name, humanize.IBytes(uint64(total))))
			last = time.Now()
		}
		if time.Since(last) >= sayEvery {
			last = time.Now()
			say(fmt.Sprintf("making %s of %s: %d %%", level, name, 100*done/total))
		}
	}
}

// room says whether the model store's disk holds so many bytes more of
// quantizations.
func room(need uint64) error {
	dir := models.Store()
	free, ok := dir.Free()
	if !ok || need+models.SpareDisk <= free {
		return nil // or the server says what is wrong with it
	}
	return &hint.Error{
		Err:  fmt.Errorf("quantize: it needs %s, and %s has %s free", humanize.IBytes(need+models.SpareDisk), dir, humanize.IBytes(free)),
		Hint: "free some space, name fewer levels, or remove with --prune-quantized what earlier runs made",
	}
}

// Prune removes what quantizing made of some models, on each machine that is there.
func (f *Fleet) Prune(ctx context.Context, made []models.Installed) error {
	client, err := f.Client(ctx)
	if err != nil {
		return err
	}
	faults := []error{f.prune(ctx, client, made, "")}
	for _, m := range f.Machines() {
		elsewhere, err := m.Client(ctx)
		if err != nil {
			return errors.Join(append(faults, err)...)
		}
		if elsewhere.Host() == client.Host() {
			continue
		}
		catalogue, err := elsewhere.Catalogue(ctx)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		there := slices.DeleteFunc(slices.Clone(made), func(m models.Installed) bool {
			at, ok := models.Find(catalogue, m.Name)
			return !ok || at.Digest != m.Digest
		})
		faults = append(faults, f.prune(ctx, elsewhere, there, " from "+m.Name()))
	}
	return errors.Join(faults...)
}

func (f *Fleet) prune(ctx context.Context, client Client, made []models.Installed, where string) error {
	var faults []error
	for _, m := range made {
		if !models.Made(m.Name) {
			continue
		}
		if err := client.Delete(ctx, m.Name); err != nil {
			faults = append(faults, err)
			continue
		}
		f.options.Say(fmt.Sprintf("removed %s%s (%s)", m.Name, where, humanize.IBytes(uint64(m.Size))))
	}
	return errors.Join(faults...)
}
