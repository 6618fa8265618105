package page

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rename gives the variants of a run other names, those for which name has one.
func (r *Run) Rename(name map[string]string) {
	change := func(variant *string) {
		if other, ok := name[*variant]; ok {
			*variant = other
		}
	}
	// What is shared with the caller stays as it is.
	r.Variants, r.Loads, r.Metrics = slices.Clone(r.Variants), slices.Clone(r.Loads), slices.Clone(r.Metrics)
	r.Published.Rows, r.Improvements = slices.Clone(r.Published.Rows), slices.Clone(r.Improvements)
	r.Breakages, r.Examples, r.Types = slices.Clone(r.Breakages), slices.Clone(r.Examples), slices.Clone(r.Types)
	for i := range r.Variants {
		change(&r.Variants[i].Name)
		change(&r.Variants[i].Series)
	}
	for i := range r.Loads {
		change(&r.Loads[i].Variant)
	}
	for i := range r.Metrics {
		change(&r.Metrics[i].Variant)
	}
	for i := range r.Published.Rows {
		change(&r.Published.Rows[i].Variant)
	}
	for i := range r.Improvements {
		change(&r.Improvements[i].Variant)
	}
	for i := range r.Breakages {
		change(&r.Breakages[i].Variant)
	}
	for i := range r.Examples {
		change(&r.Examples[i].Variant)
	}
	for i := range r.Types {
		change(&r.Types[i].Variant)
	}
}

// Join is a page of several runs, whose variants have names of their own (Rename).
// What belongs to one run names it; the recommendation is the caller's.
func Join(runs []Run) Run {
	var all Run
	all.Views = make(map[string]string)
	var names, states, data, prompts []string
	seen := make(map[string]bool)
	for _, r := range runs {
		names = append(names, r.Name)
		states = append(states, r.State)
		data = append(data, fmt.Sprintf("%s of %s", plural(r.Items, "item", "items"), r.Dataset))
		prompts = append(prompts, r.Published.Prompts)
		all.Variants = append(all.Variants, r.Variants...)
		all.Viewer = r.Viewer
		maps.Copy(all.Views, r.Views)
		all.Loads = append(all.Loads, r.Loads...)
		all.Metrics = append(all.Metrics, r.Metrics...)
		all.Improvements = append(all.Improvements, r.Improvements...)
		all.Breakages = append(all.Breakages, r.Breakages...)
		for _, e := range r.Examples {
			if !seen[e.ID] {
				all.Examples = append(all.Examples, e)
			}
		}
		for _, e := range r.Examples {
			seen[e.ID] = true
		}
		all.Types = append(all.Types, r.Types...)
		all.Published.Rows = append(all.Published.Rows, r.Published.Rows...)
		for _, note := range r.Published.Notes {
			if !slices.Contains(all.Published.Notes, note) {
				all.Published.Notes = append(all.Published.Notes, note)
			}
		}
		for _, f := range r.Facts {
			all.Facts = append(all.Facts, Fact{r.Name + ": " + f.Name, f.Value})
		}
		for _, c := range r.Caveats {
			all.Caveats = append(all.Caveats, r.Name+": "+strings.TrimPrefix(c, "caveat: "))
		}
		for _, g := range r.GPUs {
			g.Name += ", " + r.Name
			all.GPUs = append(all.GPUs, g)
		}
		if all.StartedAt.IsZero() || !r.StartedAt.IsZero() && r.StartedAt.Before(all.StartedAt) {
			all.StartedAt = r.StartedAt
		}
	}
	all.Name, all.State, all.On = strings.Join(names, ", "), once(states), once(data)
	all.Published.Prompts = once(prompts)
	return all
}

// once lists texts, each once.
func once(all []string) string {
	var some []string
	for _, s := range all {
		if s != "" && !slices.Contains(some, s) {
			some = append(some, s)
		}
	}
	return strings.Join(some, ", ")
}
