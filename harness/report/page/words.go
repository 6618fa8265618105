package page

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	"perg/harness/printable"
	"perg/harness/report"
	"perg/harness/stats"
)

// blank keeps a number and its unit on one line.
const blank = "\u00a0"

// percent shows a fraction: "12.4 %".
func percent(v float64) string {
	if v == 0 || v == 1 {
		return strconv.FormatFloat(v*100, 'f', 0, 64) + blank + "%"
	}
	return strconv.FormatFloat(v*100, 'f', 1, 64) + blank + "%"
}

// rate shows a rate that may be undefined.
func rate(v *float64) string {
	if v == nil {
		return "–"
	}
	return percent(*v)
}

// bounds shows an interval of fractions: "10.1–14.9"; "" where it is not known.
func bounds(low, high *float64) string {
	if low == nil || high == nil {
		return ""
	}
	return fmt.Sprintf("%.1f–%.1f", *low*100, *high*100)
}

// span shows an interval of fractions where it must not be broken over lines.
func span(low, high *float64) string {
	return strings.ReplaceAll(bounds(low, high), "–", blank+"to"+blank)
}

// within shows a rate and the interval it lies in.
func within(v, low, high *float64) string {
	if b := bounds(low, high); b != "" && v != nil {
		return rate(v) + " (" + b + ")"
	}
	return rate(v)
}

// number shows a value with up to three digits that matter.
func number(v float64) string {
	if v >= 1000 || v <= -1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// share shows a counted rate: "7 of 10 (70 %)".
func share(r stats.Rate) string {
	return fmt.Sprintf("%d of %d (%.0f"+blank+"%%)", r.Count, r.Of, 100*float64(r.Count)/float64(r.Of))
}

// plural counts things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return comma(n) + " " + many
}

func comma(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// label names a variant where there is room for one line: without what makes its
// name unique in a model store, if it is unique here without; a quantization that
// the name does not say stands behind it.
func (r Run) label(variant string) string {
	name := report.Short(variant)
	if slices.ContainsFunc(r.Variants, func(v Variant) bool { return v.Name != variant && report.Short(v.Name) == name }) {
		name = variant
	}
	for _, v := range r.Variants {
		if v.Name == variant && v.Quantization != "" && !strings.Contains(strings.ToLower(variant), strings.ToLower(v.Quantization)) {
			return clean(name + " (" + v.Quantization + ")")
		}
	}
	return clean(name)
}

// title begins with a capital.
func title(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[n:]
}

// clean is a name from outside on one line.
func clean(s string) string {
	return strings.Join(strings.Fields(printable.Text(s)), " ")
}

// kindName names a type of preference.
func kindName(kind string) string {
	if kind == "" {
		return "no type"
	}
	return clean(kind)
}

// lasting shows a duration: "3 h 5 min".
func lasting(d time.Duration) string {
	switch {
	case d < time.Minute:
		return number(d.Seconds()) + blank + "s"
	case d < time.Hour:
		return fmt.Sprintf("%d"+blank+"min %d"+blank+"s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d"+blank+"h %d"+blank+"min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d"+blank+"days %d"+blank+"h", int(d.Hours())/24, int(d.Hours())%24)
}

func humanSize(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }
