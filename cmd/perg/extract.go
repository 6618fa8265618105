package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness"
	"perg/harness/extract"
	"perg/harness/metrics"
	"perg/harness/report"
)

func extractCommand() *cli.Command {
	return &cli.Command{
		Name:      "extract",
		Usage:     "check the rules that read answers on responses of your own",
		ArgsUsage: "FILE.csv",
		Description: `Reads a response and its item's options from each row, and counts how many
the rules answer, and by which of them. A run scores answers by the same
rules. No model is asked. With --label it also counts how often they find
the letter that you, or another extractor, gave the response, and lists
where the two differ.

   perg extract my.csv --response answer --options options
   perg extract my.csv --response answer --options options --label letter

Options are a list as Python or NumPy prints it, ['a', 'b'] or ['a' 'b'].
A label is a letter, also as "b", "(B)" or "B."; one that is none of its
item's letters is counted and not compared. Intervals are Wilson's, 95 %.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "response", Usage: "`COLUMN` of the responses"},
			&cli.StringFlag{Name: "options", Usage: "`COLUMN` of the options"},
			&cli.StringFlag{Name: "label", Usage: "`COLUMN` of letters to compare with"},
			&cli.IntFlag{Name: "show", Value: 5, Usage: "list the first `N` differences from the labels; 0 for none"},
			&cli.BoolFlag{Name: "json", Usage: "one JSON object, rates as fractions"},
		},
		Action: extractAction,
	}
}

func extractAction(c *cli.Context) error {
	usage := func(err error, hint string) error { return &harness.Problem{Err: err, Hint: hint, Usage: true} }
	if c.NArg() != 1 {
		return usage(fmt.Errorf("extract takes one CSV file, not %d", c.NArg()), "perg extract FILE.csv --response COLUMN --options COLUMN")
	}
	shown := c.Int("show")
	switch {
	case shown < 0:
		return usage(fmt.Errorf("--show %d: at least 0", shown), "")
	case c.IsSet("show") && c.String("label") == "":
		return usage(errors.New("--show without --label: there is nothing to differ from"), "")
	}
	name := c.Args().First()
	f, err := os.Open(name)
	if err != nil {
		return usage(err, "")
	}
	defer f.Close()
	rows, err := newResponses(name, f, c.String("response"), c.String("options"), c.String("label"))
	if err != nil {
		return usage(err, "")
	}
	s, err := score(c.Context, rows, shown)
	if err != nil {
		return usage(err, "")
	}
	if c.Bool("json") {
		enc := json.NewEncoder(c.App.Writer)
		enc.SetIndent("", "  ")
		return enc.Encode(s.fields(name, rows))
	}
	s.print(c.App.Writer, name, rows)
	return nil
}

// responses reads a CSV file of responses, a row at a time.
type responses struct {
	name                     string
	csv                      *csv.Reader
	header                   []string
	response, options, label int // columns; label is -1 where there is none
}

// newResponses reads the header and finds the columns in it.
func newResponses(name string, r io.Reader, response, options, label string) (*responses, error) {
	in := bufio.NewReader(r)
	if bom, _ := in.Peek(3); string(bom) == "\ufeff" {
		in.Discard(len(bom))
	}
	rows := &responses{name: name, csv: csv.NewReader(in), label: -1}
	rows.csv.ReuseRecord = true
	header, err := rows.csv.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, fmt.Errorf("%s:%d: the header is no line of CSV (%w)", name, parse.StartLine, parse.Err)
	}
	if err == io.EOF {
		return nil, fmt.Errorf("%s is empty", name)
	}
	if err != nil {
		return nil, err
	}
	for _, h := range header {
		if !utf8.ValidString(h) || strings.Contains(h, "\x00") {
			return nil, fmt.Errorf("%s:1: the header is not UTF-8 text; save the file as CSV in UTF-8", name)
		}
		rows.header = append(rows.header, strings.TrimSpace(h))
	}
	var wrong []error
	find := func(flag, column string) int {
		at := slices.Index(rows.header, column)
		switch {
		case column == "":
			wrong = append(wrong, fmt.Errorf("--%s names no column", flag))
		case at < 0:
			wrong = append(wrong, fmt.Errorf("--%s: %s has no column %q", flag, name, column))
		case slices.Contains(rows.header[at+1:], column):
			wrong = append(wrong, fmt.Errorf("--%s: %s has two columns %q; rename one", flag, name, column))
		}
		return at
	}
	rows.response, rows.options = find("response", response), find("options", options)
	if label != "" {
		rows.label = find("label", label)
	}
	if wrong != nil {
		return nil, fmt.Errorf("%w\nits columns are: %s", errors.Join(wrong...), listed(rows.header))
	}
	if rows.response == rows.options || rows.label >= 0 && (rows.label == rows.response || rows.label == rows.options) {
		return nil, errors.New("one column is named for two things: --response, --options and --label are three columns")
	}
	return rows, nil
}

func listed(columns []string) string {
	names := slices.Clone(columns)
	for i, name := range names {
		if name == "" {
			names[i] = "(one without a name)"
		}
	}
	return strings.Join(names, ", ")
}

// A labelledResponse is a row.
type labelledResponse struct {
	line     int // on which the row starts
	response string
	options  []string
	label    string // empty where there is none
}

// next reads a row. It gives io.EOF at the end.
func (r *responses) next() (labelledResponse, error) {
	wrong := func(line int, format string, args ...any) (labelledResponse, error) {
		return labelledResponse{}, rowError{fmt.Errorf("%s:%d: "+format, append([]any{r.name, line}, args...)...)}
	}
	record, err := r.csv.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		if parse.Err == csv.ErrFieldCount {
			return wrong(parse.StartLine, "the row has %d fields, the header %d; quote fields that hold commas", len(record), len(r.header))
		}
		return labelledResponse{}, fmt.Errorf("%s:%d: this is no CSV at line %d, column %d (%w); double the quotes within a quoted field (the lines after it were not read)",
			r.name, parse.StartLine, parse.Line, parse.Column, parse.Err)
	}
	if err != nil {
		return labelledResponse{}, err
	}
	line, _ := r.csv.FieldPos(0)
	row := labelledResponse{line: line, response: record[r.response]}
	if r.label >= 0 {
		row.label = strings.TrimSpace(record[r.label])
	}
	if !utf8.ValidString(row.response) || !utf8.ValidString(row.label) || !utf8.ValidString(record[r.options]) {
		return wrong(line, "the row is not UTF-8 text; save the file as UTF-8")
	}
	if row.options, err = data.ParseList(record[r.options]); err != nil {
		return wrong(line, "%s: %w; a list is ['a', 'b'] (Python) or ['a' 'b'] (NumPy)", r.header[r.options], err)
	}
	if n := len(row.options); n < 2 || n > data.MaxOptions {
		return wrong(line, "%s: a list of %d; an item has 2 to %d options", r.header[r.options], n, data.MaxOptions)
	}
	return row, nil
}

// A rowError is what is wrong with one row; those after it can be read.
type rowError struct{ error }

// labelIndex is the option that a label names among n.
func labelIndex(label string, n int) (int, bool) {
	label = strings.TrimRight(strings.TrimPrefix(label, "("), ".):")
	return data.LetterIndex(strings.ToUpper(strings.TrimSpace(label)), n)
}

// rules lists the rules in the order of their table in package extract.
var rules = []string{
	extract.Boxed, extract.Stated, extract.StatedText, extract.LeadingLetter, extract.LeadingText, extract.ClosingLetter,
	extract.Predicate, extract.Hedged, extract.OnlyNamed, extract.LastNamed, extract.OptionText,
}

// A scoring is what the rules make of a file of responses.
type scoring struct {
	rows, empty int                // empty: responses that are blank, which are abstained on too
	byRule      map[string]answers // those answered
	labels      int                // labels that name an option
	noOption    int                // labels that name none
	unlabelled  int                // rows with no label
	differences []difference       // the first ones
}

type answers struct {
	n, labelled, agreed int // labelled: by a label that names an option
}

type difference struct {
	Line   int    `json:"line"` // on which the row starts
	Rule   string `json:"rule"`
	Answer string `json:"answer"`
	Label  string `json:"label"`
}

// shownRowErrors is how many errors of rows are listed; the others are counted.
const shownRowErrors = 20

// score runs the rules over all rows and keeps the first differences. Rows in
// error make it fail, after all were read.
func score(ctx context.Context, rows *responses, shown int) (scoring, error) {
	s := scoring{byRule: map[string]answers{}}
	var wrong []error
	more := 0
	for {
		if ctx.Err() != nil {
			return scoring{}, harness.ErrInterrupted
		}
		row, err := rows.next()
		if err == io.EOF {
			break
		}
		_, goesOn := errors.AsType[rowError](err)
		switch {
		case err == nil:
			s.add(row, rows.label >= 0, shown)
		case goesOn && len(wrong) == shownRowErrors:
			more++
		default:
			wrong = append(wrong, err)
		}
		if err != nil && !goesOn {
			break
		}
	}
	if more > 0 {
		wrong = append(wrong, fmt.Errorf("and %d more; put these right first", more))
	}
	if wrong != nil {
		return scoring{}, errors.Join(wrong...)
	}
	if s.rows == 0 {
		return scoring{}, fmt.Errorf("%s has no rows below its header", rows.name)
	}
	return s, nil
}

func (s *scoring) add(row labelledResponse, labels bool, shown int) {
	s.rows++
	if strings.TrimSpace(row.response) == "" {
		s.empty++
	}
	label, labelled := labelIndex(row.label, len(row.options))
	switch {
	case !labels:
	case labelled:
		s.labels++
	case row.label == "":
		s.unlabelled++
	default:
		s.noOption++
	}
	a, ok := extract.Rules(row.response, row.options)
	if !ok {
		return
	}
	of := s.byRule[a.Rule]
	of.n++
	if labelled {
		of.labelled++
		if a.Option == label {
			of.agreed++
		} else if len(s.differences) < shown {
			s.differences = append(s.differences, difference{row.line, a.Rule, data.Letter(a.Option), data.Letter(label)})
		}
	}
	s.byRule[a.Rule] = of
}

// total is over all rules.
func (s scoring) total() (all answers) {
	for _, of := range s.byRule {
		all.n, all.labelled, all.agreed = all.n+of.n, all.labelled+of.labelled, all.agreed+of.agreed
	}
	return all
}

func (s scoring) print(w io.Writer, name string, rows *responses) {
	all := s.total()
	count := func(n int, what string) { fmt.Fprintf(w, "%9s  %s\n", comma(n), report.Printable(what)) }
	fmt.Fprintf(w, "%s, column %s\n", report.Printable(name), report.Printable(rows.header[rows.response]))
	count(s.rows, "rows read")
	count(all.n, "answered by rules: "+percentOf(all.n, s.rows))
	count(s.rows-all.n, fmt.Sprintf("abstained, %s of them because the response is empty", comma(s.empty)))

	fmt.Fprintf(w, "\nby rule\n")
	for _, rule := range rules {
		of, what := s.byRule[rule], rule
		if of.labelled > 0 {
			what = fmt.Sprintf("%-20s  agrees with %s of %s labels", rule, comma(of.agreed), comma(of.labelled))
		}
		count(of.n, what)
	}
	if rows.label < 0 {
		return
	}

	fmt.Fprintf(w, "\nlabels, column %s\n", report.Printable(rows.header[rows.label]))
	count(s.labels, "name an option of their item")
	count(all.labelled, "of those answered by rules: "+percentOf(all.labelled, s.labels))
	count(all.agreed, "of those with the label's letter: "+percentOf(all.agreed, all.labelled))
	count(s.noOption, "name no option, and are not compared")
	if s.unlabelled > 0 {
		count(s.unlabelled, "rows have no label")
	}
	if s.labels == 0 {
		fmt.Fprintln(w, "caveat: no label is a letter of its item's options; is this the column of letters?")
	}
	if len(s.differences) == 0 {
		return
	}
	fmt.Fprintf(w, "\nthe rules and the label differ in %s rows", comma(all.labelled-all.agreed))
	if len(s.differences) < all.labelled-all.agreed {
		fmt.Fprintf(w, ", first in (--show %d for all)", all.labelled-all.agreed)
	}
	fmt.Fprintln(w)
	for _, d := range s.differences {
		fmt.Fprintf(w, "  %s:%d: %s says %s, the label %s\n", report.Printable(name), d.Line, d.Rule, d.Answer, d.Label)
	}
}

// percentOf is a share with its interval, for people.
func percentOf(n, of int) string {
	rate := metrics.Rate{Count: n, Of: of}
	if of == 0 {
		return "no share, there are none"
	}
	low, high := metrics.Wilson(rate, 1)
	return fmt.Sprintf("%.1f %% (95 %% interval %.1f-%.1f)", *rate.Value()*100, *low*100, *high*100)
}

// fields is a scoring for programs; what is unknown is null.
func (s scoring) fields(name string, rows *responses) map[string]any {
	all, labels := s.total(), rows.label >= 0
	share := func(n, of int) map[string]any {
		rate := metrics.Rate{Count: n, Of: of}
		low, high := metrics.Wilson(rate, 1)
		return map[string]any{"n": n, "of": of, "rate": rate.Value(), "rate_low": low, "rate_high": high}
	}
	var byRule []map[string]any
	for _, rule := range rules {
		of := s.byRule[rule]
		fields := map[string]any{"rule": rule, "answered": of.n, "labelled": nil, "agreed": nil}
		if labels {
			fields["labelled"], fields["agreed"] = of.labelled, of.agreed
		}
		byRule = append(byRule, fields)
	}
	columns := map[string]any{"response": rows.header[rows.response], "options": rows.header[rows.options], "label": nil}
	fields := map[string]any{
		"file": name, "columns": columns,
		"rows": s.rows, "answered": share(all.n, s.rows), "abstained": s.rows - all.n, "empty": s.empty, "rules": byRule, "labels": nil,
	}
	if labels {
		columns["label"] = rows.header[rows.label]
		fields["labels"] = map[string]any{
			"naming_an_option": s.labels, "answered": share(all.labelled, s.labels), "agreed": share(all.agreed, all.labelled),
			"naming_no_option": s.noOption, "empty": s.unlabelled,
			"differing": all.labelled - all.agreed, "differences": append([]difference{}, s.differences...),
		}
	}
	return fields
}
