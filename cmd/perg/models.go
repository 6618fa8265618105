package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"perg/harness"
	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/rundir"
	"perg/models"
)

func modelsCommand() *cli.Command {
	return &cli.Command{
		Name:  "models",
		Usage: "installed variants: size, quantization, and where they fit",
		Description: `Lists what the Ollama server has, with the memory that each model takes with
--num-ctx tokens for each of --slots prompts at once, and how many slots fit on
each GPU of this machine, or of those that --gpus describes.

With --known it lists those that 'perg plan' knows by name without a server, and
how each can be brought to think: asked (on and off), by levels, always, or in
text, where the server takes the thought for a part of the answer.

   perg models
   perg models --gpus 2x24GiB --num-ctx 8192
   perg models --known`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "host", Usage: "`URL` of the Ollama server", DefaultText: "OLLAMA_HOST, or 127.0.0.1:11434"},
			headerFlag(),
			&cli.StringSliceFlag{Name: "gpus", Usage: "GPUs to fit them on, a `LIST` such as 2x24GiB, or UUIDs or indexes", DefaultText: "those of this machine"},
			&cli.IntFlag{Name: "num-ctx", Value: 2048, Usage: "context in `TOKENS`"},
			&cli.IntFlag{Name: "slots", Value: 4, Usage: "prompts at once, `N`"},
			&cli.BoolFlag{Name: "known", Usage: "list the models that plans know by name"},
			&cli.BoolFlag{Name: "json", Usage: "write JSON"},
		},
		Action: modelsAction,
	}
}

// A knownModel is one that plans know by name.
type knownModel struct {
	Name string `json:"name"`
	models.Description
	Download uint64 `json:"download_bytes"` // as its tag has it, or at q4_K_M
}

func listKnown(w io.Writer, asJSON bool) error {
	var all []knownModel
	for _, name := range models.KnownNames() {
		d, _ := models.Known(name)
		shape, err := d.Shape()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, knownModel{name, d, shape.WeightBytes()})
	}
	if asJSON {
		return writeJSON(w, all)
	}
	t := newColumns(w)
	fmt.Fprintln(t, "MODEL\tPARAMS\tDOWNLOAD\tCONTEXT\tTHINKS")
	for _, m := range all {
		thinks := string(m.Thinks)
		if m.Thinks == models.ThinksNot {
			thinks = "-"
		}
		fmt.Fprintf(t, "%s\t%.1fB\t%s\t%s\t%s\n", m.Name, float64(m.Parameters)/1e9, humanize.Bytes(m.Download), comma(m.Context), thinks)
	}
	return t.Flush()
}

func modelsAction(c *cli.Context) error {
	if c.Bool("known") {
		return listKnown(c.App.Writer, c.Bool("json"))
	}
	for name, least := range map[string]int{"num-ctx": 1, "slots": 1} {
		if c.Int(name) < least {
			return &hint.Error{Err: fmt.Errorf("%s %d: at least %d", name, c.Int(name), least), Usage: true}
		}
	}
	cfg := rundir.Defaults()
	cfg.Host, cfg.Header, cfg.GPUs = c.StringSlice("host"), c.StringSlice("header"), c.StringSlice("gpus")
	logs, err := os.MkdirTemp("", "perg-models-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(logs)
	say := func(text string) { fmt.Fprintln(c.App.ErrWriter, "perg: "+printable.Text(text)) }
	all, devices, err := harness.Survey(c.Context, cfg, c.Int("num-ctx"), c.Int("slots"), logs, say)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		enc := json.NewEncoder(c.App.Writer)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"models": all, "devices": devices, "num_ctx": c.Int("num-ctx"), "slots": c.Int("slots")})
	}
	return showModels(c.App.Writer, all, c.Int("num-ctx"), c.Int("slots"))
}

func showModels(w io.Writer, all []harness.SurveyedModel, numCtx, slots int) error {
	if len(all) == 0 {
		fmt.Fprintln(w, "no models are installed: ollama pull llama3.1:8b")
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MODEL\tSIZE\tQUANT\tPARAMS\tMAX CONTEXT\tIN MEMORY")
	for _, m := range all {
		context := "unknown"
		if m.ContextLength > 0 {
			context = comma(m.ContextLength)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", m.Name, humanize.IBytes(uint64(m.Size)), orUnknown(m.Quantization), orUnknown(m.ParameterSize), context, humanize.IBytes(m.Footprint.Total()))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nIN MEMORY is an estimate for %s tokens x %d slots on one GPU.\n\n", comma(numCtx), slots)
	for _, m := range all {
		fmt.Fprintf(w, "%s\n   %s\n", m.Name, strings.Join(m.Fits, "\n   "))
	}
	return nil
}
