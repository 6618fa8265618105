package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness/compare"
	"perg/harness/hint"
	"perg/harness/metrics"
	"perg/harness/printable"
	"perg/harness/report"
	"perg/harness/rundir"
	"perg/models"
)

func compareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "say whether two variants, methods, settings or runs differ",
		ArgsUsage: "A [B]",
		Description: `A and B name a run and perhaps a variant, a method and a setting of it,
divided by commas; B may leave the run out where it is A's. Anything
you leave out is matched: setting with the same setting, method with the same
method. A variant may be a
piece of its name.

   perg compare runs/x,llama3.1:8b gemma2:9b        two models of a run
   perg compare runs/x,zero-shot,mixed cot,mixed    two methods
   perg compare runs/x runs/y                       two runs

With one run, every variant is compared with the one of the same model
that has the highest precision:

   perg compare runs/x

and a sentence says which to take: the smallest that is shown to be no
worse than that one by 2 points, in Right and in Breakage (zero-shot,
relevant). The larger ones are tested first, and the first that fails ends
the row. Where the data do not decide it says how many items would. Types
of KV cache and ways of thinking are told apart likewise, each with the
rest alike: the smallest cache, and the least thinking, that is no worse.

Rates are in percent (see perg report --help), differences in percentage
points with 95 % bootstrap intervals, the same items drawn for both sides.
Items to which one side has no response, there or in the baseline, are
left out. With repeats an item counts in tests and counts once, for the
side that is right (or breaks) more often; duplicates of a question count
together.

Rates, difference, interval and p of a line are of the same n items: Right
and Variation of all, Breakage, Alignment failure and Robustness error of
those that are in Q* of both sides, right in both baselines. What perg
report shows, over all of a side's Q*, stands below: these are other items
on each side.

Which they are that A or B alone has right, --which says: a page of
'perg view' for each comparison, with repeats one each.

   p        of McNemar's test, mid-p. In Robustness error, answers without
            a rating count by the share of the rated ones that do not
            follow: its p is of the sign-flip test, which is McNemar's where
            all are rated
   Holm p   adjusted for all tests of the call, which is their family; the
            primary outcome is Breakage. Tests of other calls are not in it:
            choose what to compare before you look
   Needed   items that the data should have for the test to see a
            difference of --detect, with power 80 % at level 5 %; where one
            is seen there is none`,
		Flags: []cli.Flag{
			&cli.Float64Flag{Name: "detect", Value: 2, Usage: "difference to be seen, in `POINTS` of percent"},
			&cli.BoolFlag{Name: "which", Usage: "say where the answers are to be seen that A or B alone has right"},
			&cli.StringFlag{Name: "format", Value: string(report.Table), Usage: "`FORM`at: " + joined(report.ComparisonFormats())},
			&cli.BoolFlag{Name: "json", Usage: "the same as --format json"},
		},
		Action: compareAction,
	}
}

func compareAction(c *cli.Context) error {
	format := report.Format(c.String("format"))
	if c.Bool("json") {
		format = report.JSON
	}
	detect := c.Float64("detect")
	switch {
	case c.NArg() < 1 || c.NArg() > 2:
		return hint.Usage(fmt.Errorf("compare takes A and B, or one run, not %d arguments", c.NArg()), "perg compare runs/<time>,MODEL OTHER-MODEL")
	case !slices.Contains(report.ComparisonFormats(), format):
		return hint.Usage(fmt.Errorf("unknown format %q", format), "there are: "+joined(report.ComparisonFormats()))
	case c.Bool("which") && format != report.Table:
		return hint.Usage(errors.New("--which is for people"), "leave out --format and --json")
	case !(detect > 0 && detect < 100):
		return hint.Usage(fmt.Errorf("--detect %v: percentage points above 0 and below 100", detect), "")
	}
	var s comparedSides
	defer s.Close()
	var err error
	sweep := c.NArg() == 1
	if sweep {
		err = s.sweep(c.Context, c.Args().First())
	} else {
		err = s.two(c.Context, c.Args().Get(0), c.Args().Get(1))
	}
	if err != nil {
		return err
	}
	seed := min(s.a.manifest.MetricsOptions().Seed, s.b.manifest.MetricsOptions().Seed)
	all := compare.Compare(s.pairs, s.runOf, compare.Options{Seed: seed, Detect: detect / 100})
	caveats := append(s.caveats(), compare.Caveats(all)...)
	w := c.App.Writer
	if format != report.Table {
		if err := report.WriteComparisons(w, format, all); err != nil {
			return err
		}
		if tests := compare.Tests(all); tests > 0 {
			caveats = append([]string{compare.Family(tests)}, caveats...)
		}
		for _, caveat := range caveats {
			fmt.Fprintln(c.App.ErrWriter, "perg: "+printable.Text(caveat))
		}
		return nil
	}
	if sweep {
		err = report.WriteSweep(w, all)
	} else {
		err = report.WritePairs(w, all)
	}
	if err != nil {
		return err
	}
	comparedLegend(w, sweep, all, detect)
	if c.Bool("which") {
		saidWhich(w, all)
	}
	if sweep {
		if advice := adviceOf(s.a.manifest, s.a.cells); len(advice) > 0 {
			fmt.Fprint(w, "\nWhich to take\n\n")
			report.Advice(w, advice, width(w))
			fmt.Fprintln(w)
		}
	}
	for _, caveat := range caveats {
		fmt.Fprintln(w, report.Prose(caveat))
	}
	return nil
}

