// Package extract says which option of a multiple-choice item a model's
// response chooses: by rules, and where those abstain, by what a second model
// says (Schema, ParseChoice). It does not say whether the option is right.
//
// # The rules
//
// A response is split into words and what stands between them, so that **B**,
// (B), 【Ｂ】, "B" and \boxed{\text{B}} are one and the same (text.go). Then it
// is searched for references: the letter of an option, or its whole text
// (refs.go). Then, sentence by sentence, for claims: that an option is the
// answer, or is not (claims.go, and grammar.go with the words of
// vocabulary.go). Rules decides over what was found, here.
//
// First come statements. Each is enough by itself, also in a response that was
// cut off later:
//
//	rule:boxed           \boxed{B}
//	rule:stated          "the correct answer is B", "Answer: (B)", "B is correct", "I choose B"
//	rule:stated-text     the same with the option's text: "the answer is Paris"
//	rule:leading-letter  the response begins "B." or "B) text"
//	rule:leading-text    the response begins with the option's text, and a mark
//	rule:closing-letter  the last line is "B" or "B. text" and nothing else
//
// Statements of one option agree. Where they name different options, the last
// one counts only if it outweighs every other: a conclusion ("therefore",
// "so", "final", a leading or closing letter) outweighs a plain statement, and
// what follows a correction ("wait", "actually", "sorry") outweighs all before
// it. Otherwise the response contradicts itself, and Rules abstains. A
// statement also falls when the response later says that its option is not the
// answer. Two options at once ("A and B"), "none of the above" where no option
// says so, and a letter with the text of another option ("A. 4" where 4 is B)
// are statements of no single option: they contradict any other. A letter
// beyond the options is no reference at all.
//
// Where nothing is stated, and the response is neither cut off nor says that
// no option fits, weaker signs count, in this order, each only where all signs
// of its kind point to one option that the response does not deny:
//
//	rule:predicate       a letter right after "is": "the city is B. Paris"
//	rule:hedged          a statement after "might", "seems", "if", or of "this option" in a list
//	rule:only-named      no other option is named by letter anywhere
//	rule:last-named      a last sentence that concludes names one option by letter
//	rule:option-text     the first sentence says "is" and the text of one option
//
// That an option's text occurs somewhere, or that one letter occurs more often
// than others, is no sign: on real responses such rules were wrong as often as
// right.
package extract

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// What the column answer_from says of an answer that a rule found.
const (
	Boxed         = "rule:boxed"
	Stated        = "rule:stated"
	StatedText    = "rule:stated-text"
	LeadingLetter = "rule:leading-letter"
	LeadingText   = "rule:leading-text"
	ClosingLetter = "rule:closing-letter"
	Predicate     = "rule:predicate"
	Hedged        = "rule:hedged"
	OnlyNamed     = "rule:only-named"
	LastNamed     = "rule:last-named"
	OptionText    = "rule:option-text"
)

// An Answer is the option that a response chooses.
type Answer struct {
	Option int    // index into the item's options
	Rule   string // the rule that found it: Stated, ...
}

// Rules finds the option that a response chooses, or abstains (false): because
// the response names none, several, or contradicts itself, or says it in a way
// the rules do not know. The response is the answer alone, without thinking
// text; any bytes will do. It takes time linear in the response's length.
func Rules(response string, options []string) (Answer, bool) {
	r := newReading(response, options)
	r.scan()
	if a, stated := decide(r.statements()); stated && a.Option == void {
		return Answer{}, false
	} else if stated {
		return a, true
	}
	if r.none || r.cut(response) {
		return Answer{}, false
	}
	for _, sign := range []struct {
		rule    string
		options []int
	}{
		{Predicate, r.claimed(Predicate)},
		{Hedged, r.claimed(Stated, StatedText)},
		{OnlyNamed, r.lettered(0)},
		{LastNamed, r.lettered(r.conclusion())},
		{OptionText, r.opening()},
	} {
		if option, ok := one(sign.options); ok && !r.denies(option) {
			return Answer{option, sign.rule}, true
		}
	}
	return Answer{}, false
}

// decide weighs statements, which are in the order of the response. It decides
// for void where they contradict each other, and not at all where there are
// none.
func decide(statements []claim) (a Answer, decided bool) {
	denied := map[int]bool{}
	var last *claim
	for i := len(statements) - 1; i >= 0; i-- {
		c := &statements[i]
		switch {
		case c.denied:
			denied[c.option] = c.option != void
		case denied[c.option]:
		case last == nil:
			last = c
		case c.option == last.option || c.weight < last.weight:
		case c.option == void && last.weight > plain: // "A or B ... so, the best is A"
		default:
			return Answer{Option: void}, true
		}
	}
	if last == nil {
		return Answer{}, false
	}
	return Answer{last.option, last.rule}, true
}

// one is the option that all of options are.
func one(options []int) (int, bool) {
	if len(options) == 0 || options[0] == void {
		return void, false
	}
	for _, o := range options {
		if o != options[0] {
			return void, false
		}
	}
	return options[0], true
}

