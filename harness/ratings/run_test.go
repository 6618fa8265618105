package ratings

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/results"
)

// testRun writes the tables of a run of one variant under the setting relevant,
// with n items, and gives its directory.
func testRun(t *testing.T, n int, judgments []data.Judgment) string {
	t.Helper()
	dir := t.TempDir()
	var generations []data.Generation
	for i := range n {
		for _, setting := range []string{"none", "relevant"} {
			generations = append(generations, data.Generation{
				ItemID: fmt.Sprint(i), Preference: "p" + fmt.Sprint(i), Setting: setting, Method: "zero-shot", Variant: "v",
				UserPrompt: "question " + fmt.Sprint(i), Response: new(setting + " response " + fmt.Sprint(i)), Status: data.StatusOK,
			})
		}
	}
	for table, err := range map[string]error{
		"generations": data.WriteTable(filepath.Join(dir, "generations"), generations),
		"judgments":   data.WriteTable(filepath.Join(dir, "judgments"), judgments),
	} {
		if err != nil {
			t.Fatal(table, err)
		}
	}
	return dir
}

// judged is the row of a judge's rating of an item; 0 is unscored, -1 failed.
func judged(model string, item, score int) data.Judgment {
	j := data.Judgment{ItemID: fmt.Sprint(item), Setting: "relevant", Method: "zero-shot", Variant: "v", JudgeModel: model, JudgeDigest: "d-" + model, Status: data.StatusOK}
	switch score {
	case 0:
		j.Status = data.StatusUnscored
	case -1:
		j.Status = data.StatusError
	default:
		j.Score, j.Followed = new(int32(score)), new(score >= 3)
	}
	return j
}

func key(item int) results.Key {
	return results.Key{Cell: results.CellOf("v", "zero-shot", "relevant", ""), ItemID: fmt.Sprint(item)}
}

func TestReadJudged(t *testing.T) {
	swapped := judged("b", 1, 5)
	swapped.Swapped = true
	unread := judged("b", 2, 0) // counts for none: it is of the other order
	unread.Swapped = true
	again := judged("a", 3, 4)
	again.JudgeDigest = "newer"
	dir := testRun(t, 4, []data.Judgment{judged("b", 1, 2), judged("b", 2, 0), judged("b", 3, -1), judged("a", 1, 3), swapped, unread, again})
	all, err := ReadJudged(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(all.Judges) != 3 || len(all.Keys) != 3 {
		t.Fatalf("%+v", all)
	}
	// Two models of one name are two judges, told apart.
	if a, b := all.Judges[0].Name, all.Judges[1].Name; a != "a (d-a)" || b != "a (newer)" {
		t.Errorf("judges %q and %q", a, b)
	}
	b := all.Judges[2]
	if b.Name != "b" || b.Scores[key(1)] != 2 || len(b.Scores) != 1 || b.Swapped[key(1)] != 5 || b.Unscored != 1 || b.Failed != 1 {
		t.Errorf("%+v", b)
	}
}

func TestReadJudgedErrors(t *testing.T) {
	for want, judgments := range map[string][]data.Judgment{
		"two ratings by a of item 1, v, zero-shot, relevant, repeat 0": {judged("a", 1, 3), judged("a", 1, 4)},
		"with 6, which is not from 1 to 5":                             {judged("a", 1, 6)},
		"no table":                                                     nil,
	} {
		_, err := ReadJudged(testRun(t, 2, judgments))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