func comparedLegend(w io.Writer, sweep bool, all []compare.Comparison, detect float64) {
	said := "Percent and percentage points. n: items in Q* of both, all for Right and Variation."
	if sweep {
		said = "Percentage points, the variant less its sibling, with 95 % intervals over items. n: items for Right and Variation; Q*: those in Q* of both, for the others. p: adjusted (Holm)."
	} else if slices.ContainsFunc(all, func(c compare.Comparison) bool { return compare.Needs(c.Rows) }) {
		said += fmt.Sprintf(" Needed: items to see a difference of %v points, where none is seen.", detect)
	}
	fmt.Fprintf(w, "\n%s\n", report.Prose(said+" See perg compare --help."))
	if tests := compare.Tests(all); tests > 0 {
		fmt.Fprintln(w, report.Prose(compare.Family(tests)))
	}
}

// A comparedRun is a run as it is compared.
type comparedRun struct {
	dir      string
	manifest rundir.Manifest
	table    *metrics.Table
	cells    []*metrics.Cell
	shown    shownRun
}

// comparedSides are the runs of A and B, which may be one, and the cells of
// them that belong together.
type comparedSides struct {
	a, b  *comparedRun
	pairs []compare.Pair
	left  []string // variants that are not compared, and why
}

func openCompared(ctx context.Context, name string) (*comparedRun, error) {
	dir, m, err := readRun(name)
	if err != nil {
		return nil, err
	}
	shown, err := showable(ctx, dir, m)
	if err != nil {
		return nil, err
	}
	t, err := metrics.Load(shown.tables, m.MetricsOptions())
	if errors.Is(err, data.ErrNoTable) {
		return nil, noTables(dir, m)
	}
	if err != nil {
		return nil, err
	}
	cells, err := t.Cells("")
	return &comparedRun{dir, m, t, cells, shown}, err
}

// Close gives up what was made to show the runs.
func (s *comparedSides) Close() {
	for _, r := range []*comparedRun{s.a, s.b} {
		if r != nil {
			r.shown.Close()
		}
	}
}

// cutRun finds the run that text begins with, and the parts that follow it.
func cutRun(text string) (dir string, parts []string, err error) {
	if dir, parts = compare.Cut(text, isRun); dir != "" {
		return dir, parts, nil
	}
	name, parts := compare.Cut(text, namesRun)
	if name == "" {
		name, _, _ = strings.Cut(text, ",")
	}
	dir, err = findRun(name)
	return dir, parts, err
}

