package gguftest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The scripted models are chains with a behaviour worth testing against. All
// their templates put every message into the prompt, one line for its role and
// then its text. Where a schema asks for JSON, a model that answers puts its
// answer into every string.

// Answer is the sentence in which a scripted model names an option.
func Answer(letter string) string { return "The correct answer is " + letter + "." }

const (
	markPlain = "<|plain|>"
	markUnder = "<|under|>"
)

// turns renders the messages and remembers the last of the user.
const turns = `{{ $user := "" }}{{ range .Messages }}` +
	`{{ if eq .Role "user" }}{{ $user = .Content }}{{ end }}` +
	"{{ .Role }}:\n{{ .Content }}\n{{ end }}"

// longer is a template's condition on lengths in bytes, which ends the prompt
// in one marker or the other.
func longer(systemOver, userOver int) string {
	return fmt.Sprintf(`{{ if and (gt (len .System) %d) (gt (len $user) %d) }}%s{{ else }}%s{{ end }}`,
		systemOver, userOver, markUnder, markPlain)
}

// The openings of the JSON objects that the scripted models write in one
// token; any other object they spell out.
const (
	openExplanation = `{"explanation":"`
	thenScore       = `","score":`
	openAnswer      = `{"answer":"`
	openCritic      = `{"critic":"`
	openResponse    = `{"response":"`
	thenResponse    = `","response":"`
	thenThoughts    = `","thoughts":"`
)

// Steady always answers with one letter and stops.
func Steady(letter string) Chain {
	return Chain{Template: turns + markPlain, Next: answering(Answer(letter)), Otherwise: []string{`"`}}
}

// Sway says how preferences change the answer of a swayed model.
type Sway struct {
	Plain, Under string // letters: without a preference, and under one
	SystemOver   int    // bytes of system text above which there is a preference
	UserOver     int    // bytes of the last user message above which it sways; 0 sways always
}

// Swayed answers with another letter where the system text is long and, if
// Sway.UserOver asks for it, the user message is too.
func Swayed(s Sway) Chain {
	return Chain{
		Template:  turns + longer(s.SystemOver, s.UserOver),
		Next:      answering(Answer(s.Plain), Answer(s.Under)),
		Otherwise: []string{`"`},
		Favours:   map[string][]string{markPlain: {Answer(s.Plain)}, markUnder: {Answer(s.Under)}},
	}
}

// Vague answers with a sentence that names no option.
func Vague() Chain {
	return Chain{
		Template:  turns + markPlain,
		Next:      answering("That depends on how one looks at it."),
		Otherwise: []string{`"`},
	}
}

// answering is what follows what in a model that says one sentence and stops.
// Which of several it says is left to a chain's favours.
func answering(sentences ...string) map[string][]string {
	next := map[string][]string{
		markPlain:    append(sentences[:len(sentences):len(sentences)], openCritic, openResponse, "{"),
		markUnder:    append(sentences[:len(sentences):len(sentences)], openCritic, openResponse, "{"),
		openCritic:   sentences,
		openResponse: sentences,
		thenResponse: sentences,
		thenThoughts: sentences,
		`"`:          append(sentences[:len(sentences):len(sentences)], ":", ",", "}"),
		":":          {`"`},
		",":          {`"`},
		"{":          {`"`},
		"}":          {End},
	}
	for _, s := range sentences {
		next[s] = []string{End, thenResponse, thenThoughts, `"`}
	}
	return next
}

// Endless goes from sentence to sentence and is only ended by num_predict or
// the context (done_reason "length").
func Endless() Chain {
	return Chain{Template: turns + markPlain, Next: cycle(markPlain), Otherwise: []string{" "}}
}

func cycle(start string) map[string][]string {
	const one, two, three = "There is more to say. ", "One thing leads to another. ", "Nor is that all. "
	return map[string][]string{start: {one}, one: {two}, two: {three}, three: {one}}
}

// Looping repeats one token for ever. v0.17.4 gives up on it after 31 equal
// chunks, with a response that is not done.
func Looping() Chain {
	const again = "again "
	return Chain{Template: turns + markPlain, Next: map[string][]string{markPlain: {again}, again: {again}}, Otherwise: []string{again}}
}

// Ratings say how a scripted judge rates.
type Ratings struct {
	Score     int    // 1 to 5
	UserOver  int    // bytes of the last user message above which it gives LongScore; 0 for no such thing
	LongScore int    // 1 to 5
	Letter    string // its choice where it is asked for {"answer": ...}; "none" where empty
}

