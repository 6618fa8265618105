package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/explore"
	"perg/harness/explore/web"
	"perg/harness/results"
)

// TestReadmeImport follows README's transcript of an import, with the file that
// it shows; a line of three dots stands for any number of lines.
func TestReadmeImport(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Responses made elsewhere\n")
	if !ok {
		t.Fatal("README has no such section")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	_, transcript, ok := strings.Cut(section, "```console\n")
	if !ok {
		t.Fatal("the section has no transcript")
	}
	transcript, _, _ = strings.Cut(transcript, "```")
	t.Chdir(t.TempDir())
	ran := 0
	for _, part := range strings.Split("\n"+transcript, "\n$ ")[1:] {
		command, want, _ := strings.Cut(part, "\n")
		want = strings.TrimSuffix(want, "\n")
		args := strings.Fields(command)
		if args[0] == "cat" {
			if err := os.WriteFile(args[1], []byte(want+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var out, errs bytes.Buffer
		if status := run(t.Context(), append([]string{"perg"}, args[1:]...), &out, &errs); status != exitDone {
			t.Fatalf("%s: status %d: %s", command, status, errs.String())
		}
		ran++
		got := out.String()
		if shown, rest, cut := strings.Cut(want+"\n", "...\n"); cut && rest == "" {
			got = got[:min(len(got), len(shown))]
			want = strings.TrimSuffix(shown, "\n")
		}
		if diff := cmp.Diff(want, strings.TrimSuffix(got, "\n")); diff != "" {
			t.Errorf("%s (-README +perg):\n%s", command, diff)
		}
	}
	if ran < 2 {
		t.Errorf("%d commands of it were run", ran)
	}
}

// published is a file of the paper's responses with its extractor's letters.
func published(tb testing.TB, name string) string {
	path := filepath.Join("..", "..", "..", "shared", "responses", "more", name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		tb.Skipf("needs shared/responses/more/%s beside the project", name)
	}
	return path
}

// imports imports a file to a new run, and gives its directory and what was said.
func imports(t *testing.T, args ...string) (dir, said string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "run")
	var out, errs bytes.Buffer
	if status := run(t.Context(), append([]string{"perg", "import", "--out", dir}, args...), &out, &errs); status != exitDone {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	return dir, out.String()
}

func relevantBySource(t *testing.T, dir string) map[string]data.Metric {
	t.Helper()
	bySource := make(map[string]data.Metric)
	for _, m := range table[data.Metric](t, dir, "metrics") {
		if m.Setting == "relevant" {
			bySource[m.Source] = m
		}
	}
	return bySource
}

// The paper's own letters come to the paper's own figures (its table, TruthfulQA,
// icl, relevant: Breakage Rate 19.7, Performance Variation 27.6).
func TestPublishedLettersComeToThePublishedBreakage(t *testing.T) {
	dir, said := imports(t, published(t, "mixtral-8x7b-icl-pairs.csv"), "--answer", "pref_ans", "--set", "model=mixtral:8x7b", "--set", "method=icl", "--set", "parameter-size=46.7B")
	contains(t, said, "2,884 generations, 1,442 items", "1,442  mixtral:8x7b, icl, relevant", "letters: 2,855 name an option, 29 do not and are invalid")
	m := relevantBySource(t, dir)["truthfulqa"]
	if m.N != 817 || m.NBaselineCorrect != 569 || fmt.Sprintf("%.1f %.1f", *m.BreakageRate*100, *m.PerformanceVariation*100) != "19.7 27.6" || m.AlignmentFailure != nil {
		t.Errorf("n %d, Q* %d, %+v", m.N, m.NBaselineCorrect, m)
	}
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"perg", "report", dir, "--published"}, &out, &errs); status != exitDone {
		t.Fatal(errs.String())
	}
	contains(t, out.String(), "truthfulqa      Breakage        19.7 (16-23)    19.7     0.0     yes")
}

// What the paper's model breaks when it is asked the same again, by the paper's
// letters: in the same order of options and in another.
func TestNullBreakageOfThePapersFiles(t *testing.T) {
	for _, tt := range []struct {
		file           string
		again, rotated string
	}{
		{"mixtral-8x7b-commonsenseqa.csv", "7 of 270", "0 of 0"},
		{"mixtral-8x7b-truthfulqa.csv", "2 of 55", "18 of 166"},
	} {
		dir, said := imports(t, published(t, tt.file), "again="+published(t, "mixtral-8x7b-icl-pairs.csv"), "--assigned", "--answer", "profile_N_answer", "--set", "model=mixtral:8x7b")
		contains(t, said, "asked again without a preference", "answers to questions that no other file asks")
		for _, m := range table[data.Metric](t, dir, "metrics") {
			count := func(rate *float64, of int64) string {
				if rate == nil {
					rate = new(0.0)
				}
				return fmt.Sprintf("%.0f of %d", *rate*float64(of), of)
			}
			if again, rotated := count(m.NullBreakage, m.NNull), count(m.RotatedBreakage, m.NRotated); again != tt.again || rotated != tt.rotated {
				t.Errorf("%s, %s: asked again %s break, in another order %s; want %s and %s", tt.file, m.Setting, again, rotated, tt.again, tt.rotated)
			}
		}
	}
}

// A part of the paper's wide file, with the preference that the paper scores each
// item under.
func TestPublishedProfiles(t *testing.T) {
	path := published(t, "mixtral-8x7b-commonsenseqa.csv")
	args := []string{path, "--answer", "profile_N_answer", "--set", "model=mixtral:8x7b", "--set", "source=commonsenseqa"}
	dir, said := imports(t, append(args, "--assigned")...)
	contains(t, said, "369 rows, profiles", "738 generations, 369 items\n", "left out: 4,059 answers")
	if m := relevantBySource(t, dir)["commonsenseqa"]; m.N != 369 || *m.BreakageRateLow > 0.125 || *m.BreakageRateHigh < 0.125 { // 12.5 over all 1,221
		t.Errorf("%+v", m)
	}
	dir, said = imports(t, args...)
	contains(t, said, "8,856 generations, 4,428 items of 369 questions")
	one := relevantBySource(t, dir)["commonsenseqa"]
	if one.N != 4428 || *one.BreakageRateHigh-*one.BreakageRateLow < 0.03 { // of 4,428 independent items it would be half that
		t.Errorf("%+v", one)
	}
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"perg", "report", dir}, &out, &errs); status != exitDone {
		t.Fatal(errs.String())
	}
	contains(t, out.String(), "imported with its letters, 4428 items", "caveat: the 4,428 items are 369 questions, under several preferences each")
	out.Reset()
	if status := run(t.Context(), []string{"perg", "judge", dir, "--judge", "judge"}, &out, &errs); status != exitUsage {
		t.Errorf("rated without preferences: %s", out.String())
	}
	contains(t, errs.String(), "of 4,428 of 4,428 items the preference is not known", "--preferences FILE")
}

