package page

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"perg/harness/prompt"
	"perg/harness/report/browsertest"
	"perg/harness/stats"
)

// open writes a run's page to a file and gives its address.
func open(t *testing.T, r Run) (url string) {
	t.Helper()
	html, _, err := Render(r)
	check(t, err)
	path := filepath.Join(t.TempDir(), "report.html")
	check(t, os.WriteFile(path, html, 0o644))
	return "file://" + path
}

func quiet(t *testing.T, tab *browsertest.Tab) {
	t.Helper()
	for _, e := range tab.Errors() {
		t.Error("the page complains:", e)
	}
}

func TestPageInABrowser(t *testing.T) {
	browser := browsertest.Start(t)
	url := open(t, full().make(t, t.TempDir()))

	wide := browser.Tab(t, 1280, 900)
	wide.Media("", "light")
	wide.Do(chromedp.Navigate(url))
	charts := func(tab *browsertest.Tab) {
		t.Helper()
		if n := browsertest.Eval[int](tab, `[...document.querySelectorAll("[data-chart]")].filter(e => e.querySelector("svg path")).length`); n != 8 {
			t.Errorf("%d of 8 charts are drawn", n)
		}
		// Nothing is wider than the window; wide tables scroll by themselves.
		if over := browsertest.Eval[int](tab, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
			t.Errorf("the page is %d pixels wider than the window", over)
		}
		if n := browsertest.Eval[int](tab, "performance.getEntriesByType('resource').length"); n != 0 {
			t.Errorf("the page loads %d things", n)
		}
	}
	charts(wide)
	paper := func(tab *browsertest.Tab) string {
		return browsertest.Eval[string](tab, "getComputedStyle(document.body).backgroundColor + ' ' + getComputedStyle(document.querySelector('#settings text')).fill")
	}
	light := paper(wide)
	// The reader turns dark on: the charts follow.
	wide.Media("", "dark")
	if dark := paper(wide); dark == light {
		t.Errorf("light and dark are both %s", dark)
	}
	// A table opens by a click, a chart says a value under the pointer.
	if browsertest.Eval[bool](wide, `document.querySelector("#settings details").open`) {
		t.Error("the table is open before anybody asked")
	}
	wide.Do(chromedp.Click(chromedp.CSS("#settings summary")), chromedp.WaitVisible(chromedp.CSS("#settings details table")))
	at := browsertest.Eval[[]float64](wide, `(() => { const e = document.querySelector("#throughput svg"); e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect(); return [r.left + r.width * .3, r.top + 59]; })()`)
	wide.Do(chromedp.MouseEvent("mouseMoved", at[0], at[1]))
	said := browsertest.Get(wide, chromedp.Poll[string](`[...document.querySelectorAll("#throughput .chart > div")].map(e => e.innerText).filter(t => t.includes("tokens/s")).join()`, chromedp.WithPollingTimeout(5*time.Second)))
	if !strings.Contains(said, "Output tokens per second of one slot:") {
		t.Errorf("the chart says %q", said)
	}
	// On paper: light, no navigation, charts no wider than the sheet.
	pdf := browsertest.Get(wide, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)))
	if len(pdf) < 50_000 {
		t.Errorf("a printed page of %d bytes", len(pdf))
	}
	charts(wide)
	// Beside each chart on paper are its numbers, and no name of an axis runs into
	// the next one's.
	if n := browsertest.Eval[int](wide, `dispatchEvent(new Event("beforeprint")), document.querySelectorAll(".chart ~ details[open]").length`); n != 8 {
		t.Errorf("on paper %d of 8 charts have their numbers", n)
	}
	over := browsertest.Eval[[]string](wide, `[...document.querySelectorAll(".chart svg")].flatMap(svg => {
		const all = [...svg.querySelectorAll("text")].filter(e => / %|points/.test(e.textContent)).map(e => [e.textContent, e.getBoundingClientRect()]);
		return all.flatMap(([a, p], i) => all.slice(i + 1).filter(([b, q]) => p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom).map(([b]) => a + " and " + b));
	})`)
	if len(over) > 0 {
		t.Errorf("on paper %q cover each other", over)
	}
	if n := browsertest.Eval[int](wide, `dispatchEvent(new Event("afterprint")), document.querySelectorAll(".chart ~ details[open]").length`); n != 1 {
		t.Errorf("after printing %d tables are open; the reader opened one", n)
	}
	quiet(t, wide)

	narrow := browser.Tab(t, 390, 844)
	narrow.Do(chromedp.Navigate(url))
	charts(narrow)
	quiet(t, narrow)

	// Without scripts the numbers are there as tables, open.
	plain := browser.Tab(t, 1280, 900)
	plain.Do(func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return chromedp.Void{}, err
	}, chromedp.Navigate(url))
	for _, id := range []string{"tradeoff", "settings", "methods", "improvement", "quantization", "paper", "throughput", "gpus"} {
		if text := browsertest.Get(plain, chromedp.Text(chromedp.CSS("#"+id+" details table"))); len(text) < 40 {
			t.Errorf("the table of %s says %q", id, text)
		}
	}
}

// A long answer is in a box that scrolls, which shows whole lines.
func TestAnswersAreNotCut(t *testing.T) {
	s := small()
	s.response = func(_ string, _ prompt.Setting, _ int, letter string) string {
		return strings.Repeat("Rising air expands, and what it does costs warmth. ", 40) + letter
	}
	for _, width := range []int64{1280, 390} {
		tab := browsertest.Start(t).Tab(t, width, 900)
		tab.Do(chromedp.Navigate(open(t, s.make(t, t.TempDir()))))
		tab.Do(chromedp.ScrollIntoView(chromedp.CSS(".pair")))
		tab.Screenshot(filepath.Join(t.ArtifactDir(), "answer.png"), false)
		parts := browsertest.Eval[[]float64](tab, `[...document.querySelectorAll("blockquote")].filter(b => b.scrollHeight > b.clientHeight).map(b => b.clientHeight / parseFloat(getComputedStyle(b).lineHeight) % 1)`)
		if len(parts) == 0 {
			t.Error("no answer is so long")
		}
		for _, part := range parts {
			if part > 0.05 && part < 0.95 {
				t.Errorf("at %d a box cuts its last line: %.2f of one is seen", width, part)
			}
		}
	}
}

// Every text of the page is told from what is behind it: 4.5 to 1, or 3 to 1 where it
// is large (WCAG 2.2, 1.4.3), light and dark, with all tables open.
func TestContrast(t *testing.T) {
	browser := browsertest.Start(t)
	r := full().make(t, t.TempDir())
	for i := range r.Breakages { // each strength of the scale
		r.Breakages[i].Rate = stats.Rate{Count: 10 * (i % 11), Of: 100}
	}
	url := open(t, r)
	for _, scheme := range []string{"light", "dark"} {
		tab := browser.Tab(t, 1280, 900)
		tab.Media("", scheme)
		tab.Do(chromedp.Navigate(url))
		poor := browsertest.Eval[[]string](tab, `(() => {
			for (const d of document.querySelectorAll("details")) d.open = true;
			const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
			const rgb = c => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
			const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
			const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255, 255]; };
			const poor = new Set();
			let seen = 0;
			const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
			while (walk.nextNode()) {
				const e = walk.currentNode.parentElement;
				if (!walk.currentNode.textContent.trim() || e.closest("script, svg, .chart") || !e.getClientRects().length) continue;
				const s = getComputedStyle(e), a = light(rgb(s.color)), b = light(behind(e)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05), px = parseFloat(s.fontSize);
				let opacity = 1;
				for (let p = e; p; p = p.parentElement) opacity *= getComputedStyle(p).opacity;
				seen++;
				if (opacity < 1 || ratio < (px >= 24 || px >= 18.66 && s.fontWeight >= 700 ? 3 : 4.5)) poor.add(ratio.toFixed(2) + " " + e.tagName + "." + e.className + " in " + e.parentElement.className + ": " + e.textContent.slice(0, 30));
			}
			return seen < 300 ? ["only " + seen + " texts"] : [...poor];
		})()`)
		for _, p := range poor {
			t.Errorf("%s: %s", scheme, p)
		}
	}
}

// What models and datasets say is shown to the letter, and does nothing.
func TestHostileTexts(t *testing.T) {
	const attack = `</script><script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>{{.Run}}&lt;b&gt; javascript:alert(4) "' ` + "\u202e\u2028"
	s := small()
	s.methods, s.settings = []prompt.Method{prompt.ZeroShot, prompt.PrefAligner}, []prompt.Setting{prompt.None, prompt.Relevant, prompt.Mixed}
	s.models[0].name = attack
	s.models[1].name = `{a|b}<b onmouseover=alert(5)>` + attack
	s.models[1].quantization = `<i>` + attack
	s.gpus, s.every, s.lasts = 1, time.Second, time.Minute
	s.question = func(i int) string { return attack }
	s.response = func(model string, setting prompt.Setting, i int, letter string) string {
		if i == 4 { // breaks, and is shown first
			return attack + strings.Repeat("A million characters. ", 50_000) + letter
		}
		return attack + letter
	}
	r := s.make(t, t.TempDir())
	r.Name, r.Dataset, r.State = attack, attack, attack
	r.Caveats = append(r.Caveats, attack)
	r.Published.Notes = append(r.Published.Notes, attack)
	r.Facts = append(r.Facts, Fact{attack, attack})
	for i := range r.Examples {
		r.Examples[i].Preference, r.Examples[i].Category, r.Examples[i].Options[0] = attack, attack, attack
	}
	for i := range r.GPUs {
		r.GPUs[i].Name = attack
	}
	tab := browsertest.Start(t).Tab(t, 1280, 900)
	tab.Do(chromedp.Navigate(open(t, r)))
	quiet(t, tab)
	if n := browsertest.Eval[int](tab, `document.scripts.length`); n != 3 {
		t.Errorf("%d scripts; the page has three", n)
	}
	if n := browsertest.Eval[int](tab, `document.querySelectorAll("img, body b[onmouseover], [onload], [onerror], main script").length`); n != 0 {
		t.Errorf("%d elements that the page has not", n)
	}
	for _, of := range []string{"h1", ".caveats li:last-child", ".question", ".after blockquote", ".preference", ".options li", "th[scope=row]", ".facts div:last-child dd"} {
		shown := browsertest.Eval[string](tab, `document.querySelector("`+of+`").textContent`)
		if !strings.Contains(shown, `</script><script>alert(1)</script><img src=x onerror=alert(2)>`) || !strings.Contains(shown, "\ufffd") || strings.ContainsAny(shown, "\u202e\u2028") {
			t.Errorf("%s shows %q", of, shown[:min(len(shown), 300)])
		}
	}
	if n := browsertest.Eval[int](tab, `[...document.querySelectorAll("#tradeoff svg text")].filter(e => e.textContent.includes("<")).length`); n == 0 {
		t.Error("the chart does not show the name")
	}
	if left := browsertest.Eval[string](tab, `document.querySelector(".after .left").textContent`); !strings.Contains(left, "more bytes]") {
		t.Errorf("what is left out of an answer: %q", left)
	}
	// A tooltip is text too.
	at := browsertest.Eval[[]float64](tab, `(() => { const e = document.querySelector("#throughput svg"); e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect(); return [r.left + r.width * .5, r.top + 59]; })()`)
	tab.Do(chromedp.MouseEvent("mouseMoved", at[0], at[1]))
	said := browsertest.Get(tab, chromedp.Poll[string](`[...document.querySelectorAll("#throughput .chart > div")].map(e => e.innerText).filter(t => t.includes("alert(1)")).join()`, chromedp.WithPollingTimeout(5*time.Second)))
	if !strings.Contains(said, "<img src=x onerror=alert(2)>") {
		t.Errorf("the tooltip says %q", said)
	}
	quiet(t, tab)
}
