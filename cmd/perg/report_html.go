package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness/advise"
	"perg/harness/compare"
	"perg/harness/hint"
	"perg/harness/metrics"
	"perg/harness/printable"
	"perg/harness/report"
	"perg/harness/report/page"
	"perg/harness/rundir"
	"perg/models"
)

func htmlFlag() cli.Flag {
	return &cli.StringFlag{Name: "html", Usage: "also write the report as one page to `FILE`: charts, where answers break, examples"}
}

// checkHTML says before any work what stands in the way of the page.
func checkHTML(c *cli.Context, format report.Format) error {
	path := c.String("html")
	switch {
	case path == "":
		return hint.Usage(fmt.Errorf("--html names no file"), "perg report RUN --html report.html")
	case format != report.Table:
		return hint.Usage(fmt.Errorf("--html with --format %s: the page has the tables in it", format), "run perg report twice, once with each")
	case c.Bool("published"):
		return hint.Usage(fmt.Errorf("--html with --published: the page has the paper's values in it"), "leave out --published")
	case strings.HasPrefix(path, "-"):
		return hint.Usage(fmt.Errorf("--html %s is no name of a file", path), "the page is a file of its own: --html report.html")
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return hint.Usage(fmt.Errorf("--html %s is no file", path), "name a file in it: --html "+quoted(filepath.Join(path, "report.html")))
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return hint.Usage(fmt.Errorf("--html %s: there is no directory %s", path, filepath.Dir(path)), "make it, or name another file")
	}
	return nil
}

// writePage writes the page of a run whose tables are loaded, with notes beside
// its caveats.
func writePage(path string, shown shownRun, m rundir.Manifest, rows []data.Metric, t *metrics.Table, improvements []metrics.Improvement, r advise.Recommendation, notes []string) (size int, err error) {
	shows := pageOf(shown.dir, m, rows)
	shows.Improvements, shows.Recommendation, shows.Caveats = improvements, r, append(shows.Caveats, notes...)
	if err := shows.Read(shown.tables, t); err != nil {
		return 0, err
	}
	html, _, err := page.Render(shows)
	if err != nil {
		return 0, err
	}
	return len(html), writePageFile(path, html)
}

// servedPage makes the page of a run that perg view serves beside its answers, and
// gives the policy that it needs.
func servedPage(shown shownRun) (html []byte, policy string, err error) {
	rows, err := readMetrics(shown.tables)
	if err != nil {
		return nil, "", err
	}
	t, err := metrics.Load(shown.tables, shown.manifest.MetricsOptions())
	if err != nil {
		return nil, "", err
	}
	notes, err := shown.notes(rows)
	if err != nil {
		return nil, "", err
	}
	r, err := recommend(shown.manifest, rows, func() (*metrics.Table, error) { return t, nil })
	if err != nil {
		return nil, "", err
	}
	shows := pageOf(shown.dir, shown.manifest, report.Ranked(rows))
	shows.Viewer, shows.Views = "", nil
	shows.Improvements, shows.Recommendation, shows.Caveats = improvements(rows, t), r, append(shows.Caveats, notes...)
	if err := shows.Read(shown.tables, t); err != nil {
		return nil, "", err
	}
	return page.Render(shows)
}

func writePageFile(path string, html []byte) error {
	if err := data.WriteFile(path, html); err != nil {
		return &hint.Error{Err: fmt.Errorf("write the page: %w", err), Hint: "choose a place you may write to with --html"}
	}
	return nil
}

// pageOf is what the page shows of the manifest and the table metrics.
func pageOf(dir string, m rundir.Manifest, rows []data.Metric) page.Run {
	r := page.Run{
		Name: filepath.Base(filepath.Clean(dir)), State: m.How(), Dataset: m.Dataset.Name, Items: m.Dataset.Items,
		StartedAt: m.StartedAt, EndedAt: m.EndedAt, Caveats: caveats(m, rows), Metrics: rows,
		Published: comparePublished(m, rows), Facts: facts(m),
		Viewer: viewerAt, Views: map[string]string{m.RunID: "perg view " + printable.Text(quoted(dir))},
	}
	if m.Imported != nil {
		r.EndedAt = nil // how long the answers took is not known
	}
	best, _ := compare.Siblings(comparedModels(m))
	for _, v := range m.Models {
		r.Variants = append(r.Variants, page.Variant{
			Name: v.Variant, Quantization: v.Quantization, Series: cmp.Or(best[v.Variant], v.Variant), Bits: bitsPerWeight(v.Quantization), KVCache: v.KVCacheType,
			Answers: page.Answers{Run: m.RunID, Variant: v.Variant},
		})
	}
	for _, l := range m.Loads {
		r.Loads = append(r.Loads, page.Load{At: l.At, Took: time.Duration(l.Took), Variant: l.Variant, Lane: l.Lane, Size: l.Size, VRAM: l.VRAM, Estimate: l.Estimate})
	}
	return r
}