// answersTable is a long table of the sample's items, with the letters that an actor
// gives them.
func answersTable(t *testing.T, limit int) string {
	t.Helper()
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Write([]string{"item_id", "question", "options", "gold", "source", "preference", "setting", "response"})
	for i, it := range sample(t, limit) {
		options, err := json.Marshal(it.Options)
		if err != nil {
			t.Fatal(err)
		}
		under := it.GoldLetter()
		if i%2 == 0 {
			under = data.Letter((it.Gold + 1) % len(it.Options))
		}
		w.Write([]string{it.ID, it.Question, string(options), it.GoldLetter(), it.Source, it.Preference, "none", "The answer is " + it.GoldLetter() + "."})
		w.Write([]string{it.ID, it.Question, string(options), it.GoldLetter(), it.Source, it.Preference, "relevant", "The answer is " + under + "."})
	}
	w.Flush()
	path := filepath.Join(t.TempDir(), "answers.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// An imported run is rated by a real judge, and then is as any other: compared,
// exported, shown to a person.
func TestAnImportedRunIsJudged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dir, _ := imports(t, answersTable(t, 8), "--set", "model=mine", "--set", "method=icl")
	before := table[data.Generation](t, dir, "generations")
	status, out, errs := b.perg(t.Context(), "judge", dir, "--judge", "judge", "--host", b.host, "--store", filepath.Join(b.dir, "store.db"), "--allow-cpu")
	if status != exitDone {
		t.Fatalf("status %d: %s%s", status, out, errs)
	}
	contains(t, out, "Under relevant preferences, icl, n 8", "mine", "16 of 16 generations done")
	if diff := cmp.Diff(before, table[data.Generation](t, dir, "generations")); diff != "" {
		t.Errorf("rating changed the answers: %s", diff)
	}
	ratings := table[data.Judgment](t, dir, "judgments")
	for _, j := range ratings {
		if j.Score == nil || *j.Score != 4 || j.Setting != "relevant" || j.Method != "icl" {
			t.Errorf("%+v", j)
		}
	}
	if len(ratings) != 8 {
		t.Errorf("%d ratings, want 8", len(ratings))
	}
	m := relevantBySource(t, dir)["all"]
	if m.N != 8 || *m.BreakageRate != 0.5 || *m.AlignmentFailure != 0 || *m.RobustnessError != 0.5 {
		t.Errorf("%+v", m)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"report", dir, "--html", filepath.Join(b.dir, "page.html")}, "imported, answers read by rules, 8 items of answers.csv"},
		{[]string{"export", dir, "-o", filepath.Join(b.dir, "export")}, "16 generations"},
		{[]string{"judge", "sample", dir, "--n", "4", "-o", filepath.Join(b.dir, "ratings.csv")}, "4 of 8 rated answers"},
		{[]string{"compare", dir + ",relevant", dir + ",relevant"}, ""}, // the same cell, which it says
	} {
		status, out, errs := b.perg(t.Context(), tt.args...)
		if !strings.Contains(out+errs, tt.want) || status == exitFailed {
			t.Errorf("%q: status %d\n%s%s", tt.args, status, out, errs)
		}
	}
	sheet, err := os.ReadFile(filepath.Join(b.dir, "ratings.csv"))
	if err != nil || strings.Count(string(sheet), "\nA. ") < 4 {
		t.Errorf("%v; a person does not see the questions with their options:\n%s", err, sheet)
	}
	page, err := os.ReadFile(filepath.Join(b.dir, "page.html"))
	if err != nil || !bytes.Contains(page, []byte("Imported from")) || bytes.Contains(page, []byte("none seen")) {
		t.Errorf("%v; the page does not say where the answers are from, or speaks of GPUs", err)
	}
	// Its models are not asked, and rated once more by another judge it keeps both.
	status, _, errs = b.perg(t.Context(), "run", "--out", dir)
	if status != exitUsage || !strings.Contains(errs, "was imported: its models are not asked here") {
		t.Errorf("run: status %d, %s", status, errs)
	}
	if status, out, errs = b.perg(t.Context(), "judge", dir, "--judge", "strict", "--host", b.host, "--store", filepath.Join(b.dir, "store.db"), "--allow-cpu"); status != exitDone {
		t.Fatalf("status %d: %s%s", status, out, errs)
	}
	if m := relevantBySource(t, dir)["all"]; *m.AlignmentFailure != 1 || len(table[data.Judgment](t, dir, "judgments")) != 16 {
		t.Errorf("%+v", m)
	}
}

