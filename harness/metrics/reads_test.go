package metrics

import (
	"fmt"
	"path/filepath"
	"testing"

	"perg/data"
	"perg/harness/extract"
	"perg/harness/prompt"
	"perg/harness/results"
)

// Who read the answers is counted of a cell, of its baseline, and of each type
// of preference alone.
func TestReadsOfACell(t *testing.T) {
	answer, right, wrong := "A", true, false
	made := func(item int, setting prompt.Setting, from, status string) data.Generation {
		g := data.Generation{
			ItemID: fmt.Sprint(item), Variant: "v", Model: "m", Method: string(prompt.ZeroShot), Setting: string(setting), Source: "s",
			PreferenceType: []string{"clarity", "depth"}[item%2], AnswerFrom: from, Status: status, Correct: &wrong,
		}
		if from != "" && from != extract.Conflict {
			g.Answer, g.Correct = &answer, &right
		}
		return g
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "generations"), []data.Generation{
		made(0, prompt.None, extract.Stated, data.StatusOK), made(1, prompt.None, extract.FromModel, data.StatusOK), made(2, prompt.None, "", data.StatusTruncated),
		made(0, prompt.Relevant, extract.Conflict, data.StatusTruncated), made(1, prompt.Relevant, extract.Hedged, data.StatusOK), made(2, prompt.Relevant, extract.FromModel, data.StatusTruncated),
	})
	table, err := Load(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	cells, err := table.Cells(ByPreferenceType)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		if c.Setting != prompt.Relevant {
			continue
		}
		want := map[string][2]Reads{
			All:       {{ByRules: 1, ByModel: 1, Unread: 1, Responses: 3, Truncated: 2}, {ByRules: 1, ByModel: 1, Unread: 1, Responses: 3, Truncated: 1}},
			"clarity": {{ByModel: 1, Unread: 1, Responses: 2, Truncated: 2}, {ByRules: 1, Unread: 1, Responses: 2, Truncated: 1}},
			"depth":   {{ByRules: 1, Responses: 1}, {ByModel: 1, Responses: 1}},
		}[c.Group]
		if c.Reads != want[0] || c.BaselineReads != want[1] {
			t.Errorf("%s: %+v, in the baseline %+v; want %+v", c.Group, c.Reads, c.BaselineReads, want)
		}
	}
	rows, err := table.Records("")
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if m := rows[1]; *m.Unread != 1.0/3 || *m.ReadByModelBaseline != 1.0/3 || m.NTruncated != 2 || m.NTruncatedBaseline != 1 {
		t.Errorf("the row says %+v", m)
	}
}

// The bounds are what is found by trying every way in which the answers that
// nobody read could have come out.
func TestBreakageBoundsAreTheExtremes(t *testing.T) {
	const right, wrong, unread = 0, 1, 2
	for code := range 9 * 9 * 9 {
		pairs := [3][2]int{{code % 3, code / 3 % 3}, {code / 9 % 3, code / 27 % 3}, {code / 81 % 3, code / 243 % 3}}
		result := func(k int) results.Result {
			return results.Result{Responded: true, Correct: k == right, Invalid: k == unread}
		}
		tally := Tally{Setting: prompt.Relevant}
		for _, p := range pairs {
			tally.Add(results.PairOf(result(p[0]), result(p[1])), 1)
		}
		least, most := tally.BreakageBounds()
		var low, high *float64
		for ways := range 1 << 6 {
			read := Tally{Setting: prompt.Relevant}
			for i, p := range pairs {
				for side := range p {
					if p[side] == unread {
						p[side] = ways >> (2*i + side) & 1
					}
				}
				read.Add(results.PairOf(result(p[0]), result(p[1])), 1)
			}
			v := read.Rate(BreakageRate).Value()
			if v == nil {
				continue
			}
			if low == nil || *v < *low {
				low = v
			}
			if high == nil || *v > *high {
				high = v
			}
		}
		if !same(least.Value(), low) || !same(most.Value(), high) {
			t.Errorf("%v: %v to %v, want %v to %v", pairs, show(least.Value()), show(most.Value()), show(low), show(high))
		}
	}
}

// same: where Breakage is not defined one way, a bound may be.
func same(got, want *float64) bool {
	return got == nil && want == nil || got != nil && want != nil && *got == *want
}

func show(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprint(*v)
}
