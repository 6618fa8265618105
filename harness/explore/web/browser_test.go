package web

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"perg/data"
	"perg/harness/explore"
	"perg/harness/explore/exploretest"
	"perg/harness/prompt"
	"perg/harness/report/browsertest"
)

// waitFor waits until a JavaScript expression is true.
func waitFor(tab *browsertest.Tab, t *testing.T, expression string) {
	t.Helper()
	for range 400 {
		if browsertest.Eval[bool](tab, expression) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("never true: %s (complaints: %q)", expression, tab.Errors())
}

// A person opens the list, filters it, opens an answer, rates it, comes back and
// finds the rating, on a wide screen and on a telephone, by mouse and by keys.
// 'go test -artifacts' keeps what was seen.
func TestBrowser(t *testing.T) {
	browser := browsertest.Start(t)
	s := serveSmall(t)
	rated := key("item-01", prompt.Relevant)
	for _, width := range []int64{1280, 390} {
		name := map[int64]string{1280: "1280", 390: "390"}[width]
		tab := browser.Tab(t, width, 900)
		shot := func(what string) {
			t.Helper()
			tab.Screenshot(filepath.Join(t.ArtifactDir(), what+"-"+name+".png"), false)
			if wide := browsertest.Eval[int64](tab, "document.documentElement.scrollWidth"); wide > width {
				t.Errorf("%s at %d is %d wide", what, width, wide)
			}
		}
		press := func(keys ...string) {
			t.Helper()
			for _, k := range keys {
				tab.Do(chromedp.KeyEvent(k))
			}
		}
		at := func(want string) {
			t.Helper()
			waitFor(tab, t, "document.readyState === 'complete' && location.href.includes("+`"`+want+`"`+")")
		}
		path := func() string { return browsertest.Eval[string](tab, "location.pathname + location.search") }

		tab.Do(chromedp.Navigate(s.url))
		shot("list")
		if width < 900 {
			tab.Do(chromedp.Click(chromedp.CSS("#filters > summary")))
		}
		shot("filters")
		// By mouse: broken answers of one variant.
		tab.Do(chromedp.Click(chromedp.CSS(`.facet a[href="/?outcome=broken"]`)))
		at("outcome=broken")
		if got := browsertest.Get(tab, chromedp.Text(chromedp.CSS(".found"))); got != "1–8 of 8 answers" {
			t.Errorf("found %q", got)
		}
		// By keys: search, the second answer of the list.
		press("/")
		waitFor(tab, t, "document.activeElement?.id === 'q'")
		tab.Do(chromedp.KeyEvent("?"))    // typed, and no key of the page's
		press(kb.Backspace, kb.Backspace) // the driver types what the page has prevented, too: "/"
		tab.Do(chromedp.KeyEvent("bridge"), chromedp.KeyEvent(kb.Enter))
		at("q=bridge")
		press("j", "j", "k", kb.Enter)
		at("/answer")
		shot("answer")
		first := path()
		press("j")
		waitFor(tab, t, "document.readyState === 'complete' && location.pathname + location.search !== '"+first+"'")
		press("k")
		waitFor(tab, t, "document.readyState === 'complete' && location.pathname + location.search === '"+first+"'")
		if got, want := first, "item=item-01&of=swayed%3A8b"; !strings.Contains(got, want) || !strings.Contains(got, "outcome=broken") || !strings.Contains(got, "q=bridge") {
			t.Errorf("the first of the list is %s", got)
		}
		press("d")
		if browsertest.Eval[bool](tab, "!document.querySelector('.sides.unmarked')") {
			t.Error("d does not take the marks away")
		}
		press("d")

		// Rate, in the background; the address holds what is shown.
		press("3")
		waitFor(tab, t, "!!document.querySelector('#saved.done')")
		tab.Do(chromedp.SetValue(chromedp.CSS("textarea"), "a note & <b>"), chromedp.Click(chromedp.CSS(`button[value="up"]`)))
		waitFor(tab, t, `document.querySelector('button[value="up"]').getAttribute("aria-pressed") === "true"`)
		if got := s.marks().Mark(rated); got.Rating != 3 || got.Thumb != "up" || got.Note != "a note & <b>" {
			t.Errorf("kept: %+v", got)
		}
		tab.Do(chromedp.Reload())
		pressed := `[...document.querySelectorAll('[aria-pressed="true"]')].map(b => b.value).join() + document.querySelector("textarea").value`
		if got := browsertest.Eval[string](tab, pressed); got != "3,upa note & <b>" {
			t.Errorf("after reloading: %q", got)
		}
		tab.Do(chromedp.ScrollIntoView(chromedp.CSS("#rate")))
		shot("rated")
		if err := os.Remove(s.ratings); err != nil {
			t.Fatal(err)
		}
		press("u")
		at("/?")
		if got := path(); got != "/?outcome=broken&q=bridge" {
			t.Errorf("back at %s", got)
		}
		press("?")
		if !browsertest.Eval[bool](tab, "document.getElementById('help').open") {
			t.Error("? does not open the help")
		}
		shot("help")
		press(kb.Escape)
		if errs := tab.Errors(); len(errs) > 0 {
			t.Errorf("at %d the page complains: %q", width, errs)
		}
	}
}

// What models write is shown, and does nothing.
func TestBrowserShowsHostileTexts(t *testing.T) {
	tab := browsertest.Start(t).Tab(t, 1280, 900)
	s := serveSmall(t)
	s.post(formOf(key("item-01", prompt.Relevant), "note", exploretest.Hostile))
	v := listing{filter: explore.Filter{Text: exploretest.Hostile}, page: 1}
	for _, path := range []string{"/?q=" + url.QueryEscape(exploretest.Hostile), v.answer(key("item-01", prompt.Relevant)), v.answer(key("item-01", prompt.Mixed))} {
		tab.Do(chromedp.Navigate(s.url + path))
		if title := browsertest.Get(tab, chromedp.Title()); title == "owned" {
			t.Errorf("%s: a model's script was run", path)
		}
		if !strings.Contains(browsertest.Eval[string](tab, "document.querySelector('main').innerText"), `<script>document.title = "owned"; alert(1)</script><img src=x`) {
			t.Errorf("%s does not show the text", path)
		}
		if n := browsertest.Eval[int](tab, "document.querySelectorAll('main script, main img, main b[onclick]').length"); n != 0 {
			t.Errorf("%s: %d elements of a model's", path, n)
		}
	}
	tab.Screenshot(filepath.Join(t.ArtifactDir(), "hostile.png"), false)
	tab.Do(chromedp.Navigate(s.url + listing{page: 1}.answer(key("item-07", prompt.Relevant))))
	if n := browsertest.Eval[int](tab, "document.querySelectorAll('.side .text')[1].innerText.length"); n < exploretest.Long-200 {
		t.Errorf("the long response is %d long", n)
	}
	tab.Screenshot(filepath.Join(t.ArtifactDir(), "long.png"), false)
	if errs := tab.Errors(); len(errs) > 0 {
		t.Errorf("the page complains: %q", errs)
	}
}

// Without scripts the pages do all but keys.
func TestFormsWithoutScripts(t *testing.T) {
	s := serveSmall(t)
	status, body := s.get(listing{page: 1}.answer(key("item-01", prompt.Relevant)))
	if status != 200 || !strings.Contains(body, `<form method="post" action="/rate"`) || !strings.Contains(body, `<button name="rating" value="5"`) {
		t.Errorf("status %d", status)
	}
	r := s.form(formOf(key("item-01", prompt.Relevant), "rating", "5", "outcome", "broken"), s.url)
	_, header, _ := s.do(r)
	if got := header.Get("Location"); !strings.HasPrefix(got, "/answer?") || !strings.HasSuffix(got, "#rate") || !strings.Contains(got, "outcome=broken") {
		t.Errorf("a rating leads to %q", got)
	}
}

// withMarkdown is the small run with responses as models write them.
func serveWithMarkdown(t *testing.T) served {
	t.Helper()
	dir := t.TempDir()
	exploretest.Small(t, dir)
	var rows []data.Generation
	for g, err := range data.ReadTable[data.Generation](filepath.Join(dir, "generations")) {
		if err != nil {
			t.Fatal(err)
		}
		if g.ItemID == "item-01" && g.Setting != "none" {
			g.Response = new(markdownResponse + exploretest.Hostile)
			g.Thinking = new("First I think of **bridges**.")
		}
		rows = append(rows, g)
	}
	if err := data.WriteTable(filepath.Join(dir, "generations"), rows); err != nil {
		t.Fatal(err)
	}
	return serveBlind(t, dir, BlindWhereJudged)
}

const markdownResponse = "## Why\n\n**The correct answer is B.** Here is `x < 1`:\n\n- \\(x_1 + x_2\\)\n- \\[\\frac{1}{2}\\]\n- \\(\\href{javascript:alert(1)}{x}\\) and \\(\\nonsense{\\) \\(\\color{red}{y}\\)\n- a bridge\n\n| Option | Right |\n|---|---|\n| A | no |\n| B | yes |\n\n```python\nprint(1)\n```\n\n[a link](http://evil.example/) ![](http://evil.example/i.png)\n\n"

// Responses are shown as their Markdown means them, differences marked, with
// thoughts folded; a key shows them as they came, and the address says so.
func TestBrowserRenders(t *testing.T) {
	s := serveWithMarkdown(t)
	tab := browsertest.Start(t).Tab(t, 1280, 900)
	tab.Do(chromedp.Navigate(s.url + listing{page: 1}.answer(key("item-01", prompt.Relevant))))
	waitFor(tab, t, "!!document.querySelector('.drawn math')")
	for _, want := range []string{
		"!!document.querySelector('.side:nth-child(2) .rendered strong')",
		"document.querySelectorAll('.drawn math').length >= 2 && document.querySelectorAll('.drawn msub').length === 2 && !!document.querySelector('.drawn math[display=block] mfrac')",
		"document.querySelector('.drawn math').getBoundingClientRect().height > 0 && !document.querySelector('.rendered a')",
		"[...document.querySelectorAll('code.formula')].some(f => f.innerText.includes('nonsense'))",
		"document.querySelectorAll('.rendered td').length === 4", "!!document.querySelector('.rendered ins')", "!document.querySelector('main img, main .rendered a, main script')",
		"!document.querySelector('.thinking').open", "document.querySelector('main').innerText.includes('<script>document.title')",
	} {
		if !browsertest.Eval[bool](tab, want) {
			t.Errorf("not so: %s", want)
		}
	}
	tab.Screenshot(filepath.Join(t.ArtifactDir(), "rendered.png"), true)
	tab.Do(chromedp.KeyEvent("r"))
	waitFor(tab, t, "location.search.includes('show=raw') && document.readyState === 'complete'")
	if !browsertest.Eval[bool](tab, "document.querySelector('.side:nth-child(2) > .text').innerText.startsWith('## Why') && !document.querySelector('.rendered')") {
		t.Error("it is not as it came")
	}
	next := browsertest.Eval[string](tab, "document.getElementById('after').href")
	if !strings.Contains(next, "show=raw") {
		t.Errorf("the next one is %s", next)
	}
	tab.Do(chromedp.KeyEvent("r"))
	waitFor(tab, t, "!location.search.includes('show=raw') && !!document.querySelector('.rendered')")
	if errs := tab.Errors(); len(errs) > 0 {
		t.Errorf("the page complains: %q", errs)
	}
}

// A person rates before the judge's rating is seen; what is typed into a note is
// kept without a button, also where the page is left at once.
func TestBrowserBlindAndNotes(t *testing.T) {
	s := serveWithMarkdown(t)
	tab := browsertest.Start(t).Tab(t, 1280, 900)
	rated := key("item-00", prompt.Relevant)
	judge := "document.getElementById('judge').innerText"
	tab.Do(chromedp.Navigate(s.url + "/?q=item&setting=relevant"))
	tab.Do(chromedp.Navigate(s.url + listing{page: 1}.answer(rated)))
	if text := browsertest.Eval[string](tab, judge); !strings.Contains(text, "hidden until you have rated") || strings.Contains(text, "of 5") {
		t.Errorf("the judge says %q", text)
	}
	tab.Do(chromedp.KeyEvent("n"))
	waitFor(tab, t, "document.activeElement?.id === 'note'")
	tab.Do(chromedp.KeyEvent(kb.Backspace)) // the driver types what the page has prevented, too
	tab.Do(chromedp.KeyEvent("so far"))
	waitFor(tab, t, "!!document.querySelector('#saved.done')")
	if got := s.marks().Mark(rated).Note; got != "so far" {
		t.Errorf("while it is typed the note is %q", got)
	}
	if text := browsertest.Eval[string](tab, judge); strings.Contains(text, "of 5") {
		t.Errorf("a note shows the judge: %q", text)
	}
	tab.Do(chromedp.KeyEvent(", good"), chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent("j"))
	waitFor(tab, t, "!location.search.includes('item-00') && document.readyState === 'complete'")
	for range 100 {
		if s.marks().Mark(rated).Note == "so far, good" {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if got := s.marks().Mark(rated).Note; got != "so far, good" {
		t.Errorf("after the page was left the note is %q", got)
	}
	tab.Do(chromedp.KeyEvent("k"))
	waitFor(tab, t, "location.search.includes('item-00') && document.readyState === 'complete'")
	if got := browsertest.Eval[string](tab, "document.getElementById('note').value"); got != "so far, good" {
		t.Errorf("back, the note is %q", got)
	}
	tab.Do(chromedp.KeyEvent("4"))
	waitFor(tab, t, judge+".includes('of 5')")
	if got := s.marks().Mark(rated); got.Rating != 4 || got.Note != "so far, good" {
		t.Errorf("kept: %+v", got)
	}
	tab.Do(chromedp.Navigate(s.url + "/?setting=relevant&variant=swayed%3A8b&rated=4"))
	if text := browsertest.Eval[string](tab, "document.getElementById('rows').innerText"); !strings.Contains(text, "judge 4/5 you 4/5") && !strings.Contains(text, "judge 4/5you 4/5") {
		t.Errorf("the list says %q", text)
	}
	tab.Do(chromedp.Navigate(s.url + "/?setting=relevant&variant=swayed%3A8b&rated=none&outcome=kept"))
	if text := browsertest.Eval[string](tab, "document.getElementById('rows').innerText"); !strings.Contains(text, "judge –") || strings.Contains(text, "/5") {
		t.Errorf("the list of what is not rated says %q", text)
	}
	if errs := tab.Errors(); len(errs) > 0 {
		t.Errorf("the page complains: %q", errs)
	}
}

// What is found is marked, with where it is and how many there are; a list is
// sorted, held against another variant, and saved, by the page alone.
func TestBrowserFindsAndCompares(t *testing.T) {
	s := serveSmall(t)
	tab := browsertest.Start(t).Tab(t, 1280, 900)
	text := func(css string) string {
		return browsertest.Eval[string](tab, "document.querySelector(`"+css+"`)?.innerText ?? ''")
	}
	at := func(query string) {
		t.Helper()
		waitFor(tab, t, "document.readyState === 'complete' && location.search.includes(`"+query+"`)")
	}
	tab.Do(chromedp.Navigate(s.url + "/?setting=none&variant=steady%3A8b&q=practical"))
	if found, why, hit := text(".found"), text("#rows .why"), text("#rows .preference mark"); found != "1–11 of 11 answers" || why != "found in: the question's preference" || hit != "practical" {
		t.Errorf("%q, %q, %q", found, why, hit)
	}
	tab.Do(chromedp.Navigate(s.url + "/?q=bridge&outcome=kept"))
	if why, hit := text("#rows .why"), text("#rows .snippet mark"); why != "found in: response" || hit != "bridge" {
		t.Errorf("%q, %q", why, hit)
	}
	tab.Do(chromedp.Click(chromedp.CSS(".sorts > summary")), chromedp.Click(chromedp.CSS(`.sorts a[href*="sort=variant"]`)))
	at("sort=variant")
	if got := text(".sorts > summary"); got != "Sorted: variant, first to last" {
		t.Errorf("%q", got)
	}
	tab.Do(chromedp.Click(chromedp.CSS(".sorts > summary")), chromedp.Click(chromedp.CSS(`.sorts a[href*="sort=-variant"]`)))
	at("sort=-variant")
	if got := text("#rows .where"); !strings.HasPrefix(got, "swayed:8b") {
		t.Errorf("the first is %q", got)
	}
	tab.Do(chromedp.Navigate(s.url + "/?variant=swayed%3A8b&setting=relevant&method=zero-shot"))
	tab.Do(chromedp.SetValue(chromedp.CSS(".beside select"), "variant:steady:8b"), chromedp.Click(chromedp.CSS(".beside button")))
	at("beside=variant%3Asteady%3A8b")
	tab.Do(chromedp.Click(chromedp.CSS(`.facet a[href*="letters=other"]`)))
	at("letters=other")
	if found, beside := text(".found"), text("#rows .against"); found != "1–4 of 4 answers" || !strings.HasPrefix(beside, "beside it: A") {
		t.Errorf("%q, %q", found, beside)
	}
	tab.Screenshot(filepath.Join(t.ArtifactDir(), "beside.png"), false)
	tab.Do(chromedp.KeyEvent("j"), chromedp.KeyEvent(kb.Enter))
	at("item=")
	if sides := browsertest.Eval[string](tab, "[...document.querySelectorAll('.side h3')].map(h => h.innerText).join(' | ')"); sides != "swayed:8b, relevant, zero-shot | steady:8b, relevant, zero-shot" {
		t.Errorf("beside each other: %s", sides)
	}
	if del, ins := text(".side del"), text(".side ins"); del != "B" || ins != "A" {
		t.Errorf("differences: %q, %q", del, ins)
	}
	tab.Screenshot(filepath.Join(t.ArtifactDir(), "sides.png"), false)
	tab.Do(chromedp.KeyEvent("/"))
	waitFor(tab, t, "document.activeElement?.id === 'q'")
	if errs := tab.Errors(); len(errs) > 0 {
		t.Errorf("the page complains: %q", errs)
	}
}