// Of an answer whose letter alone is known, the viewer does not say that there was
// no response, and of a preference that is not known not that none was stated.
func TestLettersAloneAreViewed(t *testing.T) {
	t.Chdir(t.TempDir())
	const line = `{"doc": {"question": "Sky?", "choices": ["blue", "red"]}, "target": 0, "resps": [[["-1", "True"]], [["-2", "False"]]]}`
	for name, text := range map[string]string{"a.jsonl": line, "b.jsonl": strings.Replace(line, "-1", "-3", 1)} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir, said := imports(t, "none=a.jsonl", "relevant=b.jsonl", "--set", "model=mine")
	contains(t, said, "a.jsonl: 1 row, long, 118 B, setting none", "the option with the greatest likelihood")
	tables, err := explore.Open(dir, results.Panel{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = web.Handler([]web.Shown{{Run: tables, About: web.About{Name: "imported"}, Ratings: &web.Ratings{Path: filepath.Join(dir, "ratings.csv")}}}, web.BlindWhereJudged, server.Listener.Addr().(*net.TCPAddr))
	server.Start()
	defer server.Close()
	page := func(path string) string {
		reply, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		text, err := io.ReadAll(reply.Body)
		if err != nil || reply.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v", path, reply.Status, err)
		}
		return string(text)
	}
	item := table[data.Generation](t, dir, "generations")[0].ItemID
	for path, wanted := range map[string][]string{
		"/?outcome=broken": {"the letter alone was imported"},
		"/answer?by=zero-shot&of=mine&under=relevant&item=" + item: {"The preference stated is not known", "Its text was not imported.", "it was imported with the answer"},
	} {
		text := page(path)
		contains(t, text, wanted...)
		if strings.Contains(text, "> no response") || strings.Contains(text, "No preference stated") {
			t.Errorf("%s: it says that there was none", path)
		}
	}
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"perg", "judge", dir, "--judge", "judge"}, &out, &errs); status != exitUsage {
		t.Errorf("status %d", status)
	}
	contains(t, errs.String(), "was imported with letters alone: there is no response to rate")
}