func (s *comparedSides) two(ctx context.Context, textA, textB string) error {
	runA, partsA, err := cutRun(textA)
	if err != nil {
		return err
	}
	if s.a, err = openCompared(ctx, runA); err != nil {
		return err
	}
	runB, partsB := compare.Cut(textB, isRun)
	if runB == "" {
		// What A's run has is meant before a beginning of another's name.
		if _, err := compare.Select(partsB, s.a.cells); err != nil {
			if run, parts, err := cutRun(textB); err == nil {
				runB, partsB = run, parts
			}
		}
	}
	inA := runB == ""
	if inA {
		runB = runA
	}
	s.b = s.a
	if !sameFile(runA, runB) {
		if s.b, err = openCompared(ctx, runB); err != nil {
			return err
		}
	}
	of, err := compare.Select(partsA, s.a.cells)
	if err != nil {
		return hint.Usage(fmt.Errorf("side A, %s: %w", runA, err), "")
	}
	other, err := compare.Select(partsB, s.b.cells)
	if err != nil {
		todo := ""
		if inA {
			todo = "B begins with no run directory, so its parts are looked for in " + runA
		}
		return hint.Usage(fmt.Errorf("side B, %s: %w", runB, err), todo)
	}
	if s.pairs, err = compare.Pairs(s.a.cells, s.b.cells, of, other); err != nil {
		return hint.Usage(err, "name a variant, a method or a setting in both A and B to compare different ones")
	}
	if i := slices.IndexFunc(s.pairs, func(p compare.Pair) bool { return p.A == p.B }); i >= 0 {
		p := s.pairs[i].A
		return hint.Usage(fmt.Errorf("%s, %s, %s of %s compares with itself", p.Variant, p.Method, p.Setting, runA), "name what differs on both sides: perg compare RUN,VARIANT OTHER-VARIANT")
	}
	if s.a != s.b && s.a.manifest.Dataset.SHA256 != s.b.manifest.Dataset.SHA256 {
		if err := compare.SameItems(s.a.shown.tables, s.b.shown.tables); err != nil {
			return &hint.Error{Err: err, Hint: "compare runs over the same data"}
		}
	}
	if i := slices.IndexFunc(s.pairs, func(p compare.Pair) bool { return len(metrics.Common(p.A, p.B)) == 0 }); i >= 0 {
		return hint.Usage(fmt.Errorf("%s and %s have no item in common", runA, runB), "compare runs over the same data")
	}
	return nil
}

// swept is the run that is compared with itself.
func (s *comparedSides) swept(text string) (dir string, err error) {
	if dir, err = findRun(text); err == nil {
		return dir, nil
	}
	if run, parts, other := cutRun(text); other == nil && len(parts) > 0 && run != "" {
		return "", hint.Usage(fmt.Errorf("%s names a part of a run, and nothing to compare it with", text), "name B too: perg compare A B; or the run alone, for a quantization sweep")
	}
	return "", err
}

// sweep pairs the variants of a run with their siblings of highest precision.
func (s *comparedSides) sweep(ctx context.Context, text string) error {
	text, err := s.swept(text)
	if err != nil {
		return err
	}
	if s.a, err = openCompared(ctx, text); err != nil {
		return err
	}
	s.b = s.a
	if s.siblings(); len(s.pairs) == 0 {
		var names []string
		for _, m := range s.a.manifest.Models {
			names = append(names, m.Variant)
		}
		return hint.Usage(fmt.Errorf("%s has no variants of one model at several precisions, but %s", text, strings.Join(names, ", ")),
			"compare two: perg compare "+quoted(text)+",VARIANT OTHER-VARIANT; perg run --quantize makes a sweep")
	}
	return nil
}

// comparedModels are a run's as comparing knows them.
func comparedModels(m rundir.Manifest) []compare.Model {
	var all []compare.Model
	for _, v := range m.Models {
		all = append(all, compare.Model{
			Variant: v.Variant, Name: v.Name, Family: v.Family, ParameterSize: v.ParameterSize,
			Quantization: v.Quantization, KVCache: models.KVType(v.KVCacheType), Think: v.Think,
		})
	}
	return all
}

// siblings pairs the variants of the run that is both sides.
func (s *comparedSides) siblings() {
	all := comparedModels(s.a.manifest)
	of, unknown := compare.Siblings(all)
	for _, v := range unknown {
		s.left = append(s.left, "the precision of "+v+" is not known: it is not compared")
	}
	for _, m := range all {
		if of[m.Variant] == "" {
			continue
		}
		pairs, err := compare.Pairs(s.a.cells, s.a.cells, compare.Selector{Variant: m.Variant}, compare.Selector{Variant: of[m.Variant]})
		if err != nil {
			s.left = append(s.left, m.Variant+" is not compared with "+of[m.Variant]+": they have no cell in common yet")
			continue
		}
		s.pairs = append(s.pairs, pairs...)
	}
}

