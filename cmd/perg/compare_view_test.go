package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"perg/harness/prompt"
	"perg/harness/rundir"
)

// Under the counts of each comparison stands which answers one side alone has
// right: the command is typed, the address opened, and it lists these and no
// others.
func TestCompareSaysWhich(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, second := range map[string]string{"x": "4r 3w 2r 1f", "y": "2w 7r 1w"} {
		r := newWrittenRun(name, rundir.ModelInfo{Variant: "a:8b", Name: "a:8b"}, rundir.ModelInfo{Variant: "b & c:8b", Name: "b & c:8b"})
		r.cell("a:8b", "zero-shot", "none", "8r 2w")
		r.cell("a:8b", "zero-shot", "relevant", second)
		r.cell("a:8b", "cot", "relevant", "1w 4r 5w")
		r.cell("b & c:8b", "zero-shot", "none", "1w 9r")
		r.cell("b & c:8b", "zero-shot", "relevant", "5w 5r")
		r.again("a:8b", prompt.Again, "5w 5r")
		r.again("b & c:8b", prompt.Again, "5r 5w")
		r.write(t)
	}
	command := regexp.MustCompile(`\n  perg view (.*)\n`)
	address := regexp.MustCompile(`\n([0-9]+) of .*\n  http://127\.0\.0\.1:7374(/\S+)\n`)
	alone := regexp.MustCompile(`A alone ([0-9]+), B alone ([0-9]+),`)
	views := make(map[string]*viewing)
	for _, args := range [][]string{
		{"x,a:8b", "b & c:8b"}, {"x,a:8b,zero-shot,relevant", "cot,relevant"}, {"x,a:8b", "y,a:8b"}, {"x,a:8b,none,zero-shot", "y,b & c:8b,relevant,zero-shot"},
	} {
		var out, errs bytes.Buffer
		if status := run(t.Context(), append([]string{"perg", "compare", "--which"}, args...), &out, &errs); status != exitDone {
			t.Fatalf("%s: %s", args, &errs)
		}
		view, counts, found := command.FindStringSubmatch(out.String()), alone.FindAllStringSubmatch(out.String(), -1), address.FindAllStringSubmatch(out.String(), -1)
		if view == nil || len(counts) == 0 || len(found) != len(counts) {
			t.Fatalf("%s: %d addresses for %d comparisons:\n%s", args, len(found), len(counts), &out)
		}
		if views[view[1]] == nil {
			views[view[1]] = startView(t, strings.Fields(view[1])...)
		}
		for i, m := range found {
			a, _ := strconv.Atoi(counts[i][1])
			b, _ := strconv.Atoi(counts[i][2])
			page := views[view[1]].get(m[2])
			listed := fmt.Sprintf("</b> of %d answers", a+b)
			if a+b == 0 {
				listed = "No answers match."
			}
			if m[1] != strconv.Itoa(a+b) || !strings.Contains(page, listed) {
				t.Errorf("%s: A alone %d, B alone %d; %s does not say %q", args, a, b, m[0], listed)
			}
		}
	}
	for command, v := range views {
		if status := v.interrupt(); status != exitDone {
			t.Errorf("perg view %s: exit status %d", command, status)
		}
	}
	if len(views) != 2 {
		t.Errorf("%d views", len(views))
	}
}
