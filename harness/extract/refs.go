package extract

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// void stands where an option should be: several were named, or none, or a
// letter with the text of another option.
const void = -1

// clash stands where an option's letter has another option's text.
const clash = -2

// A ref is words that name an option, by letter or by text.
type ref struct {
	option   int // or void, or clash
	from, to int // words
	letter   bool
	sure     bool // names the option whatever the sentence says: (B), option B, "B. text"
	aside    bool // one of the others: "the other options (A and C)"
	bounded  bool // a mark follows, or a word that ends the name
}

// normal are the options as they occur in a text's normal form, without an
// article in front; empty where another option is the same.
func normal(options []string) []string {
	room := readers.Get().(*reader)
	defer readers.Put(room)
	texts := make([]string, len(options))
	for i, o := range options {
		texts[i] = room.read(o).norm
		for _, article := range []string{"the ", "a ", "an "} {
			if rest, ok := strings.CutPrefix(texts[i], article); ok && rest != "" {
				texts[i] = rest
				break
			}
		}
	}
	unique := make([]string, len(texts))
	for i, t := range texts {
		if !slices.Contains(texts[:i], t) && !slices.Contains(texts[i+1:], t) {
			unique[i] = t
		}
	}
	return unique
}

// bounded: after word i comes a mark, or a word no noun phrase goes on with.
func (r *reading) bounded(i int) bool {
	return r.after(i) != 0 || r.words[i+1].class.has(follow) || r.easternAt(i+1)
}

// easternAt: word i is of a script that needs no mark to end another.
func (r *reading) easternAt(i int) bool {
	c, _ := utf8.DecodeRuneInString(r.norm[r.words[i].from:])
	return isEastern(c)
}

// textAt finds the option whose whole text begins at word i: the longest,
// where one option's text begins another's.
func (r *reading) textAt(i int) (ref, bool) {
	if w := r.words[i]; w.from == w.to || !r.mayBegin(w) {
		return ref{}, false
	}
	option, best := void, ""
	for k, o := range r.options {
		if len(o) > len(best) && r.spells(i, o) {
			option, best = k, o
		}
	}
	if option == void {
		return ref{}, false
	}
	to := i + 1 + strings.Count(best, " ")
	if r.words[i].gap.has(line) && r.numbers(i) && to == i+1 {
		return ref{}, false
	}
	if r.after(to-1) == comma && isDigit(rune(best[len(best)-1])) && isDigit(rune(r.norm[min(int(r.words[to].from), len(r.norm)-1)])) {
		return ref{}, false // the order is 1, 3, 2
	}
	bounded := r.bounded(to-1) && (r.after(to-1) != comma || !r.begun(best))
	return ref{option: option, from: i, to: to, bounded: bounded}, true
}

// closed: the text of x ends where its quotation, bracket, sentence or line
// does, so that it is the text of what was named before it.
func (r *reading) closed(x ref) bool {
	return r.after(x.to-1).has(stop|shut|line) || r.words[x.from].gap.has(quote) && r.after(x.to-1).has(quote)
}

// article is the word after an article at word i, or i itself.
func (r *reading) article(i int) int {
	switch r.word(i) {
	case "the", "a", "an":
		if r.after(i) == 0 {
			return i + 1
		}
	}
	return i
}

// begun: another option begins with text, as "Yes, always" does with "Yes".
func (r *reading) begun(text string) bool {
	return slices.ContainsFunc(r.options, func(o string) bool { return strings.HasPrefix(o, text+" ") })
}

// numbers: word i is the number of a step, as in "2. Then".
func (r *reading) numbers(i int) bool {
	after := r.after(i)
	return isDigit(rune(r.norm[r.words[i].from])) && after.has(stop|shut) && !after.has(line)
}

