package extract

import (
	"strings"
	"unicode/utf8"
)

// A spoken word is one that names no option, with what hear needs to know of
// its place.
type spoken struct {
	word
	i          int
	spelling   string
	before     string // the word before it
	beforeIs   class
	startsOver bool // a sentence or line begins with it
}

// hear takes in word i, which names no option. item is the option on whose
// line of a list it stands.
func (r *reading) hear(c *clause, i, item int) {
	w := spoken{word: r.words[i], i: i}
	switch {
	case r.isGraded(i):
		r.graded(c, &w)
	case w.class == 0 && r.isAdverb(w.word):
		w.class, c.degree = filler, c.denied
	case w.class == 0 && r.compares(i):
		w.class = right | filler // the stronger choice
	}
	if w.class.has(link|denial|reason|doubt|follow) && !w.class.has(joint) {
		c.lapsed = 0
	}
	switch w.class {
	case 0, follow:
		if r.word(i) == "it" && i > 0 && r.resumed(c, i) {
			c.about, c.open, c.is = true, true, r.words[i-1].class.has(makes)
			return
		}
		r.unknown(c)
		return
	case filler, filler | grade:
		return
	}
	if w.class.has(wrong) && i > 0 && r.word(i-1) == "least" {
		w.class = right | filler
	}
	w.spelling, w.startsOver = r.word(i), w.gap.has(stop|line)
	if i > 0 {
		w.before, w.beforeIs = r.word(i-1), r.words[i-1].class
	}
	c.best = c.best || w.spelling == "best"
	if w.class.has(special) && r.idiom(c, w, item) || r.qualify(c, w) {
		return
	}
	known := r.arm(c, w)
	known = r.predicate(c, w) || known
	if !known && !w.class.has(filler) {
		r.unknown(c)
	}
}

// graded takes in the word after "most" or "more": whatever it is, it praises
// where it belongs to the answer, "the most comprehensive answer", or ends what
// is said, "B is the most fitting".
func (r *reading) graded(c *clause, w *spoken) {
	most := r.word(w.i-1) == "most" || r.words[w.i-1].class == 0 && r.word(w.i-2) == "most"
	c.best = c.best || most
	c.praised = c.praised || most && c.noun
	ends := c.is && (w.class.has(guess|doubt) && c.subject.option >= 0 || most && r.after(w.i).has(stop|comma|line))
	if !w.class.has(right|noun) && (ends || r.nounAhead(w.i+1)) {
		w.class = right | filler
	} else if w.class == 0 && r.isAdverb(w.word) {
		w.class, c.degree = filler, c.denied
	}
}

// lapse is how many words may name in another way what a bracket then does.
const lapse = 5

// resumed: "it", word i, is the one option that the sentence has named: it lies
// on the coast, making it the answer, so it is the answer.
func (r *reading) resumed(c *clause, i int) bool {
	return c.named == 1 && c.subject.option >= 0 && (c.subject.sure || c.subject.bounded) &&
		(r.words[i-1].class.has(makes) || r.word(i-1) == "so" && r.words[i+1].class.has(link))
}

// unknown takes in a word that ends whatever claim was being made. Where it was
// a denial of the option just named, "B does not capture", that much was said.
func (r *reading) unknown(c *clause) {
	if c.about && c.denied && c.degree && c.open && c.subject.letter {
		r.doubted(c.subject)
	}
	c.lapsed--
	if c.armed && c.linked && c.noun && c.praised && !c.denied {
		c.lapsed = lapse
	}
	c.drop()
}

// articles stand before what is the only one of its kind: the correct is B.
var articles = map[string]bool{"the": true, "la": true, "el": true, "il": true, "a": false, "der": true, "die": true, "das": true}

