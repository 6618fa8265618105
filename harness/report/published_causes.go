package report

import (
	"fmt"
	"slices"

	"perg/harness/prompt"
	"perg/harness/rundir"
)

// Mark is what stands behind a published value that cannot be compared.
func (c Cause) Mark() string {
	return map[Cause]string{OtherShuffle: "?", RepeatsRelevant: "=", RatingsMissing: "~"}[c]
}

// OfThePaper says whether the published value is at fault.
func (c Cause) OfThePaper() bool { return c == OtherShuffle || c == RepeatsRelevant }

// about is the cause in words.
func (c Cause) about() string {
	return map[Cause]string{
		OtherShuffle: "the paper chose its items and counted its letters by the right letters of another order of the options: " +
			"none of the four metrics there, nor of the rows over all that have them, can be compared",
		RepeatsRelevant: "the paper's aligner was given the item's own preference alone in every setting: the row is that of relevant again, " +
			"and this run's aligner was given all that are stated; --prompts paper does as the paper did",
		RatingsMissing: "ratings are missing in this run: one that cannot be read is left out here, and counts as not followed in the paper",
	}[c]
}

// sayCauses notes what the marks mean that are there, and how the two ways to ask
// and to count differ everywhere.
func (c *Comparison) sayCauses() {
	if len(c.Rows) == 0 {
		return
	}
	for _, cause := range []Cause{OtherShuffle, RepeatsRelevant, RatingsMissing} {
		if slices.ContainsFunc(c.Rows, func(b Beside) bool { return b.Cause == cause }) {
			c.Notes = append(c.Notes, fmt.Sprintf("marked %s: %s", cause.Mark(), cause.about()))
		}
	}
	c.Notes = append(c.Notes, "prompts: "+asked(c.Prompts),
		"the paper counts a rating that cannot be read as not followed, and does not say how many there were: its Alignment Failure and Robustness Error are higher by so much")
}

// asked says of a set of prompts how it differs from the paper's.
func asked(prompts string) string {
	switch prompts {
	case "":
		return "not known, or those of an earlier perg, which reminded the model to stay correct wherever it stated a preference"
	case prompt.Paper:
		return "the paper's in substance; its examples of icl and its 500 tokens for cot are yours to give, --icl and --num-predict"
	case rundir.Config{}.PromptSet():
		return "perg's own, which ask for the letter of an option (fewer unreadable answers, less Breakage), to leave preferences aside that are not relevant " +
			"(less Breakage in irrelevant), and a judge to rate the response alone (another Alignment Failure); --prompts paper asks as the paper did"
	default:
		return prompts
	}
}
