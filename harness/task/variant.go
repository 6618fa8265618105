package task

import (
	"perg/harness/prompt"
	"perg/models"
	"slices"
)

// A Variant is one model at one quantization with its server-side settings.
type Variant struct {
	models.Installed
	Label      string        // its name in tables: the model's, with what else sets it apart
	NoSystem   bool          // its template has no system role: system texts go in front of user texts
	Unseen     bool          // so the server shows its template, and may use another: see Roles
	PromptHash string        // of a rendered prompt; "": not known
	KVCache    models.KVType // "": the server's own, not known
	Think      *bool         // nil: the model cannot think
	Shape      models.Shape  // what decides its memory
	Engine     models.Engine // of the servers that it is asked on; "": not known
	Only       string        // the run that its replies serve, and no other; "": they serve any
	Tokenizer  string        // equal for models that share token counts
	// Unpenalized says that no token of its answers is penalized for having been
	// there before, by parameters of its own.
	Unpenalized bool
	LeastCtx    int // tokens of context that servers give it in any case
}

// Thinking says how a model that can think is asked to: its name stands in the
// variant's label.
type Thinking string

// The ways.
const (
	ThinkOn  Thinking = "on"
	ThinkOff Thinking = "off"
)

// Variants are those that a model makes: with each way of thinking where it can
// think, and each of those with each KV-cache type. Where none is named, the
// only one has the type given as the server's.
func (v Variant) Variants(thinking []Thinking, caches []models.KVType, servers models.KVType) []*Variant {
	if v.Think == nil {
		return v.withCaches(caches, servers)
	}
	var all []*Variant
	for _, t := range thinking {
		if t == ThinkOff && v.AlwaysThinks() {
			continue
		}
		with := v
		with.Think = new(t == ThinkOn)
		with.Label += "@think-" + string(t)
		all = append(all, with.withCaches(caches, servers)...)
	}
	return all
}

func (v Variant) withCaches(caches []models.KVType, servers models.KVType) []*Variant {
	if len(caches) == 0 {
		v.KVCache = servers
		return []*Variant{&v}
	}
	var all []*Variant
	for _, t := range caches {
		with := v
		with.KVCache = t
		with.Label += "@kv-" + string(t)
		all = append(all, &with)
	}
	return all
}

// AlwaysThinks says whether a model that can think cannot be kept from it:
// gpt-oss takes a level of effort, and false for the lowest.
func (v Variant) AlwaysThinks() bool { return v.Family == "gptoss" || v.Family == "gpt-oss" }

// MayDropSchemas says whether a version of Ollama is known to drop the schema of
// the answers of some models like this one.
func (v *Variant) MayDropSchemas(version string) bool {
	drops := func(h models.Harm) bool { return h.Use == models.UseSchemas }
	return v.Think != nil && !v.AlwaysThinks() && slices.ContainsFunc(models.Harms(version), drops)
}

// Serve has the replies of a variant that runs elsewhere serve one run alone.
func (v *Variant) Serve(run string) {
	if v.Remote != "" {
		v.Only = run
	}
}

// Messages fits a prompt to the variant's chat template.
func (v *Variant) Messages(text prompt.Prompt) (system, user string) {
	return messages(text, v.NoSystem)
}

// messages are those of a prompt (the protocol: where there is no system role,
// the system text goes in front of the user text).
func messages(text prompt.Prompt, noSystem bool) (system, user string) {
	if !noSystem || text.System == "" {
		return text.System, text.User
	}
	return "", text.System + "\n\n" + text.User
}
