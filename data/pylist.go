package data

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ParseList reads a list of strings in one of the two forms that the options
// column of the published CSV has, or as NumPy's repr prints it:
//
//	['a', "b's"]   a Python list, as repr prints it
//	['a' 'b'       a NumPy array, as str prints it: no commas, lines wrapped
//	 'c']
//	array(['a', 'b'], dtype=object)   the same, as repr prints it, which
//	[np.str_('a'), np.int64(7)]       writes elements so since NumPy 2
//
// Adjacent strings are separate elements, as NumPy means them; Python would
// join them, but its repr never writes them so. A list that has commas in some
// places and not in others could mean either and is an error. A number without
// quotes is an element of that text. The escapes are those that repr writes:
// \' \" \\ \n \r \t \xNN \uNNNN \UNNNNNNNN; any other backslash is an error,
// and so is the "..." by which NumPy leaves out the middle of a long array.
//
// An error says the offset in bytes, what was expected there and what was
// found.
func ParseList(s string) ([]string, error) {
	p := listParser{text: s}
	elements, err := p.array()
	if err != nil {
		return nil, fmt.Errorf("list at offset %d: %w", p.at, err)
	}
	return elements, nil
}

// A listParser reads text once, from left to right. After an error, at is the
// offset of what the error is about.
type listParser struct {
	text string
	at   int
}

// How the elements of a list are set apart.
const (
	undecided = iota // there is no second element yet
	byComma
	byBlank
)

// An array's repr, and an element's, before and after what it is of.
var (
	arrayOpens   = regexp.MustCompile(`^\s*((np|numpy)\.)?array\(`)
	arrayCloses  = regexp.MustCompile(`^\s*(,\s*dtype\s*=\s*(\w+(\.\w+)?|'[^']*'|"[^"]*"|\w+\('[^']*'\))\s*)?\)`)
	elementOpens = regexp.MustCompile(`^(np|numpy)\.(str_|int\d+|uint\d+|float\d+)\(`)
)

// array is a list, or one within array( and ).
func (p *listParser) array() ([]string, error) {
	opens := arrayOpens.FindString(p.text)
	p.at = len(opens)
	elements, err := p.list()
	if err == nil && opens != "" {
		closes := arrayCloses.FindString(p.text[p.at:])
		if closes == "" {
			p.blanks()
			return nil, p.expected("')' or ', dtype=…)' after the list of array(")
		}
		p.at += len(closes)
	}
	if err != nil {
		return nil, err
	}
	p.blanks()
	if p.at < len(p.text) {
		return nil, p.expected("the end of the text after ']'")
	}
	return elements, nil
}

func (p *listParser) list() ([]string, error) {
	p.blanks()
	if !p.take('[') {
		return nil, p.expected("'['")
	}
	elements := []string{}
	separator := undecided
	for {
		blank := p.blanks()
		comma := len(elements) > 0 && p.take(',')
		if comma {
			p.blanks()
		}
		last := p.take(']')
		switch {
		case len(elements) == 0:
		case comma && separator == byBlank:
			return nil, p.mixed()
		case comma:
			separator = byComma
		case last:
		case separator == byComma:
			return nil, p.expected("',' or ']'")
		case !blank:
			return nil, p.expected("',', a blank or ']'")
		default:
			separator = byBlank
		}
		if last {
			break
		}
		element, err := p.element()
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
	}
	return elements, nil
}

// mixed goes back to the comma just taken, the first after elements that are
// set apart by blanks.
func (p *listParser) mixed() error {
	p.at = strings.LastIndexByte(p.text[:p.at], ',')
	return errors.New("expected no comma where the elements before it have none between them (a Python list has commas throughout, a NumPy array has none)")
}

// element is one element, or one within np.str_( and ).
func (p *listParser) element() (string, error) {
	opens := elementOpens.FindString(p.text[p.at:])
	p.at += len(opens)
	element, err := p.bare()
	if err == nil && opens != "" && !p.take(')') {
		return "", p.expected("')'")
	}
	return element, err
}

