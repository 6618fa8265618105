package extract

import "slices"

// A sign is weaker than a statement: it counts where nothing is stated, and
// only if all of its options are one and the same.
type sign struct {
	rule    string
	options []int
}

// signs are those of a response, the better ones first.
func (r *reading) signs() []sign {
	stated := func(c claim) bool { return c.rule == Stated || c.rule == StatedText }
	said := r.sentences()
	ifs := r.conditions(said)
	return []sign{
		{Hedged, r.claimed(func(c claim) bool { return stated(c) && !c.unreal && c.weight >= concluded }, ifs)},
		{Predicate, r.claimed(func(c claim) bool { return c.rule == Predicate && c.firm() })},
		{Hedged, r.claimed(func(c claim) bool { return stated(c) && !c.unreal && !c.supposed && c.answer }, ifs)},
		{Hedged, r.unopposed(r.claimed(func(c claim) bool { return stated(c) && !c.unreal }, ifs))},
		{Hedged, r.claimed(func(c claim) bool { return c.rule == Predicate && !c.unreal })},
		{OnlyNamed, r.lettered(0)},
		{LastNamed, r.lettered(r.conclusion(said))},
		{OptionText, r.opening(said)},
		{FirstNamed, r.first(said)},
		{LastNamed, r.concluding(said)},
		{Refuted, r.refuted(said)},
		{Eliminated, r.remaining()},
	}
}

// unopposed are options, and where there are any, all others named by letter.
func (r *reading) unopposed(options []int) []int {
	if len(options) > 0 {
		options = append(options, r.lettered(0)...)
	}
	return options
}

// claimed are the options that are claimed so.
func (r *reading) claimed(so func(claim) bool, also ...[]int) []int {
	options := slices.Concat(also...)
	for _, c := range r.claims {
		if !c.denied && so(c) {
			options = append(options, c.option)
		}
	}
	return options
}

// denies: it is said somewhere, or even softly, that option is not the answer.
func (r *reading) denies(option int, softly bool) bool {
	return slices.ContainsFunc(r.claims, func(c claim) bool { return c.denied && c.option == option && (softly || !c.soft) })
}

// remaining is the one option that is not denied where all others are.
func (r *reading) remaining() []int {
	var left []int
	for option := range r.options {
		if !r.denies(option, false) {
			left = append(left, option)
		}
	}
	return left
}

