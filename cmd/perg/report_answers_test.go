package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"perg/harness/prompt"
	"perg/harness/report/browsertest"
	"perg/harness/rundir"
)

// answersRun is a run with all that a figure of the page counts.
func answersRun(t *testing.T, dir string) {
	r := newWrittenRun(dir, rundir.ModelInfo{Variant: "a:8b", Name: "a:8b"}, rundir.ModelInfo{Variant: "b & c:8b", Name: "b & c:8b"})
	for i, variant := range []string{"a:8b", "b & c:8b"} {
		r.cell(variant, "zero-shot", "none", "26r 14w")
		r.cell(variant, "zero-shot", "relevant", []string{"12r 3R 7w 2W 9r 6w 1f", "20r 1R 4w 2W 8r 4w 1f"}[i])
		r.cell(variant, "zero-shot", "irrelevant", "20r 10w 5r 5w")
		r.cell(variant, "pref-aligner", "relevant", "9w 20r 2R 9w")
	}
	r.again("a:8b", prompt.Again, "20r 20w")
	for i := range r.rows {
		g := &r.rows[i]
		at, _ := strconv.Atoi(strings.TrimPrefix(g.ItemID, "item-"))
		g.Source, g.PreferenceType = []string{"mmlu", "truthfulqa"}[at%2], []string{"clarity", "creative", "examples"}[at%3]
		if g.Answer == nil {
			continue
		}
		g.Response = new("The answer is A.")
		if !*g.Correct && at%4 == 0 {
			g.Answer, g.AnswerFrom = nil, "model" // which read that there is none
		}
	}
	r.writeWithMetrics(t)
}

