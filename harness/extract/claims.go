package extract

import (
	"slices"
	"strings"
)

// A claim says that an option is the answer, or that it is not. It has one of
// two shapes. Either what is claimed comes first, and arms the option that
// follows: "the answer is B", "I choose B". Or the option comes first, and a
// predicate follows: "B is correct". See grammar.go for the words.
type claim struct {
	option    int // or void, or clash
	from      int // the word at which the option is named
	rule      string
	denied    bool
	soft      bool // denied in passing: "B, not Rome", "B does not capture it"
	tentative bool // it might be so
	supposed  bool // it is so if
	also      bool // it is so as well
	answer    bool // it is said to be the answer, not only to be right
	judged    bool // the option comes first: B is correct
	unreal    bool // it would be so if, or someone says so
	adverse   bool // "however" goes before it
	weight    int  // see plain, concluded and corrected
}

// The weight of a claim is that of its conclusion plus that of each correction
// up to it.
const (
	outweighed = -1 // by any other
	plain      = 0
	answering  = 1
	concluded  = 2
	corrected  = 4
)

// firm: it is neither only possible nor what someone else says.
func (c claim) firm() bool { return !c.tentative && !c.unreal }

// A reading is what the rules know of a response.
type reading struct {
	text
	room     *reader        // where the text lies
	options  []string       // see normal
	twins    map[string]int // options that a letter names which is not their own
	initials [256]uint32    // the lengths of the words that options begin with, by their first byte
	spelling bool           // options speak of letters
	items    []ref          // letters that begin a line and have a mark after them
	refs     []ref          // options named, in order; void where several at once
	claims   []claim        // in order
	turns    int            // corrections up to here
	boxed    bool           // there was a box
	none     bool           // it says that none of the options fits
	noneAt   int            // the word at which it does last
}

