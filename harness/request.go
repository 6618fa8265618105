package harness

import (
	"crypto/sha256"
	"encoding/json"

	"perg/harness/extract"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/store"
	"perg/models"
)

// The protocol's bounds on new tokens (paper, section 5).
const (
	answerTokens   = 500
	thinkingTokens = 1024
)

// A call is one chat request to one variant. Equal calls have equal keys, and
// one reply serves them all.
type call struct {
	variant *Variant
	request models.Request
	repeat  int
}

// keyVersion changes when a call's meaning changes in a way its fields do not
// show, so that old replies no longer match.
const keyVersion = 2

// key hashes everything that determines the reply, and nothing else: the
// model by its digest, because a tag can be pulled anew. It has no num_ctx: a
// context that holds the call changes nothing, and in one that does not the
// call fails. So a reply serves whatever memory the machine at hand has.
func (c call) key() store.Key {
	text, err := json.Marshal(struct {
		Version int
		Digest  string
		KVCache models.KVType
		System  string
		User    string
		Options models.Options
		Format  json.RawMessage
		Think   *bool
		Repeat  int
	}{keyVersion, c.variant.Digest, c.variant.KVCache, c.request.System, c.request.User, c.request.Options, c.request.Format, c.request.Think, c.repeat})
	if err != nil {
		panic(err) // plain values always encode
	}
	return sha256.Sum256(text)
}

// query is the call that answers a generation's question.
func (p *Plan) query(g generation) (call, error) {
	text, err := p.Prompts.Query(*g.item, g.Setting, g.Setting.Stated(g.item.Preference, p.Irrelevant))
	if err != nil {
		return call{}, err
	}
	return call{
		variant: g.Variant,
		request: p.request(g.Variant, text, p.answerMost(g.Variant), nil, g.Variant.Think),
		repeat:  g.repeat,
	}, nil
}

// extraction is the call in which the judge model reads which option a
// response chooses. It does not repeat: it measures, and is not measured.
func (p *Plan) extraction(g generation, response string) (call, error) {
	text, err := p.Prompts.Extract(g.item.Options, response)
	if err != nil {
		return call{}, err
	}
	return p.measure(text, extract.MaxTokens, extract.Schema(len(g.item.Options))), nil
}

// rating is the call in which the judge rates a response.
func (p *Plan) rating(g generation, question, plain, response string) (call, error) {
	text, err := p.Prompts.Judge(question, g.item.Preference, plain, response)
	if err != nil {
		return call{}, err
	}
	return p.measure(text, judge.MaxTokens, judge.Schema), nil
}

// measure is a call to the judge model with a structured answer. A judge that
// could think does not: with a format, Ollama would have it answer twice.
func (p *Plan) measure(text prompt.Prompt, most int, schema json.RawMessage) call {
	think := p.Judge.Think
	if think != nil {
		think = new(bool)
	}
	return call{variant: p.Judge, request: p.request(p.Judge, text, most, schema, think)}
}

// request leaves num_ctx to the lane that sends it.
func (p *Plan) request(v *Variant, text prompt.Prompt, most int, schema json.RawMessage, think *bool) models.Request {
	return models.Request{
		Model:   v.Name,
		System:  text.System,
		User:    text.User,
		Options: models.Options{NumPredict: most, Seed: p.Seed},
		Format:  schema,
		Think:   think,
	}
}