func (p *listParser) bare() (string, error) {
	rest := p.text[p.at:]
	switch {
	case rest != "" && (rest[0] == '\'' || rest[0] == '"'):
		return p.quoted(rest[0])
	case strings.HasPrefix(rest, "..."), strings.HasPrefix(rest, "…"):
		return "", errors.New("expected an element, found \"...\": NumPy left elements out when it printed this array, and they cannot be recovered; print it again with numpy.set_printoptions(threshold=sys.maxsize)")
	}
	if n := numberLength(rest); n > 0 {
		p.at += n
		return rest[:n], nil
	}
	if len(rest) > 0 && rest[0] == '[' {
		return "", errors.New("expected a quoted string or a number, found a list within the list")
	}
	return "", p.expected("a quoted string or a number")
}

// quoted reads a string from its opening quote to its closing one.
func (p *listParser) quoted(quote byte) (string, error) {
	start := p.at
	p.at++
	var b strings.Builder
	for {
		rest := p.text[p.at:]
		n := strings.IndexFunc(rest, func(r rune) bool { return r == rune(quote) || r == '\\' || r == '\n' || r == '\r' })
		if n < 0 {
			p.at = len(p.text)
			return "", fmt.Errorf("expected %q to close the string opened at offset %d, found the end of the text", quote, start)
		}
		b.WriteString(rest[:n])
		p.at += n
		switch rest[n] {
		case quote:
			p.at++
			return b.String(), nil
		case '\\':
			if err := p.escape(&b); err != nil {
				return "", err
			}
		default:
			return "", fmt.Errorf("expected %q to close the string opened at offset %d, found a line break (within a string it is written \\n)", quote, start)
		}
	}
}

func (p *listParser) escape(b *strings.Builder) error {
	const expected = `expected one of \' \" \\ \n \r \t \xNN \uNNNN \UNNNNNNNN`
	rest := p.text[p.at:]
	if len(rest) < 2 {
		return fmt.Errorf("%s, found a backslash at the end of the text", expected)
	}
	digits := 0
	switch c := rest[1]; c {
	case '\'', '"', '\\':
		b.WriteByte(c)
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	default:
		r, _ := utf8.DecodeRuneInString(rest[1:])
		return fmt.Errorf("%s, found %q (a backslash itself is written \\\\)", expected, `\`+string(r))
	}
	if digits > 0 {
		r, err := codePoint(rest[2:min(2+digits, len(rest))], digits)
		if err != nil {
			return fmt.Errorf("%w after \\%c", err, rest[1])
		}
		b.WriteRune(r)
	}
	p.at += 2 + digits
	return nil
}

// codePoint reads the digits of an escape.
func codePoint(hex string, digits int) (rune, error) {
	for i := range digits {
		if i >= len(hex) || !isHex(hex[i]) {
			return 0, fmt.Errorf("expected %d hexadecimal digits, found %q", digits, hex)
		}
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
		return 0, fmt.Errorf("expected a Unicode character, found half a surrogate pair or a number beyond U+10FFFF: %s", hex)
	}
	return rune(n), nil
}

// numberLength is the length of the number that s starts with, as Python or
// NumPy prints it (7, -0.5, 1., 1e-05), or 0 where it starts with none or with
// one that runs into something else.
func numberLength(s string) int {
	n := 0
	digits := func() (any bool) {
		for n < len(s) && isDigit(s[n]) {
			n++
			any = true
		}
		return any
	}
	sign := func() {
		if n < len(s) && (s[n] == '-' || s[n] == '+') {
			n++
		}
	}
	sign()
	whole := digits()
	fraction := false
	if n < len(s) && s[n] == '.' {
		n++
		fraction = digits()
	}
	if !whole && !fraction {
		return 0
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		n++
		sign()
		if !digits() {
			return 0
		}
	}
	if n < len(s) && !isBlank(s[n]) && s[n] != ',' && s[n] != ']' && s[n] != ')' {
		return 0
	}
	return n
}

// blanks skips blanks and says whether there were any.
func (p *listParser) blanks() bool {
	start := p.at
	for p.at < len(p.text) && isBlank(p.text[p.at]) {
		p.at++
	}
	return p.at > start
}

func (p *listParser) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *listParser) expected(what string) error {
	if p.at >= len(p.text) {
		return fmt.Errorf("expected %s, found the end of the text", what)
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return fmt.Errorf("expected %s, found %q", what, r)
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }
