package page

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/printable"
	"perg/harness/prompt"
)

//go:embed page.html page.css page.js echarts/echarts.js
var files embed.FS

// file is one of the embedded ones.
func file(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // ours
	}
	return string(text)
}

var layout = template.Must(template.New("page").Funcs(template.FuncMap{
	"text":   printable.Text,
	"clean":  clean,
	"kind":   kindName,
	"comma":  comma,
	"letter": letter,
	"option": option,
	"loads":  func(n int) string { return plural(n, "model load", "model loads") },
	"behind": func(b behind, text string) map[string]string {
		return map[string]string{"Href": b.Href, "Says": b.Says, "Text": text}
	},
	"next": func(i int) int { return i + 1 },
}).Parse(file("page.html")))

// content is what the template shows.
type content struct {
	Run      Run
	Name     string
	Summary  string
	Findings []string
	Caveats  []string
	Lead     lead
	At       string // the lead, beside a sentence about it
	Policy   string
	Style    template.CSS
	Scripts  []template.JS
	Charts   map[string]chart
	Views    map[string]string

	Taking      taking
	GlanceTitle string
	GlanceHead  []string
	Glance      []glanceRow
	Everything  table

	ReadersTitle  string
	Readers       table
	NullTitle     string // "": the baseline was not asked again
	Nulls         table
	Letters       table
	LettersLean   string // how many cells prefer a letter; "" where none does
	Thinking      table  // without rows where no model thinks
	ThinkingCut   string // how many thoughts were cut; "" where none was
	ReadersByType table
	Tradeoff      section
	Where         where
	Settings      section
	Methods       section
	Improve       section
	Bits          section
	Paper         section
	PaperNotes    []string
	Speed         section
	GPUs          section
	Loads         table
}

// A section holds a figure, or says why it is left out.
type section struct {
	Figure  *figure
	Missing string
}

// Render makes the page: one file of HTML that loads nothing, with the policy that
// is in it, for who serves the page. It works without scripts as tables.
func Render(r Run) (html []byte, policy string, err error) {
	l := leading(r.Metrics)
	v := content{
		Run: r, Name: clean(r.Name), Summary: r.summary(), Lead: l, At: l.at(), Findings: r.findings(l),
		Style: template.CSS(file("page.css")), Charts: make(map[string]chart), Views: r.Views,
	}
	for _, script := range []string{file("echarts/echarts.js"), file("page.js")} {
		v.Scripts = append(v.Scripts, template.JS(script))
	}
	v.Policy = policyOf(v.Scripts)
	for _, c := range r.Caveats {
		v.Caveats = append(v.Caveats, printable.Text(title(strings.TrimPrefix(c, "caveat: "))+"."))
	}
	for _, n := range r.Published.Notes {
		v.PaperNotes = append(v.PaperNotes, printable.Text(n))
	}
	v.Everything, v.Taking = r.everything(l), r.taking()
	if l.Setting != "" {
		v.GlanceHead, v.Glance = r.glance(l)
		v.GlanceTitle = r.glanceTitle(l)
		add := func(f figure, missing string) section {
			if missing != "" {
				return section{Missing: missing}
			}
			f.Chart.Keys = f.Keys
			v.Charts[f.ID] = f.Chart
			return section{Figure: &f}
		}
		v.ReadersTitle, v.Readers, v.ReadersByType = r.readersTitle(l), r.readers(l), r.readersByType()
		v.Letters, v.LettersLean = r.letters(l)
		v.Thinking, v.ThinkingCut = r.thinking(l)
		v.NullTitle, v.Nulls = r.nullTitle(l), r.nulls(l)
		v.Tradeoff = add(r.tradeOff(l))
		v.Where = r.where(l)
		v.Settings, v.Methods = add(r.bySetting(l)), add(r.byMethod(l))
		v.Improve, v.Bits = add(r.improvement(l)), add(r.bySize(l))
		v.Paper, v.Speed, v.GPUs = add(r.besidePaper(l)), add(r.throughput(l)), add(r.overTime())
	}
	if len(r.Loads) > 0 {
		v.Loads = r.loads()
	}
	var b bytes.Buffer
	if err := layout.Execute(&b, v); err != nil {
		return nil, "", fmt.Errorf("make the page: %w", err)
	}
	return b.Bytes(), v.Policy, nil
}

// policyOf lets the page's own scripts run and nothing be loaded, sent or run
// beside them, whatever else gets into it.
func policyOf(scripts []template.JS) string {
	var hashes []string
	for _, s := range scripts {
		sum := sha256.Sum256([]byte(s))
		hashes = append(hashes, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return "default-src 'none'; script-src " + strings.Join(hashes, " ") + "; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
}

// summary says in a line what was run.
func (r Run) summary() string {
	methods, settings := make(map[string]bool), make(map[string]bool)
	for _, m := range r.Metrics {
		if m.Source == metrics.All && m.Setting != string(prompt.None) {
			methods[m.Method], settings[m.Setting] = true, true
		}
	}
	on := cmp.Or(r.On, plural(r.Items, "item", "items")+" of "+r.Dataset)
	parts := []string{
		fmt.Sprintf("%s on %s", plural(len(r.Variants), "variant", "variants"), clean(on)),
		fmt.Sprintf("%s, %s", plural(len(methods), "method", "methods"), plural(len(settings), "setting", "settings")),
	}
	if !r.StartedAt.IsZero() {
		parts = append(parts, r.StartedAt.UTC().Format("2 January 2006"))
	}
	if r.EndedAt != nil && r.EndedAt.After(r.StartedAt) {
		parts = append(parts, "in "+lasting(r.EndedAt.Sub(r.StartedAt)))
	}
	return strings.Join(append(parts, clean(r.State)), " · ")
}

// letter shows an extracted answer.
func letter(s string) string {
	if s == "" {
		return "none readable"
	}
	return clean(s)
}

// option says what an option is to an example: "gold", "before" and "after"
// where they are.
func option(e Example, i int) (o struct {
	Letter              string
	Gold, Before, After bool
}) {
	o.Letter = data.Letter(i)
	o.Gold, o.Before, o.After = o.Letter == e.Gold, o.Letter == e.Before.Letter, o.Letter == e.After.Letter
	return o
}
