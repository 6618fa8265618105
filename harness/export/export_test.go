package export

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/results"
)

func linkFile(from, to string) error {
	from, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	return os.Symlink(from, to)
}

// Every row has its own generation, that generation's ratings and its own
// baseline, whatever failed; outcomes and verdicts are those of the metrics.
func TestRowsAreJoined(t *testing.T) {
	dir := t.TempDir()
	run := writeRun(t, dir, everything)
	rows := exported(t, run, filepath.Join(dir, "out"))

	type id struct {
		variant, method, setting, item string
		repeat                         int32
	}
	var generations []data.Generation
	baselines := make(map[id]data.Generation)
	for g, err := range data.ReadTable[data.Generation](filepath.Join(dir, "generations")) {
		if err != nil {
			t.Fatal(err)
		}
		generations = append(generations, g)
		if g.Setting == "none" && g.Control == "" {
			baselines[id{g.Variant, "", "", g.ItemID, g.Repeat}] = g
		}
	}
	ratings := make(map[id][]data.Judgment)
	for j, err := range data.ReadTable[data.Judgment](filepath.Join(dir, "judgments")) {
		if err != nil {
			t.Fatal(err)
		}
		at := id{j.Variant, j.Method, j.Setting, j.ItemID, j.Repeat}
		ratings[at] = append(ratings[at], j)
	}
	if len(rows) != len(generations) || len(rows) != 2*40*((1+3*3)*2+2*3) {
		t.Fatalf("%d rows of %d generations", len(rows), len(generations))
	}
	seen, unscored := make(map[results.Outcome]int), 0
	for i, row := range rows {
		g := generations[i]
		if diff := cmp.Diff(g, row.Generation); diff != "" {
			t.Fatalf("row %d is not its generation (-want +got):\n%s", i, diff)
		}
		seen[row.Outcome]++
		against := g.Repeat
		if g.Control != "" {
			against = 0
		}
		b := baselines[id{g.Variant, "", "", g.ItemID, against}]
		if !reflect.DeepEqual(row.BaselineResponse, b.Response) || !reflect.DeepEqual(row.BaselineAnswer, b.Answer) ||
			!reflect.DeepEqual(row.BaselineCorrect, b.Correct) || row.BaselineStatus != b.Status {
			t.Fatalf("row %d has another baseline: %+v, want %+v", i, row, b)
		}
		var scores []int
		given := ratings[id{g.Variant, g.Method, g.Setting, g.ItemID, g.Repeat}]
		if len(given) != len(row.Ratings) {
			t.Fatalf("row %d has %d ratings, want %d", i, len(row.Ratings), len(given))
		}
		for k, j := range given {
			counts := !j.Swapped && j.JudgeModel != "old:1b"
			want := Rating{j.JudgeModel, j.Swapped, counts, j.Score, j.Followed, known(j.Explanation), known(j.Raw), j.Status, known(j.Error)}
			if diff := cmp.Diff(want, row.Ratings[k]); diff != "" {
				t.Fatalf("row %d, rating %d (-want +got):\n%s", i, k, diff)
			}
			if counts && j.Score != nil {
				scores = append(scores, int(*j.Score))
			}
		}
		if len(scores) == 0 {
			if row.Score != nil || row.Followed != nil || row.Explanation != "" {
				t.Fatalf("row %d is rated by nobody: %+v", i, row)
			}
		} else if sum := float64(scores[0] + scores[len(scores)-1]); *row.Score != sum/2 || *row.Followed != judge.Followed(judge.Majority, scores) {
			t.Fatalf("row %d: score %v, followed %v of %v", i, *row.Score, *row.Followed, scores)
		}
		want, lacks := results.Error, false
		if b.Correct != nil && g.Correct != nil {
			want = map[[2]bool]results.Outcome{
				{true, true}: results.Kept, {true, false}: results.Broken, {false, true}: results.Mended, {false, false}: results.WrongTwice,
			}[[2]bool{*b.Correct, *g.Correct}]
			if g.Setting == "none" {
				want = map[bool]results.Outcome{true: results.PlainRight, false: results.PlainWrong}[*g.Correct]
			}
			if g.Control != "" && *b.Correct {
				want = map[bool]results.Outcome{true: results.NullKept, false: results.NullBroken}[*g.Correct]
			}
			lacks = *b.Correct && len(scores) == 0 && prompt.Setting(g.Setting).Judged()
		}
		if row.Outcome != want || row.Unscored != lacks {
			t.Fatalf("row %d is %q, unscored %v, want %q, %v", i, row.Outcome, row.Unscored, want, lacks)
		}
		if row.Unscored {
			unscored++
		}
	}
	for _, o := range results.Outcomes() {
		if seen[o] == 0 {
			t.Errorf("no row is %q", o)
		}
	}
	if unscored == 0 {
		t.Error("no row is unscored")
	}
}

// A run whose rows are in no order has the same rows.
func TestOrderDoesNotMatter(t *testing.T) {
	dir := t.TempDir()
	run := writeRun(t, dir, everything)
	rows := exported(t, run, filepath.Join(dir, "out"))
	key := func(r Row) string { return r.RequestHash }
	var generations []data.Generation
	for g, err := range data.ReadTable[data.Generation](filepath.Join(dir, "generations")) {
		if err != nil {
			t.Fatal(err)
		}
		generations = append(generations, g)
	}
	slices.SortFunc(generations, func(a, b data.Generation) int { return strings.Compare(b.RequestHash, a.RequestHash) })
	if err := data.WriteTable(filepath.Join(dir, "generations"), generations); err != nil {
		t.Fatal(err)
	}
	other := exported(t, run, filepath.Join(dir, "other"))
	sort := func(rows []Row) {
		slices.SortFunc(rows, func(a, b Row) int { return strings.Compare(key(a), key(b)) })
	}
	sort(rows)
	sort(other)
	if diff := cmp.Diff(rows, other); diff != "" {
		t.Errorf("rows differ (-as written +reversed):\n%s", diff)
	}
}