// Judge rates under a schema with an integer "score", beside any strings, and
// chooses under one with an enumeration. Without a schema it writes
// {"explanation": ..., "score": ...} of its own accord.
func Judge(r Ratings) Chain {
	const because = "This follows from the text."
	low, high := strconv.Itoa(r.Score), strconv.Itoa(r.LongScore)
	letter := r.Letter
	if letter == "" {
		letter = "none"
	}
	scores := []string{low}
	template := turns + markPlain
	favours := map[string][]string{}
	if r.UserOver > 0 {
		scores = append(scores, high)
		template = turns + longer(-1, r.UserOver)
		favours = map[string][]string{markPlain: {low}, markUnder: {high}}
	}
	start := []string{openExplanation, openAnswer, "{"}
	next := map[string][]string{
		markPlain:       start,
		markUnder:       start,
		openExplanation: {because},
		because:         {thenScore, `"`},
		thenScore:       scores,
		openAnswer:      {letter, "none", "A"},
		letter:          {`"`},
		"none":          {`"`},
		"A":             {`"`},
		`"`:             {because, letter, "none", "A", ":", ",", "}"},
		":":             append([]string{`"`}, scores...),
		",":             {`"`},
		"{":             {`"`},
		"}":             {End},
	}
	for _, s := range scores {
		next[s] = []string{"}", ","}
	}
	return Chain{Template: template, Next: next, Otherwise: []string{`"`}, Favours: favours}
}

// Rambling is a judge that opens its JSON object and never closes the first
// string: what it writes by num_predict does not parse.
func Rambling() Chain {
	next := cycle(`"`)
	one := next[`"`]
	next[markPlain] = []string{openExplanation, openAnswer, "{"}
	next[openExplanation] = one
	next["{"] = []string{`"`}
	next[`"`] = append(one[:1:1], ":")
	next[":"] = []string{`"`}
	return Chain{Template: turns + markPlain, Next: next, Otherwise: []string{`"`}}
}

// Thinking has the capability to think: it thinks a thought before it answers,
// unless the request says not to.
func Thinking(thought, letter string) Chain {
	const think, opening, closing = "<|think|>", "<think>", "</think>"
	template := strings.Replace(turns, "{{ .Content }}",
		"{{ if .Thinking }}"+opening+"{{ .Thinking }}"+closing+"{{ end }}{{ .Content }}", 1)
	next := answering(Answer(letter))
	next[think] = append([]string{opening}, next[markPlain]...)
	next[opening] = []string{thought}
	next[thought] = []string{closing}
	next[closing] = next[markPlain]
	return Chain{
		Template:  template + "{{ if .Think }}" + think + "{{ else }}" + markPlain + "{{ end }}",
		Next:      next,
		Otherwise: []string{`"`},
	}
}

// Stages say what a staged model answers at each stage of PERG's methods, as
// letters. A revision without a letter is JSON that never ends.
type Stages struct {
	Plain, Under  string // without a preference, and under one
	SystemOver    int    // bytes of system text above which there is a preference
	Critic        string // its revision, where the system text begins with CriticBegins
	CriticBegins  string
	Aligner       string // likewise
	AlignerBegins string
	// Long is added to the sentence under a preference, so that a judge that
	// looks at lengths takes it for followed.
	Long string
}

// Staged answers with another letter at each stage.
func Staged(s Stages) Chain {
	const markCritic, markAligner = "<|critic|>", "<|aligner|>"
	const one, two, three = "There is more to say. ", "One thing leads to another. ", "Nor is that all. "
	begins := func(text string) string {
		return fmt.Sprintf(`and (ge (len .System) %d) (eq (slice .System 0 %d) %q)`, len(text), len(text), text)
	}
	under := Answer(s.Under) + s.Long
	c := Chain{
		Template: turns + "{{ if " + begins(s.CriticBegins) + " }}" + markCritic +
			"{{ else if " + begins(s.AlignerBegins) + " }}" + markAligner +
			fmt.Sprintf("{{ else if gt (len .System) %d }}", s.SystemOver) + markUnder + "{{ else }}" + markPlain + "{{ end }}",
		Otherwise: []string{`"`},
		Favours:   map[string][]string{markPlain: {Answer(s.Plain)}, markUnder: {under}},
	}
	sentences := []string{Answer(s.Plain), under}
	for mark, letter := range map[string]string{markCritic: s.Critic, markAligner: s.Aligner} {
		said := one
		if letter != "" {
			said = Answer(letter)
		}
		c.Favours[mark] = []string{said}
		if !slices.Contains(sentences, said) {
			sentences = append(sentences, said)
		}
	}
	slices.Sort(sentences[2:])
	c.Next = answering(sentences...)
	c.Next[markCritic], c.Next[markAligner] = c.Next[markPlain], c.Next[markPlain]
	c.Next[one], c.Next[two], c.Next[three] = []string{two}, []string{three}, []string{one}
	return c
}