func newReading(response string, options []string) *reading {
	room := readers.Get().(*reader)
	r := &reading{text: room.read(response), room: room, options: normal(options)}
	for k, o := range r.options {
		if o == "" {
			continue
		}
		r.spelling = r.spelling || strings.Contains(o, "letter ")
		first := strings.IndexByte(o, ' ')
		if first < 0 {
			first = len(o)
		}
		r.initials[o[0]] |= 1 << min(first, 31)
		if letter := o[len(o)-1:]; letter >= "a" && letter <= "z" && r.endsInLetter(o) {
			if r.twins == nil {
				r.twins = map[string]int{}
			}
			r.twins[letter] = k
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

// close gives the room of the text back; it cannot be read any more.
func (r *reading) close() { readers.Put(r.room) }

// endsInLetter: the option is a single letter, or differs from another in the
// one it ends with, as vitamin A does from vitamin C.
func (r *reading) endsInLetter(option string) bool {
	head := option[:len(option)-1]
	if head != "" && head[len(head)-1] != ' ' {
		return false
	}
	return head == "" || slices.ContainsFunc(r.options, func(o string) bool {
		return o != option && len(o) == len(option) && strings.HasPrefix(o, head)
	})
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
	noun     bool // it speaks of the answer, so that a link arms it
	praised  bool // of the best one, so that a colon does
	armed    bool // the option named next is claimed
	linked   bool // by more than a colon
	mine     bool // by who speaks: I choose
	boxed    bool
	denied   bool // "not" holds for what follows
	doubt    bool // so does "might"
	suppose  bool // "if" holds for all of it
	reported bool // it says what someone says
	would    bool // it says what would be
	making   bool // "making" came before
	several  bool // a plural speaks of the best ones
	lists    bool // a plural armed it
	noneOf   bool // so did "none of", which denies all that the sentence names
	adverse  bool // it began with "however"
	concedes bool // or with "while"
	closes   bool // or with "therefore"
	named    int  // options before the one named last
	last     ref  // the only option that the sentence before named
	best     bool // so did "best" or "most"

	degree bool // an adverb says how far it is denied
	also   bool
	claims int  // how many there were before it, or before what its ifs hold for
	apart  int  // or how many a dash, a colon or a bracket set apart from those
	lapsed int  // words for which what was armed may go on before a bracket names it
	not    bool // the option just named was denied, so that "but" arms
	weight int

	subject ref  // the option named last,
	about   bool // if there is one,
	before  ref  // and the one before it, where that stands in passing: "B, not A, is"
	open    bool // a link may follow it
	is      bool // and has, so that praise or blame makes a claim of it
}

// sole is the one option that a sentence named, or void.
func (c *clause) sole() ref {
	if c.named == 1 && c.subject.option >= 0 && (c.subject.sure || c.subject.bounded) {
		return c.subject
	}
	return ref{option: void}
}

// drop forgets whatever claim was being made.
func (c *clause) drop() {
	c.armed, c.linked, c.boxed, c.denied = false, false, false, false
	c.open, c.is = false, false
}

// scan reads the response sentence by sentence and collects its claims.
func (r *reading) scan() {
	c := clause{last: ref{option: void}, before: ref{option: void}}
	item, items := void, r.items
	list := r.enumerates()
	for i := 0; i < r.len(); {
		gap := r.words[i].gap
		if gap == 0 && r.mute(i) {
			r.unknown(&c)
			i++
			continue
		}
		if gap.has(line) {
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
			c = clause{claims: len(r.claims), last: c.sole(), before: ref{option: void}}
		}
		if !gap.has(stop) && (gap.has(colon) || gap.has(dash) && !gap.has(line)) && i > 0 &&
			(c.noun && (c.praised || r.words[i-1].class.has(noun)) || r.words[i-1].class.has(right)) {
			c.armed = true
		}
		if gap.has(comma | colon | dash | open) {
			c.doubt = c.doubt && gap.has(colon) && !gap.has(comma|dash|open) && (c.armed || r.guessing(&c))
			c.reported = c.reported && !(c.concedes && gap.has(comma))
			c.denied = c.denied && c.armed
		}
		if gap.has(colon | dash | open) {
			c.apart = len(r.claims)
		}
		if gap.has(query) { // the answer to "What cannot be B?" is
			c.denied, c.doubt, c.suppose, c.reported, c.several = false, false, false, false, false
		}
		if gap&^(open|quote|emphasis) != 0 {
			c.lapsed = 0
		}
		x, ok := r.refAt(i)
		if asWord := !x.letter && x.to == i+1 && r.words[i].class != 0; !ok || asWord && !(c.armed && x.bounded) {
			r.hear(&c, i, item)
			i++
			continue
		}
		if list && c.armed && gap.has(line) && r.goesOn(x) {
			if c.armed = x.option > 0 && c.linked; c.armed {
				x.option = void // "The best answer is:" and then several, but not all
			}
		}
		x = r.list(x)
		if c.several && c.armed && gap.has(line) && r.othersBelow(x) {
			x.option = void // "The best ones are:" and then several
		}
		r.mention(&c, x)
		i = x.to
	}
}

// guessing: what the sentence claimed last is only possible.
func (r *reading) guessing(c *clause) bool {
	n := len(r.claims)
	return n > c.claims && r.claims[n-1].tentative
}

// mayBegin: an option may begin with word i.
func (r *reading) mayBegin(w word) bool {
	return r.initials[r.norm[w.from]]&(1<<min(w.to-w.from, 31)) != 0
}

// mute: word i neither names an option nor means anything, whatever stands
// before it; most do neither.
func (r *reading) mute(i int) bool {
	w := r.words[i]
	if w.class&^follow != 0 || w.to-w.from == 1 || r.mayBegin(w) || r.isGraded(i) {
		return false
	}
	switch r.norm[w.to-1] {
	case 'y', 'r', 't': // adverbs and comparatives: see hear
		return w.class != 0
	}
	return true
}

// ends: a sentence ends before word i. It does not with a mark inside quotes
// or before a comma: the answer to "Where?" is B.
func (r *reading) ends(i int) bool {
	w := r.words[i]
	abbreviated := i > 1 && !w.upper && w.gap == stop && r.words[i-1].to-r.words[i-1].from == 1 // e.g.
	const object = shut | open | comma | quote                                                  // of a list in JSON
	return w.gap&object == object ||
		w.gap.has(stop) && !w.gap.has(comma) && (w.upper || !w.gap.has(quote)) && !abbreviated
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

// othersBelow: the line after that of x begins with another option.
func (r *reading) othersBelow(x ref) bool {
	for i := x.to; i < r.len(); i++ {
		if r.words[i].gap.has(line) {
			y, ok := r.refAt(i)
			return ok && y.option != x.option
		}
	}
	return false
}

// mention takes in an option.
func (r *reading) mention(c *clause, x ref) {
	if twin, ok := r.twins[r.word(x.from)]; ok && x.letter && !c.armed && !r.called(x.from) && x.to == x.from+1 {
		x.option, x.letter = twin, false // "the blood type is A", where B is A
	}
	if c.about && c.subject.option == void && c.subject.to == x.from && !x.letter {
		x.option = void // B and E, "rain" and "snow"
	}
	if c.armed && c.lists && (r.after(x.to-1).has(comma) || r.words[x.to].class.has(joint)) {
		x.option = void // they are Oslo, and so on
	}
	x.aside = r.aside(x)
	r.refs = append(r.refs, x)
	whole := x.sure || x.bounded || !x.letter && x.to-x.from > 3
	switch {

	case !c.armed && r.guessed(x):
		c.doubt = true
		r.claim(c, x, Stated, c.denied)
		r.claims[len(r.claims)-1].answer = r.words[x.from].to-r.words[x.from].from == 1
	case c.armed && whole, r.concluded(x), c.praised && r.apposed(x), c.lapsed > 0 && r.bracketed(x):
		rule := Stated
		switch {
		case c.boxed:
			rule = Boxed
			if r.boxed && c.claims == len(r.claims) {
				r.turns++ // of boxes in several sentences the last is meant
			}
			r.boxed = true
		case !x.letter:
			rule = StatedText
		}
		r.claim(c, x, rule, c.denied)
		c.noun = c.noun && (!c.linked || c.denied)
	case c.denied && whole:
		r.claim(c, x, Stated, true)
	case (x.sure && x.letter || r.twins[r.word(x.from)] == x.option && len(r.twins) > 0) && !c.noun && r.predicated(x):
		r.claim(c, x, Predicate, false)
	case c.reported && whole:
		r.claim(c, x, Stated, false)
	}
	c.not = c.denied
	aside := c.denied && r.words[x.from-1].gap.has(comma) || c.subject.sure && c.subject.letter && !x.letter && r.words[c.subject.to].gap == comma
	if c.before = (ref{option: void}); c.about && aside {
		c.before = c.subject
	}
	c.named++
	c.subject, c.open, c.is = x, whole, c.making
	c.making = false
	c.about = !c.armed // what is said after a claim is of the option's text
	c.armed, c.linked, c.denied, c.boxed, c.mine = false, false, false, false, false
}

// aside: x follows "the other options", or others that do.
func (r *reading) aside(x ref) bool {
	gap := r.words[x.from].gap
	if n := len(r.refs); n > 0 && r.refs[n-1].aside && r.refs[n-1].to >= x.from-1 && !gap.has(stop|line) {
		return true
	}
	i := x.from - 1
	return i > 0 && r.words[i].class.has(namer) && !gap.has(stop|line|comma) && (r.word(i-1) == "other" || r.word(i-1) == "remaining")
}

// concluded: x is a letter that stands alone after "therefore".
func (r *reading) concluded(x ref) bool {
	return r.standsAfter(finish, x) && r.after(x.to-1).has(stop|line) && !(r.words[x.to].class.has(link) && !r.words[x.to].upper)
}

// apposed: x is a letter that says which one was meant: the right answer, B.
func (r *reading) apposed(x ref) bool {
	after := r.after(x.to - 1)
	return r.standsAfter(noun, x) && r.words[x.from].gap == comma && after.has(stop|line) && !after.has(query)
}

// bracketed: x is a letter that a bracket adds to what was said in other words:
// the best choice is a town on the coast (B).
func (r *reading) bracketed(x ref) bool {
	return x.letter && x.sure && r.after(x.to-1).has(shut) && !r.words[x.to].class.has(joint)
}

// guessed: x is a letter that stands alone after "probably".
func (r *reading) guessed(x ref) bool {
	return r.standsAfter(guess, x) && (x.bounded || r.words[x.to].class.has(contrast))
}

func (r *reading) standsAfter(k class, x ref) bool {
	return x.letter && x.from > 0 && r.words[x.from-1].class.has(k) && !r.words[x.from].gap.has(stop|line)
}

// predicated: a link stands right before x.
func (r *reading) predicated(x ref) bool {
	gap, i := r.words[x.from].gap, x.from-1
	if x.letter && gap == 0 && i > 0 && r.words[i].class.has(namer) && r.words[i].class.has(noun) {
		gap, i = r.words[i].gap, i-1 // is option B
	}
	for i > 0 && r.words[i].class.has(filler) && !r.words[i].class.has(noun|right|wrong) && r.words[i].gap&^(quote|emphasis) == 0 {
		i-- // it is probably B, it is a village (option B)
	}
	return i >= 0 && r.words[i].class.has(link) && !(r.words[i].class.has(plural) && gap.has(line)) && !gap.has(stop) && (gap.has(colon) || !gap.has(line))
}