// letterAt finds the option whose letter is word i, and takes in the option's
// text where it follows. "A" and "I" are letters only where what follows says
// so, and small letters only where what stands around them does.
func (r *reading) letterAt(i int) (ref, bool) {
	w := r.words[i]
	if w.to-w.from != 1 || w.gap.has(glued) || r.after(i).has(glued) {
		return ref{}, false // f(B), F(x)
	}
	k := int(r.norm[w.from]) - 'a'
	if k < 0 || k >= len(r.options) {
		return ref{}, false
	}
	after := r.after(i)
	x := ref{option: k, from: i, to: i + 1, letter: true, bounded: r.bounded(i)}

	if !w.upper && r.abbreviates(i) {
		return ref{}, false
	}
	isWord := k == 0 || k == 'i'-'a'
	named := r.called(i) && !(isWord && w.gap.has(colon) && !x.bounded) // Answer: A kind person would
	if isWord && !named && (!x.bounded || !w.upper && after == 0) {
		return ref{}, false
	}
	enclosed := w.upper && (w.gap.has(open) && after.has(shut) || w.gap.has(emphasis) && after.has(emphasis))
	pointed := w.upper && i > 0 && r.words[i-1].class.has(link) && after.has(stop|comma|colon|shut)
	alone := w.upper && i > 0 && w.gap.has(stop) && after.has(stop|line) && k != 'i'-'a' && r.words[i-1].to-r.words[i-1].from > 1
	x.sure = named || enclosed || pointed || alone
	if !w.upper && !x.sure && !after.has(stop|comma|colon|shut|line) {
		return ref{}, false
	}
	at := min(r.article(i+1), r.len())
	if text, ok := r.textAt(at); ok && (w.upper || w.gap.has(line|open) && after.has(stop|colon|shut)) {
		switch {
		case text.option == k:
			x.to, x.sure, x.bounded = text.to, true, true
		case w.upper && after != 0 && !after.has(line) && at == i+1 && r.closed(text):
			x.option, x.to = clash, text.to
		}
	}
	return x, x.sure || !r.qualified(i)
}

// abbreviates: letter i is part of "i.e." or "e.g.".
func (r *reading) abbreviates(i int) bool {
	single := func(w word) bool { return w.to-w.from == 1 && !w.upper && w.gap == stop }
	return i > 0 && single(r.words[i]) && r.words[i-1].to-r.words[i-1].from == 1 || single(r.words[i+1])
}

// qualified: the letter is the end of another name, as in "vitamin D".
func (r *reading) qualified(i int) bool {
	return i > 0 && r.words[i].gap == 0 && (r.words[i-1].class == 0 || r.words[i-1].class.has(kind))
}

// called: the word before letter i says that it is one, as in "option B".
func (r *reading) called(i int) bool {
	if i > 0 && r.word(i-1) == "letter" && r.spelling {
		return false
	}
	return i > 0 && r.words[i-1].class.has(namer) && !r.words[i].gap.has(stop|comma|line)
}

// refAt finds the option named at word i.
func (r *reading) refAt(i int) (ref, bool) {
	if w := r.words[i]; w.to-w.from > 1 && !r.mayBegin(w) {
		return ref{}, false // as most are
	}
	x, ok := r.letterAt(i)
	text, isText := r.textAt(i)
	if twin, isTwin := r.twins[r.word(i)]; !ok && !isText && isTwin && r.words[i].upper {
		return ref{option: twin, from: i, to: i + 1, bounded: r.bounded(i)}, true // beyond the options' letters
	}
	if !isText || ok && text.to <= x.to {
		return x, ok
	}
	// "Paris (option B)" is one name, not two.
	if j := text.to; r.words[j].gap.has(open) {
		if r.words[j].class.has(namer) {
			j++
		}
		if y, ok := r.letterAt(j); ok && y.option == text.option && r.after(y.to-1).has(shut) {
			return ref{option: y.option, from: i, to: y.to, letter: true, sure: true, bounded: true}, true
		}
	}
	return text, true
}

// list extends x over "A and B", "A, B or C", "A/B"; it is void where that
// names more than one option.
func (r *reading) list(x ref) ref {
	last := false
	for first := true; !last && !r.words[x.to].gap.has(stop|line|colon); first = false {
		i := x.to
		listed, joined, or := r.words[i].gap.has(comma), r.words[i].gap.has(slash), false
		for r.words[i].class.has(joint) {
			joined, or = true, or || r.word(i) != "and"
			i++
		}
		last = joined && listed // A, B, or C
		if !joined && !listed {
			break
		}
		if i > x.to && r.words[i].class.has(namer) {
			i++
		}
		if joined && !x.letter {
			i = r.article(i)
		}
		next, ok := r.refAt(i)
		if next.option == clash {
			next.to = next.from + 1 // options B and C, "rain" and "snow"
		}
		if !ok || next.letter != x.letter || next.letter && !next.sure && !r.words[i].upper {
			break
		}
		behind := r.words[next.to]
		if first && !or && behind.gap == 0 && behind.class.has(singular) {
			break // "A, and B is wrong" begins a new clause
		}
		if !joined && x.option != void && behind.gap == 0 && !behind.class.has(joint|plural) {
			break // "A, B says"
		}
		if next.option != x.option {
			x.option = void
		}
		x.to, x.bounded = next.to, next.bounded
	}
	return x
}
