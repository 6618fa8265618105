package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

// Items reads the dataset of a config.
func Items(c Config) (data.Dataset, error) {
	set, err := data.Load(c.Data)
	if err != nil {
		return set, &Problem{Err: err, Hint: "'perg data check " + c.Data + "' looks at nothing else", Usage: true}
	}
	return set.Limit(c.Limit), nil
}

// Prepare makes the plan of a config over its items for a fleet, and the
// manifest that goes with it. Every fault of the input that can be found
// before work starts is found here; prompts are measured and quantizations
// made, each once.
func Prepare(ctx context.Context, c Config, set data.Dataset, f *Fleet, s *store.Store, say, warn func(string)) (*Plan, Manifest, error) {
	fail := func(err error) (*Plan, Manifest, error) { return nil, Manifest{}, err }
	p, err := newPlan(c, set)
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
	if text := unfamiliar(version); text != "" {
		warn(text)
	}
	if err := p.variants(ctx, c, client, f.Managed(), say); err != nil {
		return fail(err)
	}
	if err := p.settle(ctx, c, f, s, client, warn); err != nil {
		return fail(err)
	}
	m := Manifest{
		PergVersion: Version(), Config: c, Irrelevant: p.Irrelevant, Prompts: p.hashes(),
		Dataset: DatasetInfo{Name: set.Name, SHA256: set.SHA256, Items: len(set.Items)},
		Ollama:  ServerInfo{Host: client.Host(), Version: version},
		GPUs:    f.Inventory, Placement: p.Placement.Lines(),
	}
	for _, v := range p.Variants {
		m.Models = append(m.Models, v.info())
	}
	m.judges(p)
	return p, m, nil
}

// settle decides which context each model gets, and where it runs.
func (p *Plan) settle(ctx context.Context, c Config, f *Fleet, s *store.Store, client *models.Client, warn func(string)) (err error) {
	defer func() {
		if all := p.models(); err != nil && len(all) == 1 {
			client.Unload(context.WithoutCancel(ctx), all[0].Name) // nothing will be run on it
		}
	}()
	if err := p.fitContext(p.measured(ctx, s, client, warn), c.NumCtx, warn); err != nil {
		return err
	}
	if err := f.locate(ctx, p, warn); err != nil {
		return err
	}
	p.Placement = p.place(f, c)
	return p.refused()
}

// hashes are those of all that the run's prompts are made of, by name.
func (p *Plan) hashes() map[string]string {
	all := p.Prompts.Hashes()
	maps.DeleteFunc(all, func(name, _ string) bool {
		prefix, _, _ := strings.Cut(name, "_")
		switch prefix {
		case "preference": // asks for new ones
			return true
		case "critic":
			return !slices.Contains(p.Methods, prompt.SelfCritic)
		case "aligner":
			return !slices.Contains(p.Methods, prompt.PrefAligner)
		case "example":
			return !slices.Contains(p.Methods, prompt.ICL)
		}
		return false
	})
	if slices.Contains(p.Methods, prompt.ICL) {
		for source, hash := range p.Examples.Hashes() {
			all["examples of "+cmp.Or(source, "every source")] = hash
		}
	}
	return all
}

// The versions of Ollama that perg knows: truncate and shift, which it needs
// to be refused rather than cut, came with the first; the last is what it is
// tested with.
var knownFrom, knownTo = [2]int{0, 12}, [2]int{0, 17}

// unfamiliar says what to expect of a server that is older or newer than
// those; "" for one that is known, and for a build without a version.
func unfamiliar(version string) string {
	var v [2]int
	if n, err := fmt.Sscanf(version, "%d.%d", &v[0], &v[1]); n < 2 || err != nil || v == [2]int{} {
		return ""
	}
	switch {
	case slices.Compare(v[:], knownFrom[:]) < 0:
		return fmt.Sprintf("Ollama %s is older than %d.%d: it may cut long prompts without a word; upgrade it", version, knownFrom[0], knownFrom[1])
	case slices.Compare(v[:], knownTo[:]) > 0:
		return fmt.Sprintf("Ollama %s is newer than perg was tested with (%d.%d): memory estimates may be off", version, knownTo[0], knownTo[1])
	}
	return ""
}

// newPlan is the part of a plan that needs no server.
func newPlan(c Config, set data.Dataset) (*Plan, error) {
	prompts, err := prompt.Embedded()
	if err != nil {
		return nil, err
	}
	if c.Prompts != "" {
		if prompts, err = prompts.Replace(os.DirFS(c.Prompts)); err != nil {
			return nil, &Problem{Err: fmt.Errorf("prompts %s: %w", c.Prompts, err), Hint: "the project's own are in harness/prompt/templates", Usage: true}
		}
	}
	preferences, err := data.DefaultPreferences()
	if err != nil {
		return nil, err
	}
	irrelevant, err := drawIrrelevant(preferences.Irrelevant, c.Seed)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Dataset: set, Prompts: prompts, Irrelevant: irrelevant, JudgeAll: c.JudgeAll, JudgeSwap: c.JudgeSwap,
		Settings: c.settings(), Methods: c.methods(), Repeats: c.Repeats, Seed: c.Seed, NumPredict: c.NumPredict,
	}
	return p, p.readExamples(c)
}

// readExamples reads the worked examples of a config over perg's own, and
// checks that every source has some.
func (p *Plan) readExamples(c Config) error {
	var err error
	if p.Examples, err = p.Prompts.Examples(); err != nil {
		return err
	}
	files := make(map[string]string) // by source; "": of every source without one
	for _, entry := range c.ICL {
		source, path := exampleFile(entry)
		if files[source] != "" {
			return &Problem{Err: fmt.Errorf("icl: two files for %s", cmp.Or(source, "every source")), Hint: "write --icl SOURCE=FILE for each source", Usage: true}
		}
		files[source] = path
	}
	for _, source := range slices.Sorted(maps.Keys(files)) { // "" comes first
		texts, err := prompt.ReadExamples(files[source])
		if err != nil {
			return &Problem{Err: fmt.Errorf("icl: %w", err), Hint: "the form is {\"Example_0\": \"question, options, preference and response as one text\", ...}", Usage: true}
		}
		p.Examples = p.Examples.With(source, texts)
	}
	if !slices.Contains(p.Methods, prompt.ICL) {
		return nil
	}
	for _, it := range p.Dataset.Items {
		if _, err := p.Examples.For(it.Source); err != nil {
			return &Problem{Err: fmt.Errorf("icl: %w", err), Hint: "or leave icl out of --methods", Usage: true}
		}
	}
	return nil
}

// exampleFile splits SOURCE=FILE; a file alone is that of every source, "".
func exampleFile(entry string) (source, path string) {
	source, path, ok := strings.Cut(entry, "=")
	if !ok {
		return "", entry
	}
	return source, path
}

// locate finds out which of several servers have a model: by digest, since
// the same name may be another model elsewhere.
func (f *Fleet) locate(ctx context.Context, p *Plan, warn func(string)) error {
	if f.Managed() {
		return nil
	}
	f.installed = make(map[string]map[string]bool)
	for _, d := range f.Devices {
		catalogue, err := f.hosts[d.ID].Catalogue(ctx)
		if err != nil {
			return err
		}
		has := make(map[string]bool)
		for _, m := range catalogue {
			has[m.Name+" "+m.Digest] = true
		}
		f.installed[d.ID] = has
		for _, v := range p.models() {
			if !has[v.Name+" "+v.Digest] {
				warn(fmt.Sprintf("%s does not have %s (%.12s) and will not work on it", d.ID, v.Name, v.Digest))
			}
		}
	}
	return nil
}

// has says whether a model can run on a device.
func (f *Fleet) has(v *Variant) func(device string) bool {
	if f.Managed() {
		return nil
	}
	return func(device string) bool { return f.installed[device][v.Name+" "+v.Digest] }
}

// place decides what runs where. Judges after the first scorer each have their
// turn when all before them have ended.
func (p *Plan) place(f *Fleet, c Config) schedule.Placement {
	generating, scoring, rating := p.jobs(f, c)
	placement := schedule.Place(f.Devices, generating, scoring)
	for _, j := range rating {
		placement = placement.Then(schedule.Place(f.Devices, []schedule.Job{j}, nil))
	}
	return placement
}

// refused is the error of a plan with models that fit nowhere.
func (p *Plan) refused() error {
	var faults []error
	for _, r := range p.Placement.Refused {
		faults = append(faults, fmt.Errorf("%s does not fit: %s", r.Job, r.Reason))
	}
	if len(faults) == 0 {
		return nil
	}
	return &Problem{Err: errors.Join(faults...), Hint: "leave it out, take what would fit, or accept the processor with --allow-cpu; 'perg plan' shows the memory", Usage: true}
}

// jobs are the plan's as the placement sees them: the variants', that of the
// first scorer, which works while they do, and those of further judges, which
// each have all devices to themselves.
func (p *Plan) jobs(f *Fleet, c Config) (generating []schedule.Job, scoring *schedule.Job, rating []schedule.Job) {
	wanted, _ := c.inFlight()
	slots := wanted
	switch {
	case !f.Managed():
		slots = 0 // the server's own
	case wanted == 0 && len(f.byID) == 0:
		slots = processorSlots
	}
	placed := func(v *Variant, w workload, kind schedule.Kind) schedule.Job {
		pl := placing{variant: v, work: w, slots: slots, spill: c.AllowCPU, hosts: f.has(v), remedy: v.remedies}
		return schedule.Job{ID: jobID(p, v), Kind: kind, Fit: pl.fit}
	}
	scorers := p.scorers()
	if !p.Rerating {
		for _, v := range p.Variants {
			generating = append(generating, placed(v, p.generating(v), schedule.Generate))
		}
		if len(scorers) > 0 {
			scoring = new(placed(scorers[0], p.ratings(), schedule.Score))
			scorers = scorers[1:]
		}
	}
	for _, v := range scorers {
		rating = append(rating, placed(v, p.ratings(), schedule.Generate))
	}
	return generating, scoring, rating
}
