package browsertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestTab(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	text := `<!doctype html><meta charset="utf-8"><title>t</title><p id="p">one</p>
<script>console.error("bad", 1); alert("open"); setTimeout(() => { throw new Error("thrown") })</script>
<img src="missing.png" alt="">`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	tab := Start(t).Tab(t, 390, 800)
	tab.Do(chromedp.Navigate("file://" + path))
	said := Get(tab, chromedp.Text(chromedp.CSS("#p")))
	width := Eval[int](tab, "new Promise(done => setTimeout(() => done(innerWidth), 50))")
	if said != "one" || width != 390 {
		t.Errorf("%q, %d wide", said, width)
	}
	errs := strings.Join(tab.Errors(), "\n")
	for _, want := range []string{`console: "bad" 1`, "dialog: open", "Error: thrown", "missing.png"} {
		if !strings.Contains(errs, want) {
			t.Errorf("no %q in:\n%s", want, errs)
		}
	}
	tab.Media("screen", "dark")
	if !Eval[bool](tab, "matchMedia('(prefers-color-scheme: dark)').matches") {
		t.Error("not dark")
	}
	tab.Screenshot(path+".png", true)
	if info, err := os.Stat(path + ".png"); err != nil || info.Size() < 100 {
		t.Error(err)
	}
}
