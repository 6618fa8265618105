package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"perg/data"
	"perg/gpu"
	"perg/harness/schedule"
	"perg/models"
)

// bytesPerToken is of English text; the tokens of a plan are estimated by it
// where no model has counted them.
const bytesPerToken = 4

// Preview makes the plan of a config without starting, loading or making
// anything. Models that are not installed are taken from the config's
// descriptions, and from those that perg has of the paper's models; GPUs that
// are not here are written as in "2x24GiB". The notes say what the plan rests
// on.
func Preview(ctx context.Context, c Config, set data.Dataset) (p *Plan, f *Fleet, notes []string, err error) {
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if p, err = newPlan(c, set); err != nil {
		return nil, nil, nil, err
	}
	if f, err = previewFleet(ctx, c, note); err != nil {
		return nil, nil, nil, err
	}
	if err := p.previewVariants(ctx, c, f, note); err != nil {
		return nil, nil, nil, err
	}
	if err := p.fitContext(estimated, c.NumCtx, func(text string) { note("%s", text) }); err != nil {
		return nil, nil, nil, fmt.Errorf("by estimate, %w", err)
	}
	note("prompts are estimated at %d bytes a token, answers at %.0f %% of num_predict; 'perg run' measures the prompts before it starts", bytesPerToken, answerShare*100)
	p.Placement = p.place(f, c)
	return p, f, notes, nil
}

// previewFleet has the servers that answer, the GPUs that are here, or those
// that are only described.
func previewFleet(ctx context.Context, c Config, note func(string, ...any)) (*Fleet, error) {
	f := newFleet("", func(string) {}, func(string) {})
	if len(c.GPUs) > 0 && imagined(c.GPUs[0]) {
		devices, err := imagine(c.GPUs)
		if err != nil {
			return nil, &Problem{Err: err, Hint: "write 2x24GiB,1x80GiB; or name GPUs by UUID or index, see 'perg gpu'", Usage: true}
		}
		for _, d := range devices {
			f.Devices = append(f.Devices, d)
			f.byID[d.ID] = gpu.GPU{UUID: d.ID, Name: d.Name}
		}
		note("the GPUs are not here: their speed is guessed from their size")
		return f, nil
	}
	var err error
	if f.Inventory, err = gpu.Discover(); err != nil && len(f.Inventory.GPUs) == 0 {
		note("%v: placed on the processor; --gpus 1x24GiB plans for a GPU that is not here", err)
	}
	if len(c.Host) > 0 {
		return f, f.connect(ctx, c)
	}
	return f, f.survey(c)
}

var imaginedGPU = regexp.MustCompile(`^(?:(\d+)x)?(\d+(?:\.\d+)?)(GiB|GB)$`)

func imagined(s string) bool { return imaginedGPU.MatchString(s) }

// usableShare of a GPU's memory is what the driver leaves to programs.
const usableShare = 0.97

// imagine makes devices of descriptions such as "2x24GiB".
func imagine(described []string) ([]schedule.Device, error) {
	const most = 1024
	var devices []schedule.Device
	for _, text := range described {
		m := imaginedGPU.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("gpus %q: not a number and size of GPUs", text)
		}
		n := 1
		if m[1] != "" {
			n, _ = strconv.Atoi(m[1])
		}
		size, err := strconv.ParseFloat(m[2], 64)
		if err != nil || n < 1 || n > most || size <= 0 || size > 1e6 {
			return nil, fmt.Errorf("gpus %q: from 1 to %d GPUs of more than 0 GiB", text, most)
		}
		for range n {
			devices = append(devices, schedule.Device{
				ID: fmt.Sprintf("gpu%d", len(devices)), Name: m[2] + " " + m[3] + " GPU",
				Memory: uint64(size * usableShare * (1 << 30)), Speed: typicalSpeed(size),
			})
		}
	}
	return devices, nil
}

// typicalSpeed is the memory bandwidth, in TB/s, of the cards that people have
// with so many GiB: RTX 4070, RTX 4090, RTX 6000, H100, H200.
func typicalSpeed(size float64) float64 {
	for _, card := range []struct{ upTo, bandwidth float64 }{{16, 0.5}, {32, 1}, {64, 0.9}, {100, 3.35}} {
		if size < card.upTo {
			return card.bandwidth
		}
	}
	return 4.8
}

// previewVariants are those of the config, as a server that answers shows
// them, or as they are described.
func (p *Plan) previewVariants(ctx context.Context, c Config, f *Fleet, note func(string, ...any)) error {
	if len(c.Models) == 0 {
		return &Problem{Err: errors.New("no model named"), Hint: "perg plan MODEL...; described are " + strings.Join(models.KnownNames(), ", "), Usage: true}
	}
	client, catalogue := answering(ctx, c)
	if client == nil {
		note("no Ollama server answers, so what is installed is not known")
	}
	var described []string
	find := func(name string) (*Variant, error) {
		if m, ok := models.Find(catalogue, name); ok {
			v, err := describe(ctx, client, m)
			return &v, err
		}
		d, ok := c.Describe[name]
		if !ok {
			d, ok = models.Known(name)
		}
		if !ok {
			hint := "describe it in the config under 'describe'; described are " + strings.Join(models.KnownNames(), ", ")
			if client != nil {
				hint += "; " + installed(catalogue)
			}
			return nil, &Problem{Err: fmt.Errorf("model %s is neither installed nor described", name), Hint: hint, Usage: true}
		}
		shape, err := d.Shape()
		if err != nil {
			return nil, &Problem{Err: fmt.Errorf("describe %s: %w", name, err), Usage: true}
		}
		described = append(described, name)
		return &Variant{
			Installed: models.Installed{Name: name, Digest: "described " + name, Size: int64(shape.WeightBytes()), Quantization: shape.Quantization},
			Label:     name, Shape: shape,
		}, nil
	}
	for _, name := range c.Models {
		v, err := find(name)
		if err != nil {
			return err
		}
		all := []*Variant{v}
		for _, level := range c.Quantize {
			shape, err := v.Shape.At(level)
			if err != nil {
				return &Problem{Err: err, Usage: true}
			}
			q := *v
			q.Shape, q.Quantization, q.Size = shape, shape.Quantization, int64(shape.WeightBytes())
			q.Name, q.Label = v.Name+"-"+level, v.Label+"-"+level
			q.Digest = "to be made " + q.Name
			all = append(all, &q)
		}
		for _, v := range all {
			p.Variants = append(p.Variants, v.settings(c, f.Managed(), func(text string) { note("%s", text) })...)
		}
	}
	if err := p.scoring(c, find); err != nil {
		return err
	}
	if len(described) > 0 {
		note("not installed, planned from descriptions: %s", strings.Join(described, ", "))
	}
	if !f.Managed() {
		return f.locate(ctx, p, func(text string) { note("%s", text) })
	}
	return nil
}

// answering is the first server of the config, or the default one, if it
// answers.
func answering(ctx context.Context, c Config) (*models.Client, []models.Installed) {
	host := models.DefaultHost
	if len(c.Host) > 0 {
		host = c.Host[0]
	} else if named := os.Getenv("OLLAMA_HOST"); named != "" {
		host = named
	}
	client, err := models.NewClient(host)
	if err != nil {
		return nil, nil
	}
	// What is not there is not waited for.
	if _, err := client.Version(ctx); err != nil {
		return nil, nil
	}
	catalogue, err := client.Catalogue(ctx)
	if err != nil {
		return nil, nil
	}
	return client, catalogue
}
