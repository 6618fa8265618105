package extract

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A text is a response, or an option, as the rules see it: words, and what
// stands between them. Markdown, LaTeX, the kind of bracket or quote and the
// width of letters are gone, so the rules know one spelling of each.
type text struct {
	norm  string // the words in lower case, one space between them
	words []word // and, last, an empty one that carries the gap at the end
}

// A word is a run of letters and digits with the apostrophes, hyphens and
// points inside it, or one mathematical sign.
type word struct {
	from, to int32 // in norm
	class    class
	gap      gap  // what stands before it
	upper    bool // it begins with a capital letter
}

// A gap is the set of marks between two words, in no order; a plain space is
// the empty gap.
type gap uint16

const (
	stop  gap = 1 << iota // . ! ?
	comma                 // or a semicolon
	colon
	open // a bracket of any kind
	shut
	quote
	emphasis // Markdown bold, italic, code, headings, table bars; LaTeX $
	dash     // or a bullet
	slash    // or an ampersand
	line     // the line ends
	glued    // an opening bracket right after a letter: f(B) is a function, no choice
	query    // a question mark, which is also a stop
)

func (g gap) has(marks gap) bool { return g&marks != 0 }

// gaps says what a mark between words is; full-width forms are folded before.
var gaps = map[rune]gap{
	'.': stop, '!': stop, '?': stop | query, '。': stop, '…': stop,
	',': comma, ';': comma, '、': comma, ':': colon,
	'(': open, '[': open, '{': open, '【': open, '〔': open, '〈': open, '《': open, '〖': open, '「': open, '『': open,
	')': shut, ']': shut, '}': shut, '】': shut, '〕': shut, '〉': shut, '》': shut, '〗': shut, '」': shut, '』': shut,
	'"': quote, '\'': quote, '“': quote, '”': quote, '„': quote, '‘': quote, '’': quote, '«': quote, '»': quote,
	'*': emphasis, '_': emphasis, '`': emphasis, '#': emphasis, '|': emphasis, '~': emphasis, '$': emphasis,
	'-': dash, '–': dash, '—': dash, '•': dash, '·': dash, '▪': dash, '→': dash, '⇒': dash, '➡': dash, '➜': dash, '➔': dash,
	'/': slash, '&': slash,
	'\n': line, '\r': line, '\u0085': line, '\u2028': line, '\u2029': line,
}

// boxed is the word for LaTeX's \boxed; no other text makes it.
const boxed = `\boxed`

// ticks are the signs for yes and no, by the words that the vocabulary has for
// them.
var ticks = map[rune]string{
	'✅': "✓", '✓': "✓", '✔': "✓", '☑': "✓",
	'❌': "✗", '✗': "✗", '✘': "✗", '✖': "✗", '❎': "✗", '☒': "✗",
}

// styles are the LaTeX commands that only say how their argument looks.
var styles = map[string]bool{
	"text": true, "textbf": true, "textit": true, "textrm": true, "texttt": true,
	"mathrm": true, "mathbf": true, "mathbb": true, "mathit": true, "bf": true, "rm": true,
	"left": true, "right": true, "displaystyle": true, "quad": true, "qquad": true,
}

// A reader turns a string into a text, in one pass. It takes any bytes:
// invalid UTF-8 and control characters are spaces.
type reader struct {
	s     string
	norm  []byte
	words []word
	gap   gap  // since the last word
	inner bool // the rune before belongs to a word
}

// readers are used again, as most of the time of a short text would be spent on
// making room for it.
var readers = sync.Pool{New: func() any { return new(reader) }}

// read reads s in place of what was read before; the words of that text are gone.
func (r *reader) read(s string) text {
	r.s, r.norm, r.words, r.gap, r.inner = s, r.norm[:0], r.words[:0], stop|line, false
	if n := len(s) + len(s)/16 + 72; cap(r.norm) < n {
		r.norm, r.words = make([]byte, 0, n), make([]word, 0, len(s)/5+4)
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c >= utf8.RuneSelf || ascii[c].special:
			i = r.next(i)
		case ascii[c].word:
			i = r.word(i, i+1)
		default:
			r.mark(ascii[c].gap)
			i++
		}
	}
	end := int32(len(r.norm))
	r.words = append(r.words, word{from: end, to: end, gap: r.gap | stop | line})
	r.s = ""
	return text{norm: string(r.norm), words: r.words}
}

