package explore

import (
	"strings"
	"time"
	"unicode"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// A Span is a piece of a text; Differs says that the other text lacks it.
type Span struct {
	Text    string
	Differs bool
}

// diffTime bounds how long differences are looked for; then what is left is
// marked as a whole.
const diffTime = 300 * time.Millisecond

// Differences cuts two texts into what they share, word by word, and what they
// do not. The spans of a side together are its text.
func Differences(a, b string) (left, right []Span) {
	// go-diff compares runes: each different word becomes one.
	runes := make(map[string]rune)
	var words []string
	coded := func(text string) []rune {
		var out []rune
		for _, word := range wordsOf(text) {
			r, ok := runes[word]
			if !ok {
				n := len(words)
				if n >= maxWords {
					return nil
				}
				r = runeOf(n)
				runes[word] = r
				words = append(words, word)
			}
			out = append(out, r)
		}
		return out
	}
	x := coded(a)
	y := coded(b)
	if len(words) >= maxWords {
		return []Span{{a, true}}, []Span{{b, true}}
	}
	d := diffmatchpatch.New()
	d.DiffTimeout = diffTime
	add := func(to *[]Span, text string, differs bool) {
		if n := len(*to); n > 0 && (*to)[n-1].Differs == differs {
			(*to)[n-1].Text += text
			return
		}
		*to = append(*to, Span{text, differs})
	}
	for _, piece := range d.DiffCleanupSemantic(d.DiffMainRunes(x, y, false)) {
		var b strings.Builder
		for _, r := range piece.Text {
			b.WriteString(words[indexOf(r)])
		}
		if piece.Type != diffmatchpatch.DiffInsert {
			add(&left, b.String(), piece.Type == diffmatchpatch.DiffDelete)
		}
		if piece.Type != diffmatchpatch.DiffDelete {
			add(&right, b.String(), piece.Type == diffmatchpatch.DiffInsert)
		}
	}
	return left, right
}

// The runes that are no surrogates, which no string can hold.
const (
	surrogates  = 0xD800
	nSurrogates = 0x800
	maxWords    = unicode.MaxRune + 1 - nSurrogates - 1
)

func runeOf(n int) rune {
	if n >= surrogates {
		n += nSurrogates
	}
	return rune(n)
}

func indexOf(r rune) int {
	if r >= surrogates {
		r -= nSurrogates
	}
	return int(r)
}

// wordsOf cuts a text into words, single marks, and the spaces between them.
func wordsOf(text string) []string {
	var words []string
	kind := func(r rune) int {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			return 1
		case unicode.IsSpace(r):
			return 2
		default:
			return 3 // alone
		}
	}
	start, last := 0, 0
	for i, r := range text {
		k := kind(r)
		if i > start && (k != last || k == 3) {
			words = append(words, text[start:i])
			start = i
		}
		last = k
	}
	if start < len(text) {
		words = append(words, text[start:])
	}
	return words
}