func (s *comparedSides) runOf(c *metrics.Cell) string {
	if slices.Contains(s.a.cells, c) {
		return s.a.dir
	}
	return s.b.dir
}

// caveats are what sets the two runs apart beside what is compared.
func (s *comparedSides) caveats() []string {
	var all []string
	for _, text := range s.left {
		all = append(all, "caveat: "+text)
	}
	for _, r := range slices.Compact([]*comparedRun{s.a, s.b}) {
		for _, text := range r.shown.caveats() {
			all = append(all, r.dir+": "+text)
		}
		if ended(r.manifest) && r.manifest.Counts != nil && r.manifest.Counts.Missing > 0 {
			all = append(all, fmt.Sprintf("caveat: %s is not finished, %s of %s generations are missing", r.dir, comma(r.manifest.Counts.Missing), comma(r.manifest.Counts.Planned)))
		}
		if text := severalPreferences(r.manifest); text != "" {
			all = append(all, fmt.Sprintf("caveat: %s: %s: intervals and tests are over questions", r.dir, text))
		}
	}
	if s.a == s.b {
		return all
	}
	a, b := s.a.manifest, s.b.manifest
	if a.Dataset.SHA256 != b.Dataset.SHA256 {
		all = append(all, "caveat: the runs are over different data: only items of the same id are compared")
	}
	for _, text := range slices.Concat(apart(a, b), s.servers()) {
		all = append(all, "caveat: "+text)
	}
	return all
}

// apart says what sets two runs apart beside their data and their servers.
func apart(a, b rundir.Manifest) (all []string) {
	caveat := func(differ bool, text string) {
		if differ {
			all = append(all, text)
		}
	}
	judges := func(m rundir.Manifest) []string { return slices.Sorted(slices.Values(m.MetricsOptions().Judges)) }
	caveat(!slices.Equal(judges(a), judges(b)) || a.MetricsOptions().Rule != b.MetricsOptions().Rule,
		fmt.Sprintf("the runs have different judges (%s; %s): differences in Alignment failure and Robustness error are between judges too", judgeNames(judges(a)), judgeNames(judges(b))))
	caveat(!maps.Equal(a.Prompts, b.Prompts), "the runs have different prompt templates: differences are between prompts too")
	caveat(!slices.Equal(a.Irrelevant, b.Irrelevant), "the runs state different irrelevant preferences")
	for _, m := range a.Models {
		i := slices.IndexFunc(b.Models, func(o rundir.ModelInfo) bool { return o.Variant == m.Variant })
		caveat(i >= 0 && b.Models[i].Digest != m.Digest, m.Variant+" is another model in each of the runs: it was pulled or made anew in between")
	}
	return all
}

// servers says what the servers of two runs alone make of the same weights, where
// they are of different versions.
func (s *comparedSides) servers() []string {
	a, b := s.a.manifest, s.b.manifest
	if a.Ollama.Version == "" || b.Ollama.Version == "" || a.Ollama.Version == b.Ollama.Version {
		return nil
	}
	named := func(m rundir.Manifest) string {
		return strings.TrimSpace(fmt.Sprintf("Ollama %s %s", m.Ollama.Version, inBrackets(string(models.EngineOf(m.Ollama.Version)))))
	}
	text := fmt.Sprintf("A was answered by %s, B by %s: the same model may answer otherwise on another server, so differences are between servers too", named(a), named(b))
	var same []string
	for _, m := range a.Models {
		if slices.ContainsFunc(b.Models, func(o rundir.ModelInfo) bool { return o.Variant == m.Variant && o.Digest == m.Digest }) {
			same = append(same, m.Variant)
		}
	}
	letters, err := compare.BaselineLetters(s.a.dir, s.b.dir, same)
	if err != nil {
		return []string{text}
	}
	for _, l := range letters {
		if l.Both > 0 {
			text += fmt.Sprintf("; of %s baseline answers of %s that are read in both, %s have another letter", comma(l.Both), l.Variant, comma(l.Differ))
		}
	}
	return []string{text}
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func judgeNames(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