// The preferences of a wide table are in a file of their own, which a judge needs.
func TestProfilesAreJudged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	wide, list := filepath.Join(b.dir, "wide.csv"), filepath.Join(b.dir, "preferences.txt")
	for path, text := range map[string]string{
		wide: "question,options,gold_option,profile_0_res,profile_1_res,profile_2_res\n" +
			"Sky?,\"['blue', 'red']\",A,The answer is A.,The answer is B.,The answer is A.\nSum?,\"['1', '2']\",B,The answer is A.,The answer is B.,The answer is A.\n",
		list: "I like tales, and songs.\nI like it short.\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir, said := imports(t, wide, "--preferences", list, "--set", "model=mine")
	contains(t, said, "8 generations, 4 items of 2 questions", "by number, of the list")
	status, out, errs := b.perg(t.Context(), "judge", dir, "--judge", "judge", "--host", b.host, "--store", filepath.Join(b.dir, "store.db"), "--allow-cpu")
	if status != exitDone {
		t.Fatalf("status %d: %s%s", status, out, errs)
	}
	rated := make(map[string]bool)
	for _, j := range table[data.Judgment](t, dir, "judgments") {
		rated[j.ItemID] = true
	}
	for _, g := range table[data.Generation](t, dir, "generations") {
		if g.Setting != "relevant" {
			continue
		}
		want := map[bool]string{true: "I like tales, and songs.", false: "I like it short."}[strings.HasSuffix(g.ItemID, "#1")]
		if g.Preference != want || len(g.Preferences) != 1 || rated[g.ItemID] != (g.Question == "Sky?") {
			t.Errorf("rated %v: %+v", rated[g.ItemID], g)
		}
	}
	if m := relevantBySource(t, dir)["all"]; m.N != 4 || m.NBaselineCorrect != 2 || *m.BreakageRate != 0.5 || *m.AlignmentFailure != 0 {
		t.Errorf("%+v", m)
	}
}

func TestImportForPrograms(t *testing.T) {
	_, said := imports(t, answersTable(t, 3), "--set", "model=mine", "--json")
	var got struct {
		Counts struct{ Planned, OK int }
		Cells  []struct {
			Variant, Method, Setting string
			N                        int
		}
		Letters  *struct{}
		Imported struct{ Answers string }
		Read     int `json:"read_by_rules"`
	}
	if err := json.Unmarshal([]byte(said), &got); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if got.Counts.Planned != 6 || got.Counts.OK != 6 || len(got.Cells) != 2 || got.Cells[1].Setting != "relevant" || got.Cells[1].N != 3 || got.Letters != nil || got.Imported.Answers != "rules" || got.Read != 6 {
		t.Errorf("%+v", got)
	}
}

func TestImportUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.csv", []byte("question,options,gold,response,setting\n?,\"['x', 'y']\",A,A,none\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"import what? no file is named", "perg import FILE --set model=NAME --out"}},
		{[]string{"a.csv"}, []string{"no --out"}},
		{[]string{"b.csv", "--out", "run"}, []string{"b.csv: no such file"}},
		{[]string{"plain=a.csv", "--out", "run"}, []string{`unknown setting "plain"; there are: none, relevant`, "SETTING=FILE"}},
		{[]string{"a.csv", "--out", "run"}, []string{"the model is not known; name it: --set model=NAME", "its columns are: question, options, gold, response, setting"}},
		{[]string{"a.csv", "--out", "run", "--model", "mine"}, []string{`a.csv: --model: there is no column "mine"; for the same in all rows: --set model=mine`}},
		{[]string{"a.csv", "--out", "run", "--set", "model"}, []string{"--set model: NAME=VALUE"}},
		{[]string{"a.csv", "--out", "run", "--set", "model=a", "--set", "model=b"}, []string{"--set model is given twice"}},
		{[]string{"a.csv", "--out", "run", "--set", "model=a", "--anwser", "x"}, []string{"there is no flag --anwser", "--answer"}},
		{[]string{"a.csv", "--out", "run", "--set", "model=a", "--assigned"}, []string{"--assigned is for tables with a column for each of several preferences"}},
		{[]string{"a.csv", "--out", "run", "--set", "model=a", "--preferences", "none.txt"}, []string{"--preferences: read none.txt: no such file"}},
	} {
		var out, errs bytes.Buffer
		if status := run(t.Context(), append([]string{"perg", "import"}, tt.args...), &out, &errs); status != exitUsage {
			t.Errorf("%q: status %d", tt.args, status)
		}
		contains(t, errs.String(), tt.want...)
		if _, err := os.Stat("run"); err == nil {
			t.Fatalf("%q left a directory", tt.args)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	if status := run(ctx, []string{"perg", "import", "a.csv", "--set", "model=a", "--out", "run"}, &out, &errs); status != exitInterrupted {
		t.Errorf("interrupted: status %d: %s", status, errs.String())
	}
	if _, err := os.Stat("run"); err == nil {
		t.Error("an interrupted import left a directory")
	}
}
