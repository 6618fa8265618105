package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness/advise"
	"perg/harness/hint"
	"perg/harness/metrics"
	"perg/harness/printable"
	"perg/harness/report"
	"perg/harness/report/page"
	"perg/harness/rundir"
)

// A reportedRun is one of several that are reported together.
type reportedRun struct {
	shownRun
	name     string            // no other of them has it
	variants map[string]string // names in the report, by those in the run
	rows     []data.Metric     // under the names in the report
	table    *metrics.Table    // nil where it is not wanted; under those in the run
}

// reportSeveral reports runs together. Each row stays of its run: nothing is pooled.
func reportSeveral(c *cli.Context, format report.Format, by []metrics.GroupBy) error {
	switch {
	case format == report.Benchstat:
		return hint.Usage(fmt.Errorf("--format %s is of one run, not of %d", format, c.NArg()), "write a file of each run; benchstat compares files")
	case c.Bool("published"):
		return hint.Usage(fmt.Errorf("--published is of one run, not of %d", c.NArg()), "perg report RUN --published")
	}
	runs, err := openSeveral(c)
	defer func() {
		for _, r := range runs {
			r.Close()
		}
	}()
	if err != nil {
		return err
	}
	human := format == report.Table
	choices := false
	for _, r := range runs {
		choices = choices || len(advise.Families(variantsOf(r.manifest))) > 0
	}
	if len(by) > 0 || c.IsSet("html") || choices && (human || format == report.JSON) {
		for _, r := range runs {
			if r.table, err = metrics.Load(r.tables, r.manifest.MetricsOptions()); err != nil {
				return err
			}
		}
	}
	recommendation, err := recommendedOf(runs)
	if err != nil {
		return err
	}
	warnings, err := warningsOf(runs)
	if err != nil {
		return err
	}
	w := c.App.Writer
	if !human {
		for _, warning := range warnings {
			fmt.Fprintln(c.App.ErrWriter, "perg: "+printable.Text(warning))
		}
		if len(by) == 0 {
			return writeSeveral(w, format, runs, "", recommendation)
		}
	} else if err := summaryOfSeveral(w, runs, recommendation, warnings); err != nil {
		return err
	}
	if human && c.Bool("all") {
		fmt.Fprint(w, "\nEvery setting\n\n")
		if err := writeSeveral(w, format, runs, "", recommendation); err != nil {
			return err
		}
	}
	for _, g := range by {
		groups, err := brokenDown(runs, g)
		if err != nil {
			return err
		}
		if human {
			fmt.Fprintf(w, "\nby %s\n\n", g)
		}
		if err := writeSeveral(w, format, groups, g, recommendation); err != nil {
			return err
		}
	}
	if human && (c.Bool("all") || len(by) > 0) {
		fmt.Fprintf(w, "\n%s\n", legend(togetherRows(runs)))
	}
	if !c.IsSet("html") {
		return nil
	}
	html, err := pageOfSeveral(runs, recommendation, warnings)
	if err != nil {
		return err
	}
	if err := writePageFile(c.String("html"), html); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nPage: %s (%s), open it in a browser\n", c.String("html"), humanize.Bytes(uint64(len(html))))
	return nil
}

// summaryOfSeveral writes what runs come to together: what sets them apart, one
// table, who fails least, and what to take.
func summaryOfSeveral(w io.Writer, runs []*reportedRun, r advise.Recommendation, warnings []string) error {
	costs := report.Costs{Bytes: make(map[string]int64), Times: make(map[metrics.Work]time.Duration)}
	for _, run := range runs {
		fmt.Fprintln(w, printable.Text(about(run.dir, run.manifest)))
		for variant, bytes := range loadedBytes(run.manifest) {
			costs.Bytes[run.variants[variant]] = bytes
		}
		times, err := metrics.LoadTimes(run.tables)
		if err != nil && !errors.Is(err, data.ErrNoTable) { // metrics may have been copied alone
			return err
		}
		for work, took := range times {
			costs.Times[metrics.Work{Variant: run.variants[work.Variant], Method: work.Method}] = took
		}
	}
	fmt.Fprintln(w)
	for _, warning := range warnings {
		fmt.Fprintln(w, report.ProseIn(warning, width(w)))
	}
	if len(warnings) > 0 {
		fmt.Fprintln(w)
	}
	if err := writeOverview(w, report.OverviewOf(togetherRows(runs), costs)); err != nil {
		return err
	}
	return writeRecommendation(w, r)
}

