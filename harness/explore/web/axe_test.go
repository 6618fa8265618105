package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"perg/harness/prompt"
	"perg/harness/report/browsertest"
)

// everyPage are addresses of all pages, in all that they can show.
func everyPage(s served) map[string]string {
	broken := key("item-01", prompt.Relevant)
	list := func(query string) string { return "/?" + query }
	answer := func(query string) string {
		return listing{page: 1}.answer(broken) + "&" + query
	}
	return map[string]string{
		"list": "/", "filtered": list("outcome=broken&variant=swayed%3A8b"), "found": list("q=bridge&outcome=kept&setting=mixed"), "expression": list("q=b.idge&re=1&outcome=kept&setting=mixed"),
		"wrong": list("q=%28&re=1"), "empty": list("q=nosuchtext"), "last": list("page=3"), "sorted": list("sort=-score&outcome=broken"),
		"beside": list("beside=variant%3Asteady%3A8b&variant=swayed%3A8b&right=there"), "rated": list("rated=3"),
		"answer": answer(""), "raw": answer("show=raw"), "answer beside": answer("beside=variant%3Asteady%3A8b"), "revealed": answer("reveal=1"),
		"first": listing{page: 1}.answer(key("item-00", prompt.None)), "hostile": listing{page: 1}.answer(key("item-01", prompt.Mixed)),
		"long": listing{page: 1}.answer(key("item-07", prompt.Relevant)), "failed": listing{page: 1}.answer(key("item-04", prompt.Relevant)), "none": answer("item=item-99"),
	}
}

// axe-core finds nothing wrong with any page, light or dark, wide or narrow, and
// with all that can be opened open.
func TestAxe(t *testing.T) {
	browsertest.Axe(t)
	s := serveWithMarkdown(t)
	s.post(formOf(key("item-00", prompt.Relevant), "rating", "3", "note", "a note"))
	browser := browsertest.Start(t)
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 390} {
			t.Run(fmt.Sprint(scheme, "-", width), func(t *testing.T) {
				tab := browser.Tab(t, width, 900)
				tab.Media("screen", scheme)
				for name, path := range everyPage(s) {
					if strings.HasPrefix(path, "/answer") && strings.Contains(path, "item=item-99") {
						path = strings.Replace(path, "item=item-01&", "", 1)
					}
					tab.Do(chromedp.Navigate(s.url + path))
					browsertest.Eval[bool](tab, "document.querySelectorAll('details').forEach(d => d.open = true); true")
					found := tab.Violations()
					if name == "list" {
						browsertest.Eval[bool](tab, "document.getElementById('help').showModal(); true")
						found = append(found, tab.Violations()...)
					}
					for i, violation := range found {
						if i == 3 {
							t.Errorf("%s: and %d more", name, len(found)-i)
							break
						}
						t.Errorf("%s: %s", name, violation)
					}
				}
			})
		}
	}
}

// All that a page offers is reached by Tab, and what has the focus is seen to have
// it.
func TestKeyboardReachesAll(t *testing.T) {
	s := serveSmall(t)
	tab := browsertest.Start(t).Tab(t, 1280, 900)
	for _, path := range []string{"/?outcome=broken&q=bridge", listing{page: 1}.answer(key("item-01", prompt.Relevant))} {
		tab.Do(chromedp.Navigate(s.url + path))
		browsertest.Eval[bool](tab, `(() => {
			document.querySelectorAll("details").forEach(d => d.open = true);
			window.reached = new Set(); window.blind = [];
			document.addEventListener("focusin", e => {
				reached.add(e.target);
				const style = getComputedStyle(e.target);
				if (style.outlineStyle === "none" && style.boxShadow === "none") blind.push(e.target.outerHTML.slice(0, 80));
			});
			return true;
		})()`)
		for range browsertest.Eval[int](tab, `document.querySelectorAll("a, button, input, select, textarea, summary, [tabindex]").length`) + 5 {
			tab.Do(chromedp.KeyEvent(kb.Tab))
		}
		missed := `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
			.filter(e => !reached.has(e) && !e.closest("dialog")).map(e => e.outerHTML.slice(0, 80))`
		for _, what := range browsertest.Eval[[]string](tab, missed) {
			t.Errorf("%s: Tab does not reach %s", path, what)
		}
		for _, what := range browsertest.Eval[[]string](tab, "blind") {
			t.Errorf("%s: nobody sees that it has the focus: %s", path, what)
		}
	}
}
