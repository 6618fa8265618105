package task

import (
	"fmt"
	"slices"
	"strings"

	"perg/models"
)

// Thinking says how a model that can think is asked to: its name stands in the
// variant's label.
type Thinking string

// The ways, beside the levels.
const (
	ThinkOn  Thinking = "on"
	ThinkOff Thinking = "off"
)

// Ways lists the ways.
func Ways() []Thinking {
	all := []Thinking{ThinkOn, ThinkOff}
	for _, l := range models.ThinkingLevels() {
		all = append(all, Thinking(l))
	}
	return all
}

// label is what sets a variant that is asked so apart.
func (t Thinking) label() string { return "@think-" + string(t) }

// SplitWay takes a way of thinking off the name of a model: "qwen3:8b@think-on".
// It is "" where the name has none.
func SplitWay(name string) (model string, way Thinking, err error) {
	model, said, ok := strings.Cut(name, "@think-")
	if !ok {
		return name, "", nil
	}
	if way = Thinking(said); slices.Contains(Ways(), way) {
		return model, way, nil
	}
	return name, "", fmt.Errorf("%s: think %q; there are: %s", name, said, InWords(Ways()))
}

// InWords lists names.
func InWords[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, t := range all {
		words[i] = string(t)
	}
	return strings.Join(words, ", ")
}

// Thinks says whether a variant thinks before it answers.
func (v *Variant) Thinks() bool {
	return v.Level != "" || v.Think != nil && *v.Think || v.Thinker.Thinks == models.ThinksAloud
}

// MayDropSchemas says whether a version of Ollama is known to drop the schema of
// the answers of some models like this one: those that are told not to think.
func (v *Variant) MayDropSchemas(version string) bool {
	drops := func(h models.Harm) bool { return h.Use == models.UseSchemas }
	return v.Think != nil && !v.Thinks() && slices.ContainsFunc(models.Harms(version), drops)
}

// Variants are those that a model makes: with each of some ways of thinking that it
// and a version of Ollama take ("": not known, and taken to be the newest), and each
// of those with each KV-cache type. Where none is named, the only one has the type
// given as the server's. say is told of ways that it does not take; the error is that
// it takes none of them.
func (v Variant) Variants(ways []Thinking, version string, caches []models.KVType, servers models.KVType, say func(string)) ([]*Variant, error) {
	asked, notes := v.asked(ways, version)
	if len(asked) == 0 {
		return nil, fmt.Errorf("%s takes none of think %s: it %s", v.Name, InWords(ways), strings.Join(notes, "; it "))
	}
	for _, n := range notes {
		say(v.Name + " " + n)
	}
	var all []*Variant
	for _, with := range asked {
		all = append(all, with.withCaches(caches, servers)...)
	}
	return all, nil
}

// asked are the variants of a model by the ways in which it is asked to think, each
// once, and what is to be said of the others.
func (v Variant) asked(ways []Thinking, version string) (all []Variant, notes []string) {
	switch v.Thinker.Thinks {
	case models.ThinksNot:
		return []Variant{v}, nil
	case models.ThinksAloud:
		return []Variant{v}, []string{"thinks before it answers and cannot be asked not to: its thoughts are told from its answers by their marks"}
	}
	for _, way := range ways {
		with, note := v.by(way, version)
		if note != "" {
			notes = append(notes, note)
		}
		if with.Think != nil && !slices.ContainsFunc(all, func(o Variant) bool { return o.Label == with.Label }) {
			all = append(all, with)
		}
	}
	return all, notes
}

// by is the variant that is asked to think in a way, and what is to be said of it;
// it has no Think where the model, or a version of Ollama, does not take that.
func (v Variant) by(way Thinking, version string) (with Variant, note string) {
	thinks, level := v.Thinker.Thinks, models.Level(way)
	switch {
	case thinks == models.ThinksByLevel && way == ThinkOff:
		return v, "cannot be kept from thinking: it has no variant with thinking off"
	case thinks == models.ThinksByLevel && way == ThinkOn:
		return v.asking(Thinking(models.LevelMedium), models.LevelMedium), "has levels of thinking in the place of on: it is asked with medium, its own"
	case thinks == models.ThinksByLevel && level == models.LevelMax:
		return v, "takes max for high: it has no variant with max"
	case thinks == models.ThinksAlways && way != ThinkOn:
		return v.asking(ThinkOn, ""), fmt.Sprintf("thinks whatever it is asked: %s is the same as on", way)
	case way == ThinkOn, way == ThinkOff:
		return v.asking(way, ""), ""
	case !models.TakesLevel(version, thinks, level):
		return v, fmt.Sprintf("takes no level %s from Ollama %s", level, version)
	case thinks == models.ThinksAsked && !v.Thinker.Unseen && !slices.Contains(v.Thinker.Levels, level):
		return v, fmt.Sprintf("is given the same prompt with level %s as with on, or with a lower level: it has no variant with %[1]s", level)
	default:
		return v.asking(way, level), ""
	}
}

func (v Variant) asking(way Thinking, level models.Level) Variant {
	v.Think, v.Level = new(way != ThinkOff), level
	v.Label += way.label()
	return v
}

// Scoring is a model as it reads and rates: as it is named with a way of thinking,
// or, where that is "", without a thought, or with as little as it can.
func (v Variant) Scoring(way Thinking, version string) (Variant, error) {
	if way != "" {
		with, notes := v.asked([]Thinking{way}, version)
		if len(with) == 0 || v.Thinker.Thinks == models.ThinksNot {
			return v, fmt.Errorf("%s takes no think %s: it %s", v.Name, way, strings.Join(append(notes, "cannot think")[:1], ""))
		}
		return with[0], nil
	}
	switch v.Thinker.Thinks {
	case models.ThinksAsked:
		v.Think = new(false)
	case models.ThinksAlways:
		v.Think = new(true)
	case models.ThinksByLevel:
		v.Think, v.Level = new(true), models.LevelLow
	}
	return v, nil
}

// otherWay is a way of thinking that the variant's is told from.
func (v *Variant) otherWay() (think *bool, level models.Level) {
	switch {
	case v.Thinker.Thinks == models.ThinksByLevel && v.Level == models.LevelLow:
		return nil, models.LevelHigh
	case v.Thinker.Thinks == models.ThinksByLevel:
		return nil, models.LevelLow
	default:
		return new(v.Way() == ThinkOff), ""
	}
}

// Way is how the variant is asked to think; "" where it is not.
func (v *Variant) Way() Thinking {
	switch {
	case v.Level != "":
		return Thinking(v.Level)
	case v.Think == nil:
		return ""
	case *v.Think:
		return ThinkOn
	default:
		return ThinkOff
	}
}
