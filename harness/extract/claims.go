package extract

import "slices"

// A claim says that an option is the answer, or that it is not.
type claim struct {
	option    int // or void
	rule      string
	denied    bool
	tentative bool
	weight    int // see plain, concluded and corrected
}

// The weight of a claim is that of its conclusion plus that of each correction
// up to it.
const (
	plain     = 0
	concluded = 1
	corrected = 2
)

// A reading is what the rules know of a response.
type reading struct {
	*text
	options  []string  // see normal
	initials [256]bool // the bytes that options begin with
	items    []ref     // letters that begin a line and have a mark after them
	refs     []ref     // options named, in order; void where several at once
	claims   []claim   // in order
	turns    int       // corrections up to here
	none     bool      // it says that none of the options fits
}

func newReading(response string, options []string) *reading {
	r := &reading{text: read(response), options: normal(options)}
	for _, o := range r.options {
		if o != "" {
			r.initials[o[0]] = true
		}
	}
	for i, w := range r.words[:r.len()] {
		if !w.gap.has(line) {
			continue
		}
		if w.class.has(namer) && r.after(i) == 0 {
			i++ // "Option B: text"
		}
		if x, ok := r.letterAt(i); ok && r.marked(x) {
			r.items = append(r.items, x)
		}
	}
	return r
}

// marked: the letter of x is set off from what follows, as in "B. text".
func (r *reading) marked(x ref) bool {
	after := r.after(x.from)
	return after.has(stop|shut|line) || r.words[x.from].upper && after.has(colon|dash|quote|emphasis|open)
}

// enumerates: the response letters a list of options.
func (r *reading) enumerates() bool {
	for _, x := range r.items {
		if x.option != r.items[0].option {
			return true
		}
	}
	return false
}

// A clause is what a sentence has said so far.
type clause struct {
	noun    bool // it speaks of the answer, so that a link arms it
	praised bool // of the best one, so that a colon does
	armed   bool // the option named next is claimed
	linked  bool // by more than a colon
	boxed   bool
	denied  bool // "not" holds for what follows
	doubt   bool // so does "might"
	not     bool // the option just named was denied, so that "but" arms
	weight  int

	subject ref  // the option named last,
	about   bool // if there is one,
	against bool // after "neither", "unlike"
	open    bool // a link may follow it
	is      bool // and has, so that praise or blame makes a claim of it
}

// drop forgets whatever claim was being made.
func (c *clause) drop() {
	c.armed, c.linked, c.boxed, c.denied = false, false, false, false
	c.open, c.is = false, false
}

// scan reads the response sentence by sentence and collects its claims.
func (r *reading) scan() {
	var c clause
	item, items := void, r.items
	list := r.enumerates()
	for i := 0; i < r.len(); {
		gap := r.words[i].gap
		if gap.has(line) {
			item = void
			for len(items) > 0 && items[0].from < i {
				items = items[1:]
			}
			if len(items) > 0 && items[0].from <= i+1 {
				item = items[0].option
			}
			if i > 0 && r.word(i-1) == "answer" {
				c.armed = true // a heading
			}
		}
		if r.ends(i) || gap.has(line) && !c.armed {
			c = clause{}
		}
		if !gap.has(stop) && (gap.has(colon) || gap.has(dash) && !gap.has(line)) && i > 0 &&
			(c.noun && (c.praised || r.words[i-1].class.has(noun)) || r.words[i-1].class.has(right)) {
			c.armed = true
		}
		if gap.has(comma | colon | dash | open) {
			c.doubt = false
			c.denied = c.denied && c.armed
		}
		x, ok := r.refAt(i)
		if asWord := !x.letter && x.to == i+1 && r.words[i].class != 0; !ok || asWord && !(c.armed && x.bounded) {
			r.hear(&c, i, item)
			i++
			continue
		}
		if list && c.armed && gap.has(line) && r.goesOn(x) {
			c.armed = false // "Which is the best answer:" and then all of them
		}
		x = r.list(x)
		r.mention(&c, x)
		i = x.to
	}
}

// ends: a sentence ends before word i. It does not with a mark inside quotes
// or before a comma: the answer to "Where?" is B.
func (r *reading) ends(i int) bool {
	w := r.words[i]
	return w.gap.has(stop) && !w.gap.has(comma) && (w.upper || !w.gap.has(quote))
}

// goesOn: x begins a line, and a later option the next one.
func (r *reading) goesOn(x ref) bool {
	for i := x.to; i < r.len(); i++ {
		if r.words[i].gap.has(line) {
			y, found := slices.BinarySearchFunc(r.items, i, func(y ref, i int) int { return y.from - i })
			return found && r.items[y].option > x.option
		}
	}
	return false
}

// mention takes in an option.
func (r *reading) mention(c *clause, x ref) {
	r.refs = append(r.refs, x)
	whole := x.sure || x.bounded || !x.letter && x.to-x.from > 3
	switch {
	case c.armed && whole:
		rule := Stated
		switch {
		case c.boxed:
			rule = Boxed
		case !x.letter:
			rule = StatedText
		}
		r.claim(c, x, rule, c.denied)
		c.noun = c.noun && (!c.linked || c.denied)
	case c.denied && whole:
		r.claim(c, x, Stated, true)
	case x.sure && x.letter && !c.noun && r.predicated(x):
		r.claim(c, x, Predicate, false)
	}
	c.not = c.denied
	c.against = c.denied && !c.armed
	c.subject, c.about, c.is = x, true, false
	c.open = whole && !c.armed // else what follows is about the option's text
	c.armed, c.linked, c.denied, c.boxed = false, false, false, false
}