// openSeveral opens the runs that are named, and gives what would have one name in
// the report a name of its own. Those it has opened are there beside an error, too.
func openSeveral(c *cli.Context) (runs []*reportedRun, err error) {
	for _, arg := range c.Args().Slice() {
		shown, rows, err := openShown(c.Context, arg)
		if err != nil {
			return runs, err
		}
		runs = append(runs, &reportedRun{shownRun: shown, rows: rows, name: filepath.Base(filepath.Clean(shown.dir))})
		for _, other := range runs[:len(runs)-1] {
			if sameFile(other.dir, shown.dir) {
				return runs, hint.Usage(fmt.Errorf("%s is named twice", shown.dir), "name each run once")
			}
		}
	}
	bases := make(map[string]int)
	for _, r := range runs {
		bases[r.name]++
	}
	for _, r := range runs {
		if bases[r.name] > 1 {
			r.name = filepath.Clean(r.dir)
		}
	}
	in := make(map[string]int) // runs that have a variant of the name
	for _, r := range runs {
		for _, variant := range r.own() {
			in[variant]++
		}
	}
	for _, r := range runs {
		r.variants = make(map[string]string)
		for _, variant := range r.own() {
			r.variants[variant] = variant
			if in[variant] > 1 {
				r.variants[variant] = variant + " in " + r.name
			}
		}
		r.rows = r.renamed(r.rows)
	}
	return runs, nil
}

// own are the names of a run's variants in the run.
func (r *reportedRun) own() []string {
	var names []string
	for _, v := range r.manifest.Models {
		names = append(names, v.Variant)
	}
	for _, m := range r.rows {
		if !slices.Contains(names, m.Variant) {
			names = append(names, m.Variant)
		}
	}
	return names
}

// renamed are rows under the names of the report.
func (r *reportedRun) renamed(rows []data.Metric) []data.Metric {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Variant = r.variants[rows[i].Variant]
	}
	return rows
}

func togetherRows(runs []*reportedRun) (rows []data.Metric) {
	for _, r := range runs {
		rows = append(rows, r.rows...)
	}
	return rows
}

// brokenDown are the runs with their rows broken down.
func brokenDown(runs []*reportedRun, by metrics.GroupBy) ([]*reportedRun, error) {
	groups := make([]*reportedRun, len(runs))
	for i, r := range runs {
		rows, err := r.table.Records(by)
		if err != nil {
			return nil, err
		}
		groups[i] = &reportedRun{shownRun: r.shownRun, name: r.name, variants: r.variants, rows: r.renamed(groupsOf(rows))}
	}
	return groups, nil
}

// writeSeveral writes the rows of runs as one table; programs are told the run of
// each.
func writeSeveral(w io.Writer, format report.Format, runs []*reportedRun, by metrics.GroupBy, r advise.Recommendation) error {
	var names []string
	for _, run := range runs {
		for range run.rows {
			names = append(names, run.name)
		}
	}
	rows := togetherRows(runs)
	switch format {
	case report.CSV:
		return report.WriteRunsCSV(w, rows, names, by)
	case report.JSON:
		records := report.Records(rows, by)
		for i, name := range names {
			records[i]["run"] = name
		}
		type run struct {
			Name     string            `json:"run"`
			Dir      string            `json:"dir"`
			ID       string            `json:"run_id"`
			State    string            `json:"state"`
			Variants map[string]string `json:"variants"` // names here, by those in the run
		}
		var all []run
		for _, r := range runs {
			all = append(all, run{r.name, r.dir, r.manifest.RunID, r.manifest.State, r.variants})
		}
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(struct {
			Runs    []run            `json:"runs"`
			Metrics []map[string]any `json:"metrics"`
			advise.Recommendation
		}{all, records, r})
	case report.Table:
		rows = report.Ranked(rows)
	}
	if by == "" {
		rows = report.Overall(rows)
	}
	return report.Write(w, format, rows, by, width(w))
}