// idiom takes in a word with a meaning of its own.
func (r *reading) idiom(c *clause, w spoken, item int) bool {
	switch w.spelling {
	case boxed:
		c.armed, c.linked, c.boxed = true, true, true
		c.weight |= concluded
		return true
	case "settle", "settled", "settling":
		next := r.word(w.i + 1)
		c.armed = next == "on" || next == "for"
		c.linked = c.armed
		return c.armed
	case "on":
		return strings.HasPrefix(w.before, "settl")
	case "this": // in a list, the option of the line, else that of the sentence before
		if c.last.option >= 0 && c.named == 0 && w.gap != 0 && r.blamed(w.i+1) {
			r.claims = append(r.claims, claim{option: c.last.option, from: w.i, rule: Stated, denied: true, judged: true})
			return true
		}
		if item == void || w.gap == 0 {
			return false
		}
		if c.last.option >= 0 && c.last.letter {
			item = c.last.option
		}
		c.subject, c.about, c.open, c.doubt = ref{option: item, from: w.i}, true, true, true
		return true
	case "would":
		c.would = true
	case "had", "were":
		c.reported = c.reported || c.suppose && r.word(w.i+1) != "to" // if it were so
	case "suppose", "imagine":
		c.reported = true
	case "belief", "beliefs", "legend", "superstition":
		c.reported = c.reported || !c.noun
	case "also":
		c.also = c.is
	case "partially", "partly", "technically", "somewhat":
		if c.is {
			r.doubted(c.subject)
			c.is = false
			return true
		}
	case "yes":
		if r.verdict(c, w) {
			r.judge(c, false)
			return true
		}
	case "none":
		if r.word(w.i+1) == "other" {
			return true // none other than Rome
		}
		if c.linked && (w.beforeIs.has(link) || w.gap.has(colon)) {
			r.claim(c, ref{option: void}, Stated, false)
		}
		if r.noneOf(w.i) {
			r.none, r.noneAt = true, w.i
		}
		c.denied, c.noneOf = true, true
	case "other":
		return w.before == "none"
	case "listed", "among":
		r.none = r.none || c.denied // not listed
	case "no":
		if r.verdict(c, w) {
			r.judge(c, true)
			return true
		}
		next := r.words[w.i+1]
		c.denied = c.denied || next.gap == 0 && next.class.has(link) // no es
		if !c.denied {
			r.unknown(c)
		}
		return true
	case "left", "remain", "remains", "bleibt":
		if c.about && c.open && (r.after(w.i).has(stop|comma|line) || w.spelling != "left") && !c.denied {
			r.judge(c, false)
			return true
		}
		c.armed, c.linked = w.spelling == "bleibt", true
		return w.spelling == "bleibt"
	case "described", "represented", "captured", "answered", "explained":
		if r.word(w.i+1) == "by" {
			c.armed, c.linked = true, true
			return true
		}
	case "however":
		c.adverse = true
	case "say", "suggest", "propose", "advise":
		if r.mine(w.i) {
			c.armed, c.linked, c.mine = true, true, c.mine || c.would
			return true
		}
	case "that":
		c.armed = c.armed && c.noun // I would say that
	case "than": // less likely than B
		if w.before != "other" && w.before != "rather" {
			c.drop()
		}
		return true
	case "as":
		c.denied = c.denied && c.open                            // not as good as B
		c.is = c.open && !(w.gap.has(comma) && r.pronoun(w.i+1)) // choose B as the best
		c.noun = c.noun && !w.gap.has(comma)
		return true
	}
	return false
}

// qualify takes in a word that says how what follows is meant.
func (r *reading) qualify(c *clause, w spoken) bool {
	k := w.class
	if k.has(reason) {
		c.noun = false
	}
	switch {
	case k.has(finish) && w.before != "if" || k.has(opener) && w.startsOver:
		c.weight |= concluded
		c.closes = c.closes || w.startsOver
		c.denied, c.doubt, c.suppose, c.reported = false, false, false, false
	case k.has(turn) && (w.startsOver || w.before == "no"):
		r.turns++
	case w.spelling == "actually":
		c.weight |= corrected
	case w.spelling == "but" && c.noneOf: // none of them fits well, but B comes closest
		c.noneOf, c.denied, c.not = false, false, false
		return false
	case k.has(contrast) && c.not:
		c.armed, c.linked, c.denied, c.not = true, true, false, false
	case k.has(contrast) && w.spelling == "but":
		c.reported = false
		return false
	case k.has(denial):
		next := r.words[w.i+1]
		c.denied = r.word(w.i+1) != "only" && !(w.spelling == "least" && next.class.has(wrong)) // but also
	case k.has(doubt):
		c.concedes = c.concedes || w.spelling == "while" || w.spelling == "although" || w.spelling == "though"
		c.doubt = c.doubt || w.spelling != "can" || !r.relates(w.i-1) // a place that can be found
	case k.has(supposal) && r.wonders(w.i-1):
		c.doubt = true
	case k.has(supposal):
		if w.before != "even" && w.before != "as" && w.before != "only" && w.gap&^comma == 0 {
			r.supposed(c)
		}
		c.suppose = true
	case k.has(report) && !c.noun && w.before != "as" && r.quotes(w.i) && !r.mine(w.i):
		c.reported = true
	default:
		return false
	}
	return true
}

