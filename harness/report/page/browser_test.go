package page

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"perg/harness/report/browsertest"
)

func TestLook(t *testing.T) {
	out := os.Getenv("PERG_SCREENSHOTS")
	if out == "" {
		t.Skip("PERG_SCREENSHOTS names no directory")
	}
	r := full().make(t, t.TempDir())
	html, err := Render(r)
	check(t, err)
	path := filepath.Join(out, "sweep.html")
	check(t, os.WriteFile(path, html, 0o644))
	b := browsertest.Start(t)
	for _, p := range []string{path, filepath.Join(out, "demo.html")} {
		for _, w := range []int64{1280, 390} {
			for _, scheme := range []string{"light", "dark"} {
				tab := b.Tab(t, w, 900)
				tab.Media("screen", scheme)
				tab.Do(chromedp.Navigate("file://" + p))
				tab.Screenshot(p+"-"+scheme+map[int64]string{1280: "-1280", 390: "-390"}[w]+".png", true)
				if e := tab.Errors(); len(e) > 0 {
					t.Error(e)
				}
				tab.Media("", scheme)
				if w == 1280 && scheme == "light" {
					check(t, os.WriteFile(p+".pdf", browsertest.Get(tab, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4))), 0o644))
				}
			}
		}
	}
}
