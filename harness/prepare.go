package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"perg/data"
	"perg/gpu"
	"perg/harness/prompt"
	"perg/models"
)

// HowToInstall is what to do where there is no Ollama.
const HowToInstall = "install Ollama from https://ollama.com/download and run 'ollama serve', or name a server with --host"

// Connect reaches the server that a config names: its host, else OLLAMA_HOST,
// else the default address. Where none was named and none answers, one is
// started from the ollama program on PATH, with slots for inFlight calls and
// its log at logPath; stop ends it.
func Connect(ctx context.Context, c Config, logPath string, say func(string)) (client *models.Client, stop func() error, err error) {
	stop = func() error { return nil }
	named := c.Host
	if named == "" {
		named = os.Getenv("OLLAMA_HOST")
	}
	host := named
	if host == "" {
		host = models.DefaultHost
	}
	client, err = models.NewClient(host)
	if err != nil {
		return nil, stop, &Problem{Err: err, Usage: true}
	}
	_, err = client.Version(ctx)
	switch {
	case err == nil:
		return client, stop, nil
	case errors.Is(err, models.ErrNotOllama):
		return nil, stop, &Problem{Err: err, Hint: "check --host and OLLAMA_HOST"}
	case named != "":
		return nil, stop, &Problem{Err: err, Hint: "start the server there, or leave out --host and OLLAMA_HOST to have perg start one"}
	}
	program, err := exec.LookPath("ollama")
	if err != nil {
		return nil, stop, &Problem{
			Err:  fmt.Errorf("%w: nothing answers at %s, and no ollama program is on PATH", models.ErrUnreachable, client.Host()),
			Hint: HowToInstall,
		}
	}
	slots, err := c.InFlight()
	if err != nil {
		return nil, stop, err
	}
	if err := os.MkdirAll(filepath.Dir(logPath), 0o755); err != nil {
		return nil, stop, &Problem{Err: fmt.Errorf("run directory: %w", err), Hint: "choose a directory you may write to with --out"}
	}
	server, err := models.StartServer(ctx, models.ServerConfig{Program: program, Slots: slots, Log: logPath, Report: say})
	if err != nil {
		return nil, stop, err
	}
	client, err = models.NewClient(server.URL())
	if err != nil {
		return nil, stop, errors.Join(err, server.Stop())
	}
	say(fmt.Sprintf("no Ollama server at %s: started one at %s, its log is %s", models.DefaultHost, server.URL(), logPath))
	return client, server.Stop, nil
}

// Items reads the dataset of a config.
func Items(c Config) (data.Dataset, error) {
	set, err := data.Load(c.Data)
	if err != nil {
		return set, &Problem{Err: err, Hint: "'perg data check " + c.Data + "' looks at nothing else", Usage: true}
	}
	return set.Limit(c.Limit), nil
}

// Prepare makes the plan of a config over its items for a server, and the
// manifest that goes with it. It reads and asks, but starts no work: every
// fault of the input that can be found is found here.
func Prepare(ctx context.Context, c Config, set data.Dataset, client *models.Client) (*Plan, Manifest, error) {
	fail := func(err error) (*Plan, Manifest, error) { return nil, Manifest{}, err }
	prompts, err := prompt.Embedded()
	if err != nil {
		return fail(err)
	}
	preferences, err := data.DefaultPreferences()
	if err != nil {
		return fail(err)
	}
	irrelevant, err := drawIrrelevant(preferences.Irrelevant, c.Seed)
	if err != nil {
		return fail(err)
	}
	version, err := client.Version(ctx)
	if err != nil {
		return fail(err)
	}
	catalogue, err := client.Catalogue(ctx)
	if err != nil {
		return fail(err)
	}
	variants, judge, err := resolve(ctx, c, client, catalogue)
	if err != nil {
		return fail(err)
	}
	p := &Plan{
		Dataset: set, Prompts: prompts, Irrelevant: irrelevant,
		Variants: order(variants, judge), Judge: judge, JudgeAll: c.JudgeAll,
		Settings: c.settings(), Repeats: c.Repeats, Seed: c.Seed, NumCtx: c.NumCtx, NumPredict: c.NumPredict,
	}
	for _, name := range c.Methods {
		m, err := prompt.ParseMethod(name)
		if err != nil {
			return fail(err)
		}
		p.Methods = append(p.Methods, m)
	}
	// Which GPUs there are is for the record; a run needs no NVML.
	inventory, err := gpu.Discover()
	if err != nil {
		inventory = gpu.Inventory{}
	}
	m := Manifest{
		PergVersion: Version(), Config: c, Irrelevant: irrelevant, Prompts: prompts.Hashes(),
		Dataset: DatasetInfo{Name: set.Name, SHA256: set.SHA256, Items: len(set.Items)},
		Ollama:  ServerInfo{Host: client.Host(), Version: version},
		GPUs:    inventory,
	}
	for _, v := range p.Variants {
		m.Models = append(m.Models, v.info())
	}
	if judge != nil {
		info := judge.info()
		m.Judge = &info
	}
	return p, m, nil
}

// resolve finds the models of a config among those installed.
func resolve(ctx context.Context, c Config, client *models.Client, catalogue []models.Installed) (variants []*Variant, judge *Variant, err error) {
	if len(c.Models) == 0 {
		return nil, nil, &Problem{
			Err:   errors.New("no model named"),
			Hint:  "perg run MODEL...; " + installed(catalogue),
			Usage: true,
		}
	}
	wanted := slices.Clone(c.Models)
	if c.Judge != "" {
		wanted = append(wanted, c.Judge)
	}
	var missing []string
	byName := make(map[string]*Variant)
	for i, name := range wanted {
		found, ok := models.Find(catalogue, name)
		if !ok {
			missing = append(missing, name)
			continue
		}
		v, ok := byName[found.Name]
		if !ok {
			capabilities, err := client.Capabilities(ctx, found.Name)
			if err != nil {
				return nil, nil, err
			}
			v = &Variant{Installed: found}
			if slices.Contains(capabilities, "thinking") {
				v.Think = new(true)
			}
			byName[found.Name] = v
		}
		if i == len(c.Models) {
			judge = v
		} else {
			if slices.Contains(variants, v) {
				return nil, nil, &Problem{Err: fmt.Errorf("model %s is named twice", found.Name), Usage: true}
			}
			variants = append(variants, v)
		}
	}
	if len(missing) > 0 {
		return nil, nil, &Problem{
			Err:   fmt.Errorf("%s has no model %s", client.Host(), strings.Join(missing, ", ")),
			Hint:  fmt.Sprintf("ollama pull %s; %s", missing[0], installed(catalogue)),
			Usage: true,
		}
	}
	return variants, judge, nil
}

func installed(catalogue []models.Installed) string {
	if len(catalogue) == 0 {
		return "no models are installed, 'ollama pull llama3.1:8b' gets one"
	}
	names := make([]string, len(catalogue))
	for i, m := range catalogue {
		names[i] = m.Name
	}
	return "installed are " + strings.Join(names, ", ")
}

func (v *Variant) info() ModelInfo {
	return ModelInfo{
		Name: v.Name, Digest: v.Digest, Size: v.Size, Family: v.Family,
		ParameterSize: v.ParameterSize, Quantization: v.Quantization, Think: v.Think,
	}
}
