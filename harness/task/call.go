package task

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"perg/harness/engine"
	"perg/harness/extract"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/store"
	"perg/models"
)

// A Call is one chat request to one variant. Equal calls have equal keys, and
// one reply serves them all.
type Call struct {
	Variant *Variant
	Text    prompt.Prompt // before it was fitted to the variant's template
	Request models.Request
	Repeat  int
	Control prompt.Control
	Shared  bool   // several generations make it: once in a run, also where it fails
	Past    bool   // it is made no more: its reply is looked up
	Server  string // version of it, where the call is about what that does; else ""
}

// An Ask gives the reply to a call: a lane's makes those that have none yet,
// the store's only remembers. Its errors are engine.ErrNotAsked, an
// *engine.FailedError, and those that end a run. What a generation needs is
// written once, in Evaluator, and both a run and its tables follow it.
type Ask func(context.Context, Call) (store.Reply, error)

// keyVersion changes when a call's meaning changes in a way its fields do not
// show, so that old replies no longer match.
const keyVersion = 2

// Key hashes everything that determines the reply, and nothing else: the
// model by its digest, because a tag can be pulled anew, and the engine, on
// which the same weights answer otherwise. It has no num_ctx: a
// context that holds the call changes nothing, and in one that does not the
// call fails. So a reply serves whatever memory the machine at hand has. Of a
// model that runs elsewhere nobody knows which it is tomorrow: the run is part of
// its key.
func (c Call) Key() store.Key { return c.key(c.Variant.Engine) }

// Earlier is the key that a perg gave the call which did not know engines: a
// reply under it is one of any engine. It is zero where it would be the same.
func (c Call) Earlier() store.Key {
	if c.Variant.Engine == "" {
		return store.Key{}
	}
	return c.key("")
}

// Bound is the most context that a thought may fill. The context is a part of the key
// of what it cuts: with more, the call is another one.
func (c Call) Bound() engine.Bound {
	v := c.Variant
	if v.MostCtx == 0 || c.Request.Thought == 0 {
		return engine.Bound{}
	}
	b := engine.Bound{NumCtx: v.MostCtx, Reason: models.DoneNumCtx}
	if v.MostCtx == v.Shape.ContextLength {
		b.Reason = models.DoneTrained
	}
	c.Request.Options.NumCtx = v.MostCtx
	b.Key = c.Key()
	return b
}

// KeyOf is the key of a reply to the call; its own, where that is no thought which filled
// the context.
func (c Call) KeyOf(r store.Reply) store.Key {
	if r.DoneReason == models.DoneNumCtx || r.DoneReason == models.DoneTrained {
		return c.Bound().Key
	}
	return c.Key()
}

func (c Call) key(engine models.Engine) store.Key {
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
		Prompts string         `json:",omitempty"` // of templates that are not perg's own
		Engine  models.Engine  `json:",omitempty"`
		Level   models.Level   `json:",omitempty"`
		Render  bool           `json:",omitempty"`
		Server  string         `json:",omitempty"`
		Control prompt.Control `json:",omitempty"`
		Only    string         `json:",omitempty"`
		Thought int            `json:",omitempty"`
		Aloud   bool           `json:",omitempty"`
		// Of a model with penalties of its own, which replies of before were made
		// with.
		Unpenalized bool `json:",omitempty"`
	}{
		keyVersion, c.Variant.Digest, c.Variant.KVCache, c.Request.System, c.Request.User, c.Request.Options,
		c.Request.Format, c.Request.Think, c.Repeat, c.Text.Replaced, engine, c.Request.Level, c.Request.Render, c.Server, c.Control, c.Variant.Only,
		c.Request.Thought, c.Request.Aloud, c.Variant.Own.Penalizes(),
	})
	if err != nil {
		panic(err) // plain values always encode
	}
	return sha256.Sum256(text)
}

// query is a generation's question as the templates take it.
func (t *Task) query(g Generation) (prompt.Query, error) {
	q := prompt.Query{
		Item: g.Asked(), Method: g.Method, Setting: g.Setting,
		Preferences: g.Setting.Stated(g.Item.Preference, t.Irrelevant),
	}
	var err error
	if g.Method.ShowsExamples() {
		q.Examples, err = t.Examples.For(g.Item.Source)
	}
	return q, err
}

// first is the call that asks a generation's question: the whole of a method
// of one call, the first stage of a method of two.
func (t *Task) first(g Generation) (Call, error) {
	stage := g.firstStage()
	q, err := t.query(stage)
	if err != nil {
		return Call{}, err
	}
	text, err := t.Prompts.Ask(q)
	if err != nil {
		return Call{}, err
	}
	c := t.call(g.Variant, text, t.AnswerTokens(g.Variant, stage.Method), nil)
	c.Repeat, c.Shared, c.Control = g.Repeat, t.isDraft(stage), g.Control
	c.Request.Options.Temperature = t.Temperature
	c.Request.Options.Seed += t.seedOf(g)
	return c, nil
}

// seedOf is what a generation's seed is more than the task's. Repeats of the
// likeliest answer have one seed: what differs then is the server's doing. Where
// tokens are drawn each has its own, and a control another than all of them.
func (t *Task) seedOf(g Generation) int {
	switch {
	case g.Control != prompt.NoControl && t.Temperature > 0:
		return t.Repeats + g.Repeat
	case g.Control != prompt.NoControl:
		return 1 + g.Repeat
	case t.Temperature > 0:
		return g.Repeat
	default:
		return 0
	}
}

// revision is the second call of a method of two.
func (t *Task) revision(g Generation, question, draft string) (Call, error) {
	q, err := t.query(g)
	if err != nil {
		return Call{}, err
	}
	text, err := t.Prompts.Revise(q, question, draft)
	if err != nil {
		return Call{}, err
	}
	c := t.call(g.Variant, text, t.AnswerTokens(g.Variant, g.Method), g.Method.RevisionSchema())
	c.Repeat = g.Repeat
	c.Request.Options.Temperature = t.Temperature
	c.Request.Options.Seed += t.seedOf(g)
	return c, nil
}

// extraction is the call in which a model reads which option a response
// chooses. It does not repeat: it measures, and is not measured.
func (t *Task) extraction(by *Variant, options []string, response string) (Call, error) {
	text, err := t.Prompts.Extract(options, response)
	if err != nil {
		return Call{}, err
	}
	return t.call(by, text, extract.MaxTokens, extract.Schema(len(options))), nil
}

// rating is the call in which a judge rates a response.
func (t *Task) rating(by *Variant, e, plain Evaluated, swapped bool) (Call, error) {
	text, err := t.Prompts.Judge(e.question, e.Item.Preference, plain.Response, e.Response, swapped)
	if err != nil {
		return Call{}, err
	}
	return t.call(by, text, judge.MaxTokens, judge.Schema), nil
}

// unbounded is a rating's call as it was made before explanations had a bound.
func (c Call) unbounded() Call {
	c.Request.Format, c.Past = judge.Unbounded, true
	return c
}

// call leaves num_ctx to the lane that sends it.
func (t *Task) call(v *Variant, text prompt.Prompt, most int, schema json.RawMessage) Call {
	system, user := v.Messages(text)
	r := models.Request{
		Model:   v.Name,
		System:  system,
		User:    user,
		Options: models.Options{NumPredict: most, Seed: t.Seed},
		Format:  schema,
		Think:   v.Think,
		Level:   v.Level,
		Aloud:   v.Thinker.Thinks == models.ThinksAloud,
		Thought: t.ThoughtTokens(v),
	}
	if r.Level != "" {
		r.Think = nil
	}
	return Call{Variant: v, Text: text, Request: r}
}
