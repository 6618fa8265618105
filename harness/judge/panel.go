package judge

import (
	"fmt"
	"slices"
	"strings"
)

// A Rule says how the scores of several judges become one verdict. With one
// judge the rules agree.
type Rule string

// The rules.
const (
	Majority Rule = "majority" // more than half say followed; a tie goes by the mean
	Mean     Rule = "mean"     // the mean score is at least FollowedFrom
)

// Rules lists the rules.
func Rules() []Rule { return []Rule{Majority, Mean} }

// ParseRule reads a rule's name.
func ParseRule(s string) (Rule, error) {
	r := Rule(strings.TrimSpace(s))
	if !slices.Contains(Rules(), r) {
		return "", fmt.Errorf("unknown rule %q; there are: %s, %s", s, Majority, Mean)
	}
	return r, nil
}

// Followed says whether the judges together find the preference followed.
// scores are those that could be read, at least one, each 1 to 5: a judge whose
// rating cannot be read has no vote.
func Followed(rule Rule, scores []int) bool {
	sum, yes := 0, 0
	for _, s := range scores {
		sum += s
		if (Rating{Score: s}).Followed() {
			yes++
		}
	}
	if rule != Mean && 2*yes != len(scores) {
		return 2*yes > len(scores)
	}
	return sum >= FollowedFrom*len(scores)
}
