package web

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"perg/data"
	"perg/harness/explore"
	"perg/harness/extract"
	"perg/harness/printable"
	"perg/harness/prompt"
	"perg/harness/results"
)

// A term is a word of the benchmark as a newcomer is told it.
type term struct {
	Label string
	Means string
	Class string // of its colour
	Sign  string // what stands for the colour where there is none
}

var facets = map[explore.Facet]term{
	explore.ByOutcome:        {Label: "Outcome", Means: "What became of the answer once a preference was stated"},
	explore.ByFollowed:       {Label: "Preference followed", Means: "Whether the judge finds the preference followed: a score of 3 or more of 5"},
	explore.ByRobust:         {Label: "Right and as asked", Means: "Of answers that are right without a preference: whether they stay right and follow it. No is what the Robustness Error counts"},
	explore.ByChosen:         {Label: "Letter", Means: "The option that is read from the response"},
	explore.ByRight:          {Label: "Right, of the two", Means: "Which of this answer and the one beside it is right"},
	explore.ByBreaks:         {Label: "Breaks, of the two", Means: "Which of the two breaks, of questions that both have right without a preference"},
	explore.ByLetter:         {Label: "Letters of the two", Means: "Whether this answer and the one beside it choose the same letter"},
	explore.ByJudges:         {Label: "Judges", Means: "Whether several judges agree that the preference is followed"},
	explore.ByReader:         {Label: "Letter read by", Means: "What read the letter in the response: a rule, or another model"},
	explore.ByRating:         {Label: "Your rating", Means: "What you rated from 1 to 5"},
	explore.ByThumb:          {Label: "Your thumb", Means: "What you gave a thumb"},
	explore.ByNote:           {Label: "Your note", Means: "Whether you wrote a note"},
	explore.ByControl:        {Label: "Asked", Means: "For the first time, or once more without a preference, to see what changes by itself"},
	explore.BySetting:        {Label: "Setting", Means: "Which preferences the model was told of"},
	explore.ByPreferenceType: {Label: "Kind of preference", Means: "What the question's own preference is about"},
	explore.ByVariant:        {Label: "Variant", Means: "A model at one quantization"},
	explore.ByMethod:         {Label: "Method", Means: "How the model was prompted"},
	explore.BySource:         {Label: "Source", Means: "The dataset that the question is from"},
	explore.ByCategory:       {Label: "Category", Means: "The question's subject"},
}

var columns = map[explore.Column]term{
	explore.SortOutcome:  {Label: "outcome", Means: "From broken to error"},
	explore.SortPlain:    {Label: "letter without a preference"},
	explore.SortAnswer:   {Label: "letter"},
	explore.SortScore:    {Label: "judge's score"},
	explore.SortRating:   {Label: "your rating"},
	explore.SortVariant:  {Label: "variant"},
	explore.SortSetting:  {Label: "setting"},
	explore.SortMethod:   {Label: "method"},
	explore.SortRepeat:   {Label: "repeat"},
	explore.SortQuestion: {Label: "question"},
	explore.SortType:     {Label: "kind of preference"},
	explore.SortReader:   {Label: "letter read by"},
	explore.SortSource:   {Label: "source"},
	explore.SortCategory: {Label: "category"},
}

// methods are the terms of the methods, by their names.
func methods() map[string]term {
	all := make(map[string]term)
	for _, m := range prompt.Methods() {
		all[string(m)] = term{Label: string(m), Means: m.About()}
	}
	return all
}

