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
	t.Fatalf("never true: %s", expression)
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
		waitFor(tab, t, "document.activeElement.id === 'q'")
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
	v := listing{explore.Filter{Text: exploretest.Hostile}, 1}
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
