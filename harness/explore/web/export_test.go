package web

import (
	"encoding/csv"
	"encoding/json"
	"net"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"perg/harness/explore"
	"perg/harness/explore/exploretest"
	"perg/harness/prompt"
	"perg/harness/results"
)

// Either file has what the list has, in its order; no cell of it is a formula.
func TestExport(t *testing.T) {
	s := serveSmall(t)
	s.post(formOf(key("item-01", prompt.Relevant), "rating", "2", "note", "=1+1"))
	query := "?variant=swayed%3A8b&setting=relevant&sort=-question&beside=variant%3Asteady%3A8b&q=answer"
	_, page := s.get("/" + query)
	if !strings.Contains(page, "of 20 answers") || !strings.Contains(page, `href="/export.csv?`) || !strings.Contains(page, `href="/export.jsonl?`) {
		t.Fatalf("%.3000s", page)
	}
	status, text := s.get("/export.csv" + query)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || status != 200 || len(rows) != 21 {
		t.Fatalf("status %d, %d rows, %v", status, len(rows), err)
	}
	status, lines := s.get("/export.jsonl" + query)
	var all []map[string]any
	for line := range strings.Lines(lines) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if status != 200 || len(all) != 20 || len(all[0]) != len(rows[0]) {
		t.Fatalf("status %d, %d lines", status, len(all))
	}
	rated := 0
	for i, one := range all {
		cell := func(name string) string {
			for c, title := range rows[0] {
				if title == name {
					return rows[i+1][c]
				}
			}
			t.Fatalf("no column %s", name)
			return ""
		}
		if one["item_id"] != cell("item_id") || one["outcome"] != cell("outcome") || one["method"] != cell("method") || !strings.HasSuffix(cell("response"), one["response"].(string)) {
			t.Errorf("line %d: %v, and %q", i, one, rows[i+1])
		}
		if i > 0 && one["question"].(string) > all[i-1]["question"].(string) {
			t.Errorf("%s comes after %s", one["question"], all[i-1]["question"])
		}
		if beside := one["beside_answer"]; one["method"] == "zero-shot" && beside != "A" || one["method"] != "zero-shot" && beside != nil {
			t.Errorf("beside %s by %s: %v", one["item_id"], one["method"], beside)
		}
		if one["rating"] != nil {
			rated++
			if one["rating"] != 2.0 || cell("rating") != "2" || one["note"] != "=1+1" || cell("note") != "'=1+1" || one["item_id"] != "item-01" {
				t.Errorf("rated: %v, %q", one, rows[i+1])
			}
		}
	}
	if rated != 1 {
		t.Errorf("%d are rated", rated)
	}
	if status, text := s.get("/export.csv?q=%28&re=1"); status != 400 || !strings.Contains(text, "nothing to look for") {
		t.Errorf("an expression that is none: status %d, %.200s", status, text)
	}
}

// Two runs are beside each other: each lists its own, holds it against the other's,
// and keeps its own ratings.
func TestTwoRuns(t *testing.T) {
	var shown []Shown
	for _, name := range []string{"one", "two"} {
		dir := filepath.Join(t.TempDir(), name)
		exploretest.Small(t, dir)
		run, err := explore.Open(dir, results.Panel{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { run.Close() })
		shown = append(shown, Shown{Run: run, About: About{Name: name, ID: "id-" + name}, Ratings: &Ratings{Path: filepath.Join(dir, "ratings.csv")}})
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = Handler(shown, BlindNever, server.Listener.Addr().(*net.TCPAddr))
	server.Start()
	t.Cleanup(server.Close)
	s := served{t, server.URL, shown[1].Ratings.Path}
	rated := key("item-01", prompt.Relevant)
	if status, body := s.post(formOf(rated, "run", "2", "rating", "5")); status != 303 || s.marks().Mark(rated).Rating != 5 {
		t.Errorf("status %d\n%.200s", status, body)
	}
	for path, want := range map[string][]string{
		"/":               {`<a href="/" aria-current="true">one</a>`, `<a href="/?run=2">two</a>`, "the same of two", "variant steady:8b of two"},
		"/?run=2":         {`<a href="/?run=2" aria-current="true">two</a>`, "the same of one", `href="/?outcome=broken&amp;run=2"`},
		"/?run=2&rated=5": {"you 5/5"},
		"/?beside=run&right=both&variant=steady%3A8b&setting=none":                                        {"of 12 answers"},
		"/?beside=run%3Asteady%3A8b&variant=swayed%3A8b&right=there&setting=none&method=zero-shot":        {"of 4 answers"},
		listing{page: 1, run: 1, filter: explore.Filter{Beside: explore.Beside{Run: true}}}.answer(rated): {"<h3>swayed:8b, relevant, zero-shot of two</h3>", "<h3>swayed:8b, relevant, zero-shot of one</h3>", "Both responses are the same, to the letter."},
	} {
		if _, body := s.get(path); !containsAll(body, want) {
			t.Errorf("%s lacks one of %q\n%.4000s", path, want, body)
		}
	}
	// An address that names a run by its ID finds it, and none where it is another's.
	if _, body := s.get("/?id=id-two&rated=5"); !containsAll(body, []string{"you 5/5", `<a href="/?run=2" aria-current="true">two</a>`, `href="/?outcome=broken&amp;rated=5&amp;run=2"`}) {
		t.Errorf("by its ID: %.3000s", body)
	}
	if status, body := s.get("/?id=id-three"); status != 404 || !strings.Contains(body, "It is of the run id-three, which is not shown here") {
		t.Errorf("another's ID: status %d, %.2000s", status, body)
	}
	if _, body := s.get("/?rated=5"); strings.Contains(body, "you 5/5") {
		t.Error("the rating of one is the other's")
	}
}

func containsAll(text string, all []string) bool {
	for _, one := range all {
		if !strings.Contains(text, one) {
			return false
		}
	}
	return true
}
