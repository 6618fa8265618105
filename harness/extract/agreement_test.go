package extract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// No rule can be missing from what is counted.
func TestRuleNamesAreAllThereAre(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "rules.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			for _, v := range spec.Values {
				if lit, ok := v.(*ast.BasicLit); ok && strings.HasPrefix(lit.Value, `"rule:`) {
					rule, _ := strconv.Unquote(lit.Value)
					declared = append(declared, rule)
				}
			}
		}
		return true
	})
	if len(declared) == 0 || !slices.Equal(declared, RuleNames()) {
		t.Errorf("rules.go declares %q, RuleNames gives %q", declared, RuleNames())
	}
}

func TestParseLabel(t *testing.T) {
	for label, want := range map[string]int{"A": 0, "c": 2, "(B)": 1, "B.": 1, "b)": 1, "D": -1, "X": -1, "-1": -1, "": -1, "AB": -1, "()": -1, "Paris": -1} {
		if i, ok := ParseLabel(label, 3); ok != (want >= 0) || ok && i != want {
			t.Errorf("ParseLabel(%q, 3) = %d, %v, want %d", label, i, ok, want)
		}
	}
}