// bitsPerWeight is 0 where a quantization's is not known.
func bitsPerWeight(quantization string) float64 {
	switch {
	case strings.EqualFold(quantization, "F32"):
		return 32
	case strings.EqualFold(quantization, "BF16"):
		return 16
	case slices.ContainsFunc(models.Quantizations(), func(q string) bool { return strings.EqualFold(q, quantization) }):
		return models.BitsPerWeight(quantization)
	}
	return 0
}

// facts are the lines of the manifest that say what was run, on what.
func facts(m rundir.Manifest) []page.Fact {
	var all []page.Fact
	add := func(name, format string, args ...any) {
		if text := strings.TrimSpace(fmt.Sprintf(format, args...)); text != "" {
			all = append(all, page.Fact{Name: name, Value: text})
		}
	}
	add("Run", "%s, %s", m.RunID, m.How())
	add("Error", "%s", m.Error)
	if m.Imported != nil {
		for _, f := range m.Imported.Files {
			add("Imported from", "%s, %s rows, SHA-256 %.12s", f.Path, comma(f.Rows), f.SHA256)
		}
	}
	add("Dataset", "%s, %s items, SHA-256 %.12s", m.Dataset.Name, comma(m.Dataset.Items), m.Dataset.SHA256)
	var lines []string
	for _, v := range m.Models {
		lines = append(lines, modelFact(v))
	}
	add("Variants", "%s", strings.Join(lines, "\n"))
	lines = nil
	for _, v := range m.Judges {
		lines = append(lines, modelFact(v))
	}
	add("Judges", "%s", strings.Join(lines, "\n"))
	if m.Extractor != nil {
		add("Extractor", "%s", modelFact(*m.Extractor))
	}
	add("Methods", "%s", strings.Join(m.Config.Methods, ", "))
	add("Settings", "%s", strings.Join(m.Config.Settings, ", "))
	add("Prompts", "%s", m.PromptSet)
	add("Repeats, seed", "%d, %d", m.Config.Repeats, m.Config.Seed)
	if n := m.Counts; n != nil {
		add("Generations", "%s planned, %s answered, %s failed, %s missing", comma(n.Planned), comma(n.OK), comma(n.Failed), comma(n.Missing))
		add("Ratings", "%s read, %s not readable, %s failed", comma(n.Rated), comma(n.Unscored), comma(n.Unjudged))
	}
	add("Ollama", "%s %s", m.Ollama.Version, m.Ollama.Host)
	lines = nil
	for _, g := range m.GPUs.GPUs {
		line := fmt.Sprintf("%d: %s", g.Index, g.Name)
		if g.MemoryTotal != nil {
			line += ", " + humanize.IBytes(uint64(*g.MemoryTotal))
		}
		lines = append(lines, line)
	}
	if m.Imported == nil {
		add("GPUs", "%s", cmp.Or(strings.Join(lines, "\n"), "none seen"))
	}
	add("Machines that joined", "%s", strings.Join(machineFacts(m), "\n"))
	add("perg", "%s", m.PergVersion)
	return all
}

// machineFacts are the other machines that worked for a run, each once, as it last
// joined.
func machineFacts(m rundir.Manifest) (lines []string) {
	for i, h := range m.Hosts {
		if slices.ContainsFunc(m.Hosts[i+1:], func(later rundir.Host) bool { return later.Name == h.Name }) {
			continue
		}
		what := h.Processor
		if len(h.GPUs.GPUs) > 0 {
			var names []string
			for _, g := range h.GPUs.GPUs {
				names = append(names, g.Name)
			}
			what = strings.Join(names, ", ")
		}
		line := fmt.Sprintf("%s: %s, Ollama %s", h.Name, what, h.Ollama)
		if h.Left != nil {
			line += ", left before the end"
		}
		lines = append(lines, line)
	}
	return lines
}

func modelFact(v rundir.ModelInfo) string {
	parts := []string{cmp.Or(v.Variant, v.Name)}
	for _, p := range []string{v.ParameterSize, v.Quantization} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if v.Size > 0 {
		parts = append(parts, humanize.IBytes(uint64(v.Size)))
	}
	if v.Digest != "" {
		parts = append(parts, fmt.Sprintf("%.12s", strings.TrimPrefix(v.Digest, "sha256:")))
	}
	return strings.Join(parts, ", ")
}
