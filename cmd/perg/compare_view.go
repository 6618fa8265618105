package main

import (
	"fmt"
	"io"

	"perg/harness/compare"
	"perg/harness/explore"
	"perg/harness/explore/address"
	"perg/harness/printable"
	"perg/harness/prompt"
)

// saidWhich says of each comparison where the answers are to be seen that one side
// alone has right.
func saidWhich(w io.Writer, all []compare.Comparison) {
	fmt.Fprintln(w, "\nWhich A or B alone has right")
	command := ""
	for _, c := range all {
		if view := viewOf(c); view != command {
			command = view
			fmt.Fprintf(w, "\n  %s\n", printable.Text(command))
		}
		fmt.Fprintf(w, "\n%s %s\n  %s%s\n", comma(c.Counts.OnlyA+c.Counts.OnlyB), printable.Text(fmt.Sprintf("of %s, %s, %s and %s, %s, %s",
			c.A.Variant, c.A.Method, c.A.Setting, c.B.Variant, c.B.Method, c.B.Setting)), viewerAt, address.Of(aloneRight(c)))
	}
	fmt.Fprintln(w)
}

// viewOf is the command that shows both sides.
func viewOf(c compare.Comparison) string {
	if c.A.Run == c.B.Run {
		return "perg view " + quoted(c.A.Run)
	}
	return "perg view " + quoted(c.A.Run) + " " + quoted(c.B.Run)
}

// aloneRight lists A's answers where one side alone is right, each beside B's.
func aloneRight(c compare.Comparison) explore.Filter {
	f := explore.Filter{Values: map[explore.Facet][]string{
		explore.ByVariant: {c.A.Variant}, explore.ByMethod: {string(c.A.Method)}, explore.BySetting: {string(c.A.Setting)},
		explore.ByRight: {explore.Here, explore.There},
	}}
	if c.A.Setting == prompt.None { // controls have no preference either
		f.Values[explore.ByControl] = []string{explore.AskedFirst}
	}
	f.Beside.Run = c.A.Run != c.B.Run
	if c.A.Variant != c.B.Variant {
		f.Beside.Variant = c.B.Variant
	}
	if c.A.Method != c.B.Method {
		f.Beside.Method = c.B.Method
	}
	if c.A.Setting != c.B.Setting {
		f.Beside.Setting = c.B.Setting
	}
	return f
}
