// Package browsertest drives a headless Chromium in tests of pages: it finds
// and starts the program, opens tabs, and gathers what a page complains of. It
// knows nothing of what the pages show.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience bounds the start of a browser and the time of a tab: a page that hangs
// fails its test, and not the suite.
const patience = time.Minute

// A Browser is one Chromium process, ended with its test.
type Browser struct{ ctx context.Context }

// Start starts Chromium. A test that finds none is skipped, or fails where
// PERG_REQUIRE_CHROMIUM is 1.
func Start(t testing.TB) *Browser {
	t.Helper()
	program, err := find()
	if err != nil {
		if os.Getenv("PERG_REQUIRE_CHROMIUM") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	// Chromium's sandbox does not work as root, which is what containers run as,
	// and these pages are the test's own. Without shared memory it uses files:
	// containers have 64 MB of it.
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	hangs := time.AfterFunc(patience, cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	hangs.Stop()
	return &Browser{ctx}
}

func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if program, err := exec.LookPath(name); err == nil {
			return program, nil
		}
	}
	return "", fmt.Errorf("no Chromium on PATH: 'make chromium' installs Debian's")
}

// A Tab is one page of a browser.
type Tab struct {
	t   testing.TB
	ctx context.Context

	mu     sync.Mutex
	errors []string
}

// Tab opens an empty tab of the given width and height in CSS pixels.
func (b *Browser) Tab(t testing.TB, width, height int64) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	tab := &Tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, tab.hear); err != nil {
		t.Fatal(err)
	}
	tab.Do(chromedp.EmulateViewport(width, height))
	return tab
}

// hear notes exceptions, console.error, what the browser itself logs as an
// error (a refused load, a broken policy), and dialogs, which only a script
// that should not have run would open.
func (tab *Tab) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if o := e.ExceptionDetails.Exception; o != nil {
			text += " " + o.Description
		}
		tab.note("exception: " + text)
	case *runtime.EventConsoleAPICalled:
		switch e.Type {
		case runtime.ConsoleAPICalledTypeError, runtime.ConsoleAPICalledTypeWarning, runtime.ConsoleAPICalledTypeAssert:
			var words []string
			for _, a := range e.Args {
				words = append(words, string(a.Value)+a.Description)
			}
			tab.note("console: " + strings.Join(words, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			tab.note(fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *page.EventJavascriptDialogOpening:
		tab.note("dialog: " + e.Message)
		// The page waits until it is closed, which is not for this goroutine: the
		// answer would come to it.
		go chromedp.Call(tab.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
	}
}

func (tab *Tab) note(complaint string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.errors = append(tab.errors, complaint)
}

// Errors are the page's complaints so far: errors and warnings of the console
// and the browser.
func (tab *Tab) Errors() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return append([]string(nil), tab.errors...)
}

// Do takes the steps in order; the first error ends the test.
func (tab *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	tab.check(chromedp.Do(tab.ctx, steps...))
}

func (tab *Tab) check(err error) {
	tab.t.Helper()
	if err != nil {
		tab.t.Fatalf("in the browser: %v (the page's complaints: %q)", err, tab.Errors())
	}
}

// Get is the value of an action: chromedp.Text(chromedp.CSS("h1")).
func Get[T any](tab *Tab, a chromedp.Action[T]) T {
	tab.t.Helper()
	value, err := chromedp.Run(tab.ctx, a)
	tab.check(err)
	return value
}

// Eval is the value of a JavaScript expression; a promise is waited for.
func Eval[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	return Get(tab, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Media sets the medium ("screen" or "print") and the colour scheme ("light" or
// "dark") that the page is told of.
func (tab *Tab) Media(medium, scheme string) {
	tab.t.Helper()
	_, err := chromedp.Call(tab.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	tab.check(err)
}

// Screenshot writes what the tab shows, or the whole page where full is set, as
// a PNG file.
func (tab *Tab) Screenshot(path string, full bool) {
	tab.t.Helper()
	shot := chromedp.CaptureScreenshot()
	if full {
		shot = chromedp.FullScreenshot(100)
	}
	if err := os.WriteFile(path, Get(tab, shot), 0o644); err != nil {
		tab.t.Fatal(err)
	}
}
