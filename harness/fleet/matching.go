package fleet

import (
	"path"
	"slices"
	"strings"

	"perg/models"
)

// patterns are the characters that make a name one.
const patterns = "*?["

// Patterned says whether one of some names is a pattern, for which more may be
// installed by now.
func Patterned(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.ContainsAny(name, patterns) })
}

// Matching are some names, with the installed models that match in the place of
// a pattern such as "llama3.1:8b-*", whose * stands for anything but a slash;
// case does not count. A pattern that nothing matches stays.
func Matching(names []string, catalogue []models.Installed) (all []string) {
	for _, name := range names {
		matched := []string{name}
		if strings.ContainsAny(name, patterns) {
			if found := matches(name, catalogue); len(found) > 0 {
				matched = found
			}
		}
		for _, m := range matched {
			if len(matched) == 1 || !slices.Contains(all, m) {
				all = append(all, m)
			}
		}
	}
	return all
}

func matches(pattern string, catalogue []models.Installed) (found []string) {
	for _, m := range models.Candidates(catalogue) {
		if ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(m.Name)); err == nil && ok {
			found = append(found, m.Name)
		}
	}
	return found
}
