// Package extract says which option of a multiple-choice item a model's
// response chooses: by rules, and where those abstain, by what a second model
// says (Schema, ParseChoice). It does not say whether the option is right.
//
// # The rules
//
// What a model thought before it answered is no answer: thoughts are taken out
// (thoughts.go). So is what follows an answer where the model went on with a
// question of its own making, and what stands before its one heading
// "Response:" or "Answer:" where nothing else can be read.
//
// A response is split into words and what stands between them, so that **B**,
// (B), 【Ｂ】, "B" and \boxed{\text{B}} are one and the same (text.go). Then it
// is searched for references: the letter of an option, or its whole text
// (refs.go). Then, sentence by sentence, for claims: that an option is the
// answer, or is not (claims.go, and grammar.go with the words of
// vocabulary.go and languages.go). Rules decides over what was found, here.
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
// What someone else says ("many people think it is A") and what would be if
// something were so are no statements. What is only possible ("it could be A"),
// or depends on an if, is a weak sign.
//
// Statements of one option agree. Where they name different options, the last
// one counts only if it outweighs every other. What is said to be the answer,
// or the best one, outweighs what is merely said to be right, or right as well;
// a conclusion ("therefore", "so", "final", a leading or closing letter)
// outweighs both; and what follows a correction ("wait", "actually", "sorry")
// outweighs all before it, as does an answer after "however" that the response
// concludes with. An option that the response opens with
// stands, too, while others are praised later but not concluded or set against
// it ("however"); and one answer stands after two that were left open. Otherwise the response contradicts itself, and Rules
// abstains. A statement also falls when the response later says that its option
// is not the answer; that something else is not ("not Rome", "unlike Rome") is
// said in passing. Two options at once ("A and B") and "none of the above"
// where no option says so are statements of no single option: they contradict
// any other. A letter with the text of another option ("A. 4" where 4 is B) is
// a conflict, which nobody can read. A letter beyond the options is no
// reference at all.
//
// Where a response says that no option fits, only what it claims afterwards
// counts ("still, B comes closest"), and where it was cut off, only a letter
// right after "is". Where nothing is stated otherwise, weaker signs count (signs.go), in this order, each only where
// all signs of its kind point to one option that the response does not deny:
//
//	rule:hedged          a conclusion after "might", "seems", "if", or of "this option" in a list
//	rule:predicate       a letter right after "is": "the city is B. Paris"
//	rule:hedged          any other statement of that kind, or "probably B"; one that
//	                     speaks of no answer, or depends on an if, only where no
//	                     other option is named by letter
//	rule:only-named      no other option is named by letter anywhere, those aside
//	                     that are denied ("the other options, A and C")
//	rule:last-named      a last sentence that concludes names one option by letter
//	rule:option-text     the first sentence says "is" and the text of one option
//	rule:first-named     the first sentence names one option
//	rule:last-named      a conclusion ends with the text of one option, or says what it is
//	rule:refuted         a view was reported or denied, and then one other option is named
//	rule:eliminated      all others are denied
//
// That an option's text occurs somewhere, or that one letter occurs more often
// than others, is no sign: on real responses such rules were wrong as often as
// right.
package extract

import (
	"slices"
	"strconv"
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
	FirstNamed    = "rule:first-named"
	Refuted       = "rule:refuted"
	Eliminated    = "rule:eliminated"
)

// Conflict is what answer_from says where the letter that a response states has
// the text of another option. Nobody can know which of the two is meant.
const Conflict = "conflict"

// An Answer is the option that a response chooses.
type Answer struct {
	Option int    // index into the item's options
	Rule   string // the rule that found it: Stated, ...
}

// Rules finds the option that a response chooses, or abstains (false): because
// the response names none, several, or contradicts itself, or says it in a way
// the rules do not know; its Rule is then Conflict where a letter has another
// option's text, else empty. Any bytes will do. It takes time linear in the
// response's length.
func Rules(response string, options []string) (Answer, bool) {
	response = WithoutThoughts(response)
	if head, ok := beforeQuestion(response); ok {
		if a, found := answer(head, options, false); found == chosen {
			return a, true
		}
	}
	a, found := answer(response, options, cut(response))
	if found == nothing {
		if body, ok := underHeading(response); ok {
			a, found = answer(body, options, cut(response))
		}
	}
	return a, found == chosen
}

