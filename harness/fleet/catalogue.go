package fleet

import (
	"context"
	"fmt"
	"os"
	"perg/harness/hint"
	"perg/models"
	"slices"
	"strings"
)

// LookUp says which models a catalogue lacks, and which of them run elsewhere where
// that is not accepted.
func LookUp(names []string, catalogue []models.Installed, host string, remote bool) error {
	for _, name := range names {
		if m, _ := models.Find(catalogue, name); m.Remote != "" && !remote {
			return RunsElsewhere(m)
		}
	}
	missing := Missing(names, catalogue)
	if len(missing) == 0 {
		return nil
	}
	return &hint.Error{
		Err:   fmt.Errorf("%s has no model %s", host, strings.Join(missing, ", ")),
		Hint:  fmt.Sprintf("ollama pull %s; perg run --pull fetches what is missing; %s", missing[0], InWords(catalogue)),
		Usage: true,
	}
}

// Missing are those names that a catalogue lacks, each once.
func Missing(names []string, catalogue []models.Installed) (missing []string) {
	for _, name := range Matching(names, catalogue) {
		if _, ok := models.Find(catalogue, name); !ok && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	return missing
}

// Details asks what an installed model is. One that makes embeddings alone is an
// error of usage.
func Details(ctx context.Context, c Client, m models.Installed) (models.Details, error) {
	d, err := c.Details(ctx, m.Name)
	embeds := m.Embeds()
	if len(d.Capabilities) > 0 {
		embeds = slices.Contains(d.Capabilities, "embedding") && !slices.Contains(d.Capabilities, "completion")
	}
	if embeds {
		return d, hint.Usage(fmt.Errorf("model %s makes embeddings and answers nothing", m.Name), "name a model that chats")
	}
	return d, err
}

// RunsElsewhere refuses a model that does.
func RunsElsewhere(m models.Installed) error {
	return hint.Usage(fmt.Errorf("model %s runs elsewhere (%s), not on this server: its memory, energy and digest cannot be measured", m.Name, m.Remote),
		"name a model that is installed; or accept that with --allow-remote, which sends prompts there")
}

// Find gives the models of a catalogue that has them all.
func Find(names []string, catalogue []models.Installed) ([]models.Installed, error) {
	var all []models.Installed
	for _, name := range Matching(names, catalogue) {
		m, _ := models.Find(catalogue, name)
		if slices.ContainsFunc(all, func(other models.Installed) bool { return other.Name == m.Name }) {
			return nil, &hint.Error{Err: fmt.Errorf("model %s is named twice", m.Name), Usage: true}
		}
		all = append(all, m)
	}
	return all, nil
}

// InWords says which models are installed.
func InWords(catalogue []models.Installed) string {
	catalogue = models.Candidates(catalogue)
	if len(catalogue) == 0 {
		return "no models are installed, 'ollama pull llama3.1:8b' gets one"
	}
	names := make([]string, len(catalogue))
	for i, m := range catalogue {
		names[i] = m.Name
	}
	return "installed are " + strings.Join(names, ", ")
}

// answering is the first of the servers that a run would use as they are, and
// what it has installed; nil where it does not answer now. The error is one of
// what the user said.
func (o Options) answering(ctx context.Context) (Client, []models.Installed, error) {
	hosts, _ := Hosts(o.Hosts)
	client, err := o.newClient(hosts[0])
	if err != nil {
		return nil, nil, err
	}
	// What is not there is not waited for.
	if _, err := client.Version(ctx); err != nil {
		return nil, nil, nil
	}
	catalogue, err := client.Catalogue(ctx)
	if err != nil {
		return nil, nil, nil
	}
	return client, catalogue, nil
}

// Look finds out what is installed: of a server that answers, or, where start is
// set, of one that runs until end is called. The client is nil where there is
// nobody to ask.
func Look(ctx context.Context, o Options, start bool) (client Client, catalogue []models.Installed, end func(), err error) {
	end = func() {}
	note := o.Say
	if client, catalogue, err = o.answering(ctx); client != nil || err != nil {
		return client, catalogue, end, err
	}
	if _, named := Hosts(o.Hosts); named || !start {
		note("no Ollama server answers, so what is installed is not known; memory is that of Ollama 0.30 and later")
		return nil, nil, end, nil
	}
	logs, err := os.MkdirTemp("", "perg-plan-")
	if err != nil {
		return nil, nil, end, err
	}
	quiet := func(string) {}
	f, err := Open(ctx, Options{Own: true, Most: 1, Logs: logs, Say: quiet, Warn: quiet})
	if err != nil { // there is no program to start
		note("no Ollama server answers, so what is installed is not known; memory is that of Ollama 0.30 and later")
		return nil, nil, end, os.RemoveAll(logs)
	}
	end = func() {
		f.Close()
		os.RemoveAll(logs)
	}
	if client, err = f.Client(ctx); err == nil {
		catalogue, err = client.Catalogue(ctx)
	}
	if err != nil {
		end()
		return nil, nil, func() {}, fmt.Errorf("look what is installed: %w", err)
	}
	note("no Ollama server was running: one was started to look what is installed")
	return client, catalogue, end, nil
}
