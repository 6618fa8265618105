package harness

import (
	"context"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"perg/harness/fleet"
	"perg/harness/rundir"
	"perg/harness/schedule"
	"perg/harness/sizing"
	"perg/models"
)

// A SurveyedModel is an installed model and where it fits.
type SurveyedModel struct {
	models.Installed
	ContextLength int              `json:"context_length"` // tokens; 0: not known
	Footprint     models.Footprint `json:"footprint"`      // with the survey's context and slots, on one GPU
	Fits          []string         `json:"fits"`           // by kind of device, in words
}

// Survey lists the installed models with the memory that so many tokens of
// context in each of so many slots take, and where they fit. Where no server
// runs one is started for it, with its log in a directory.
func Survey(ctx context.Context, c rundir.Config, numCtx, slots int, logs string, say func(string)) (all []SurveyedModel, devices []PlannedDevice, err error) {
	where := FleetOptions(c, "", say, say)
	where.Hosts = nil
	on, err := fleet.Preview(ctx, where)
	if err != nil {
		return nil, nil, err
	}
	c.GPUs = nil
	f, err := fleet.Open(ctx, FleetOptions(c, logs, say, say))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	client, err := f.Client(ctx)
	if err != nil {
		return nil, nil, err
	}
	catalogue, err := client.Catalogue(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range catalogue {
		v, err := describe(ctx, client, m)
		if err != nil {
			say(err.Error())
			continue
		}
		model := sizing.Model{Size: sizing.Size{Need: numCtx, NumCtx: numCtx}, Shape: v.Shape, KVCache: models.KVF16}
		all = append(all, SurveyedModel{
			Installed: m, ContextLength: v.Shape.ContextLength, Footprint: model.Footprint(slots), Fits: fits(model, on.Devices),
		})
	}
	for _, d := range on.Devices {
		devices = append(devices, PlannedDevice{ID: d.ID, Name: d.Name, Memory: d.Memory, Speed: d.Speed})
	}
	return all, devices, nil
}

// fits says how many slots a model gets on each kind of device, or how many
// devices it needs.
func fits(m sizing.Model, devices []schedule.Device) []string {
	var lines []string
	fitsOne := false
	seen := make(map[uint64]bool)
	p := sizing.Placing{Model: m}
	for _, d := range devices {
		if seen[d.Memory] {
			continue
		}
		seen[d.Memory] = true
		f := p.Fit([]schedule.Device{d})
		if f.Short > 0 {
			lines = append(lines, fmt.Sprintf("%s (%s free): short by %s", d.ID, humanize.IBytes(d.Memory), humanize.IBytes(f.Short)))
			continue
		}
		fitsOne = true
		lines = append(lines, fmt.Sprintf("%s (%s free): fits, with %d slots of %d tokens", d.ID, humanize.IBytes(d.Memory), f.Slots, m.NumCtx))
	}
	if fitsOne || len(devices) < 2 {
		return lines
	}
	for n := 2; n <= len(devices); n++ {
		f := p.Fit(devices[:n])
		if f.Short == 0 {
			return append(lines, fmt.Sprintf("%s together: fits, with %d slots", strings.Join(f.Devices, "+"), f.Slots))
		}
	}
	f := sizing.Placing{Model: m, Remedies: true}.Fit(devices)
	line := fmt.Sprintf("all %d together: short by %s", len(devices), humanize.IBytes(f.Short))
	if len(f.Remedies) > 0 {
		line += "; would fit: " + strings.Join(f.Remedies, ", ")
	}
	return append(lines, line)
}
