package report

import (
	"io"
	"strings"

	"perg/data"
	"perg/harness/metrics"
)

func writeLaTeX(w io.Writer, rows []data.Metric, by metrics.GroupBy) error {
	cols := documentColumns(rows, by)
	var b strings.Builder
	b.WriteString("% needs \\usepackage{booktabs}\n\\begin{tabular}{")
	for _, c := range cols {
		if c.left {
			b.WriteByte('l')
		} else {
			b.WriteByte('r')
		}
	}
	b.WriteString("}\n\\toprule\n")
	line := func(value func(column) string) {
		for i, c := range cols {
			if i > 0 {
				b.WriteString(" & ")
			}
			b.WriteString(latexEscape.Replace(cell(value(c))))
		}
		b.WriteString(" \\\\\n")
	}
	line(func(c column) string { return c.title })
	b.WriteString("\\midrule\n")
	for _, m := range rows {
		line(func(c column) string { return c.value(m) })
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n\n\\smallskip\n{\\footnotesize " + latexEscape.Replace(documentLegend(rows)) + "\\par}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

var latexEscape = strings.NewReplacer(`\`, `\textbackslash{}`, "&", `\&`, "%", `\%`, "$", `\$`, "#", `\#`,
	"_", `\_`, "{", `\{`, "}", `\}`, "~", `\textasciitilde{}`, "^", `\textasciicircum{}`,
	"↑", `$\uparrow$`, "↓", `$\downarrow$`)
