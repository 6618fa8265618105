package judge

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Party is a model that answers or that rates.
type Party struct {
	Name   string // as Ollama has it
	Digest string // "": not known
	Family string // the architecture, as Ollama has it; "": not known
}

// Partial says of which candidates the judges may be partial: models are known to
// rate their own answers higher, and those that are written like them.
func Partial(judges, candidates []Party) []string {
	var all []string
	for _, j := range judges {
		var itself bool
		var kin []string
		for _, c := range candidates {
			switch {
			case j.Name == c.Name || j.Digest != "" && j.Digest == c.Digest:
				itself = true
			case j.kin(c) && !slices.Contains(kin, c.Name):
				kin = append(kin, c.Name)
			}
		}
		if itself {
			all = append(all, fmt.Sprintf("judge %s rates its own answers, which models rate higher than others': let another model judge", j.Name))
		}
		if len(kin) > 0 {
			all = append(all, fmt.Sprintf("judge %s is of the family of %s, whose answers it may rate higher: let a model of another family judge too", j.Name, strings.Join(kin, ", ")))
		}
	}
	return all
}

// kin says whether two models come from one maker's line. Many makers use the
// architecture llama, so that it alone says nothing.
func (p Party) kin(o Party) bool {
	return p.Family != "" && p.Family != "llama" && p.Family == o.Family || p.line() != "" && p.line() == o.line()
}

// lines are the makers' lines by what stands in a model's name; the first that
// is found is its.
var lines = []struct {
	name string
	in   *regexp.Regexp
}{
	{"deepseek", regexp.MustCompile(`deepseek`)},
	{"llama", regexp.MustCompile(`(^|[^a-z])(meta-)?(code)?llama`)},
	{"mistral", regexp.MustCompile(`mi(ni|ni-)?stral|mixtral|codestral|devstral|(^|[^a-z])janus`)},
	{"qwen", regexp.MustCompile(`qwen|(^|[^a-z])qwq`)},
	{"gemma", regexp.MustCompile(`gemma`)},
	{"phi", regexp.MustCompile(`(^|[^a-z])phi-?\d`)},
	{"granite", regexp.MustCompile(`granite`)},
	{"command", regexp.MustCompile(`(^|[^a-z])command-?r|(^|[^a-z])aya`)},
	{"gpt", regexp.MustCompile(`(^|[^a-z])gpt-?oss`)},
}

func (p Party) line() string {
	name := strings.ToLower(p.Name)
	name = name[strings.LastIndexByte(name, '/')+1:]
	for _, l := range lines {
		if l.in.MatchString(name) {
			return l.name
		}
	}
	return ""
}

// Scores counts ratings by score, from 1 at 0 to 5 at 4.
type Scores [5]int

// enoughScores are those of which a score that one rating in thirty has would
// hardly be missing: 0.97 to the power of 100 is 5 %.
const enoughScores = 100

// OneSided says of a judge that has rated enough that one half of the scale, on
// either side of the middle, is not among its ratings; "" where that is not so.
func (s Scores) OneSided(name string) string {
	n := 0
	for _, count := range s {
		n += count
	}
	if n < enoughScores {
		return ""
	}
	switch low, high := s[0]+s[1], s[3]+s[4]; {
	case low == 0 && high == 0:
		return fmt.Sprintf("judge %s gave 3 in all of its %d ratings: it tells nothing apart", name, n)
	case low == 0:
		return fmt.Sprintf("judge %s has never given 1 or 2 in %d ratings: it may take every response for one that follows; rate some by hand, 'perg judge sample'", name, n)
	case high == 0:
		return fmt.Sprintf("judge %s has never given 4 or 5 in %d ratings: it may take no response for one that follows; rate some by hand, 'perg judge sample'", name, n)
	}
	return ""
}
