package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/rundir"
)

// judgedRunDir makes a run of 40 items, one variant, and the judges j1 and j2
// (who sees the responses of ten in the other order too), and changes into the
// directory that holds it.
func judgedRunDir(t *testing.T, judges ...string) string {
	t.Helper()
	t.Chdir(t.TempDir())
	writeRun(t, "r", rundir.Manifest{State: rundir.StateFinished, Judges: []rundir.ModelInfo{{Name: "j1"}}})
	var generations []data.Generation
	var judgments []data.Judgment
	for i := range 40 {
		for _, setting := range []string{"none", "relevant"} {
			generations = append(generations, data.Generation{
				ItemID: fmt.Sprintf("item-%02d", i), Preference: "I like examples.", Setting: setting, Method: "zero-shot", Variant: "m:8b",
				UserPrompt: "Which?\n\nA. this\nB. that", Response: new("=A, " + setting), Status: data.StatusOK,
			})
		}
		for at, judge := range judges {
			j := data.Judgment{
				ItemID: fmt.Sprintf("item-%02d", i), Setting: "relevant", Method: "zero-shot", Variant: "m:8b", JudgeModel: judge, JudgeDigest: "d",
				Score: new(int32(i%5 + 1)), Status: data.StatusOK,
			}
			switch {
			case i == 39:
				j.Score, j.Status = nil, data.StatusUnscored
			case at > 0 && i%4 == 0:
				*j.Score = min(*j.Score+1, 5)
			}
			judgments = append(judgments, j)
			if at > 0 && i < 10 {
				j.Swapped, j.Score = true, new(int32(3))
				judgments = append(judgments, j)
			}
		}
	}
	writeTableOf(t, "r/generations", generations)
	writeTableOf(t, "r/judgments", judgments)
	return "r"
}

func writeRun(t testing.TB, dir string, m rundir.Manifest) {
	t.Helper()
	text, err := json.Marshal(m)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "run.json"), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func writeTableOf[T any](t *testing.T, dir string, rows []T) {
	t.Helper()
	if err := data.WriteTable(dir, rows); err != nil {
		t.Fatal(err)
	}
}

// perg runs a command line and gives what it shows.
func perg(t *testing.T, line string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), append([]string{"perg"}, strings.Fields(line)...), &out, &errs)
	return status, out.String(), errs.String()
}

func golden(t *testing.T, what, got, want string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
	for line := range strings.Lines(got) {
		if len(line) > 81 {
			t.Errorf("%s: wider than 80 columns: %s", what, line)
		}
	}
}

func TestJudgeSample(t *testing.T) {
	judgedRunDir(t, "j1")
	status, stdout, stderr := perg(t, "judge sample r --n 12 -o ratings.csv")
	if status != exitDone {
		t.Fatalf("status %d: %s", status, stderr)
	}
	golden(t, "stdout", stdout, `12 of 39 rated answers written to ratings.csv
left out, as no judge's rating of them can be read: 1
fill in the column rating, 1 (not at all) to 5 (fully); then:
  perg judge agree r ratings.csv
`)
	first, err := os.ReadFile("ratings.csv")
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(first, []byte("\ufeff")))).ReadAll()
	if err != nil || len(records) != 13 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	row := records[1]
	row[1] = "" // the item
	if want := []string{"", "", "m:8b", "zero-shot", "relevant", "0", "I like examples.", "Which?\n\nA. this\nB. that", "'=A, none", "'=A, relevant", "", ""}; !cmp.Equal(row, want) {
		t.Errorf("row %q, want %q", row, want)
	}

	// The same again is no harm; another draw may take the place of a blank form.
	if status, _, stderr := perg(t, "judge sample r --n 12 -o ratings.csv"); status != exitDone {
		t.Errorf("the same again: %s", stderr)
	}
	if again, _ := os.ReadFile("ratings.csv"); !bytes.Equal(first, again) {
		t.Error("the same seed writes another file")
	}
	status, stdout, _ = perg(t, "judge sample -o ratings.csv r --n 100 --seed 7")
	if status != exitDone || !strings.Contains(stdout, "39 of 39 rated answers") || !strings.Contains(stdout, "these are all that have a rating: 100 were asked for\n") {
		t.Errorf("status %d: %s", status, stdout)
	}

	// A person's work is never lost.
	blank, _ := os.ReadFile("ratings.csv")
	work := strings.Replace(string(blank), "\n,", "\n4,", 1)
	for name, content := range map[string]string{"a rating": work, "another file": "notes to keep\n"} {
		if err := os.WriteFile("ratings.csv", []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		status, stdout, stderr := perg(t, "judge sample r -o ratings.csv")
		if got, _ := os.ReadFile("ratings.csv"); string(got) != content {
			t.Errorf("%s was overwritten", name)
		}
		if status != exitUsage || stdout != "" {
			t.Errorf("%s: status %d, stdout %q", name, status, stdout)
		}
		golden(t, name, stderr, "perg: error: ratings.csv is no blank form, and is not replaced\nperg: hint: choose another file with -o\n")
	}
}

