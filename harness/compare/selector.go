// Package compare holds cells of runs against each other, paired by item: which
// cells are meant, which belong together, and how they differ. It returns
// values; reading runs and showing results are others'.
package compare

import (
	"fmt"
	"slices"
	"strings"

	"perg/harness/metrics"
	"perg/harness/prompt"
)

// A Selector says which cells of a run are meant; an empty field means any.
type Selector struct {
	Variant string // a label
	Method  prompt.Method
	Setting prompt.Setting
}

// Cut parts text, RUN,PART,...: the longest beginning that isRun knows is
// the run, because a directory's name may hold commas. Where none is, run is
// empty and all of text are parts.
func Cut(text string, isRun func(string) bool) (run string, parts []string) {
	all := strings.Split(text, ",")
	for n := len(all); n > 0; n-- {
		if run = strings.Join(all[:n], ","); run != "" && isRun(run) {
			return run, all[n:]
		}
	}
	return "", all
}

// Select reads parts, each the name of a method, a setting or a variant of
// the run whose cells are given. A variant may be written without ":latest",
// or as a piece of its name that no other has. Errors list what there is.
func Select(parts []string, cells []*metrics.Cell) (Selector, error) {
	var s Selector
	labels, methods, settings := names(cells)
	for _, part := range parts {
		part = strings.TrimSpace(part)
		method, setting := prompt.Method(part), prompt.Setting(part)
		switch {
		case part == "":
			return s, fmt.Errorf("an empty part: there are %s", there(labels, methods, settings))
		case slices.Contains(prompt.Methods(), method):
			if !slices.Contains(methods, method) {
				return s, fmt.Errorf("no method %s: there are %s", part, listed(methods))
			}
			if s.Method != "" {
				return s, fmt.Errorf("two methods, %s and %s: name one", s.Method, part)
			}
			s.Method = method
		case slices.Contains(prompt.Settings(), setting):
			if !slices.Contains(settings, setting) {
				return s, fmt.Errorf("no setting %s: there are %s", part, listed(settings))
			}
			if s.Setting != "" {
				return s, fmt.Errorf("two settings, %s and %s: name one", s.Setting, part)
			}
			s.Setting = setting
		default:
			found := variants(part, labels)
			switch {
			case len(found) == 0:
				return s, fmt.Errorf("no method, setting or variant %q: there are %s", part, there(labels, methods, settings))
			case len(found) > 1:
				return s, fmt.Errorf("%q could be %s: write more of its name", part, strings.Join(found, " or "))
			case s.Variant != "":
				return s, fmt.Errorf("two variants, %s and %s: name one", s.Variant, found[0])
			}
			s.Variant = found[0]
		}
	}
	return s, nil
}

// variants are the labels that a part may mean, by the first reading of it
// that finds any.
func variants(part string, labels []string) []string {
	short := func(label string) string { return strings.Replace(label, ":latest", "", 1) }
	for _, reads := range []func(label string) bool{
		func(label string) bool { return label == part },
		func(label string) bool { return short(label) == short(part) },
		func(label string) bool { return strings.Contains(label, part) },
	} {
		var found []string
		for _, label := range labels {
			if reads(label) {
				found = append(found, label)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// names are those of the cells, each once.
func names(cells []*metrics.Cell) (labels []string, methods []prompt.Method, settings []prompt.Setting) {
	for _, c := range cells {
		labels, methods, settings = add(labels, c.Variant), add(methods, c.Method), add(settings, c.Setting)
	}
	return labels, methods, settings
}

func there(labels []string, methods []prompt.Method, settings []prompt.Setting) string {
	return listed(labels) + "; " + listed(methods) + "; " + listed(settings)
}

func listed[T ~string](all []T) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

func add[T comparable](all []T, v T) []T {
	if slices.Contains(all, v) {
		return all
	}
	return append(all, v)
}
