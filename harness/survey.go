package harness

import (
	"context"

	"perg/harness/enlist"
	"perg/harness/fleet"
	"perg/harness/rundir"
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
	engine := fleet.EngineOf(ctx, client)
	catalogue, err := client.Catalogue(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range models.Candidates(catalogue) {
		v, err := enlist.Describe(ctx, client, m, engine)
		if err != nil {
			say(err.Error())
			continue
		}
		model := sizing.Model{
			Size: sizing.Size{Need: numCtx, NumCtx: numCtx}.AtLeast(v.LeastCtx), Shape: v.Shape, KVCache: models.KVF16, Engine: v.Engine,
		}
		all = append(all, SurveyedModel{
			Installed: m, ContextLength: v.Shape.ContextLength, Footprint: model.Footprint(slots), Fits: model.FitsOn(on.Devices),
		})
	}
	for _, d := range on.Devices {
		devices = append(devices, PlannedDevice{ID: d.ID, Name: d.Name, Memory: d.Memory, Speed: d.Speed})
	}
	return all, devices, nil
}
