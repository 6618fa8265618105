package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"perg/harness/report/browsertest"
)

// TestScreenshots makes the README's pictures of the run that
// PERG_SCREENSHOTS_OF names, in the folder screenshots: 'make screenshots'.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("PERG_SCREENSHOTS_OF")
	if dir == "" {
		t.Skip("PERG_SCREENSHOTS_OF names no run: make screenshots")
	}
	path := filepath.Join(t.TempDir(), "report.html")
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"perg", "report", dir, "--html", path}, &out, &errs); status != exitDone {
		t.Fatal(status, errs.String())
	}
	tab := browsertest.Start(t).Tab(t, 1280, 1220)
	tab.Media("", "light")
	tab.Do(chromedp.Navigate("file://" + path))
	tab.Screenshot(filepath.Join("screenshots", "report.png"), false)
	browsertest.Eval[bool](tab, `(document.getElementById("where").scrollIntoView(), true)`)
	tab.Screenshot(filepath.Join("screenshots", "report-where.png"), false)
	if e := tab.Errors(); len(e) > 0 {
		t.Error(e)
	}
}