func TestJudgeAgree(t *testing.T) {
	judgedRunDir(t, "j1", "j2")
	if status, _, stderr := perg(t, "judge sample r -o ratings.csv"); status != exitDone {
		t.Fatal(stderr)
	}
	fillRatings(t, "ratings.csv")
	status, stdout, stderr := perg(t, "judge agree r ratings.csv")
	if status != exitDone || stderr != "" {
		t.Fatalf("status %d: %s", status, stderr)
	}
	// By construction: j2 gives 8 of 39 one more than j1, which makes 2 followed.
	// In the other order j2 rates ten with 3, which usually have 32 together.
	golden(t, "stdout", stdout, `r: 40 judged answers

j1: 39 rated, 1 unscored, 0 failed
j2: 39 rated, 1 unscored, 0 failed, 10 in the other order
person: 35 rated
4 rows of the file have no rating

        n     same  verdict  kappa
j1, j2
       39     79.5     94.9  0.95 (0.90 to 0.98)
j1, person; weighted to the 39 that they stand for
       35     83.0     85.8  0.76 (0.50 to 0.94)
j2, person; weighted to the 39 that they stand for
       35     69.0     85.8  0.77 (0.53 to 0.93)

        n   raters  alpha
judges
       39        2  0.95 (0.89 to 0.98)
all
       39        3  0.83 (0.67 to 0.93)

position bias: the rating in the other order less that in the usual one

        n    flips  difference
j2
       10     40.0  -0.20 (-1.10 to +0.70)

Percent, and 95 % intervals. See perg judge agree --help.
caveat: j2 has rated 10 in both orders; with less than 30 no figure of them is
reliable
`)

	status, stdout, stderr = perg(t, "judge agree --json r ratings.csv")
	var got struct {
		Run           string
		Generations   int
		Blank         int
		Pairs, Groups []map[string]any
		Bias          []map[string]any `json:"position_bias"`
		Caveats       []string
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || status != exitDone {
		t.Fatalf("%v: %s", err, stderr)
	}
	if got.Run != "r" || got.Generations != 40 || len(got.Pairs) != 3 || len(got.Groups) != 2 || len(got.Bias) != 1 || got.Pairs[0]["n"] != 39. || len(got.Caveats) != 1 {
		t.Errorf("%s", stdout)
	}
}

// fillRatings rates the rows of a form as somebody would who agrees with j1
// about most items, and leaves four blank.
func fillRatings(t *testing.T, name string) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records[1:] {
		var i int
		if _, err := fmt.Sscanf(r[1], "item-%d", &i); err != nil {
			t.Fatal(err)
		}
		switch {
		case i < 4:
		case i%6 == 0:
			r[0] = fmt.Sprint((i+2)%5 + 1)
		default:
			r[0] = fmt.Sprint(i%5 + 1)
		}
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma, w.UseCRLF = ';', true // as Excel saves it where commas are decimal
	w.WriteAll(records)
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestJudgeMistakes(t *testing.T) {
	judgedRunDir(t, "j1")
	writeRun(t, "unjudged", rundir.Manifest{State: rundir.StateFinished})
	writeRun(t, "unfinished", rundir.Manifest{State: rundir.StateInterrupted, Judges: []rundir.ModelInfo{{Name: "j1"}}})
	if status, _, stderr := perg(t, "judge sample r -o blank.csv"); status != exitDone {
		t.Fatal(stderr)
	}
	for name, text := range map[string]string{
		"bad.csv": "item_id,variant,method,setting,repeat,rating\nitem-01,m:8b,zero-shot,relevant,0,7\nitem-77,m:8b,zero-shot,relevant,0,3\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		line   string
		status int
		want   string
	}{
		{"judge sample", 2, "error: judge sample takes one run directory, not 0\nperg: hint: perg judge sample runs/<time> -o ratings.csv\n"},
		{"judge sample r", 2, "error: nowhere to write: name the file with -o\nperg: hint: perg judge sample r -o ratings.csv\n"},
		{"judge sample r -o x.csv --n 0", 2, "error: --n 0: at least 1\n"},
		{"judge sample r -o x.csv --n many", 2, `error: invalid value "many" for flag --n: parse error` + "\nperg: hint: see 'perg judge sample --help'\n"},
		{"judge sample r -o x.csv --sed 3", 2, "error: there is no flag --sed\nperg: hint: Did you mean --seed? see 'perg judge sample --help'\n"},
		{"judge sample r -o", 2, "error: flag needs an argument: --o\nperg: hint: see 'perg judge sample --help'\n"},
		{"judge sample nothere -o x.csv", 2, "error: nothere is no run: it has no run.json\nperg: hint: runs are made by 'perg run'; its --out names the directory\n"},
		{"judge sample unjudged -o x.csv", 2, "error: unjudged has no ratings: it was run without a judge\nperg: hint: perg judge RUN --judge MODEL rates it\n"},
		{"judge sample unfinished -o x.csv", 1, "error: unfinished has no ratings yet: the run is interrupted\nperg: hint: to finish it: perg run --out unfinished\n"},
		{"judge sample r -o no/x.csv", 2, "no/"},
		{"judge sample r -o r", 2, "hint: choose another file with -o\n"},
		{"judge sampel r", 2, "error: there is no command \"sampel\"\nperg: hint: Did you mean \"sample\"? see 'perg --help'\n"},
		{"judge agree", 2, "error: judge agree takes a run directory and perhaps one CSV file, not 0 arguments\nperg: hint: perg judge agree runs/<time> ratings.csv\n"},
		{"judge agree r", 2, "error: r has one judge, j1, and there is nothing to compare it with\nperg: hint: let a person rate too: perg judge sample r -o ratings.csv; or give the run a second --judge\n"},
		{"judge agree r nothere.csv", 2, "error: open nothere.csv: no such file or directory\n"},
		{"judge agree r r", 2, "error: r is a directory, not a CSV file\n"},
		{"judge agree r blank.csv", 2, "error: blank.csv has no rating: all of its 39 rows are blank\nperg: hint: fill in its column rating, 1 to 5, and save it as CSV\n"},
		{"judge agree r r/run.json", 2, "error: r/run.json: the first line is no header of a CSV file\n"},
		{"judge agree r bad.csv", 2, "error: bad.csv:2: the rating \"7\" is not a whole number from 1 to 5\nbad.csv:3: no judge was asked about this generation: item item-77, m:8b"},
	} {
		status, stdout, stderr := perg(t, tt.line)
		if status != tt.status || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("perg %s: status %d, want %d, stdout %q, stderr %q, want %q", tt.line, status, tt.status, stdout, stderr, tt.want)
		}
		if _, err := os.Stat("x.csv"); err == nil {
			t.Errorf("perg %s: wrote a file", tt.line)
			os.Remove("x.csv")
		}
	}
}
