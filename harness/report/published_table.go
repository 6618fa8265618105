package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
)

// PublishedFormats are those that a comparison with the paper can be written in.
func PublishedFormats() []Format { return []Format{Table, Markdown, CSV, JSON} }

// PublishedLegend says what the numbers of a comparison are.
const PublishedLegend = "Percent, ours with the 95 % interval it lies in; Diff: ours less the paper's, in\n" +
	"points; Inside: whether the paper's value is in our interval. Lower is better.\n" +
	"The paper (arXiv 2509.19358) had preferences, a judge and a reader of its own."

// WriteBeside writes a comparison's rows, without its notes: table and markdown
// are for people and give percent, csv and json are for programs and give
// fractions.
func WriteBeside(w io.Writer, f Format, rows []Beside) error {
	switch f {
	case CSV:
		return writeBesideCSV(w, rows)
	case JSON:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		if rows == nil {
			rows = []Beside{}
		}
		return enc.Encode(rows)
	case Markdown:
		return writeBesideMarkdown(w, rows)
	default:
		return writeBesideTable(w, rows)
	}
}

func (b Beside) heading() string {
	name := b.Variant
	if b.Quantization != "" {
		name += " (" + b.Quantization + ")"
	}
	return cell(name + ", " + b.Method + ", beside the paper's " + b.PublishedModel)
}

// texts are the cells of a row for people: setting, source, metric, ours, the
// paper's, the difference, and whether the paper's is inside.
func (b Beside) texts() [7]string {
	source, published, difference, inside := b.Source, percent(b.Published), "-", "-"
	if b.OtherItems {
		source += "*"
	}
	published += b.Cause.Mark()
	if b.Difference != nil {
		if difference = fmt.Sprintf("%+.1f", *b.Difference*100); difference == "-0.0" || difference == "+0.0" {
			difference = "0.0"
		}
	}
	if b.InInterval != nil {
		inside = map[bool]string{true: "yes", false: "no"}[*b.InInterval]
	}
	title := b.Metric
	for _, m := range comparedMetrics {
		if m.name == b.Metric {
			title = m.title
		}
	}
	return [7]string{b.Setting, source, title, interval(b.Value, b.Low, b.High), published, difference, inside}
}

var besideTitles = [7]string{"Setting", "Source", "Metric", "Ours", "Paper", "Diff", "Inside"}

// writeBesideTable fits 80 columns. What is the same as in the line before is
// not said again.
func writeBesideTable(w io.Writer, rows []Beside) error {
	line := func(t [7]string) error {
		text := fmt.Sprintf("%-10s  %-14s  %-14s  %12s  %6s  %6s  %6s", t[0], t[1], t[2], t[3], t[4], t[5], t[6])
		_, err := fmt.Fprintln(w, strings.TrimRight(text, " "))
		return err
	}
	var heading string
	var before Beside
	for i, b := range rows {
		t := b.texts()
		t[2] = abridged(t[2])
		if h := b.heading(); h != heading {
			if i > 0 {
				fmt.Fprintln(w)
			}
			heading, before = h, Beside{}
			fmt.Fprintln(w, heading)
			if err := line(besideTitles); err != nil {
				return err
			}
			fmt.Fprintln(w, strings.Repeat("─", 80))
		}
		sameSetting := b.Setting == before.Setting
		if sameSetting {
			t[0] = ""
		}
		if sameSetting && b.Source == before.Source {
			t[1] = ""
		}
		before = b
		if err := line(t); err != nil {
			return err
		}
	}
	return nil
}

func writeBesideMarkdown(w io.Writer, rows []Beside) error {
	t := table.NewWriter()
	header := table.Row{"Variant", "Quantization", "Paper's model", "Method"}
	for _, title := range besideTitles {
		header = append(header, title)
	}
	t.AppendHeader(header)
	for _, b := range rows {
		row := table.Row{cell(b.Variant), cell(orDash(b.Quantization)), b.PublishedModel, b.Method}
		for _, text := range b.texts() {
			row = append(row, strings.ReplaceAll(text, "*", `\*`))
		}
		t.AppendRow(row)
	}
	_, err := fmt.Fprintln(w, t.RenderMarkdown())
	return err
}

func writeBesideCSV(w io.Writer, rows []Beside) error {
	out := csv.NewWriter(w)
	kind := reflect.TypeFor[Beside]()
	header := make([]string, kind.NumField())
	for i := range header {
		header[i] = kind.Field(i).Tag.Get("json")
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for _, b := range rows {
		v := reflect.ValueOf(b)
		record := make([]string, len(header))
		for i := range record {
			f := v.Field(i)
			if f.Kind() == reflect.Pointer {
				if f.IsNil() {
					continue
				}
				f = f.Elem()
			}
			record[i] = fmt.Sprint(f.Interface())
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