// finding is what a reading came to.
type finding int

const (
	nothing   finding = iota // that can be read
	undecided                // statements that contradict each other, or none fits
	chosen
)

func answer(response string, options []string, cut bool) (Answer, finding) {
	r := newReading(response, options)
	defer r.close()
	return r.answer(cut)
}

// answer is what the reading comes to; cut: the response ends too early.
func (r *reading) answer(cut bool) (Answer, finding) {
	r.scan()
	a, stated := decide(r.statements())
	switch {
	case a.Option == clash:
		return Answer{Rule: Conflict}, undecided
	case stated && a.Option == void:
		return Answer{}, undecided
	case stated:
		return a, chosen
	case r.none:
		if option, ok := one(r.claimed(func(c claim) bool { return c.from > r.noneAt && !c.unreal && c.rule != Predicate })); ok {
			return Answer{option, Hedged}, chosen
		}
		return Answer{}, undecided
	case cut && !r.endsNamed():
		option, ok := one(r.claimed(func(c claim) bool { return c.rule == Predicate && c.firm() }))
		if ok && !r.denies(option, true) {
			return Answer{option, Predicate}, chosen
		}
		option, ok = one(r.claimed(func(c claim) bool { return c.rule != Predicate && !c.unreal && c.answer && c.weight >= concluded }))
		if ok && !r.denies(option, true) {
			return Answer{option, Hedged}, chosen
		}
		return Answer{}, nothing
	}
	for _, sign := range r.signs() {
		option, ok := one(sign.options)
		if sign.rule == Hedged && len(sign.options) > 1 && !ok {
			break
		}
		if ok && !r.denies(option, sign.rule != Hedged && sign.rule != Predicate) {
			return Answer{option, sign.rule}, chosen
		}
	}
	return Answer{}, nothing
}

// endsNamed: the last words name an option, so that nothing was cut off.
func (r *reading) endsNamed() bool {
	return len(r.refs) > 0 && r.refs[len(r.refs)-1].to == r.len()
}

// decide weighs statements, which are in the order of the response. It decides
// for void where they contradict each other, and not at all where there are
// none.
func decide(statements []claim) (a Answer, decided bool) {
	if len(statements) == 0 {
		return Answer{}, false
	}
	denied := map[int]bool{}
	first, last := statements[0], (*claim)(nil)
	var weight int // of what is said for last
	var also []int // options that are right as well
	for i := len(statements) - 1; i >= 0; i-- {
		c := &statements[i]
		switch {
		case c.denied:
			denied[c.option] = denied[c.option] || c.option >= 0 && !c.soft
		case c.also && last == nil:
			also = append(also, c.option)
		case denied[c.option]:
		case last == nil:
			last, weight = c, c.weight
		case c.option == last.option:
			weight = max(weight, c.weight)
			if c.adverse && c.answer && weight >= concluded { // however, a better answer is B; so the answer is B
				weight = max(weight, plain+corrected)
			}
		case c.weight < weight:
		case c.option < 0 && last.option >= 0 && (weight >= concluded || last.answer): // "A or B ... the best is A"
		case c.rule == LeadingLetter && c.weight >= concluded && weight < concluded && !last.adverse: // more is said of others, too
			last, weight = c, c.weight
		case c.answer && !last.answer && c.option >= 0: // "The answer is B. A is right in a way."
			last, weight = c, c.weight
		case first.option == last.option && !first.denied && first.weight >= concluded: // it opens and closes with it
		default:
			return Answer{Option: void}, true
		}
	}
	if last == nil || !last.answer && slices.ContainsFunc(also, func(option int) bool { return option != last.option }) {
		return Answer{Option: void}, len(also) > 0
	}
	return Answer{last.option, last.rule}, true
}