// ascii is what next would find out about each ASCII character. Other bytes
// are no more than possible parts of a word.
var ascii = func() (table [256]struct {
	word    bool // a letter or digit
	special bool // begins what only next can read
	joins   bool // may stand inside a word: see wordEnd
	lower   byte
	gap     gap
}) {
	for c := range rune(256) {
		table[c].joins = c >= utf8.RuneSelf || strings.ContainsRune("'-^_", c)
		if c >= utf8.RuneSelf {
			continue
		}
		table[c].word = isWord(c)
		table[c].lower = byte(unicode.ToLower(c))
		table[c].special = isSign(c) || strings.ContainsRune(`\<-*~`, c)
		table[c].gap = gaps[c]
	}
	return table
}()

// lowered are the ASCII letters and digits in lower case; 0 is any other byte.
var lowered = func() (table [256]byte) {
	for c, a := range ascii {
		if a.word {
			table[c] = a.lower
		}
	}
	return table
}()

// next reads what begins at byte i and says where it ends.
func (r *reader) next(i int) int {
	c, size := r.rune(i)
	switch {
	case c == '\\':
		return r.latex(i)
	case c == '<':
		return r.tag(i)
	case c == '~':
		return r.struck(i)
	case c == '>' && r.gap.has(line): // a quotation
		r.mark(emphasis)
		return i + size
	case isEastern(c):
		return r.eastern(i)
	case isWord(c) || c == '-' && !r.inner && isDigit(r.at(i+size)):
		return r.word(i, i+size)
	case c >= 'Ⓐ' && c <= 'Ⓩ':
		r.gap |= open
		r.add(string('A' + c - 'Ⓐ'))
		r.gap = shut
	case isSign(c) || c == '*' && i > 0 && r.s[i-1] == ' ' && r.at(i+size) == ' ':
		r.add(r.s[i : i+size])
	case ticks[c] != "":
		r.add(ticks[c])
	default:
		r.gap |= gaps[c] // never glued: 【 and （ stand right after a word where they are used
	}
	r.inner = false
	return i + size
}

// mark reads an ASCII mark or a space.
func (r *reader) mark(g gap) {
	r.gap |= g
	if r.inner && g == open {
		r.gap |= glued
	}
	r.inner = false
}

// word reads the word that begins at byte i and goes on to at least next.
func (r *reader) word(i, next int) int {
	if end, ok := r.plainWord(i); ok {
		return end
	}
	end := r.wordEnd(next)
	r.add(r.s[i:end])
	r.inner = true
	return end
}

// plainWord reads the word that begins at byte i if it is made of ASCII letters
// and digits only, as nearly all are: it looks for the end, copies and lowers
// in one go. Else it reads nothing.
func (r *reader) plainWord(i int) (end int, ok bool) {
	const longest = 64
	norm := r.norm
	if cap(norm)-len(norm) < longest+1 {
		norm = slices.Grow(norm, longest+1+len(r.s)-i)
	}
	from := len(norm)
	norm = norm[:from+longest+1]
	if from > 0 {
		norm[from] = ' '
		from++
	}
	to := from
	for end = i; end < len(r.s) && to < len(norm); end++ {
		c := lowered[r.s[end]]
		if c == 0 {
			break
		}
		norm[to] = c
		to++
	}
	if end == i || to == len(norm) {
		return i, false
	}
	norm = norm[:to]
	if end < len(r.s) {
		c := r.s[end]
		if ascii[c].joins || (c == '.' || c == ',' || c == ':' || c == '/') && isDigit(rune(r.s[end-1])) {
			return i, false
		}
	}
	first := r.s[i]
	r.norm = norm
	r.words = append(r.words, word{
		from: int32(from), to: int32(len(norm)), class: classOf(norm[from:]), gap: r.gap, upper: 'A' <= first && first <= 'Z',
	})
	r.gap, r.inner = 0, true
	return end, true
}

