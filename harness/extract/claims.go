package extract

import "slices"

// A claim says that an option is the answer, or that it is not. It has one of
// two shapes. Either what is claimed comes first, and arms the option that
// follows: "the answer is B", "I choose B". Or the option comes first, and a
// predicate follows: "B is correct". See grammar.go for the words.
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
	suppose bool // "if" holds for all of it
	not     bool // the option just named was denied, so that "but" arms
	weight  int

	subject ref  // the option named last,
	about   bool // if there is one,
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
	case c.armed && whole, r.concluded(x):
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
	c.subject, c.open, c.is = x, whole, false
	c.about = !c.armed // what is said after a claim is of the option's text
	c.armed, c.linked, c.denied, c.boxed = false, false, false, false
}

// concluded: x is a letter that stands alone after "therefore".
func (r *reading) concluded(x ref) bool {
	return x.letter && x.from > 0 && r.words[x.from-1].class.has(finish) && r.after(x.to-1).has(stop|line) &&
		!r.words[x.from].gap.has(stop|line)
}

// predicated: a link stands right before x.
func (r *reading) predicated(x ref) bool {
	gap := r.words[x.from].gap
	return x.from > 0 && r.words[x.from-1].class.has(link) && !gap.has(stop) && (gap.has(colon) || !gap.has(line))
}
