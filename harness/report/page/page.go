// Package page makes the page of a run that 'perg report --html' writes: one
// HTML file that needs no network. Read gathers what it shows of a run's
// tables; all else takes values and returns values. It computes no metric of
// its own.
package page

import (
	"time"

	"perg/data"
	"perg/harness/advise"
	"perg/harness/metrics"
	"perg/harness/report"
)

// A Run is what a page shows of a run. What it has none of is left out of the
// page, with a line that says why.
type Run struct {
	Name      string // as the user named its directory
	State     string
	Dataset   string
	Items     int
	On        string // the data of several runs; "": Items of Dataset
	StartedAt time.Time
	EndedAt   *time.Time
	Variants  []Variant
	// Viewer is where perg view serves the answers, http://127.0.0.1:7374, and Views
	// are the commands that have it do so, by the ID of the run; both are empty where
	// it is perg view that serves the page.
	Viewer  string
	Views   map[string]string
	Loads   []Load
	Facts   []Fact   // of the manifest
	Caveats []string // what a reader must know beside the numbers

	Recommendation advise.Recommendation

	Metrics      []data.Metric // the table metrics
	Published    report.Comparison
	Improvements []metrics.Improvement
	Breakages    []Breakage
	Examples     []Example
	Types        []TypeReads
	GPUs         []GPU
}

// A Variant describes a variant, as the manifest does.
type Variant struct {
	Name         string // in the tables
	Quantization string
	Series       string  // the variants of one model that differ in quantization share it; "": alone
	Bits         float64 // per weight; 0: not known
	KVCache      string  // its type; "": the server's own
	Answers      Answers
}

// A Load is a model put into memory.
type Load struct {
	At      time.Time
	Took    time.Duration
	Variant string
	Lane    string
	Size    int64 // bytes
	VRAM    int64 // of them in GPU memory
	// Estimate is the size that was planned, in bytes; nil: not known.
	Estimate *int64
}

// A Fact is one line of the manifest.
type Fact struct{ Name, Value string }