// recommendedOf is what runs together say about what to take: the families are those
// of one run each, the models and the front those of all.
func recommendedOf(runs []*reportedRun) (advise.Recommendation, error) {
	var variants []advise.Variant
	var advice []advise.Advice
	for _, r := range runs {
		own := variantsOf(r.manifest)
		for i := range own {
			own[i].Variant = r.variants[own[i].Variant]
		}
		variants = append(variants, own...)
		if r.table == nil {
			continue
		}
		cells, err := r.table.Cells("")
		if err != nil {
			return advise.Recommendation{}, err
		}
		for _, a := range adviceOf(r.manifest, cells) {
			a.Reference, a.Take = r.variants[a.Reference], r.variants[a.Take]
			for i := range a.Verdicts {
				v := &a.Verdicts[i]
				v.Variant, v.Reference = r.variants[v.Variant], r.variants[v.Reference]
			}
			advice = append(advice, a)
		}
	}
	return recommended(variants, togetherRows(runs), advice), nil
}

// warningsOf are what a reader must know beside the rates: first what sets the runs
// apart, then of each run its own.
func warningsOf(runs []*reportedRun) (all []string, err error) {
	first := runs[0]
	for _, r := range runs[1:] {
		for _, text := range apartInReport(first.manifest, r.manifest) {
			all = append(all, fmt.Sprintf("caveat: runs %s and %s: %s", first.name, r.name, text))
		}
	}
	var own []string // texts, each once
	of := make(map[string][]string)
	for _, r := range runs {
		notes, err := oneSided(r.tables, r.manifest)
		if err != nil {
			return nil, err
		}
		for _, text := range slices.Concat(r.caveats(), caveats(r.manifest, r.rows), notes) {
			if of[text] == nil {
				own = append(own, text)
			}
			of[text] = append(of[text], r.name)
		}
	}
	for _, text := range own {
		where := "run "
		if len(of[text]) > 1 {
			where = "runs "
		}
		all = append(all, "caveat: "+where+strings.Join(of[text], ", ")+": "+strings.TrimPrefix(text, "caveat: "))
	}
	return all, nil
}

// apartInReport says what makes the rates of two runs no comparison of their models.
func apartInReport(a, b rundir.Manifest) []string {
	var all []string
	if a.Dataset.SHA256 != b.Dataset.SHA256 {
		all = append(all, fmt.Sprintf("the runs are over different data (%s, %s): a difference may be between the questions", dataOf(a), dataOf(b)))
	}
	all = append(all, apart(a, b)...)
	if a.Ollama.Version != b.Ollama.Version {
		all = append(all, fmt.Sprintf("the runs were answered by different servers (Ollama %s, %s): the same model may answer otherwise", orUnknown(a.Ollama.Version), orUnknown(b.Ollama.Version)))
	}
	if a.PergVersion != b.PergVersion {
		all = append(all, fmt.Sprintf("the runs are of different versions of perg (%s, %s)", orUnknown(a.PergVersion), orUnknown(b.PergVersion)))
	}
	return all
}

// dataOf names a run's data so that other data of the name is told from it.
func dataOf(m rundir.Manifest) string {
	return fmt.Sprintf("%s %.8s", m.Dataset.Name, m.Dataset.SHA256)
}

// pageOfSeveral is one page of all runs.
func pageOfSeveral(runs []*reportedRun, r advise.Recommendation, warnings []string) ([]byte, error) {
	pages := make([]page.Run, len(runs))
	for i, run := range runs {
		rows, err := readMetrics(run.tables)
		if err != nil {
			return nil, err
		}
		p := pageOf(run.dir, run.manifest, rows)
		p.Name, p.Improvements, p.Caveats = run.name, run.table.Improvements(), nil
		if err := p.Read(run.tables, run.table); err != nil {
			return nil, err
		}
		p.Rename(run.variants)
		pages[i] = p
	}
	all := page.Join(pages)
	all.Recommendation, all.Caveats = r, warnings
	html, _, err := page.Render(all)
	return html, err
}
