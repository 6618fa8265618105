package gguftest

// A Suggestion is what a scripted model suggests: a preference, why, and of
// which type.
type Suggestion struct {
	Preference, Reason, Type string
}

// Suggests writes {"preference": ..., "reason": ..., "type": ...}, with a
// schema or without one: short, or long where the last user message has more
// than so many bytes. The texts have no quotes in them.
func Suggests(short, long Suggestion, userOver int) Chain {
	const (
		open       = `{"preference":"`
		thenReason = `","reason":"`
		thenType   = `","type":"`
		end        = `"}`
	)
	either := func(a, b string) []string {
		if a == b {
			return []string{a}
		}
		return []string{a, b}
	}
	preferences, reasons, types := either(short.Preference, long.Preference), either(short.Reason, long.Reason), either(short.Type, long.Type)
	next := map[string][]string{
		markPlain:  {open},
		markUnder:  {open},
		open:       preferences,
		thenReason: reasons,
		thenType:   types,
		end:        {End},
	}
	for _, p := range preferences {
		next[p] = []string{thenReason}
	}
	for _, r := range reasons {
		next[r] = []string{thenType}
	}
	for _, t := range types {
		next[t] = []string{end}
	}
	return Chain{
		Template:  turns + longer(-1, userOver),
		Next:      next,
		Otherwise: []string{`"`},
		Favours: map[string][]string{
			markPlain: {short.Preference, short.Reason, short.Type},
			markUnder: {long.Preference, long.Reason, long.Type},
		},
	}
}
