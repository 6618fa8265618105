package extract

// What the words around a word tell of it: these ask, and change nothing.

// isGraded: "most" or "more" stands before word i, or before an adverb that does.
func (r *reading) isGraded(i int) bool {
	if i == 0 || r.words[i-1].class.has(grade) {
		return i > 0
	}
	return i > 1 && r.words[i-2].class.has(grade) && r.words[i-1].class == 0 && r.words[i].gap == 0 && r.isAdverb(r.words[i-1])
}

// compares: word i ends as comparatives do, and what it grades is the answer.
func (r *reading) compares(i int) bool {
	w := r.words[i]
	if w.to-w.from < 5 || w.upper || r.after(i) != 0 || !r.words[i+1].class.has(noun|kind) || r.words[i].gap != 0 {
		return false
	}
	return r.norm[w.to-3:w.to] == "est" || r.norm[w.to-2:w.to] == "er"
}

// isAdverb: the word ends as adverbs do, and is no name.
func (r *reading) isAdverb(w word) bool {
	return !w.upper && w.to-w.from > 2 && r.norm[w.to-2:w.to] == "ly"
}

// nounAhead: a word for the answer comes in the next few, with no mark between.
func (r *reading) nounAhead(i int) bool {
	for n := 0; n < 5 && i < r.len() && r.words[i].gap == 0; n, i = n+1, i+1 {
		switch k := r.words[i].class; {
		case k.has(noun | kind):
			return true
		case k.has(right): // comprehensive and accurate answer
		case k.has(link|filler) || k.has(follow) && !k.has(joint):
			return false
		}
	}
	return false
}

// indefinite: word i, or the one before "more", is "a".
func (r *reading) indefinite(i int) bool {
	if r.word(i) == "more" {
		i--
	}
	return r.word(max(i, 0)) == "a" || r.word(max(i, 0)) == "an"
}

// suits: word i says that something is as it should be.
func (r *reading) suits(i int) bool {
	switch r.word(i) {
	case "matches", "fits", "suits", "describes", "represents", "captures", "explains", "answers", "completes", "illustrates", "reflects", "aligns", "defines":
		return true
	}
	return false
}

// pronoun: word i begins a clause that says why.
func (r *reading) pronoun(i int) bool {
	switch r.word(i) {
	case "it", "it's", "this", "that", "they", "there", "the":
		return true
	}
	return false
}

// blamed: the words from i on say that something is no answer: is not correct.
func (r *reading) blamed(i int) bool {
	if i+1 >= r.len() || !r.words[i].class.has(link) {
		return false
	}
	next := r.words[i+1]
	return next.class.has(wrong) || next.class.has(denial) && r.words[min(i+2, r.len())].class.has(right)
}

// wonders: the "if" after word i says what is not known: to determine if it is.
func (r *reading) wonders(i int) bool {
	switch r.word(max(i, 0)) {
	case "determine", "know", "see", "tell", "check", "ask", "asks", "asked", "asking", "wonder", "decide", "verify", "clear", "sure":
		return true
	}
	return false
}

// relates: word i begins a clause that says which one is meant.
func (r *reading) relates(i int) bool {
	switch r.word(max(i, 0)) {
	case "that", "which", "who", "you", "we", "i", "where":
		return true
	}
	return false
}

// quotes: the verb at word i is followed by what is said.
func (r *reading) quotes(i int) bool {
	if r.after(i).has(comma) && !r.after(i).has(quote) {
		return false // that being said, the answer is B
	}
	switch r.word(i + 1) {
	case "that", "it", "it's", "is", "the", "to":
		return true
	}
	_, ok := r.refAt(i + 1)
	return ok || r.after(i).has(colon|quote)
}

// mine: the subject of the verb at word i is who speaks: I would say.
func (r *reading) mine(i int) bool {
	for n := 0; n < 4 && i > 0 && r.words[i].gap&^quote == 0; n++ {
		i--
		switch r.word(i) {
		case "i", "i'd", "i'm", "we", "we'd", "me", "let's":
			return true
		}
	}
	return false
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