// predicated: a link stands right before x.
func (r *reading) predicated(x ref) bool {
	gap := r.words[x.from].gap
	return x.from > 0 && r.words[x.from-1].class.has(link) && !gap.has(stop) && (gap.has(colon) || !gap.has(line))
}

// hear takes in word i, which names no option. item is the option on whose
// line of a list it stands.
func (r *reading) hear(c *clause, i, item int) {
	w := r.words[i]
	if w.class == 0 {
		c.drop()
		return
	}
	word := r.word(i)
	var before class
	var beforeWord string
	if i > 0 {
		before, beforeWord = r.words[i-1].class, r.word(i-1)
	}
	starts := w.gap.has(stop | line)
	k := w.class

	switch {
	case word == boxed:
		c.armed, c.linked, c.boxed = true, true, true
		c.weight |= concluded
		return
	case word == "answer" && (beforeWord == "to" || beforeWord == "not"):
		return // a verb
	case k.has(noun) && c.is && (beforeWord == "my" || word == "answer" && (beforeWord == "the" || before.has(right))):
		r.judge(c, c.denied || c.against)
		return
	case word == "this" && item != void && w.gap != 0:
		c.subject, c.about, c.against, c.open, c.doubt = ref{option: item, from: i}, true, false, true, true
		return
	case word == "none" && r.word(i+1) == "other", word == "other" && beforeWord == "none":
		return // none other than Rome
	case word == "none" && c.linked:
		r.claim(c, ref{option: void}, Stated, false)
	case word == "say" && (beforeWord == "would" || beforeWord == "i'd" || beforeWord == "i"):
		c.armed, c.linked = true, true
		return
	case word == "that" && c.armed && !c.noun:
		c.armed = false // "I would say that"
	case word == "as":
		c.is = c.open // "choose B as the best"
		c.noun = c.noun && !w.gap.has(comma)
		return
	case k.has(finish) || word == "given" && starts:
		c.weight |= concluded
		c.denied, c.doubt = false, false
		return
	case k.has(contrast) && c.not:
		c.armed, c.linked, c.denied, c.not = true, true, false, false
		return
	case word == "actually" && !starts:
		c.weight |= corrected
		return
	case k.has(turn) && starts:
		r.turns++
		return
	}
	if word == "none" && r.noneOf(i) || c.denied && (word == "listed" || word == "among") {
		r.none = true
	}
	if k.has(reason) {
		c.noun = false
	}
	if k.has(noun) && !before.has(other) && !(r.after(i) == 0 && r.letterFollows(i)) {
		c.noun = c.noun || word != "one" || beforeWord == "the" || before.has(right)
	}

	// "B. Rome: correct" and "B best describes it" do without a link.
	if c.about && !c.is && (k.has(right|wrong) && c.subject.to == i && w.gap.has(colon|dash|open) || c.open && word == "best") {
		c.is = true
	}
	switch {
	case k.has(link):
		c.armed, c.linked = c.armed || c.noun, c.linked || c.noun
		if c.about && !k.has(own) && (c.open || w.gap.has(comma|shut|quote|dash)) {
			c.is, c.open = true, true
			if k.has(plural) && c.subject.letter && !r.words[c.subject.from].gap.has(open) {
				c.subject.option = void // it ends a list: "B and, it seems, C are"
			}
		}
	case k.has(right):
		c.praised = true
		c.noun = c.noun || beforeWord == "the" || beforeWord == "most"
		if next := r.words[i+1]; c.is && (next.gap != 0 || next.class != 0 || !before.has(link|filler)) { // not "the correct last name"
			r.judge(c, c.denied || c.against)
		}
	case k.has(wrong):
		if c.is && !c.denied {
			r.judge(c, true)
		} else {
			c.denied = !c.is
		}
	case k.has(pick):
		c.armed, c.linked = true, true
		c.doubt = c.doubt || k.has(doubt)
	case k.has(drop):
		c.armed, c.linked, c.denied = true, true, true
	case k.has(denial):
		c.denied = true
	case k.has(doubt):
		c.doubt = true
	case k.has(filler):
	default:
		c.drop()
	}
}

func (r *reading) claim(c *clause, x ref, rule string, denied bool) {
	r.claims = append(r.claims, claim{x.option, rule, denied, c.doubt, c.weight + corrected*r.turns})
}

// judge claims of the subject that it is the answer, or not.
func (r *reading) judge(c *clause, denied bool) {
	r.claim(c, c.subject, Stated, denied)
	c.is, c.open, c.denied = false, false, false
}

// letterFollows: word i and the next are a name such as "option B".
func (r *reading) letterFollows(i int) bool {
	x, ok := r.letterAt(i + 1)
	return ok && x.sure
}

// noneOf: from word i on it says "none of the options", and not of the others.
func (r *reading) noneOf(i int) bool {
	for j := i + 1; j < min(i+6, r.len()); j++ {
		switch r.word(j) {
		case "option", "options", "choices", "answers", "above":
			return true
		case "other":
			return false
		}
	}
	return false
}
