package extract

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
	switch w.class {
	case 0, follow:
		c.drop()
		return
	case filler:
		return
	}
	w.spelling, w.startsOver = r.word(i), w.gap.has(stop|line)
	if i > 0 {
		w.before, w.beforeIs = r.word(i-1), r.words[i-1].class
	}
	if w.class.has(special) && r.idiom(c, w, item) || r.qualify(c, w) {
		return
	}
	known := r.arm(c, w)
	known = r.predicate(c, w) || known
	if !known && !w.class.has(filler) {
		c.drop()
	}
}

// idiom takes in a word with a meaning of its own.
func (r *reading) idiom(c *clause, w spoken, item int) bool {
	switch w.spelling {
	case boxed:
		c.armed, c.linked, c.boxed = true, true, true
		c.weight |= concluded
		return true
	case "this": // in a list, the option of the line
		if item == void || w.gap == 0 {
			return false
		}
		c.subject, c.about, c.open, c.doubt = ref{option: item, from: w.i}, true, true, true
		return true
	case "none":
		if r.word(w.i+1) == "other" {
			return true // none other than Rome
		}
		if c.linked {
			r.claim(c, ref{option: void}, Stated, false)
		}
		r.none = r.none || r.noneOf(w.i)
	case "other":
		return w.before == "none"
	case "listed", "among":
		r.none = r.none || c.denied // not listed
	case "say":
		if w.before == "would" || w.before == "i'd" || w.before == "i" {
			c.armed, c.linked = true, true
			return true
		}
	case "that":
		c.armed = c.armed && c.noun // I would say that
	case "as":
		c.is = c.open // choose B as the best
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
	case k.has(finish) || k.has(opener) && w.startsOver:
		c.weight |= concluded
		c.denied, c.doubt, c.suppose = false, false, false
	case k.has(turn) && w.startsOver:
		r.turns++
	case w.spelling == "actually":
		c.weight |= corrected
	case k.has(contrast) && c.not:
		c.armed, c.linked, c.denied, c.not = true, true, false, false
	case k.has(denial):
		c.denied = true
	case k.has(doubt):
		c.doubt = true
	case k.has(supposal):
		c.suppose = true
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
	case k.has(noun) && (isVerb || isName || w.beforeIs.has(other)):
	case w.spelling == "one":
		c.noun = c.noun || w.before == "the" || w.beforeIs.has(right)
		return false
	case k.has(noun):
		c.noun = true
	case k.has(right):
		c.praised = true
		c.noun = c.noun || w.before == "the" || w.before == "most"
	case k.has(link):
		arms := c.noun || k.has(own) && w.beforeIs.has(contrast) // "but it's B"
		c.armed, c.linked = c.armed || arms, c.linked || arms
		c.doubt = c.doubt || k.has(seeming)
	case k.has(pick):
		c.armed, c.linked = true, true
		c.suppose = false // "if I had to choose" is a choice
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
	if c.about && !c.is {
		c.is = k.has(right|wrong) && c.subject.to == w.i && w.gap.has(colon|dash|open) || c.open && w.spelling == "best"
	}
	switch {
	case k.has(link) && !k.has(own):
		if c.about && (c.open || w.gap.has(comma|shut|quote|dash)) {
			c.is, c.open = true, true
			if k.has(plural) && c.subject.letter && !r.words[c.subject.from].gap.has(open) {
				c.subject.option = void // the end of a list: "B and, it seems, C are"
			}
		}
	case k.has(noun):
		if c.is && (w.before == "my" || w.spelling == "answer" && (w.before == "the" || w.beforeIs.has(right))) {
			r.judge(c, c.denied)
		}
	case k.has(right):
		next := r.words[w.i+1]
		ofOther := next.gap == 0 && next.class == 0 && w.beforeIs.has(link|filler) // the correct last name
		if c.is && !ofOther {
			r.judge(c, c.denied)
		}
	case k.has(wrong):
		if c.is && !c.denied {
			r.judge(c, true)
		} else {
			c.denied = !c.is
		}
	default:
		return false
	}
	return true
}

func (r *reading) claim(c *clause, x ref, rule string, denied bool) {
	r.claims = append(r.claims, claim{x.option, rule, denied, c.doubt || c.suppose, c.weight + corrected*r.turns})
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
