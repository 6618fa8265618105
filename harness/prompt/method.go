package prompt

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

// Methods lists the methods in the order tables show them.
func Methods() []Method { return []Method{ZeroShot, CoT, ICL, SelfCritic, PrefAligner} }

// ParseMethod reads a method's name.
func ParseMethod(s string) (Method, error) { return named("method", s, Methods()) }

// TwoCalls says whether the method makes its response of a draft, in a second
// call.
func (m Method) TwoCalls() bool { return m == SelfCritic || m == PrefAligner }