// latex reads a command, or an escaped mark such as \( or \*.
func (r *reader) latex(i int) int {
	r.inner = false
	end := i + 1
	for end < len(r.s) && unicode.IsLetter(rune(r.s[end])) && r.s[end] < utf8.RuneSelf {
		end++
	}
	switch name := r.s[i+1 : end]; {
	case name == "" && end < len(r.s) && strings.IndexByte(`()[]{}\,;!_*`, r.s[end]) >= 0:
		r.gap |= emphasis
		return end + 1
	case name == "boxed" || name == "fbox":
		r.add(boxed)
	case strings.HasSuffix(name, "frac"):
		if fraction, size := simpleFraction(r.s[end:]); size > 0 {
			r.add(fraction)
			return end + size
		}
		r.add(name)
	case name != "" && !styles[name]:
		r.add(name)
	}
	return end
}

// simpleFraction reads {1}{4} as 1/4; its size is 0 where s does not begin so.
func simpleFraction(s string) (fraction string, size int) {
	var parts [2]string
	for k := range parts {
		if !strings.HasPrefix(s[size:], "{") {
			return "", 0
		}
		from := size + 1
		to := from
		for to < len(s) && to < from+16 && ascii[s[to]].word {
			to++
		}
		if to == from || to == len(s) || s[to] != '}' {
			return "", 0
		}
		parts[k], size = s[from:to], to+1
	}
	return parts[0] + "/" + parts[1], size
}

// struck leaves out what is struck through: ~~A~~.
func (r *reader) struck(i int) int {
	r.mark(emphasis)
	rest := r.s[i+1 : min(i+200, len(r.s))]
	if !strings.HasPrefix(rest, "~") {
		return i + 1
	}
	if end := strings.Index(rest[1:], "~~"); end > 0 && !strings.Contains(rest[1:end], "\n") {
		return i + 2 + end + 2
	}
	return i + 2
}

// tag reads <b> as emphasis, <answer> and <final_answer> as "answer:", and the
// marks of a chat template, <|im_end|>, as the end of a line; any other < is a
// sign.
func (r *reader) tag(i int) int {
	end := i + 1
	if r.at(end) == '|' {
		if size := strings.Index(r.s[end+1:min(end+32, len(r.s))], "|>"); size > 0 {
			r.mark(stop | line)
			return end + 1 + size + 2
		}
	}
	for end < len(r.s) && end < i+16 && (r.s[end] == '/' || r.s[end] == '_' || unicode.IsLetter(rune(r.s[end]))) {
		end++
	}
	if end == i+1 || end == len(r.s) || r.s[end] != '>' {
		r.add("<")
		r.inner = false
		return i + 1
	}
	r.gap |= emphasis
	if name := strings.ToLower(r.s[i+1 : end]); strings.HasSuffix(name, "answer") && name[0] != '/' {
		r.add("answer")
		r.gap = colon
	}
	r.inner = false
	return end + 1
}

// wordEnd is where the word ends whose first rune lies just before byte i.
func (r *reader) wordEnd(i int) int {
	for i < len(r.s) {
		if c := r.s[i]; c < utf8.RuneSelf && ascii[c].word {
			i++
			continue
		}
		c, size := r.rune(i)
		if isEastern(c) {
			return i
		}
		if !isWord(c) {
			after := r.at(i + size)
			switch c {
			case '\'', '’', '-', '^':
				if !isWord(after) {
					return i
				}
			case '_':
				if !isDigit(after) {
					return i
				}
			case '.', ':', '/':
				if before, _ := utf8.DecodeLastRuneInString(r.s[:i]); !isDigit(fold(before)) || !isDigit(after) {
					return i
				}
			case ',':
				if !r.thousands(i) {
					return i
				}
			default:
				return i
			}
		}
		i += size
	}
	return i
}

