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

// The protocol's bounds on new tokens (paper, section 5). It names none for
// the self-critic's second call, whose JSON holds a critique beside an answer:
// it gets the aligner's.
const (
	answerTokens   = 500
	thinkingTokens = 1024 // also of chains of thought
	revisionTokens = 1000
)

// A call is one chat request to one variant. Equal calls have equal keys, and
// one reply serves them all.
type call struct {
	variant *Variant
	text    prompt.Prompt // before it was fitted to the variant's template
	request models.Request
	repeat  int
	shared  bool // several generations make it: once in a run, also where it fails
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
		Prompts string `json:",omitempty"` // of templates that are not perg's own
	}{keyVersion, c.variant.Digest, c.variant.KVCache, c.request.System, c.request.User, c.request.Options, c.request.Format, c.request.Think, c.repeat, c.text.Replaced})
	if err != nil {
		panic(err) // plain values always encode
	}
	return sha256.Sum256(text)
}

// query is the call that asks a generation's question: the whole of a method
// of one call, the first stage of a method of two.
func (p *Plan) query(g generation) (call, error) {
	first := g.firstStage()
	q, err := p.asked(first)
	if err != nil {
		return call{}, err
	}
	text, err := p.Prompts.Ask(q)
	if err != nil {
		return call{}, err
	}
	c := p.call(g.Variant, text, p.answerMost(g.Variant, first.Method), nil, g.Variant.Think)
	c.repeat, c.shared = g.repeat, p.isDraft(first)
	return c, nil
}

// revision is the second call of a method of two.
func (p *Plan) revision(g generation, query, draft string) (call, error) {
	q, err := p.asked(g)
	if err != nil {
		return call{}, err
	}
	text, err := p.Prompts.Revise(q, query, draft)
	if err != nil {
		return call{}, err
	}
	c := p.call(g.Variant, text, p.answerMost(g.Variant, g.Method), g.Method.RevisionSchema(), g.Variant.Think)
	c.repeat = g.repeat
	return c, nil
}

// extraction is the call in which a model reads which option a response
// chooses. It does not repeat: it measures, and is not measured.
func (p *Plan) extraction(g generation, response string) (call, error) {
	text, err := p.Prompts.Extract(g.item.Options, response)
	if err != nil {
		return call{}, err
	}
	return p.measure(p.Extractor, text, extract.MaxTokens, extract.Schema(len(g.item.Options))), nil
}

// rating is the call in which a judge rates a response.
func (p *Plan) rating(by *Variant, s, plain scored, swapped bool) (call, error) {
	text, err := p.Prompts.Judge(s.question, s.item.Preference, plain.response, s.response, swapped)
	if err != nil {
		return call{}, err
	}
	return p.measure(by, text, judge.MaxTokens, judge.Schema), nil
}

// measure is a call with a structured answer to a model that measures. One
// that could think does not: with a format, Ollama would have it answer twice.
func (p *Plan) measure(by *Variant, text prompt.Prompt, most int, schema json.RawMessage) call {
	think := by.Think
	if think != nil {
		think = new(bool)
	}
	return p.call(by, text, most, schema, think)
}

// call leaves num_ctx to the lane that sends it.
func (p *Plan) call(v *Variant, text prompt.Prompt, most int, schema json.RawMessage, think *bool) call {
	system, user := v.messages(text)
	return call{variant: v, text: text, request: models.Request{
		Model:   v.Name,
		System:  system,
		User:    user,
		Options: models.Options{NumPredict: most, Seed: p.Seed},
		Format:  schema,
		Think:   think,
	}}
}
