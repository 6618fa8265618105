package models

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/template"
)

// Thinks is how a model can be brought to think before it answers, or not to.
type Thinks string

// The ways.
const (
	ThinksNot     Thinks = ""        // it has no such capability
	ThinksAsked   Thinks = "asked"   // where it is asked to
	ThinksByLevel Thinks = "levels"  // always, as much as a level says: gpt-oss
	ThinksAlways  Thinks = "always"  // whatever it is asked
	ThinksAloud   Thinks = "in text" // always, and the server takes its thoughts for a part of its answer
)

// A Thinker is what a server shows of a model's thinking.
type Thinker struct {
	Thinks Thinks
	// Levels are those that change its prompt, as far as that can be seen; others
	// are the same as being asked to think.
	Levels []Level
	// prompts are those of Sample by way of thinking, where they can be seen: by
	// level, "on" and "off".
	prompts map[Level]string
	// Unseen says that its prompts cannot be seen before it is loaded: a level may
	// change them.
	Unseen bool
}

// A Level is how much a model is asked to think.
type Level string

// The levels. With a format a model that cannot be kept from thinking takes no
// false: from v0.31.2 on its answer lands in a header that is no content
// (harmony's parser).
const (
	LevelLow    Level = "low"
	LevelMedium Level = "medium"
	LevelHigh   Level = "high"
	LevelMax    Level = "max"
)

// ThinkingLevels lists the levels, the least first.
func ThinkingLevels() []Level { return []Level{LevelLow, LevelMedium, LevelHigh, LevelMax} }

// levelled are the levels that renderers of Ollama put into words (v0.34,
// model/renderers); to others each is as good as true.
var levelled = map[string][]Level{
	"qwen3.8":           {LevelLow, LevelMedium, LevelHigh}, // and max, which is high
	"nemotron-3.5-nano": {LevelMedium},
	"glimmer":           {LevelLow, LevelMedium, LevelHigh, LevelMax},
}

// unasked are the renderers that think whatever they are asked (the same place).
var unasked = []string{"olmo3-think", "olmo3-32b-think", "lfm2-thinking"}

// aloud are the names of models that were trained to think and for which servers
// have no switch: what they are made from, or for.
var aloud = regexp.MustCompile(`(?i)r1-distill|deepseek-r1|reasoning|thinking|qwq|exaone-deep|marco-o1|openthinker|cogito.*think|olmo.*think|-think\b`)

// thinkerOf reads how a model thinks off what a server shows of it. names are
// those by which it may be known.
func thinkerOf(show api.ShowResponse, names ...string) Thinker {
	can := false
	for _, c := range show.Capabilities {
		can = can || c == "thinking"
	}
	for _, key := range []string{"general.basename", "general.finetune"} {
		name, _ := show.ModelInfo[key].(string)
		names = append(names, name)
	}
	family, _ := show.ModelInfo["general.architecture"].(string)
	opens, _ := asksToThink(show.Template, nil)
	switch {
	case !can && (slices.ContainsFunc(names, aloud.MatchString) || opensThought(opens)):
		return Thinker{Thinks: ThinksAloud}
	case !can:
		return Thinker{}
	case show.Parser == "harmony", family == "gptoss", family == "gpt-oss":
		t := Thinker{Thinks: ThinksByLevel, prompts: make(map[Level]string)}
		for _, l := range []Level{LevelLow, LevelMedium, LevelHigh} { // max is high there
			t.Levels = append(t.Levels, l)
			if with, ok := asksToThink(show.Template, &api.ThinkValue{Value: string(l)}); ok && !passesOn(show.Template) {
				t.prompts[l] = with
			}
		}
		return t
	case slices.Contains(unasked, show.Renderer):
		return Thinker{Thinks: ThinksAlways}
	case show.Renderer != "":
		return Thinker{Thinks: ThinksAsked, Levels: levelled[show.Renderer]}
	case passesOn(show.Template):
		return Thinker{Thinks: ThinksAsked, Unseen: true}
	}
	on, fine := asksToThink(show.Template, &api.ThinkValue{Value: true})
	off, too := asksToThink(show.Template, &api.ThinkValue{Value: false})
	if !fine || !too {
		return Thinker{Thinks: ThinksAsked, Unseen: true}
	}
	t := Thinker{Thinks: ThinksAsked, prompts: map[Level]string{thinkOn: on, thinkOff: off}}
	if on == off {
		t.Thinks = ThinksAlways
	}
	seen := []string{on}
	for _, l := range ThinkingLevels() {
		if with, ok := asksToThink(show.Template, &api.ThinkValue{Value: string(l)}); ok && !slices.Contains(seen, with) {
			seen, t.Levels = append(seen, with), append(t.Levels, l)
			t.prompts[l] = with
		}
	}
	return t
}

// The keys of prompts beside the levels.
const thinkOn, thinkOff Level = "on", "off"

// Lines are what a way of thinking puts into a prompt that the others have not: off,
// a level, or on; nil where that cannot be seen, and empty where it puts none.
func (t Thinker) Lines(off bool, l Level) []string {
	switch {
	case off:
		l = thinkOff
	case l == "":
		l = thinkOn
	}
	with, ok := t.prompts[l]
	if !ok {
		return nil
	}
	for _, other := range []Level{thinkOff, thinkOn, LevelMedium, LevelLow} {
		if without, ok := t.prompts[other]; ok && other != l {
			return ThinksBy(with, without)
		}
	}
	return nil
}

// asksToThink is what a template makes of a sample that is asked with a way of
// thinking, as servers fill it in; false where it takes none.
func asksToThink(text string, think *api.ThinkValue) (string, bool) {
	t, err := template.Parse(text)
	if err != nil {
		return "", false
	}
	v := template.Values{Messages: []api.Message{{Role: "system", Content: sampleSystem}, {Role: "user", Content: sampleUser}}}
	if think != nil {
		// The module's ThinkValue does not take max for true.
		v.Think, v.ThinkLevel, v.IsThinkSet = think.Bool() || think.IsString(), think.String(), true
	}
	var b strings.Builder
	err = t.Execute(&b, v)
	return b.String(), err == nil
}

// ThinksBy is what asks for a way of thinking changes in a prompt: the lines of one
// rendering of Sample that another has not.
func ThinksBy(with, without string) []string {
	have, lines := strings.Split(without, "\n"), []string{}
	for line := range strings.SplitSeq(with, "\n") {
		if !slices.Contains(have, line) && strings.TrimSpace(line) != "" {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}