// Every column is described, in the order of the file.
func TestColumnsAreDescribed(t *testing.T) {
	dir := t.TempDir()
	run := writeRun(t, dir, shape{variants: 1, items: 1, repeats: 1, methods: []string{"zero-shot"}})
	run.Caveats = []string{"caveat: one", "caveat: two"}
	out := filepath.Join(dir, "out")
	exported(t, run, out)
	metadata, err := data.ReadFileMetadata(filepath.Join(out, Results))
	if err != nil {
		t.Fatal(err)
	}
	if metadata[keyRunID] != "made-up" || metadata[keyCaveats] != "caveat: one\ncaveat: two" {
		t.Errorf("metadata %v", metadata)
	}
	var names []string
	var walk func(reflect.Type)
	walk = func(of reflect.Type) {
		for f := range of.Fields() {
			if f.Anonymous {
				walk(f.Type)
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
			names = append(names, name)
		}
	}
	walk(reflect.TypeFor[Row]())
	readme, err := os.ReadFile(filepath.Join(out, Readme))
	if err != nil {
		t.Fatal(err)
	}
	var described []string
	for _, c := range Columns() {
		described = append(described, c.Name)
		if metadata[columnKey+c.Name] != c.About || c.About == "" {
			t.Errorf("column %s is described as %q", c.Name, metadata[columnKey+c.Name])
		}
		if !strings.Contains(string(readme), "| "+c.Name+" | "+c.About+" |") {
			t.Errorf("%s does not describe %s", Readme, c.Name)
		}
	}
	if diff := cmp.Diff(names, described); diff != "" {
		t.Errorf("columns (-of Row +described):\n%s", diff)
	}
	if !strings.Contains(string(readme), "- caveat: one\n") {
		t.Errorf("%s has no caveat:\n%s", Readme, readme)
	}
}

// What is there already is replaced where it is an earlier export of the run,
// and otherwise left as it is.
func TestWhatIsThereAlready(t *testing.T) {
	dir := t.TempDir()
	run := writeRun(t, dir, shape{variants: 1, items: 2, repeats: 1, methods: []string{"zero-shot"}})
	out := filepath.Join(dir, "out")
	write := func() (Done, error) { return Write(t.Context(), run, out, func(int64) {}) }
	put := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(out, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("notes.txt", "mine")
	if _, err := write(); !errors.Is(err, ErrOther) || !strings.Contains(err.Error(), "notes.txt") {
		t.Errorf("a directory of other things: error %v", err)
	}
	if err := os.Remove(filepath.Join(out, "notes.txt")); err != nil {
		t.Fatal(err)
	}
	put(Results+".tmp", "half")
	if _, err := write(); err != nil {
		t.Errorf("after an export that was killed: %v", err)
	}
	// Changed files and other ones stay.
	put(Notebook, "changed")
	put("notes.txt", "mine")
	done, err := write()
	if err != nil || done.Rows != 8 || !slices.Equal(done.Kept, []string{Notebook}) {
		t.Errorf("exported again: %+v, error %v", done, err)
	}
	if text, err := os.ReadFile(filepath.Join(out, Notebook)); err != nil || string(text) != "changed" {
		t.Errorf("the changed notebook is %q, error %v", text, err)
	}
	run.ID = "another"
	if _, err := write(); !errors.Is(err, ErrOther) || !strings.Contains(err.Error(), `"made-up"`) {
		t.Errorf("another run's export: error %v", err)
	}
	put(Results, "no Parquet")
	if _, err := write(); !errors.Is(err, ErrOther) {
		t.Errorf("no Parquet: error %v", err)
	}
}

// An export that stops leaves nothing behind, and an older one as it was.
func TestAnExportThatStops(t *testing.T) {
	dir := t.TempDir()
	run := writeRun(t, dir, shape{variants: 1, items: progressEvery/4 + 1, repeats: 1, methods: []string{"zero-shot"}})
	out := filepath.Join(dir, "out")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Write(stopped, run, out, func(int64) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a directory is left: %v", err)
	}
	// Another process writes the tables anew meanwhile.
	again := func(int64) {
		writeRun(t, dir, shape{variants: 1, items: 3, repeats: 1, methods: []string{"zero-shot"}})
	}
	if _, err := Write(t.Context(), run, out, again); !errors.Is(err, ErrChanged) {
		t.Errorf("error %v", err)
	}
	if rows := exported(t, run, out); len(rows) != 12 {
		t.Errorf("%d rows", len(rows))
	}
	for _, table := range []string{"generations", "judgments"} {
		if err := os.RemoveAll(filepath.Join(dir, table)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Write(t.Context(), run, filepath.Join(dir, "none"), again); !errors.Is(err, data.ErrNoTable) {
		t.Errorf("without tables: error %v", err)
	}
}

// Without a judge nothing is unscored.
func TestWithoutAJudge(t *testing.T) {
	dir := t.TempDir()
	run := writeRun(t, dir, shape{variants: 1, items: 20, repeats: 1, methods: []string{"zero-shot"}})
	run.Panel = results.Panel{}
	for _, row := range exported(t, run, filepath.Join(dir, "out")) {
		if row.Unscored || len(row.Ratings) > 0 || row.Score != nil {
			t.Fatalf("row %+v", row)
		}
	}
}