// one is the option that all of options are.
func one(options []int) (int, bool) {
	if len(options) == 0 || options[0] < 0 {
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
		if c.firm() && c.rule != Predicate && (c.option >= 0 || c.option == clash || c.answer || c.judged) {
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
	if r.len() == 0 || r.begins() || r.discusses() || r.takenBack() {
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
		if x = r.list(x); marked && !r.judged(x) {
			c := claim{option: x.option, rule: LeadingLetter, answer: true, weight: answering + concluded}
			switch {
			case x.option < 0:
				c.weight = plain
			case r.speaksOf(x) && r.negated(x.to):
				c.weight = outweighed
			}
			return c, true
		}
	}
	first := r.article(0)
	n := first
	if r.words[n].class.has(namer) {
		n++ // Option 2: text
	}
	if x, ok := r.textAt(min(n+1, r.len())); ok && r.word(n) == strconv.Itoa(x.option+1) && (n > first || x.to == r.len()) {
		return claim{option: x.option, rule: LeadingText, answer: true}, true
	}
	if x, ok := r.textAt(first); ok {
		off := r.after(x.to - 1)
		if !off.has(query) && (off.has(stop|line) || off != 0 && x.to > 2) {
			return claim{option: r.list(x).option, rule: LeadingText}, true
		}
	}
	return claim{}, false
}

// begins: the response begins with a list of the options.
func (r *reading) begins() bool {
	return len(r.items) > 1 && r.items[0].from <= 1 && r.items[0].option == 0 && r.items[1].option == 1
}

// takenBack: what is said of the option that comes first is that it is not the
// answer, as in "A and B are wrong".
func (r *reading) takenBack() bool {
	for _, c := range r.claims {
		if len(r.refs) > 0 && c.denied && c.from == r.refs[0].from && c.from <= 1 {
			return true
		}
	}
	return false
}

// speaksOf: what follows x is still of it: it ends no sentence, or the next one
// begins with "this".
func (r *reading) speaksOf(x ref) bool {
	if !r.words[x.to].gap.has(stop | line) {
		return true
	}
	switch r.word(x.to) {
	case "this", "that", "it", "which", "is", "not", "no", "the":
		return true
	}
	return x.to == x.from+1
}

// negated: the words from i on to the next mark deny something.
func (r *reading) negated(i int) bool {
	for ; i < r.len(); i++ {
		if r.words[i].class.has(denial) && r.word(i) != "less" || r.word(i) == "no" {
			return true
		}
		if r.after(i).has(stop | comma | line) {
			break
		}
	}
	return false
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

// namedBefore: the option of x was named before, so that x does not end a list.
func (r *reading) namedBefore(x ref) bool {
	return slices.ContainsFunc(r.refs, func(y ref) bool { return y.from < x.from && y.option == x.option })
}

// judged: something is said of x in a sentence that begins with it.
func (r *reading) judged(x ref) bool {
	return slices.ContainsFunc(r.claims, func(c claim) bool { return c.from == x.from && c.judged && !c.denied && c.firm() })
}

// closing: the last line is a letter, alone or with its option's text.
func (r *reading) closing() (claim, bool) {
	if len(r.items) == 0 {
		return claim{}, false
	}
	x := r.items[len(r.items)-1]
	if n := len(r.items); n > 2 && r.items[n-2].option == x.option-1 && r.items[n-3].option == x.option-2 && x.to == r.len() {
		return claim{}, false // a list of options that was cut off
	}
	if x.from == 0 || x.to != r.len() || r.enumerates() && (x.to > x.from+1 || !r.namedBefore(x)) {
		return claim{}, false
	}
	return claim{option: x.option, rule: ClosingLetter, answer: true, weight: answering + concluded}, true
}

// cut: the response does not end as a sentence or a name does, so that
// generation stopped before it was done.
func cut(response string) bool {
	response = strings.TrimRight(response, " \t\r\n*_")
	last, _ := utf8.DecodeLastRuneInString(response)
	return !strings.ContainsRune(".!?:。！？)]}）】」\"”'’`$|✓✔✅✗❌", last)
}
