package fulltext

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A Range is a piece of a text: its bytes from Start to End.
type Range struct{ Start, End int }

// words hands out the words of a text, folded: in lower case, without accents.
// A word is letters and digits that follow each other; where a script has no
// spaces between words, each character is one. What is folded is good until the
// next word.
func words(text string, yield func(at Range, folded []byte) bool) {
	var word []byte
	start := -1
	flush := func(end int) bool {
		if start < 0 {
			return true
		}
		at := Range{start, end}
		start = -1
		return len(word) == 0 || yield(at, word)
	}
	for i := 0; i < len(text); {
		b := text[i]
		if b < utf8.RuneSelf {
			switch {
			case 'A' <= b && b <= 'Z':
				b += 'a' - 'A'
			case 'a' <= b && b <= 'z' || '0' <= b && b <= '9':
			default:
				if !flush(i) {
					return
				}
				i++
				continue
			}
			if start < 0 {
				start, word = i, word[:0]
			}
			word = append(word, b)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case alone(r):
			if !flush(i) || !yield(Range{i, i + size}, []byte(string(r))) {
				return
			}
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if start < 0 {
				start, word = i, word[:0]
			}
			word = appendFolded(word, r)
		case unicode.IsMark(r) && start >= 0: // it belongs to the letter before it
		default:
			if !flush(i) {
				return
			}
		}
		i += size
	}
	flush(len(text))
}

// alone says whether a character is a word by itself.
func alone(r rune) bool {
	return r >= 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer)
}

// appendFolded appends a letter in lower case without its accents.
func appendFolded(to []byte, r rune) []byte {
	var buffer [utf8.UTFMax]byte
	n := utf8.EncodeRune(buffer[:], unicode.ToLower(r))
	for _, r := range string(norm.NFD.Bytes(buffer[:n])) {
		if !unicode.IsMark(r) {
			to = utf8.AppendRune(to, r)
		}
	}
	return to
}

// appendWords appends the words of a text, a space after each: a text that a
// tokenizer that knows ASCII alone cuts into the same words.
func appendWords(to []byte, text string) []byte {
	words(text, func(_ Range, folded []byte) bool {
		to = append(append(to, folded...), ' ')
		return true
	})
	return to
}