// Each figure of the page that leads to answers leads to as many as it counts, where
// perg view serves both: all links are opened, one is clicked, and a chart's point.
func TestReportLeadsToAnswers(t *testing.T) {
	t.Chdir(t.TempDir())
	answersRun(t, "run")
	v := startView(t, "run")
	browser := browsertest.Start(t)
	tab := browser.Tab(t, 1280, 900)
	tab.Do(chromedp.Navigate(v.url+"/"), chromedp.Click(chromedp.CSS("header .report")), chromedp.WaitVisible(chromedp.CSS("#tradeoff svg")))
	type link struct{ Href, Says, Text, In string }
	links := browsertest.Eval[[]link](tab, `[...document.querySelectorAll("a.behind")].map(a => ({Href: a.getAttribute("href"), Says: a.title, Text: a.textContent, In: a.closest("section, article").id}))`)
	count := regexp.MustCompile(`^The ([0-9,]+) answers? behind it$`)
	seen, said := make(map[string]bool), make(map[string]int)
	for _, l := range links {
		page := v.get(l.Href)
		found := regexp.MustCompile(`</b> of ([0-9,]+) answers`).FindStringSubmatch(page)
		m := count.FindStringSubmatch(l.Says)
		said[l.In]++
		switch {
		case m == nil && strings.Contains(l.Says, "alone"):
			m = []string{"", "18"} // of 9 that break with zero-shot and 9 with pref-aligner none is the same
			if strings.Contains(l.Href, "variant=b+") {
				m[1] = "14" // of 5 and 9
			}
		case m == nil:
			t.Errorf("%s in %s says %q", l.Text, l.In, l.Says)
			continue
		}
		if found == nil || found[1] != m[1] {
			t.Errorf("%s in %s: %q, but %s lists %q", l.Text, l.In, l.Says, l.Href, found)
		}
		if n, _, ok := strings.Cut(l.Text, "/"); ok && n != m[1] {
			t.Errorf("%s says %s", l.Text, l.Says)
		}
		seen[l.Href] = true
	}
	for _, in := range []string{"results", "tradeoff", "where", "null", "settings", "methods", "improvement"} {
		if said[in] == 0 {
			t.Errorf("nothing in %s leads to answers: %v", in, said)
		}
	}
	if len(seen) < 60 {
		t.Errorf("%d addresses", len(seen))
	}
	t.Logf("%d links, %d addresses, by section: %v", len(links), len(seen), said)

	tab.Do(chromedp.Click(chromedp.CSS("#where a.behind")), chromedp.WaitVisible(chromedp.CSS("#rows")))
	if got := browsertest.Get(tab, chromedp.Text(chromedp.CSS(".chosen"))); !strings.Contains(got, "broken") || !strings.Contains(got, "relevant") {
		t.Errorf("a click leads to %q", got)
	}
	tab.Do(chromedp.Navigate(v.url+"/report"), chromedp.WaitVisible(chromedp.CSS("#settings svg")))
	at := browsertest.Eval[[]float64](tab, `(() => { const e = document.querySelector("#tradeoff svg"); e.scrollIntoView({block: "center"}); const r = [...e.querySelectorAll("path")].filter(p => p.getAttribute("stroke-width") === null || p.getAttribute("fill") !== "none").map(p => p.getBoundingClientRect()).filter(b => b.width > 10 && b.width < 20 && Math.abs(b.width - b.height) < 2)[0]; return [r.left + r.width / 2, r.top + r.height / 2]; })()`)
	tab.Do(chromedp.MouseClickXY(at[0], at[1]), chromedp.WaitVisible(chromedp.CSS("#rows")))
	if got := browsertest.Eval[string](tab, "location.search"); !strings.Contains(got, "robust=no") {
		t.Errorf("a click on a point leads to %q", got)
	}
	for _, e := range tab.Errors() {
		t.Error("the page complains:", e)
	}

	// In a file the click shows the command, which shows these answers.
	if status, _, stderr := perg(t, "report run --html page.html"); status != exitDone {
		t.Fatal(stderr)
	}
	full, err := filepath.Abs("page.html")
	if err != nil {
		t.Fatal(err)
	}
	file := browser.Tab(t, 1280, 900)
	file.Do(chromedp.Navigate("file://"+full), chromedp.Click(chromedp.CSS("#where a.behind")), chromedp.WaitVisible(chromedp.CSS("dialog[open]")))
	command := browsertest.Get(file, chromedp.Text(chromedp.CSS("dialog code")))
	address, begins := strings.CutPrefix(command, "perg view run --at '")
	address, ends := strings.CutSuffix(address, "'")
	if !begins || !ends || !strings.HasPrefix(address, "/?id=run&") {
		t.Fatalf("the command is %s", command)
	}
	if href := browsertest.Eval[string](file, `document.querySelector("dialog a").href`); href != "http://127.0.0.1:7374"+address {
		t.Errorf("the link is %s", href)
	}
	file.Do(chromedp.Click(chromedp.CSS("dialog .copy")))
	second := startView(t, "run", "--at", address)
	if want := fmt.Sprintf("%s\n", address); !strings.Contains(second.said, want) {
		t.Errorf("perg view says %q", second.said)
	}
	file.Do(chromedp.Click(chromedp.CSS("dialog .close")))
	if browsertest.Eval[bool](file, `document.querySelector("dialog").open`) {
		t.Error("the dialog does not close")
	}
	for _, e := range file.Errors() {
		t.Error("the page complains:", e)
	}
	if status, _, stderr := perg(t, "view run --at outcome=broken"); status != exitUsage || !strings.Contains(stderr, "is no address of a page of perg view") {
		t.Errorf("status %d: %s", status, stderr)
	}
	for _, v := range []*viewing{v, second} {
		v.interrupt()
	}
}

// axe-core finds nothing wrong with the list that leads to the report, nor with the
// report that leads back.
func TestReportAxe(t *testing.T) {
	browsertest.Axe(t)
	t.Chdir(t.TempDir())
	answersRun(t, "run")
	v := startView(t, "run")
	browser := browsertest.Start(t)
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 390} {
			t.Run(fmt.Sprint(scheme, "-", width), func(t *testing.T) { // the tab closes with the subtest
				tab := browser.Tab(t, width, 900)
				tab.Media("screen", scheme)
				for _, path := range []string{"/?outcome=broken", "/report"} {
					tab.Do(chromedp.Navigate(v.url + path))
					for _, violation := range tab.Violations() {
						t.Errorf("%s: %s", path, violation)
					}
				}
			})
		}
	}
	v.interrupt()
}
