package results_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"perg/data"
	"perg/harness/explore"
	"perg/harness/export"
	"perg/harness/judge"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/results"
)

// writeRun writes the tables of a run in which everything happens: variants
// without a baseline and repeats that lack one, calls that failed, answers that
// cannot be read, several judges of whom one no longer counts, ratings in the
// other order, that cannot be read or are missing, and ratings of what is not
// there.
func writeRun(t *testing.T, dir string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 13))
	maybe := func(n int) bool { return rng.IntN(n) == 0 }
	var generations []data.Generation
	var judgments []data.Judgment
	for _, variant := range []string{"v", "w", "no baseline"} {
		type cell struct {
			method  prompt.Method
			setting prompt.Setting
			control prompt.Control
		}
		var cells []cell
		for _, method := range []prompt.Method{prompt.ZeroShot, prompt.CoT} {
			for _, setting := range prompt.Settings() {
				if variant != "no baseline" || setting != prompt.None || method != prompt.ZeroShot {
					cells = append(cells, cell{method, setting, prompt.NoControl})
				}
			}
		}
		for _, control := range prompt.Controls() {
			cells = append(cells, cell{prompt.ZeroShot, prompt.None, control})
		}
		for _, c := range cells {
			method, setting := c.method, c.setting
			for i := range 60 {
				for repeat := range int32(2) {
					if maybe(15) {
						continue
					}
					g := data.Generation{
						ItemID: fmt.Sprint("item ", i), Source: fmt.Sprint("s", i%3), Question: "?", Options: []string{"a", "b"}, Gold: "A",
						Preference: "p", PreferenceType: "clarity", Setting: string(setting), Method: string(method), Model: variant, Variant: variant,
						Repeat: repeat, Control: string(c.control), Status: data.StatusError, RequestHash: fmt.Sprint(len(generations)),
					}
					if !maybe(12) {
						g.Status, g.Response, g.Correct = data.StatusOK, new("text"), new(!maybe(3))
						if *g.Correct {
							g.Answer = new("A")
						} else if !maybe(3) {
							g.Answer = new("B")
						}
					}
					generations = append(generations, g)
					for _, name := range []string{"old", "strict", "kind"} {
						for _, swapped := range []bool{false, true} {
							if !setting.Judged() || maybe(3) {
								continue
							}
							j := data.Judgment{
								ItemID: g.ItemID, Setting: g.Setting, Method: g.Method, Variant: variant, Repeat: repeat,
								JudgeModel: name, Swapped: swapped, Status: data.StatusUnscored,
							}
							if maybe(20) {
								j.ItemID = "none such"
							}
							if !maybe(3) {
								j.Status, j.Score = data.StatusOK, new(1+rng.Int32N(5))
							}
							judgments = append(judgments, j)
						}
					}
				}
			}
		}
	}
	rng.Shuffle(len(judgments), func(i, k int) { judgments[i], judgments[k] = judgments[k], judgments[i] })
	for _, err := range []error{
		data.WriteTable(filepath.Join(dir, "generations"), generations), data.WriteTable(filepath.Join(dir, "judgments"), judgments),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A flatRow is what is compared of an exported one.
type flatRow struct {
	ItemID         string   `parquet:"item_id"`
	Setting        string   `parquet:"setting"`
	Method         string   `parquet:"method"`
	Variant        string   `parquet:"variant"`
	Repeat         int32    `parquet:"repeat"`
	Control        string   `parquet:"control,optional"`
	Answer         *string  `parquet:"answer"`
	BaselineAnswer *string  `parquet:"baseline_answer"`
	Score          *float64 `parquet:"score"`
	Followed       *bool    `parquet:"followed"`
	Outcome        string   `parquet:"outcome"`
	Unscored       bool     `parquet:"unscored"`
}

func exported(t *testing.T, dir string, p results.Panel) map[results.Key]flatRow {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	if _, err := export.Write(t.Context(), export.Run{Dir: dir, ID: "r", Panel: p}, out, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	table := t.TempDir() // of which the one file is a part
	if err := os.Symlink(filepath.Join(out, export.Results), filepath.Join(table, "part-00000.parquet")); err != nil {
		t.Fatal(err)
	}
	all := make(map[results.Key]flatRow)
	for r, err := range data.ReadTable[flatRow](table) {
		if err != nil {
			t.Fatal(err)
		}
		all[results.Key{Cell: results.CellOf(r.Variant, r.Method, r.Setting, r.Control), ItemID: r.ItemID, Repeat: r.Repeat}] = r
	}
	return all
}

func listed(t *testing.T, dir string, p results.Panel) []explore.Line {
	t.Helper()
	run, err := explore.Open(dir, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	if err := run.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := run.List(t.Context(), explore.Filter{}, 0, run.Generations())
	if err != nil {
		t.Fatal(err)
	}
	return list.Lines
}

// Explorer and export say the same of every generation, and as much as metrics
// count, whichever judges a run has.
func TestReadersAgree(t *testing.T) {
	dir := t.TempDir()
	writeRun(t, dir)
	for _, p := range []results.Panel{{}, {Judges: []string{"strict", "kind"}, Rule: judge.Mean}, {Judges: []string{"kind"}}, {Judges: []string{"nobody"}}} {
		t.Run(fmt.Sprint(p.Judges), func(t *testing.T) {
			rows, lines := exported(t, dir, p), listed(t, dir, p)
			if len(rows) != len(lines) || len(rows) < 2000 {
				t.Fatalf("%d rows exported, %d listed", len(rows), len(lines))
			}
			type counts struct{ failed, unscored, broken, kept, right int }
			counted := make(map[results.Cell]counts)
			seen := make(map[string]int)
			letter := func(s *string) string {
				if s == nil {
					return ""
				}
				return *s
			}
			for _, l := range lines {
				r := rows[l.Key]
				if l.Outcome == results.Error {
					r.Followed = l.Followed // a verdict on what has no response, or no baseline, is nobody's concern
				}
				if string(l.Outcome) != r.Outcome || l.Unscored != r.Unscored || (l.Followed == nil) != (r.Followed == nil) || l.Followed != nil && *l.Followed != *r.Followed {
					t.Fatalf("%s: the explorer says %s, unscored %v, followed %v, the export %+v", l.Key, l.Outcome, l.Unscored, l.Followed, r)
				}
				if l.Answer != letter(r.Answer) || l.Plain != letter(r.BaselineAnswer) || (l.Score == nil) != (r.Score == nil) || l.Score != nil && (*l.Score > *r.Score || *l.Score < *r.Score-0.1) {
					t.Fatalf("%s: the explorer has %q and %q, score %v, the export %+v", l.Key, l.Answer, l.Plain, l.Score, r)
				}
				c := counted[l.Cell]
				for _, of := range []struct {
					n   *int
					yes bool
				}{
					{&c.failed, l.Outcome == results.Error}, {&c.unscored, l.Unscored}, {&c.broken, l.Outcome == results.Broken}, {&c.kept, l.Outcome == results.Kept},
					{&c.right, l.Outcome == results.Kept || l.Outcome == results.Mended || l.Outcome == results.PlainRight},
				} {
					if of.yes {
						*of.n++
					}
				}
				counted[l.Cell] = c
				seen[string(l.Outcome)]++
				if l.Outcome == results.Broken && l.Unscored {
					seen["broken and unscored"]++
				}
			}
			nobody := len(p.Judges) == 1 && p.Judges[0] == "nobody"
			for _, o := range results.Outcomes() {
				if seen[string(o)] == 0 {
					t.Errorf("nothing is %s", o)
				}
			}
			if (seen["broken and unscored"] == 0) != nobody {
				t.Errorf("%d are broken and unscored", seen["broken and unscored"])
			}
			table, err := metrics.Load(dir, metrics.Options{Judges: p.Judges, Rule: p.Rule})
			if err != nil {
				t.Fatal(err)
			}
			cells, err := table.Cells("")
			controls := 0
			for cell := range counted {
				if cell.Control != prompt.NoControl {
					controls++
				}
			}
			if err != nil || len(cells)+controls != len(counted) || controls != 3*len(prompt.Controls()) {
				t.Fatalf("%d cells, %d are listed, %d of them controls, error %v", len(cells), len(counted), controls, err)
			}
			for _, cell := range cells {
				c := counted[results.Cell{Variant: cell.Variant, Method: cell.Method, Setting: cell.Setting}]
				if cell.Failed != c.failed || cell.Unscored != c.unscored || cell.Rate(metrics.Accuracy).Count != float64(c.right) {
					t.Errorf("%s, %s, %s: %d failed, %d unscored, %.0f right in metrics, and %+v", cell.Variant, cell.Method, cell.Setting, cell.Failed, cell.Unscored, cell.Rate(metrics.Accuracy).Count, c)
				}
				if r := cell.Rate(metrics.BreakageRate); cell.Setting != prompt.None && (r.Count != float64(c.broken) || r.Of != c.broken+c.kept) {
					t.Errorf("%s, %s, %s: %.0f of %d broken in metrics, and %+v", cell.Variant, cell.Method, cell.Setting, r.Count, r.Of, c)
				}
			}
		})
	}
}

// No reader takes the parts of two tables for one.
func TestReadersRefuseTornTables(t *testing.T) {
	for _, table := range []string{"generations", "judgments"} {
		dir, other := t.TempDir(), t.TempDir()
		writeRun(t, dir)
		writeRun(t, other)
		parts, err := data.TableParts(filepath.Join(other, table))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(parts[0], filepath.Join(dir, table, filepath.Base(parts[0]))); err != nil {
			t.Fatal(err)
		}
		_, loaded := metrics.Load(dir, metrics.Options{})
		_, opened := explore.Open(dir, results.Panel{}, nil)
		_, written := export.Write(t.Context(), export.Run{Dir: dir, ID: "r"}, filepath.Join(t.TempDir(), "out"), func(int64) {})
		for reader, err := range map[string]error{"metrics": loaded, "explore": opened, "export": written} {
			if !errors.Is(err, data.ErrTorn) {
				t.Errorf("torn %s, %s: %v", table, reader, err)
			}
		}
	}
}