// arm takes in a word before the option that is claimed: "the answer is".
func (r *reading) arm(c *clause, w spoken) bool {
	k := w.class
	isVerb := w.spelling == "answer" && (w.before == "to" || w.before == "not")
	isName := w.class.has(namer) && r.after(w.i) == 0 && r.letterFollows(w.i)
	switch {
	case k.has(noun) && (isVerb || isName || w.beforeIs.has(other) || w.gap.has(open) && k.has(namer) && w.spelling != "answer"):
	case w.spelling == "one":
		c.noun = c.noun || w.before == "the" || w.beforeIs.has(right)
		return false
	case k.has(noun):
		c.noun = true
	case k.has(right):
		c.praised = true
		c.noun = c.noun || articles[w.before] || w.before == "most"
		if k.has(pick) {
			c.armed, c.linked = true, true
		}
	case k.has(link):
		arms := c.noun && !(w.gap.has(quote) && w.spelling == "be") || k.has(own) && w.beforeIs.has(contrast) // "but it's B"
		c.noun = c.noun && !k.has(own)
		c.armed, c.linked = c.armed || arms, c.linked || arms
		c.several = c.several || k.has(plural) && c.praised
		c.lists = arms && k.has(plural)
		c.doubt = c.doubt || k.has(seeming) || k.has(plural) && c.noun // and which are the others?
	case k.has(makes):
		c.making = true
	case k.has(pick):
		if goes := w.spelling == "go" || w.spelling == "going"; goes && r.word(w.i+1) != "with" && r.word(w.i+1) != "for" {
			return false // going to the station
		}
		if w.startsOver && strings.HasSuffix(w.spelling, "ing") {
			return false // choosing B would be a mistake
		}
		c.armed, c.linked = true, true
		c.mine = c.mine || r.mine(w.i)
		c.suppose, c.reported = false, false // "if I had to choose" is a choice
	case k.has(drop):
		c.armed, c.linked, c.denied = true, true, true
	default:
		return false
	}
	return true
}

// predicate takes in a word after the option it is said of: "is correct".
func (r *reading) predicate(c *clause, w spoken) bool {
	k := w.class
	// "B. Rome: correct" and "B best describes it" do without a link.
	if c.about && !c.is && k.has(right|wrong) && c.subject.to == w.i && r.norm[w.from] >= utf8.RuneSelf && !w.gap.has(stop|line) {
		c.is = true // nor do languages without one, and ticks
	} else if c.about && !c.is {
		c.is = k.has(right|wrong) && c.subject.to == w.i && w.gap.has(colon|dash|open) ||
			w.spelling == "best" && (c.open && !c.noun || c.subject.to == w.i && r.suits(w.i+1))
	}
	switch {
	case k.has(link) && !k.has(own):
		if c.about && (c.open || w.gap.has(comma|shut|quote|dash)) {
			if c.before.option >= 0 && w.gap.has(comma) {
				c.subject, c.before = c.before, ref{option: void} // "B, not A, is the answer"
				c.denied, c.not = false, false
			}
			c.is, c.open = true, true
			if k.has(plural) && c.subject.letter && c.named > 1 && !r.words[c.subject.from].gap.has(open) {
				c.subject.option = void // the end of a list: "B and, it seems, C are"
			}
		}
	case k.has(noun):
		if c.is && (w.before == "my" || w.spelling == "answer" && (w.before == "the" || w.beforeIs.has(right))) {
			c.best = true
			r.judge(c, c.denied)
		}
	case k.has(right):
		next := r.words[w.i+1]
		ofOther := next.gap == 0 && next.class == 0 && w.beforeIs.has(link|filler) // the correct last name
		if c.is && !ofOther {
			switch {
			case !r.indefinite(w.i - 1):
				c.best = c.best || r.nounAhead(w.i+1) // the correct answer
			case !c.closes: // so B is a better one, in passing
				c.weight &^= concluded
			}
			r.judge(c, c.denied)
		}
	case k.has(wrong):
		if c.is && c.denied {
			c.drop() // not wrong is not right
		} else if c.is {
			r.judge(c, true)
		} else {
			c.denied = !c.is
		}
	default:
		return false
	}
	return true
}

// supposed makes what would be, as the sentence has said so far, depend on an if.
func (r *reading) supposed(c *clause) {
	for i := max(c.claims, c.apart); i < len(r.claims) && c.would; i++ {
		r.claims[i].unreal = true
	}
	c.claims = len(r.claims)
}

// verdict: "yes" or "no" stands beside an option in a list or a table.
func (r *reading) verdict(c *clause, w spoken) bool {
	return c.about && c.subject.to == w.i && c.subject.letter && w.gap.has(emphasis|dash|colon|shut) && r.after(w.i).has(line|emphasis)
}

// doubted takes in that x is said not to do something.
func (r *reading) doubted(x ref) {
	r.claims = append(r.claims, claim{option: x.option, from: x.from, rule: Stated, denied: true, soft: true})
}

func (r *reading) claim(c *clause, x ref, rule string, denied bool) {
	n := claim{
		option: x.option, from: x.from, rule: rule, denied: denied, soft: denied && !c.linked && !c.is && !(x.letter && r.predicated(x)),
		supposed: c.suppose, tentative: c.doubt || c.suppose || c.several && c.armed, unreal: c.reported, also: c.also, adverse: c.adverse,
		answer: c.noun || c.best || c.mine && c.armed || c.praised && c.armed || c.boxed, weight: c.weight + corrected*r.turns,
	}
	if n.answer {
		n.weight += answering
	}
	r.claims = append(r.claims, n)
}

// judge claims of the subject that it is the answer, or not.
func (r *reading) judge(c *clause, denied bool) {
	r.claim(c, c.subject, Stated, denied || c.noneOf)
	r.claims[len(r.claims)-1].judged = true
	c.is, c.open, c.denied, c.best = false, false, false, false
}