// lettered are the options named by letter from a word on.
func (r *reading) lettered(from int) []int {
	if from == 0 && r.discusses() {
		return nil
	}
	unreal, denied := map[int]bool{}, map[int]bool{} // where a name is only what someone says, or said not to be
	for _, c := range r.claims {
		unreal[c.from] = unreal[c.from] || c.unreal
		denied[c.from] = denied[c.from] || c.denied
	}
	var options []int
	for _, x := range r.refs {
		if x.from >= from && x.letter && x.sure && !x.aside && !denied[x.from] {
			if unreal[x.from] {
				x.option = void
			}
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

// A sentence is a span of words, or a line.
type sentence struct {
	from, to    int
	refs        []ref // options named in it
	negated     bool
	asked       bool // it ends in a question mark
	unreal      bool // it says what someone says, or what would be if
	conditional bool // it says what is or would be if
	several     bool // it says what is one of several: such as
	concludes   bool
}

// sentences are those of the response, with what is said in each.
func (r *reading) sentences() []sentence {
	var all []sentence
	refs := r.refs
	for i := 0; i < r.len(); i++ {
		w := r.words[i]
		if i == 0 || w.gap.has(line) || r.ends(i) || w.gap.has(colon) && r.words[i-1].class.has(wrong) { // they are mistaken: it is Rome
			if i > 0 {
				all[len(all)-1].asked = w.gap.has(query)
			}
			all = append(all, sentence{from: i})
		}
		s := &all[len(all)-1]
		s.to = i + 1
		for len(refs) > 0 && refs[0].from == i {
			s.refs = append(s.refs, refs[0])
			refs = refs[1:]
		}
		s.negated = s.negated || w.class.has(denial|drop|wrong)
		s.concludes = s.concludes || w.class.has(finish) || r.word(i) == "answer" && i > 0 && r.word(i-1) == "to"
		if i == s.from && len(all) > 1 && w.gap.has(line) && all[len(all)-2].heads() {
			s.concludes = true
		}
		s.conditional = s.conditional || w.class.has(supposal)
		s.several = s.several || r.word(i) == "such" || r.word(i) == "including"
		s.unreal = s.unreal || w.class.has(supposal) || w.class.has(report) && r.quotes(i) && !r.mine(i)
	}
	if len(all) > 0 {
		all[len(all)-1].asked = r.words[r.len()].gap.has(query)
	}
	return all
}

// heads: it is no more than a heading, "Conclusion".
func (s sentence) heads() bool { return s.concludes && s.to-s.from < 3 && len(s.refs) == 0 }

// conclusion is the word at which the last sentence begins if it concludes and
// denies nothing, and past the end if it does not.
func (r *reading) conclusion(said []sentence) int {
	if len(said) > 0 && said[len(said)-1].negated {
		return r.len()
	}
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

// plain: it says something, of its own, and denies nothing.
func (s sentence) plain() bool { return !s.negated && !s.asked && !s.unreal }

// named are the options that a sentence names, by letter or by a text that is
// no number and ends at a mark or is long.
func (r *reading) named(s sentence) []int {
	var options []int
	for _, x := range s.refs {
		if x.letter && x.sure || !x.letter && !r.isNumber(x) && (r.after(x.to-1) != 0 || x.to-x.from >= long) {
			options = append(options, x.option)
		}
	}
	return options
}

// long is the number of words from which on a text is that of an option whatever
// comes after it.
const long = 3

// isNumber: x begins with a digit, as much does that names no option.
func (r *reading) isNumber(x ref) bool { return isDigit(rune(r.norm[r.words[x.from].from])) }

// opening are the options whose text stands in the first sentence, numbers
// aside, if one of them follows a link.
func (r *reading) opening(said []sentence) []int {
	if len(said) == 0 || said[0].asked || said[0].unreal {
		return nil // nothing at all, or "Could it be Rome?"
	}
	var options []int
	linked := false
	for _, x := range said[0].refs {
		if !x.bounded || r.isNumber(x) {
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

// first are the options named in the first sentence, also by what it begins
// with: "B is where it rains", or "Rome has seven hills." and no more.
func (r *reading) first(said []sentence) []int {
	if len(said) == 0 || !said[0].plain() || said[0].several || r.begins() || r.discusses() {
		return nil
	}
	options := r.named(said[0])
	for _, x := range said[0].refs {
		if x.from == r.article(0) && (x.letter && r.words[x.to].class.has(link) || !x.letter && len(said) == 1) {
			options = append(options, x.option)
		}
	}
	return options
}

// concluding are the options named in the last sentence that concludes, if it
// ends with one of them or says what it is.
func (r *reading) concluding(said []sentence) []int {
	for i := len(said) - 1; i >= 0; i-- {
		s := said[i]
		if !s.concludes || len(s.refs) == 0 {
			continue
		}
		if !s.plain() {
			return nil
		}
		x := s.refs[len(s.refs)-1]
		switch {
		case len(s.refs) == 1 && !r.isNumber(x) && (r.predicated(x) || r.explained(x.to)):
			return []int{x.option}
		case x.to < s.to && !r.words[x.to].class.has(link):
		case len(s.refs) == 1 && !r.isNumber(x):
			return []int{x.option}
		default:
			return r.named(s)
		}
		return nil
	}
	return nil
}

// explained: a clause that says why begins with word i.
func (r *reading) explained(i int) bool {
	switch r.word(min(i, r.len())) {
	case "as", "because", "since", "which":
		return r.words[i].gap == comma
	}
	return false
}

// conditions is void where different options are named under different ifs.
func (r *reading) conditions(said []sentence) []int {
	var options []int
	for _, s := range said {
		if s.conditional {
			for _, x := range s.refs {
				if x.letter && x.sure {
					options = append(options, x.option)
				}
			}
		}
	}
	if _, ok := one(options); ok || len(options) == 0 {
		return nil
	}
	return []int{void}
}

// brief is the number of sentences of a response in which what is named after
// a view was refuted is the answer, and not one more thing that is discussed.
const brief = 4

// refuted are the options named after a view was reported, or an option denied,
// and not that one.
func (r *reading) refuted(said []sentence) []int {
	last, wrong := -1, void
	for _, c := range r.claims {
		if c.unreal || c.denied && !c.soft {
			last, wrong = c.from, c.option
		}
	}
	if last < 0 || len(said) > brief {
		return nil
	}
	var options []int
	for _, s := range said {
		if s.from > last && s.plain() {
			for _, x := range s.refs {
				if x.option != wrong && !x.letter {
					options = append(options, x.option)
				}
			}
		}
	}
	return options
}
