package task

import (
	"fmt"
	"slices"
	"strings"

	"perg/models"
)

// Brings are what the models of a roster bring themselves, for a plan: each model's
// PARAMETER, SYSTEM and MESSAGE, with those marked that act in calls of a temperature
// since no call sets them, and what its way of thinking puts into its prompts.
func (r Roster) Brings(temperature float64) []string {
	var all, named, unseen []string
	for _, v := range r.Loaded() {
		switch lines := v.ThinkLines(); {
		case len(lines) > 0:
			all = append(all, fmt.Sprintf("%s has in its prompts, by its way of thinking: %q", v.Label, lines))
		case lines == nil && v.Way() != "":
			unseen = append(unseen, v.Name)
		}
		if slices.Contains(named, v.Name) {
			continue
		}
		named = append(named, v.Name)
		if parts := brings(v.Own, temperature); len(parts) > 0 {
			all = append(all, v.Name+" brings "+strings.Join(parts, "; "))
		}
	}
	if len(unseen) > 0 {
		all = append(all, "not seen before it is loaded: what a way of thinking puts into the prompts of "+Some(unseen)+"; run.json has it then")
	}
	return all
}

// Some lists names, each once, and counts those that are too many for a line.
func Some(names []string) string {
	const most = 4
	var all []string
	for _, name := range names {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	if len(all) > most {
		all = append(all[:most-1], fmt.Sprintf("%d others", len(all)-most+1))
	}
	if last := len(all) - 1; last > 0 {
		return strings.Join(all[:last], ", ") + " and " + all[last]
	}
	return strings.Join(all, "")
}

func brings(o models.Own, temperature float64) (parts []string) {
	acting := o.Acting(temperature)
	for _, p := range o.Parameters {
		mark := ""
		if slices.Contains(acting, p) {
			mark = " (acts)"
		}
		parts = append(parts, "PARAMETER "+p+mark)
	}
	if o.System != "" {
		parts = append(parts, fmt.Sprintf("SYSTEM %q (acts where a call has no system text)", o.System))
	}
	for _, m := range o.Messages {
		parts = append(parts, fmt.Sprintf("MESSAGE %q (acts: before each call's)", m))
	}
	return parts
}

// messagesActing warns of models that put messages of their own before every call.
func (r Roster) messagesActing() []string {
	var all []string
	for _, v := range r.Loaded() {
		text := fmt.Sprintf("%s puts %d messages of its own (MESSAGE) before those of every call: its answers are to those, too", v.Name, len(v.Own.Messages))
		if len(v.Own.Messages) > 0 && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// ThinkLines are what the variant's way of thinking puts into its prompts, as far as
// that can be seen before it is loaded.
func (v *Variant) ThinkLines() []string {
	if v.Way() == "" {
		return nil
	}
	return v.Thinker.Lines(v.Way() == ThinkOff, v.Level)
}
