package page

import (
	"slices"

	"perg/harness/prompt"
)

// A figure is a chart with the same numbers as a table.
type figure struct {
	ID    string
	Title string // what to see in it
	At    string // the method and setting that it is about; "": it says so, or is about all
	Lead  string // what is drawn
	Keys  []key
	Chart chart
	Scale *scale // of the colours, where they are a value
	Note  string
	Table table
}

// A key is what one colour and shape stand for.
type key struct {
	Name  string `json:"name"`
	Style int    `json:"style"` // position in the palette of page.css, below 8
}

// palette is the number of colours and shapes in page.css. Where there are more
// things they come again; the tables and tooltips tell them apart.
const palette = 8

// style is the place in the palette of a setting or a method, the same in every
// figure: three settings, then five methods.
func style(name string) int {
	stated := prompt.Settings()[1:]
	if i := slices.Index(stated, prompt.Setting(name)); i >= 0 {
		return i
	}
	return len(stated) + max(0, slices.Index(prompt.Methods(), prompt.Method(name)))
}

// A scale is the range that the colours of the page from pale to strong span,
// in percent.
type scale struct {
	Name      string
	Low, High string
}

// A table is a figure's numbers. The first Words columns are words.
type table struct {
	Head  []string
	Words int
	Rows  [][]string
	Links [][]behind // by row and column, as far as there are any
}

// A chart is what page.js draws.
type chart struct {
	Kind   string   `json:"kind"` // dots: values by row; scatter: two values; lines: value over x; time: value over time
	Rows   []string `json:"rows,omitempty"`
	Keys   []key    `json:"keys,omitempty"`
	Panels []panel  `json:"panels"`
	Marks  []mark   `json:"marks,omitempty"`
	Gap    int64    `json:"gap,omitempty"` // milliseconds between points from which no line joins them
}

// A panel is one pair of axes.
type panel struct {
	X      string  `json:"x,omitempty"` // name of the axis, with its unit
	Y      string  `json:"y,omitempty"`
	Unit   string  `json:"unit"`
	Bars   bool    `json:"bars,omitempty"` // from zero
	Signed bool    `json:"signed,omitempty"`
	Top    float64 `json:"top,omitempty"` // the axis goes no further
	Points []point `json:"points"`
}

// A point is one value. In dots it is X in row Row; with bounds it has an
// interval. Fields that are null are not known.
type point struct {
	Row   int      `json:"row,omitempty"`
	Key   int      `json:"key,omitempty"`
	X     float64  `json:"x"`
	Y     float64  `json:"y"`
	XLow  *float64 `json:"xl,omitempty"`
	XHigh *float64 `json:"xh,omitempty"`
	YLow  *float64 `json:"yl,omitempty"`
	YHigh *float64 `json:"yh,omitempty"`
	Heat  *float64 `json:"heat,omitempty"` // 0 to 1: the colour
	Name  string   `json:"name,omitempty"`
	Says  string   `json:"says,omitempty"` // in its tooltip
	At    string   `json:"at,omitempty"`   // where the answers behind it are
}

// A mark is a moment.
type mark struct {
	At   int64  `json:"at"` // milliseconds
	Name string `json:"name"`
}

// hundred turns a fraction that may be unknown into percent. Three decimals are
// more than a screen shows.
func hundred(v *float64) *float64 {
	if v == nil {
		return nil
	}
	return new(rounded(*v * 100))
}
