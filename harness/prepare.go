package harness

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"perg/data"
	"perg/harness/enlist"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/hosts/wire"
	"perg/harness/loads"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/harness/tables"
	"perg/harness/task"
)

// FleetOptions are those that a config asks for, with the logs of servers that
// are started in a directory.
func FleetOptions(c rundir.Config, logs string, say, warn func(string)) fleet.Options {
	most, _ := c.LaneCount() // which was checked
	return fleet.Options{
		Hosts: c.Host, Headers: c.Header, GPUs: c.GPUs, Most: most, Own: c.Lanes != "" || len(c.KVCache) > 0 || len(c.GPUs) > 0 || c.Listens(),
		Awaits: c.Listens(), Machine: MachineName(c), Elsewhere: c.NoLocal, Pull: c.Pull, Levels: c.Levels(),
		Logs: logs, Say: say, Warn: warn,
	}
}

// MachineName is that of this machine in a run that others may join; "" where it has
// no lane in one.
func MachineName(c rundir.Config) string {
	if !c.Listens() || c.NoLocal {
		return ""
	}
	host, _ := os.Hostname()
	return cmp.Or(wire.NameOf(host), "controller")
}

// Prepare makes the plan of a config over its items for a fleet, and the
// manifest that goes with it. Every fault of the input that can be found
// before work starts is found here; prompts are measured and quantizations
// made, each once.
func Prepare(ctx context.Context, c rundir.Config, set data.Dataset, f *fleet.Fleet, s *store.Store, say, warn func(string)) (*Plan, rundir.Manifest, error) {
	fail := func(err error) (*Plan, rundir.Manifest, error) { return nil, rundir.Manifest{}, err }
	t, err := c.Task(set)
	if err != nil {
		return fail(err)
	}
	client, err := f.Client(ctx)
	if err != nil {
		return fail(err)
	}
	version, err := client.Version(ctx)
	if err != nil {
		return fail(err)
	}
	r, err := enlist.Installed(ctx, c, f, client, version, say)
	if err != nil {
		return fail(err)
	}
	if r, err = shareOf(c, r); err != nil {
		return fail(err)
	}
	id := rundir.RunID(c.Out)
	r.Serve(id)
	for _, text := range r.Concerns(version) {
		warn(text)
	}
	p, err := sizeAndPlace(ctx, t, r, f, c, s, client, version, say, warn)
	if err != nil {
		return fail(err)
	}
	m := rundir.Manifest{
		RunID: id, PergVersion: rundir.Version(), Config: c, Irrelevant: t.Irrelevant, PromptSet: c.PromptSet(), Prompts: t.Hashes(), Dataset: rundir.DatasetOf(t),
		Ollama: rundir.ServerInfo{Host: client.Host(), Version: version, Environment: f.Environment()},
		GPUs:   f.Inventory, Placement: p.Placement.Lines(),
	}
	for _, v := range p.Variants {
		m.Models = append(m.Models, p.info(v))
	}
	p.noteScorers(&m)
	return p, m, nil
}

// shareOf is the part of a roster that a config asks.
func shareOf(c rundir.Config, r task.Roster) (task.Roster, error) {
	_, shard := c.Shards()
	share := r.Share(shard)
	if len(share.Variants) == 0 && len(r.Variants) > 0 {
		return r, hint.Usage(fmt.Errorf("shard %s has no variant: there are %d", shard, len(r.Variants)), "make fewer shards, or share out the items: --shard-by item")
	}
	return share, nil
}

// sizeAndPlace makes a plan of what is asked and of whom.
func sizeAndPlace(ctx context.Context, t *task.Task, r task.Roster, f *fleet.Fleet, c rundir.Config, s *store.Store, client fleet.Client, version string, say, warn func(string)) (p *Plan, err error) {
	loaded := r.Loaded()
	defer func() {
		if err != nil && len(loaded) == 1 && loaded[0].Remote == "" {
			client.Unload(context.WithoutCancel(ctx), loaded[0].Name) // nothing will be run on it
		}
	}()
	sizes, err := sizesOf(ctx, t, r, counted(ctx, t.Seed, len(loaded) == 1, s, client, say, warn), tables.Recorded(s), c.NumCtx, warn)
	if err != nil {
		return nil, err
	}
	if err := probeEarly(ctx, t, r, sizes, s, client, version, say); err != nil {
		return nil, err
	}
	if p, err = place(ctx, t, r, sizes, c, loads.Paces{Store: s, Fleet: f}, version); err != nil {
		return nil, err
	}
	return p, refused(p.Placement)
}

// noteScorers notes in a manifest which models measure.
func (p *Plan) noteScorers(m *rundir.Manifest) {
	m.Judges = []rundir.ModelInfo{}
	for _, j := range p.Judges {
		m.Judges = append(m.Judges, p.info(j))
	}
	m.Extractor = nil
	if p.Extractor != nil {
		m.Extractor = new(p.info(p.Extractor))
	}
}
