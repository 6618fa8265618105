package report

import (
	"fmt"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
)

const performanceVariation = "performance_variation"

// comparedMetrics are the metrics that the paper has figures of.
var comparedMetrics = [...]struct {
	name, title string
	rated       bool // of ratings
	rate        rate
}{
	{"breakage_rate", "Breakage", false, breakage},
	{"alignment_failure", "Alignment failure", true, alignment},
	{"robustness_error", "Robustness error", true, robustness},
	{performanceVariation, "Variation", false, func(m data.Metric) (v, low, high *float64) {
		return m.PerformanceVariation, m.PerformanceVariationLow, m.PerformanceVariationHigh
	}},
}

// A Beside is one metric of one cell beside the paper's value. Rates are
// fractions from 0 to 1; nil: unknown or undefined.
type Beside struct {
	Variant        string   `json:"variant"`
	Model          string   `json:"model"`
	Quantization   string   `json:"quantization"`
	PublishedModel string   `json:"published_model"`
	Release        string   `json:"published_release"`
	Method         string   `json:"method"`
	Setting        string   `json:"setting"`
	Source         string   `json:"source"`
	N              int64    `json:"n"`
	Metric         string   `json:"metric"`
	Value          *float64 `json:"value"`
	Low            *float64 `json:"low"` // of the 95 % interval
	High           *float64 `json:"high"`
	Published      *float64 `json:"published"`
	Difference     *float64 `json:"difference"`     // value less published; nil too where the published one is at fault
	InInterval     *bool    `json:"in_interval"`    // the published value in ours
	OtherItems     bool     `json:"other_items"`    // over other questions than the paper's: not comparable
	Cause          Cause    `json:"cause"`          // why it is not comparable beside that
	SamePrecision  *bool    `json:"same_precision"` // as the paper ran the model in; nil: not known
}

// A Comparison is a run beside the paper.
type Comparison struct {
	Prompts string // the set that the run asked with; "": not known
	Rows    []Beside
	Notes   []string // what a reader must know, and what has no counterpart
}

// ComparePublished sets the rows of the table metrics beside the paper's
// figures. The variants are those of the run, asked with the set prompts ("" where
// it is not known); dataset and items name its data.
//
// Rows over truthfulqa, commonsenseqa or mmlu have counterparts. Those over all
// items are comparable where these three are the run's sources, and are marked
// where they are not; other sources have none.
func ComparePublished(rows []data.Metric, variants []Measured, prompts, dataset string, items int) Comparison {
	c := Comparison{Prompts: prompts}
	note := func(format string, args ...any) { c.Notes = append(c.Notes, fmt.Sprintf(format, args...)) }
	sources, sizes := sourcesOf(rows)
	public := 0
	var foreign []string
	for _, s := range sources {
		if publishedItems[s] > 0 {
			public++
		} else {
			foreign = append(foreign, s)
		}
	}
	same := public == len(publishedItems)-1 && len(foreign) == 0
	if !same && len(rows) > 0 {
		note("not comparable, marked *: source all is over %d items of %s, not over PERGData's three sources", items, dataset)
	}
	if len(foreign) > 0 {
		note("no figures in the paper for the sources %s", strings.Join(foreign, ", "))
	}
	var fewer []string
	for _, s := range sources {
		if n := publishedItems[s]; n > 0 && sizes[s] < int64(n) {
			fewer = append(fewer, fmt.Sprintf("%s %d of %d", s, sizes[s], n))
		}
	}
	if len(fewer) > 0 {
		note("over fewer items than the paper's: %s", strings.Join(fewer, ", "))
	}
	missing := false
	for _, v := range variants {
		match, why := v.match()
		if why != "" {
			missing = true
			note("%s has no counterpart: %s", v.Variant, why)
			continue
		}
		note("%s", match.about(v))
		if absent := c.add(rows, v, match, same); len(absent) > 0 {
			note("no figures in the paper for %s in %s", match.model, strings.Join(absent, ", "))
		}
	}
	if missing {
		note("the paper has %s", PublishedModels)
	}
	c.sayCauses()
	return c
}

// add sets a variant's rows beside those of a published model. absent are the
// cells that the paper does not have.
func (c *Comparison) add(rows []data.Metric, v Measured, published counterpart, same bool) (absent []string) {
	for _, m := range rows {
		if m.Variant != v.Variant || m.Setting == string(prompt.None) || publishedItems[m.Source] == 0 {
			continue
		}
		cell := publishedCell{m.Setting, m.Method, published.model, m.Source}
		figures, ok := publishedFigures()[cell]
		if !ok {
			if name := m.Method + " " + m.Setting; !slices.Contains(absent, name) {
				absent = append(absent, name)
			}
			continue
		}
		for i, metric := range comparedMetrics {
			b := Beside{
				Variant: m.Variant, Model: m.Model, Quantization: m.Quantization, PublishedModel: published.model, Release: published.release,
				Method: m.Method, Setting: m.Setting, Source: m.Source, N: m.N, Metric: metric.name, Published: figures[i],
				OtherItems: m.Source == metrics.All && !same, Cause: cell.fault(c.Prompts), SamePrecision: published.samePrecision(m.Quantization),
			}
			b.Value, b.Low, b.High = metric.rate(m)
			if b.Value == nil && b.Published == nil {
				continue // undefined under the setting
			}
			if b.Cause == "" && m.NUnscored > 0 && metric.rated && b.Value != nil && prompt.Setting(m.Setting).Judged() {
				b.Cause = RatingsMissing
			}
			if b.Value != nil && b.Published != nil && !b.Cause.OfThePaper() {
				b.Difference = new(*b.Value - *b.Published)
				if b.Low != nil && b.High != nil && !b.OtherItems && b.Cause == "" {
					b.InInterval = new(*b.Low <= *b.Published && *b.Published <= *b.High)
				}
			}
			c.Rows = append(c.Rows, b)
		}
	}
	return absent
}

// sourcesOf are the sources of a run in order of appearance, without all, and
// the most items that a cell has of each.
func sourcesOf(rows []data.Metric) (sources []string, sizes map[string]int64) {
	sizes = make(map[string]int64)
	for _, m := range rows {
		if m.Source == metrics.All {
			continue
		}
		if _, seen := sizes[m.Source]; !seen {
			sources = append(sources, m.Source)
		}
		sizes[m.Source] = max(sizes[m.Source], m.N/max(m.Repeats, 1))
	}
	return sources, sizes
}
