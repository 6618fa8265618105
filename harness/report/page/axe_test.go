package page

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"perg/harness/report/browsertest"
)

// axe-core finds nothing wrong with the page, light or dark, wide or narrow, with all
// tables open and with the way to the answers shown.
func TestAxe(t *testing.T) {
	browsertest.Axe(t)
	r := full().make(t, t.TempDir())
	r.Viewer, r.Views = "http://127.0.0.1:7374", map[string]string{"r": "perg view runs/r"}
	url := open(t, r)
	browser := browsertest.Start(t)
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 390} {
			t.Run(fmt.Sprint(scheme, "-", width), func(t *testing.T) {
				tab := browser.Tab(t, width, 900)
				tab.Media("screen", scheme)
				tab.Do(chromedp.Navigate(url))
				browsertest.Eval[bool](tab, `document.querySelectorAll("details").forEach(d => d.open = true); true`)
				found := tab.Violations()
				browsertest.Eval[bool](tab, `document.querySelector("a.behind").click(); document.getElementById("behind").open`)
				for i, violation := range append(found, tab.Violations()...) {
					if i == 5 {
						t.Errorf("and %d more", len(found)-i)
						break
					}
					t.Error(violation)
				}
				quiet(t, tab)
			})
		}
	}
}