// statements are the claims that are neither tentative nor a predicate, with
// those that the two ends of the response make.
func (r *reading) statements() []claim {
	var all []claim
	if c, ok := r.leading(); ok {
		all = append(all, c)
	}
	for _, c := range r.claims {
		if !c.tentative && c.rule != Predicate {
			all = append(all, c)
		}
	}
	if c, ok := r.closing(); ok && (len(all) == 0 || all[len(all)-1].option != c.option) {
		all = append(all, c)
	}
	return all
}

// leading: the response begins with an option, and not with a list of all.
func (r *reading) leading() (claim, bool) {
	if r.len() == 0 || r.enumerates() && r.items[0].option == 0 || r.discusses() {
		return claim{}, false
	}
	i := 0
	if r.words[0].class.has(namer) && r.after(0) == 0 && r.len() > 1 {
		i = 1 // "Option B: text"
	}
	if x, ok := r.letterAt(i); ok {
		off := r.after(x.from)
		marked := r.marked(x) || r.words[i].upper && off.has(comma) && r.word(i) != "i" ||
			off == 0 && r.words[x.to].class.has(reason)
		if x = r.list(x); marked {
			c := claim{option: x.option, rule: LeadingLetter, weight: concluded}
			if x.option == void {
				c.weight = plain
			}
			return c, true
		}
	}
	if x, ok := r.textAt(0); ok {
		off := r.after(x.to - 1)
		if off.has(stop|line) || off != 0 && x.to > 2 {
			return claim{option: r.list(x).option, rule: LeadingText}, true
		}
	}
	return claim{}, false
}

// discusses: one sentence after the other takes up the options, from A to the
// last and none before A, as the lines of a list do.
func (r *reading) discusses() bool {
	next := 0
	for i, x := range r.refs {
		if i == 0 && x.option != 0 {
			return false
		}
		if x.letter && x.option == next && r.words[x.from].gap.has(stop|line) && r.marked(x) {
			next++
		}
	}
	return next == len(r.options)
}

// closing: the last line is a letter, alone or with its option's text.
func (r *reading) closing() (claim, bool) {
	if len(r.items) == 0 || r.enumerates() {
		return claim{}, false
	}
	x := r.items[len(r.items)-1]
	if x.from == 0 || x.to != r.len() {
		return claim{}, false
	}
	return claim{option: x.option, rule: ClosingLetter, weight: concluded}, true
}

// claimed are the options claimed under any of rules, however tentatively.
func (r *reading) claimed(rules ...string) []int {
	var options []int
	for _, c := range r.claims {
		if !c.denied && slices.Contains(rules, c.rule) {
			options = append(options, c.option)
		}
	}
	return options
}

// denies: it is said somewhere that option is not the answer.
func (r *reading) denies(option int) bool {
	for _, c := range r.claims {
		if c.denied && c.option == option {
			return true
		}
	}
	return false
}

// lettered are the options named by letter from a word on.
func (r *reading) lettered(from int) []int {
	var options []int
	for _, x := range r.refs {
		if x.from >= from && x.letter && x.sure {
			options = append(options, x.option)
		}
	}
	if from == 0 {
		for _, x := range r.items {
			options = append(options, x.option)
		}
	}
	return options
}

// conclusion is the word at which the last sentence begins if it concludes,
// and past the end if it does not.
func (r *reading) conclusion() int {
	concludes := false
	for i := r.len() - 1; i >= 0; i-- {
		if r.words[i].class.has(finish) {
			concludes = true
		}
		if r.ends(i) {
			if concludes || r.word(i) == "given" || r.word(i) == "since" {
				return i
			}
			break
		}
	}
	return r.len()
}

// opening are the options whose text stands in the first sentence, numbers
// aside, if one of them follows a link.
func (r *reading) opening() []int {
	end := 1
	for end < r.len() && !r.words[end].gap.has(stop|line) {
		end++
	}
	if end > r.len() || r.words[end].gap.has(query) {
		return nil // nothing at all, or "Could it be Rome?"
	}
	var options []int
	linked := false
	for _, x := range r.refs {
		if x.from >= end {
			break
		}
		if !x.bounded || isDigit(rune(r.norm[r.words[x.from].from])) {
			continue
		}
		i := x.from - 1
		for i > 0 && r.words[i].class.has(filler) && r.words[i+1].gap&^quote == 0 {
			i--
		}
		linked = linked || i >= 0 && r.words[i].class.has(link)
		options = append(options, x.option)
	}
	if !linked {
		return nil
	}
	return options
}

// cut: the response does not end as a sentence or a name does, so that
// generation stopped before it was done.
func (r *reading) cut(response string) bool {
	response = strings.TrimRight(response, " \t\r\n*_")
	last, _ := utf8.DecodeLastRuneInString(response)
	return !strings.ContainsRune(".!?:。！？)]}）】」\"”'’`$", last)
}