var values = map[explore.Facet]map[string]term{
	explore.ByOutcome: {
		"broken":      {"broken", "Right without a preference, wrong with it", "bad", "✗"},
		"kept":        {"kept", "Right without a preference, and right with it", "good", "✓"},
		"mended":      {"mended", "Wrong without a preference, right with it", "fair", "↑"},
		"wrong-twice": {"wrong twice", "Wrong without a preference, and wrong with it", "dull", "–"},
		"null-broken": {"null, broken", "Right without a preference, wrong when asked the same again: no preference did that", "fair", "✗"},
		"null-kept":   {"null, kept", "Right without a preference, and right when asked the same again", "dull", "✓"},
		"plain-right": {"plain, right", "No preference was stated, and the answer is right", "good", "✓"},
		"plain-wrong": {"plain, wrong", "No preference was stated, and the answer is wrong", "dull", "–"},
		"unscored":    {"unscored", "A judge should have rated it, and no rating can be read", "odd", "?"},
		"error":       {"error", "There is no response: a call failed, this one or the one without a preference", "odd", "!"},
	},
	explore.ByFollowed: {
		"yes": {"followed", "The judge's score is 3 or more", "good", "✓"},
		"no":  {"not followed", "The judge's score is below 3", "bad", "✗"},
	},
	explore.ByRobust: {
		"yes": {"both", "Right, and the judge finds the preference followed", "good", "✓"},
		"no":  {"not both", "Wrong, or the judge finds the preference not followed", "bad", "✗"},
	},
	explore.ByChosen: {explore.NoLetter: {Label: "none readable"}},
	explore.ByRight: {
		explore.Both: {Label: "both right"}, explore.Here: {Label: "this alone", Means: "This one is right, the one beside it is not"},
		explore.There: {Label: "the other alone", Means: "The one beside it is right, this one is not"}, explore.Neither: {Label: "neither"},
	},
	explore.ByBreaks: {
		explore.Both: {Label: "both break"}, explore.Here: {Label: "this alone", Means: "This one breaks, the one beside it does not"},
		explore.There: {Label: "the other alone", Means: "The one beside it breaks, this one does not"}, explore.Neither: {Label: "neither"},
	},
	explore.ByLetter: {explore.Same: {Label: "the same"}, explore.Other: {Label: "they differ"}},
	explore.ByJudges: {"agree": {Label: "agree"}, "disagree": {Label: "disagree", Means: "One finds the preference followed, another does not"}},
	explore.ByRating: {explore.Unmarked: {Label: "not rated"}},
	explore.ByThumb:  {"up": {Label: "up"}, "down": {Label: "down"}, explore.Unmarked: {Label: "none"}},
	explore.ByControl: {
		explore.AskedFirst: {Label: "for the first time"}, string(prompt.Again): {Label: "again, the same"}, string(prompt.Rotated): {Label: "again, options in another order"},
	},
	explore.ByNote: {"yes": {Label: "with a note"}, explore.Unmarked: {Label: "none"}},
	explore.BySetting: {
		string(prompt.None):       {Label: "none", Means: "No preference is stated: this answer is the baseline that others are compared with"},
		string(prompt.Relevant):   {Label: "relevant", Means: "One preference is stated, which fits the question"},
		string(prompt.Mixed):      {Label: "mixed", Means: "The fitting preference is stated among five that have nothing to do with the question"},
		string(prompt.Irrelevant): {Label: "irrelevant", Means: "Five preferences are stated that have nothing to do with the question"},
	},
	explore.ByMethod: methods(),
	explore.ByPreferenceType: {
		"clarity":  {Label: "clarity", Means: "Plain, short, without jargon, balanced"},
		"context":  {Label: "context", Means: "Background, culture, history, points of view"},
		"thinking": {Label: "thinking", Means: "Step by step, cause and effect, summary first"},
		"examples": {Label: "examples", Means: "Practical examples, real life, metaphors"},
		"creative": {Label: "creative", Means: "Creative, with feeling"},
	},
}

func valueTerm(f explore.Facet, value string) term {
	if t, ok := values[f][value]; ok {
		return t
	}
	if f == explore.ByReader {
		return term{Label: printable.Text(value), Means: rules[value]}
	}
	if value == "" {
		value = "(none)"
	}
	return term{Label: printable.Text(value)}
}

func outcomeTerm(o results.Outcome) term {
	return valueTerm(explore.ByOutcome, explore.OutcomeValue(o))
}

// rules say how a letter was found in a response.
var rules = map[string]string{
	extract.Boxed:         "it stands in \\boxed{}",
	extract.Stated:        "the text says so, as in “the answer is B”",
	extract.StatedText:    "the text says so in the option's own words",
	extract.LeadingLetter: "the text begins with the letter",
	extract.LeadingText:   "the text begins with the option's words",
	extract.ClosingLetter: "the last line is the letter",
	extract.Predicate:     "the letter follows “is”",
	extract.Hedged:        "the text says so, but not firmly",
	extract.OnlyNamed:     "no other option is named",
	extract.LastNamed:     "the conclusion names it",
	extract.OptionText:    "the first sentence says so in the option's own words",
	extract.FirstNamed:    "the first sentence names no other option",
	extract.Refuted:       "it is named after another view was refuted",
	extract.Eliminated:    "all other options are denied",
	extract.Conflict:      "the text states the letter of one option with the words of another",
	extract.FromModel:     "a second model read the text, as no rule could",
	data.FromLabel:        "it was imported with the answer, and nobody read the text here",
}

var functions = template.FuncMap{
	"number":   number,
	"print":    func(s any) string { return printable.Text(fmt.Sprint(s)) },
	"outcome":  outcomeTerm,
	"setting":  func(s prompt.Setting) term { return valueTerm(explore.BySetting, string(s)) },
	"method":   func(m prompt.Method) term { return valueTerm(explore.ByMethod, string(m)) },
	"duration": func(ns *int64) string { return orDash(ns, func(n int64) string { return duration(time.Duration(n)) }) },
	"count":    func(n *int64) string { return orDash(n, func(n int64) string { return humanize.Comma(n) }) },
	"bytes": func(n *int64) string {
		return orDash(n, func(n int64) string { return humanize.IBytes(uint64(max(n, 0))) })
	},
	"score":   func(s *float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", *s), ".0") },
	"upto":    numbers,
	"deref":   func(b *bool) bool { return *b },
	"deref32": func(n *int32) int { return int(*n) },
}

func orDash[T any](v *T, say func(T) string) string {
	if v == nil {
		return "–"
	}
	return say(*v)
}

func number(n int) string { return humanize.Comma(int64(n)) }

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

func duration(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
