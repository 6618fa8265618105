package prompt

import (
	"maps"
	"slices"
	"strings"
)

// A Method is a way to prompt a model for its answer (paper, section 5).
type Method string

// The methods.
const (
	ZeroShot    Method = "zero-shot"    // asks once, with the preferences in the system prompt
	CoT         Method = "cot"          // asks to think step by step
	ICL         Method = "icl"          // shows worked examples of the item's source
	SelfCritic  Method = "self-critic"  // has the model criticise and revise its zero-shot answer
	PrefAligner Method = "pref-aligner" // has the model re-style the baseline's answer (paper, section 6)
)

// A Draft is the response that a method of two calls revises.
type Draft int

// The drafts.
const (
	NoDraft       Draft = iota
	ZeroShotDraft       // the zero-shot response under the same preferences
	BaselineDraft       // the baseline's response, which knows no preference
)

// A definition is all that sets a method apart, but for its templates' texts.
type definition struct {
	name      Method
	about     string
	tokens    int    // most new ones of its last call
	templates string // what the names of those that it alone uses begin with
	examples  bool   // shows worked ones
	draft     Draft
	answers   [2]string // properties of the second call's JSON, in the order in which a model writes them
}

// The protocol bounds new tokens (paper, section 5). It names no bound for the
// self-critic's second call, whose JSON holds a critique beside an answer: it
// gets the aligner's.
const (
	AnswerTokens   = 500
	ThinkingTokens = 1024 // also of models that think
	RevisionTokens = 1000
)

// definitions are in the order in which tables show methods. A critique comes
// before the response that heeds it, the aligner's thoughts after.
var definitions = []definition{
	{name: ZeroShot, tokens: AnswerTokens,
		about: "The model is asked once, and knows the preferences"},
	{name: CoT, tokens: ThinkingTokens,
		about: "Chain of thought: the model is told to think step by step first"},
	{name: ICL, tokens: AnswerTokens, templates: "example", examples: true,
		about: "In-context learning: the model sees worked examples first"},
	{name: SelfCritic, tokens: RevisionTokens, templates: "critic", draft: ZeroShotDraft, answers: [2]string{"critic", "response"},
		about: "The model criticises and revises its own first answer"},
	{name: PrefAligner, tokens: RevisionTokens, templates: "aligner", draft: BaselineDraft, answers: [2]string{"response", "thoughts"},
		about: "The model answers without a preference; a second call re-styles that answer"},
}

// Methods lists the methods in the order tables show them.
func Methods() []Method {
	all := make([]Method, len(definitions))
	for i, d := range definitions {
		all[i] = d.name
	}
	return all
}

// ParseMethod reads a method's name.
func ParseMethod(s string) (Method, error) { return named("method", s, Methods()) }

// definition of a name that is no method is that of one without traits.
func (m Method) definition() definition {
	i := slices.IndexFunc(definitions, func(d definition) bool { return d.name == m })
	if i < 0 {
		return definition{name: m}
	}
	return definitions[i]
}

// About is the method in a sentence.
func (m Method) About() string { return m.definition().about }

// Draft is what the second of a method's two calls revises.
func (m Method) Draft() Draft { return m.definition().draft }

// TwoCalls says whether the method makes its response of a draft, in a second
// call.
func (m Method) TwoCalls() bool { return m.Draft() != NoDraft }

// Tokens is the most new tokens of the method's last call.
func (m Method) Tokens() int { return m.definition().tokens }

// ShowsExamples says whether prompts begin with worked examples of an item's
// source.
func (m Method) ShowsExamples() bool { return m.definition().examples }

// HashesOf are the Hashes of those templates that a run with some methods uses.
func (s *Set) HashesOf(methods []Method) map[string]string {
	all := s.Hashes()
	maps.DeleteFunc(all, func(name, _ string) bool {
		prefix, _, _ := strings.Cut(name, "_")
		if prefix == "preference" { // asks for new preferences
			return true
		}
		return slices.ContainsFunc(definitions, func(d definition) bool {
			return d.templates == prefix && !slices.Contains(methods, d.name)
		})
	})
	return all
}
