// Package reading has a model read responses that were made anywhere, as it
// reads those of a run that the rules leave, so that a second reader can be
// measured before it is relied on. It keeps nothing: a run has its store.
package reading

import (
	"context"
	"fmt"

	"perg/data"
	"perg/harness/extract"
	"perg/harness/prompt"
	"perg/harness/store"
	"perg/harness/task"
	"perg/models"
)

// A Reader is a model on an Ollama server.
type Reader struct {
	Name      string
	evaluator task.Evaluator
}

// bytesPerToken is as few as texts of responses have, formulas and JSON included.
const bytesPerToken = 2

// Open finds the model at a server, and gives it the context that the longest
// of the responses needs. Errors are those of the server, and of a model that
// is not installed.
func Open(ctx context.Context, host, model string, seed int, responses []data.Response) (*Reader, error) {
	client, err := models.NewClient(host)
	if err != nil {
		return nil, err
	}
	catalogue, err := client.Catalogue(ctx)
	if err != nil {
		return nil, err
	}
	model, way, err := task.SplitWay(model)
	if err != nil {
		return nil, err
	}
	found, ok := models.Find(catalogue, model)
	if !ok {
		return nil, fmt.Errorf("%s is not installed on %s", model, client.Host())
	}
	details, err := client.Details(ctx, found.Name)
	if err != nil {
		return nil, err
	}
	prompts, err := prompt.Embedded(prompt.Own)
	if err != nil {
		return nil, err
	}
	version, err := client.Version(ctx)
	if err != nil {
		return nil, err
	}
	v, err := task.Variant{
		Installed: found, Label: found.Name, NoSystem: !details.Shown.System, Shape: details.Shape, Own: details.Own, Thinker: details.Thinker,
	}.Scoring(way, version)
	if err != nil {
		return nil, err
	}
	numCtx, err := contextFor(prompts, responses)
	if err != nil {
		return nil, err
	}
	if most := details.Shape.ContextLength; most > 0 {
		numCtx = min(numCtx, most)
	}
	ask := func(ctx context.Context, c task.Call) (store.Reply, error) {
		c.Request.Options.NumCtx = numCtx
		response, err := client.Chat(ctx, c.Request)
		return store.Reply{Response: response}, err
	}
	return &Reader{found.Name, task.Evaluator{Task: &task.Task{Prompts: prompts, Seed: seed}, Extractor: &v, Ask: ask}}, nil
}

// contextFor is the context of the longest prompt, in tokens.
func contextFor(prompts *prompt.Set, responses []data.Response) (int, error) {
	longest := 0
	for _, r := range responses {
		p, err := prompts.Extract(r.Options, r.Text)
		if err != nil {
			return 0, err
		}
		longest = max(longest, len(p.System)+len(p.User))
	}
	return longest/bytesPerToken + extract.MaxTokens, nil
}

// Read is the model's answer: an option, or false where it says that there is
// no single one, or (unreadable) answers with no choice at all.
func (r *Reader) Read(ctx context.Context, response data.Response) (found extract.Answer, ok, unreadable bool, err error) {
	a, err := r.evaluator.Read(ctx, response.Options, response.Text)
	if err != nil {
		return extract.Answer{}, false, false, err
	}
	option, ok := data.LetterIndex(a.Letter, len(response.Options))
	if !ok {
		return extract.Answer{}, false, a.From == "", nil
	}
	return extract.Answer{Option: option, Rule: a.From}, true, false, nil
}
