package markdown

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// Where a marked piece begins and ends is signalled by characters of private use,
// which go through Markdown as letters do.
const (
	begin = '\uf8f0'
	end   = '\uf8f1'
)

// What Markdown may take for its own at the beginning of a piece, and at the end:
// a signal between a line's beginning and its bullet would make it none.
var (
	syntaxBefore = regexp.MustCompile("^(?:[ \\t\\r\\n>#*+=|:_~\\\\$-]|(?:^|\\n)[ \\t]*(?:[0-9]+[.)][ \\t]|`{3,}[^\\n]*\\n)|`)+")
	syntaxAfter  = regexp.MustCompile("[ \\t\\r\\n>#*+=|:_~\\\\$`-]+$")
)

// withSignals joins the pieces of a text, with signals around marked ones. It
// gives their tags in order, too.
func withSignals(spans []Span) (source string, tags []string) {
	var b strings.Builder
	for _, s := range spans {
		text := strings.Map(func(r rune) rune {
			if r == begin || r == end {
				return '\uFFFD'
			}
			return r
		}, s.Text)
		before := syntaxBefore.FindString(text)
		middle := text[len(before):]
		after := syntaxAfter.FindString(middle)
		middle = middle[:len(middle)-len(after)]
		b.WriteString(before)
		if s.Tag != "" && middle != "" {
			tags = append(tags, s.Tag)
			b.WriteRune(begin)
			b.WriteString(middle)
			b.WriteRune(end)
		} else {
			b.WriteString(middle)
		}
		b.WriteString(after)
	}
	return b.String(), tags
}

// signalled puts tags around the text between signals, however many elements it
// goes through.
func signalled(page string, tags []string) string {
	if len(tags) == 0 {
		return page
	}
	var b strings.Builder
	n, on := 0, false
	write := func(text string) {
		if on && strings.TrimSpace(text) != "" {
			text = "<" + tags[n-1] + ">" + text + "</" + tags[n-1] + ">"
		}
		b.WriteString(text)
	}
	for z := html.NewTokenizer(strings.NewReader(page)); z.Next() != html.ErrorToken; {
		token := z.Token()
		if token.Type != html.TextToken {
			b.WriteString(token.String())
			continue
		}
		text := html.EscapeString(token.Data)
		for {
			i := strings.IndexFunc(text, func(r rune) bool { return r == begin || r == end })
			if i < 0 {
				break
			}
			write(text[:i])
			signal := text[i : i+len(string(begin))]
			if on = signal == string(begin) && n < len(tags); on {
				n++
			}
			text = text[i+len(signal):]
		}
		write(text)
	}
	return b.String()
}
