// Package markdown makes HTML of what models write, which is Markdown and LaTeX
// more often than not, and cannot be trusted: it has no link, no image, no
// script and no style, and what would be HTML is shown as it is. Formulas are
// shown as they are, as code is; the page draws them.
package markdown

import (
	"bytes"
	"html/template"
	"regexp"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// A Span is a piece of a text. Tag is "ins", "del" or "mark" where it is marked.
type Span struct{ Text, Tag string }

// HTML renders a text, in pieces, with what is marked in its tags.
func HTML(spans []Span) template.HTML {
	source, tags := withSignals(spans)
	var b bytes.Buffer
	if err := engine.Convert([]byte(source), &b); err != nil {
		return template.HTML("<p>" + template.HTMLEscapeString(err.Error()) + "</p>") // a bytes.Buffer takes everything
	}
	return template.HTML(policy.Sanitize(signalled(b.String(), tags)))
}

// engine leaves out what would hide a part of a text: HTML, links and where they
// lead. Lines stay lines.
var engine = goldmark.New(
	goldmark.WithParser(parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(parser.NewListParser(), 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(formulaParser{}, 50),
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewEmphasisParser(), 500),
		),
	)),
	goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute))),
	goldmark.WithRendererOptions(html.WithHardWraps(), renderer.WithNodeRenderers(util.Prioritized(ownRenderer{}, 100))),
)

var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "strong", "em", "ul", "ol", "li", "blockquote", "pre", "code", "hr", "table", "thead", "tbody", "tr", "th", "td", "ins", "del", "mark")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("align").Matching(bluemonday.CellAlign).OnElements("th", "td")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^(formula|heading)$`)).OnElements("code", "p")
	return p
}()

// ownRenderer renders headings as paragraphs, as the outline of the page is not
// theirs, and formulas.
type ownRenderer struct{}

func (ownRenderer) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, func(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
		w.WriteString(map[bool]string{true: `<p class="heading">`, false: "</p>\n"}[entering])
		return ast.WalkContinue, nil
	})
	r.Register(kindFormula, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			w.WriteString(`<code class="formula">` + template.HTMLEscapeString(n.(*formula).text) + "</code>")
		}
		return ast.WalkSkipChildren, nil
	})
}
