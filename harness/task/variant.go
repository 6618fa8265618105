package task

import (
	"perg/harness/prompt"
	"perg/models"
)

// A Variant is one model at one quantization with its server-side settings.
type Variant struct {
	models.Installed
	Label      string        // its name in tables: the model's, with what else sets it apart
	NoSystem   bool          // its template has no system role: system texts go in front of user texts
	Unseen     bool          // so the server shows its template, and may use another: see Roles
	PromptHash string        // of a rendered prompt; "": not known
	KVCache    models.KVType // "": the server's own, not known
	Thinker    models.Thinker
	Think      *bool         // nil: the model cannot think, or cannot be asked to; of one with a level it is true
	Level      models.Level  // of its thinking; "": it is asked with none
	Shape      models.Shape  // what decides its memory
	Engine     models.Engine // of the servers that it is asked on; "": not known
	Only       string        // the run that its replies serve, and no other; "": they serve any
	Tokenizer  string        // equal for models that share token counts
	Own        models.Own
	LeastCtx   int // tokens of context that servers give it in any case
	MostCtx    int // that it may have in a run; 0: not known
}

// Bounded is the variant where no more context than wanted is given, 0: as much as
// it was trained for.
func (v Variant) Bounded(wanted int) Variant {
	v.MostCtx = v.Shape.ContextLength
	if wanted > 0 && (v.MostCtx == 0 || wanted < v.MostCtx) {
		v.MostCtx = wanted
	}
	return v
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
