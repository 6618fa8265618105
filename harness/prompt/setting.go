// Package prompt builds the messages of PERG's calls from text templates. It
// decides nothing about models or order, and it makes no calls.
package prompt

import (
	"fmt"
	"slices"
	"strings"
)

// A Setting says which preferences the system prompt states (paper, section 4).
type Setting string

// The settings.
const (
	None       Setting = "none"       // the baseline
	Relevant   Setting = "relevant"   // the item's own
	Mixed      Setting = "mixed"      // the item's own in the middle of five irrelevant ones
	Irrelevant Setting = "irrelevant" // the five irrelevant ones alone
)

// Settings lists the settings in the order tables show them.
func Settings() []Setting { return []Setting{None, Relevant, Mixed, Irrelevant} }

// ParseSetting reads a setting's name.
func ParseSetting(s string) (Setting, error) { return named("setting", s, Settings()) }

// Judged says whether a judge rates responses under the setting: Alignment
// Failure is defined only where the item's own preference is stated.
func (s Setting) Judged() bool { return s == Relevant || s == Mixed }

// NIrrelevant is the number of irrelevant preferences a prompt states.
const NIrrelevant = 5

// Stated gives the preferences that the setting states to the model, in
// order, for an item's own preference and the run's irrelevant ones.
func (s Setting) Stated(own string, irrelevant []string) []string {
	switch s {
	case Relevant:
		return []string{own}
	case Mixed:
		middle := (len(irrelevant) + 1) / 2
		return slices.Insert(slices.Clone(irrelevant), middle, own)
	case Irrelevant:
		return slices.Clone(irrelevant)
	default:
		return nil
	}
}

func named[T ~string](kind, s string, known []T) (T, error) {
	if i := slices.Index(known, T(strings.TrimSpace(s))); i >= 0 {
		return known[i], nil
	}
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = string(k)
	}
	return "", fmt.Errorf("unknown %s %q; there are: %s", kind, s, strings.Join(names, ", "))
}
