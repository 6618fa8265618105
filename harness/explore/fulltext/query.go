package fulltext

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Query is what is looked for in texts: words, in whichever case and with
// accents or without, all of which have to be there; or a regular expression.
type Query struct {
	phrases []phrase
	pattern *regexp.Regexp // nil: phrases
}

// A phrase is words that follow each other; of the last one the beginning is
// enough where it is a prefix.
type phrase struct {
	words  [][]byte
	prefix bool
}

// ErrQuery: a text asks for nothing that could be looked for.
var ErrQuery = errors.New("nothing to look for")

// Parse reads a query as people write it: bridge river, "over the bridge", brid*.
// Words that are joined by other marks, such as q4_K_M, follow each other. The
// error is ErrQuery where it has no word.
func Parse(text string) (Query, error) {
	var q Query
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		var part string
		if rest, quoted := strings.CutPrefix(text, `"`); quoted {
			part, text, _ = strings.Cut(rest, `"`)
		} else {
			end := strings.IndexFunc(text, func(r rune) bool { return r == '"' || strings.ContainsRune(" \t\r\n", r) })
			if end < 0 {
				end = len(text)
			}
			part, text = text[:end], text[end:]
		}
		if tail, ok := strings.CutPrefix(text, "*"); ok {
			part, text = part+"*", tail
		}
		p := phrase{prefix: strings.HasSuffix(part, "*")}
		words(part, func(_ Range, folded []byte) bool {
			p.words = append(p.words, bytes.Clone(folded))
			return true
		})
		if len(p.words) > 0 {
			q.phrases = append(q.phrases, p)
		}
	}
	if len(q.phrases) == 0 {
		return q, fmt.Errorf("%w: it has no letter and no digit; a regular expression finds other marks", ErrQuery)
	}
	return q, nil
}

// Regexp reads a regular expression (RE2), which matches in whichever case. The
// error, an ErrQuery, says what is wrong with it.
func Regexp(text string) (Query, error) {
	p, err := regexp.Compile("(?i)" + text)
	if err != nil {
		return Query{}, fmt.Errorf("%w: %w", ErrQuery, err)
	}
	if p.MatchString("") {
		return Query{}, fmt.Errorf("%w: the expression matches everything", ErrQuery)
	}
	return Query{pattern: p}, nil
}

// Indexed says whether an Index can answer the query: it knows words alone.
func (q Query) Indexed() bool { return q.pattern == nil }

func (q Query) hasPrefix() bool {
	return slices.ContainsFunc(q.phrases, func(p phrase) bool { return p.prefix })
}

// Match says whether a text has what is looked for.
func (q Query) Match(text string) bool {
	if q.pattern != nil {
		return q.pattern.MatchString(text)
	}
	return q.find(text, nil)
}

// mostFound is how many places of a text are told.
const mostFound = 1000

// Find gives the places of a text that have what is looked for, in order and
// apart; none where it does not match.
func (q Query) Find(text string) []Range {
	var found []Range
	if q.pattern != nil {
		for _, at := range q.pattern.FindAllStringIndex(text, mostFound) {
			if at[0] < at[1] {
				found = append(found, Range{at[0], at[1]})
			}
		}
		return found
	}
	if !q.find(text, func(at Range) { found = append(found, at) }) {
		return nil
	}
	slices.SortFunc(found, func(a, b Range) int { return cmp.Or(a.Start-b.Start, a.End-b.End) })
	apart := found[:0]
	for _, at := range found {
		if n := len(apart); n > 0 && at.Start <= apart[n-1].End {
			apart[n-1].End = max(apart[n-1].End, at.End)
		} else if n < mostFound {
			apart = append(apart, at)
		}
	}
	return apart
}

// find goes through a text once, and says whether all phrases are in it. Without
// note it ends when they are.
func (q Query) find(text string, note func(Range)) bool {
	seen := make([]bool, len(q.phrases))
	missing := len(q.phrases)
	longest := 0
	for _, p := range q.phrases {
		longest = max(longest, len(p.words))
	}
	// The last words, as long as the longest phrase.
	last := make([][]byte, 0, longest)
	at := make([]Range, 0, longest)
	words(text, func(here Range, folded []byte) bool {
		if len(last) == longest {
			first := last[0]
			copy(last, last[1:])
			copy(at, at[1:])
			last[longest-1], at[longest-1] = append(first[:0], folded...), here
		} else {
			last, at = append(last, bytes.Clone(folded)), append(at, here)
		}
		for i, p := range q.phrases {
			if note == nil && seen[i] || !p.ends(last) {
				continue
			}
			if !seen[i] {
				seen[i] = true
				missing--
			}
			if note != nil {
				note(Range{at[len(at)-len(p.words)].Start, here.End})
			}
		}
		return note != nil || missing > 0
	})
	return missing == 0
}

// ends says whether words end with the phrase.
func (p phrase) ends(last [][]byte) bool {
	from := len(last) - len(p.words)
	if from < 0 {
		return false
	}
	for i, word := range p.words {
		if p.prefix && i == len(p.words)-1 {
			if !bytes.HasPrefix(last[from+i], word) {
				return false
			}
		} else if !bytes.Equal(last[from+i], word) {
			return false
		}
	}
	return true
}

// expression is the query as FTS5 takes it. Words are letters and digits: none of
// them ends a string.
func (q Query) expression() string {
	var b strings.Builder
	for i, p := range q.phrases {
		if i > 0 {
			b.WriteString(" AND ")
		}
		b.WriteByte('"')
		b.Write(bytes.Join(p.words, []byte(" ")))
		b.WriteByte('"')
		if p.prefix {
			b.WriteString(" *")
		}
	}
	return b.String()
}
