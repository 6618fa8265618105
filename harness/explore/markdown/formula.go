package markdown

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// A formula is LaTeX with the marks around it: \(x\), \[x\], $$x$$ or $x$.
type formula struct {
	ast.BaseInline
	text string
}

var kindFormula = ast.NewNodeKind("Formula")

func (*formula) Kind() ast.NodeKind { return kindFormula }

func (f *formula) Dump(source []byte, level int) {
	ast.DumpHelper(f, source, level, map[string]string{"text": f.text}, nil)
}

// formulaParser keeps formulas from being read as Markdown, in which \( is ( and
// a_1 b_1 is emphasized.
type formulaParser struct{}

func (formulaParser) Trigger() []byte { return []byte{'\\', '$'} }

var formulaEnds = []struct{ open, close string }{{`\(`, `\)`}, {`\[`, `\]`}, {"$$", "$$"}}

func (formulaParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, _ := block.PeekLine()
	for _, f := range formulaEnds {
		if bytes.HasPrefix(line, []byte(f.open)) {
			return longFormula(block, f.open, f.close)
		}
	}
	// As in Pandoc, so that prices are none: no space inside of the dollars, and no
	// digit behind.
	if line[0] != '$' || len(line) < 3 || isSpace(line[1]) {
		return nil
	}
	end := bytes.IndexByte(line[1:], '$') + 1
	if end < 2 || isSpace(line[end-1]) || end+1 < len(line) && '0' <= line[end+1] && line[end+1] <= '9' {
		return nil
	}
	block.Advance(end + 1)
	return &formula{text: string(line[:end+1])}
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// longFormula may go over several lines of its paragraph.
func longFormula(block text.Reader, open, end string) ast.Node {
	at, segment := block.Position()
	var all []byte
	for from := len(open); ; from = 0 {
		line, _ := block.PeekLine()
		if line == nil {
			block.SetPosition(at, segment) // it has no end
			return nil
		}
		if i := bytes.Index(line[from:], []byte(end)); i >= 0 {
			n := from + i + len(end)
			block.Advance(n)
			return &formula{text: string(append(all, line[:n]...))}
		}
		all = append(all, line...)
		block.AdvanceLine()
	}
}
