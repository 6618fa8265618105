package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"

	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/rundir"
	"perg/models"
)

const (
	sayEvery = 5 * time.Second
	// spareDisk is what quantizing leaves of a disk.
	spareDisk = 2 << 30
)

// sweep adds to the candidates the quantizations that the config asks for,
// each right after its source. They are made here where they are not there.
func sweep(ctx context.Context, c rundir.Config, client fleet.Client, catalogue, candidates []models.Installed, managed bool, say func(string)) ([]models.Installed, error) {
	if len(c.Quantize) == 0 {
		return candidates, nil
	}
	var need uint64
	for _, source := range candidates {
		if source.Quantization != "F16" {
			return nil, &hint.Error{
				Err:   fmt.Errorf("quantize: %s is %s, and only an F16 model can be quantized", source.Name, source.Quantization),
				Hint:  "pull its -fp16 tag, or run ready-made tags side by side: perg run MODEL:...-q8_0 MODEL:...-q4_K_M",
				Usage: true,
			}
		}
		for _, level := range c.Levels() {
			if _, ok := models.Find(catalogue, models.QuantizedName(source, level)); !ok {
				need += uint64(float64(source.Size) * models.BitsPerWeight(level) / 16)
			}
		}
	}
	if managed && need > 0 {
		// Another machine's disk, or that of a server with settings of its
		// own, is not known.
		if err := room(need); err != nil {
			return nil, err
		}
	}
	var all []models.Installed
	for _, source := range candidates {
		all = append(all, source)
		for _, level := range c.Levels() {
			m, err := client.Quantize(ctx, catalogue, source, level, telling(say, source.Name, level))
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

// room says whether the model store's disk holds so many bytes more.
func room(need uint64) error {
	dir := os.Getenv("OLLAMA_MODELS")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil
		}
		dir = filepath.Join(home, ".ollama", "models")
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return nil // the server says what is wrong with it
	}
	free := fs.Bavail * uint64(fs.Bsize)
	if need+spareDisk <= free {
		return nil
	}
	return &hint.Error{
		Err:  fmt.Errorf("quantize: it needs %s, and %s has %s free", humanize.IBytes(need+spareDisk), dir, humanize.IBytes(free)),
		Hint: "free some space, name fewer levels, or remove with --prune-quantized what earlier runs made",
	}
}

// PruneQuantized removes what quantizing made of the run's models.
func (p *Plan) PruneQuantized(ctx context.Context, f *fleet.Fleet, say func(string)) error {
	client, err := f.Client(ctx)
	if err != nil {
		return err
	}
	var faults []error
	removed := make(map[string]bool) // KV-cache types share a model
	for _, v := range p.Variants {
		if !models.Made(v.Name) || removed[v.Name] {
			continue
		}
		removed[v.Name] = true
		if err := client.Delete(ctx, v.Name); err != nil {
			faults = append(faults, err)
			continue
		}
		say(fmt.Sprintf("removed %s (%s)", v.Name, humanize.IBytes(uint64(v.Size))))
	}
	return errors.Join(faults...)
}