// thousands: the comma at byte i sets three digits off, as in 10,000.
func (r *reader) thousands(i int) bool {
	if !isDigit(rune(r.s[i-1])) || r.s[i] != ',' || isDigit(r.at(i+4)) {
		return false
	}
	return isDigit(r.at(i+1)) && isDigit(r.at(i+2)) && isDigit(r.at(i+3))
}

// add ends a word: s is its spelling, r.gap what stands before it.
func (r *reader) add(s string) {
	if len(r.norm) > 0 {
		r.norm = append(r.norm, ' ')
	}
	w := word{from: int32(len(r.norm)), gap: r.gap}
	first, size := utf8.DecodeRuneInString(s)
	first = fold(first)
	if size == len(s) && first >= utf8.RuneSelf {
		if letter, ok := lookalikes[first]; ok {
			s, first = string(letter), letter
		}
	}
	w.upper = unicode.IsUpper(first)
	r.norm = appendLower(r.norm, s)
	w.to = int32(len(r.norm))
	w.class = classOf(r.norm[w.from:])
	r.words = append(r.words, w)
	r.gap = 0
}

func appendLower(b []byte, s string) []byte {
	for _, c := range s {
		c = unicode.ToLower(fold(c))
		switch c {
		case '’':
			c = '\''
		case ',': // 10,000
			continue
		}
		b = utf8.AppendRune(b, c)
	}
	return b
}

func (r *reader) rune(i int) (rune, int) {
	if c := r.s[i]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	c, size := utf8.DecodeRuneInString(r.s[i:])
	return fold(c), size
}

// at is the rune at byte i, or a space past the end.
func (r *reader) at(i int) rune {
	if i >= len(r.s) {
		return ' '
	}
	c, _ := r.rune(i)
	return c
}

// fold maps full-width and mathematical letters to ASCII, those in circles and
// squares too, and the several minus signs to one.
func fold(c rune) rune {
	switch {
	case c < utf8.RuneSelf:
		return c
	case c >= '！' && c <= '～':
		return c - '！' + '!'
	case c == '−' || c == '‐' || c == '‑':
		return '-'
	case c >= '𝐀' && c <= '𝚣': // thirteen alphabets of capital and small letters
		if c = (c - '𝐀') % 52; c < 26 {
			return 'A' + c
		}
		return 'a' + c - 26
	case c >= '🄐' && c <= '🄩':
		return c - '🄐' + 'A'
	case c >= '🄰' && c <= '🅉':
		return c - '🄰' + 'A'
	case c >= '🅐' && c <= '🅩':
		return c - '🅐' + 'A'
	case c >= '🅰' && c <= '🆉':
		return c - '🅰' + 'A'
	}
	return c
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

func isWord(c rune) bool {
	if c < utf8.RuneSelf {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c)
	}
	return c != utf8.RuneError && c != '\ufe0f' && (unicode.IsLetter(c) || unicode.IsNumber(c) && (c < 'Ⓐ' || c > 'ⓩ') || unicode.IsMark(c))
}

func isSign(c rune) bool {
	switch c {
	case '+', '=', '>', '%', '^', '°':
		return true
	case '→', '⇒':
		return false
	}
	return c >= utf8.RuneSelf && unicode.Is(unicode.Sm, c)
}

// word is the i-th word, in lower case.
func (t *text) word(i int) string { return t.norm[t.words[i].from:t.words[i].to] }

// len is the number of words.
func (t *text) len() int { return len(t.words) - 1 }

// after is what stands between word i and the next.
func (t *text) after(i int) gap { return t.words[i+1].gap }

// spells: the words from the i-th on begin with all those of phrase, which is in
// the normal form.
func (t *text) spells(i int, phrase string) bool {
	rest := t.norm[t.words[i].from:]
	return strings.HasPrefix(rest, phrase) && (len(rest) == len(phrase) || rest[len(phrase)] == ' ')
}
