package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"perg/harness/report/browsertest"
)

// TestScreenshots makes the README's pictures of the run that
// PERG_SCREENSHOTS_OF names, a demo/run, in the folder screenshots: 'make
// screenshots'.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("PERG_SCREENSHOTS_OF")
	if dir == "" {
		t.Skip("PERG_SCREENSHOTS_OF names no run: make screenshots")
	}
	into, err := filepath.Abs("screenshots")
	if err != nil {
		t.Fatal(err)
	}
	// Pages show paths as they are given: those of the README.
	t.Chdir(filepath.Join(dir, "..", ".."))
	dir = filepath.Join("demo", "run")
	path := filepath.Join(t.TempDir(), "report.html")
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"perg", "report", dir, "--html", path}, &out, &errs); status != exitDone {
		t.Fatal(status, errs.String())
	}
	tab := browsertest.Start(t).Tab(t, 1280, 1220)
	tab.Media("", "light")
	tab.Do(chromedp.Navigate("file://" + path))
	tab.Screenshot(filepath.Join(into, "report.png"), false)
	browsertest.Eval[bool](tab, `(document.getElementById("where").scrollIntoView(), true)`)
	tab.Screenshot(filepath.Join(into, "report-where.png"), false)
	view := startView(t, dir)
	tab.Do(chromedp.Navigate(view.url+"/?outcome=broken"), chromedp.WaitVisible(chromedp.CSS(".found")))
	tab.Screenshot(filepath.Join(into, "view.png"), false)
	tab.Do(chromedp.KeyEvent("j"), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS(".sides")))
	tab.Screenshot(filepath.Join(into, "view-answer.png"), false)
	if status := view.interrupt(); status != exitDone {
		t.Errorf("perg view: exit status %d", status)
	}
	if e := tab.Errors(); len(e) > 0 {
		t.Error(e)
	}
}
