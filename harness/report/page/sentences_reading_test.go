package page

import (
	"errors"
	"fmt"
	"html"
	"math"
	"regexp"
	"strconv"
	"strings"

	"perg/data"
	"perg/harness/stats"
)

// A claim is a bold sentence of a page: of its headline or a title, and the method
// and setting that stand beside it.
type claim struct{ Text, At string }

var (
	bold      = regexp.MustCompile(`(?s)<h[23]>(.*?)(?: <small>(.*?)</small>)?</h[23]>`)
	top       = regexp.MustCompile(`(?s)<div class="findings">(.*?)</div>`)
	paragraph = regexp.MustCompile(`(?s)<p[^>]*>(.*?)</p>`)
)

// claims are the bold sentences of a page, as a reader sees them.
func claims(page string) []claim {
	see := func(s string) string { return strings.ReplaceAll(html.UnescapeString(s), blank, " ") }
	page = page[:strings.Index(page, "<script")]
	var all []claim
	if m := top.FindStringSubmatch(page); m != nil {
		for _, p := range paragraph.FindAllStringSubmatch(m[1], -1) {
			all = append(all, claim{see(p[1]), ""})
		}
	}
	for _, m := range bold.FindAllStringSubmatch(page, -1) {
		all = append(all, claim{see(m[1]), see(m[2])})
	}
	return all
}

// A band is a rate with its bounds, NaN where they are not known.
type band struct{ v, low, high float64 }

func bandOf(v, low, high *float64) (b band, ok bool) {
	if v == nil {
		return b, false
	}
	b = band{*v, math.NaN(), math.NaN()}
	if low != nil && high != nil {
		b.low, b.high = *low, *high
	}
	return b, true
}

// less: every value of the interval of b is less than every one of o's.
func (b band) less(o band) bool { return b.high < o.low }

// shows is how a page writes a rate.
func shows(v float64) string {
	if v == 0 || v == 1 {
		return fmt.Sprintf("%.0f %%", v*100)
	}
	return fmt.Sprintf("%.1f %%", v*100)
}

// A reading holds a page's sentences against its numbers, in a way of its own.
type reading struct {
	r  Run
	at claim
}

// bands are the known values of a measure of the variants in one method and setting,
// and how many there are without.
func (g reading) bands(method, setting string, of func(data.Metric) (v, low, high *float64)) (all map[string]band, unknown int) {
	all = make(map[string]band)
	for _, m := range g.r.Metrics {
		if m.Source != "all" || m.Method != method || m.Setting != setting {
			continue
		}
		if b, ok := bandOf(of(m)); ok {
			all[m.Variant] = b
		} else {
			unknown++
		}
	}
	return all, unknown
}

func breaks(m data.Metric) (v, low, high *float64) {
	return m.BreakageRate, m.BreakageRateLow, m.BreakageRateHigh
}

func ignores(m data.Metric) (v, low, high *float64) {
	return m.AlignmentFailure, m.AlignmentFailureLow, m.AlignmentFailureHigh
}

func fails(m data.Metric) (v, low, high *float64) {
	return m.RobustnessError, m.RobustnessErrorLow, m.RobustnessErrorHigh
}

// flipped turns the greatest into the least.
func flipped(all map[string]band) map[string]band {
	other := make(map[string]band)
	for name, b := range all {
		other[name] = band{-b.v, -b.high, -b.low}
	}
	return other
}

// alone says whether a name's band is less than all others.
func alone(all map[string]band, name string) bool {
	b, ok := all[name]
	if !ok {
		return false
	}
	for other, o := range all {
		if other != name && !b.less(o) {
			return false
		}
	}
	return true
}

func anyAlone(all map[string]band) bool {
	for name := range all {
		if alone(all, name) {
			return true
		}
	}
	return false
}

// firsts are those that no other is less than.
func firsts(all map[string]band) map[string]bool {
	some := make(map[string]bool)
	for name := range all {
		some[name] = true
		for _, o := range all {
			if o.less(all[name]) {
				delete(some, name)
			}
		}
	}
	return some
}

var more = regexp.MustCompile(` (?:and|or) (\d+) more$`)

// list takes "a 1 %, b 2 % and 3 more" apart.
func list(text, last string) (names []string, left int) {
	if m := more.FindStringSubmatch(text); m != nil {
		left, _ = strconv.Atoi(m[1])
		return strings.Split(strings.TrimSuffix(text, m[0]), ", "), left
	}
	text = strings.Replace(text, " "+last+" ", ", ", 1)
	return strings.Split(text, ", "), 0
}

// heads holds a list of those that may be the first against what they are. Where
// values are shown each follows its name.
func heads(text, last string, all map[string]band, values func(name string) string) error {
	names, left := list(text, last)
	want := firsts(all)
	if len(names)+left != len(want) || len(want) < 2 {
		return fmt.Errorf("%d are named and %d more; there are %d", len(names), left, len(want))
	}
	seen := make(map[string]bool)
	for _, entry := range names {
		name, value, _ := strings.Cut(entry, " ")
		if !want[name] || seen[name] {
			return fmt.Errorf("%q is named", entry)
		}
		seen[name] = true
		if values != nil && value != values(name) {
			return fmt.Errorf("%q is said; it is %q", entry, values(name))
		}
	}
	if left > 0 && len(names) < 3 {
		return errors.New("names are left out of a short list")
	}
	return nil
}

func (g reading) unknownSaid(text string, unknown int) error {
	want := ""
	if unknown > 0 {
		want = fmt.Sprintf("; of %d more it is not known", unknown)
	}
	if text != want {
		return fmt.Errorf("%q is said of those that are not known; there are %d", text, unknown)
	}
	return nil
}

// primary is the method and setting that a page has to lead with.
func primary(r Run) (method, setting string) {
	for _, method := range []string{"zero-shot", "cot", "icl", "self-critic", "pref-aligner"} {
		for _, setting := range []string{"relevant", "mixed", "irrelevant"} {
			for _, m := range r.Metrics {
				if m.Method == method && m.Setting == setting {
					return method, setting
				}
			}
		}
	}
	return "", ""
}

func want(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func number64(s string) float64 {
	v, err := strconv.ParseFloat(strings.NewReplacer("−", "-", "+", "", ",", "").Replace(s), 64)
	if err != nil {
		panic(err)
	}
	return v
}

func integer(s string) int { return int(number64(s)) }

// kindBands are the shares that break under each type of preference, of a variant, or
// of all where it is "", with Wilson's interval by its textbook form.
func (g reading) kindBands(method, setting, variant string) (map[string]band, map[string]stats.Rate) {
	counts := make(map[string]stats.Rate)
	for _, b := range g.r.Breakages {
		if b.Method == method && b.Setting == setting && (variant == "" || b.Variant == variant) {
			c := counts[b.PreferenceType]
			counts[b.PreferenceType] = stats.Rate{Count: c.Count + b.Count, Of: c.Of + b.Of}
		}
	}
	asked := 0
	for _, m := range g.r.Metrics {
		if m.Source == "all" && m.Method == method && m.Setting == setting && (variant == "" || m.Variant == variant) {
			asked += int(m.Repeats)
		}
	}
	all := make(map[string]band)
	for kind, c := range counts {
		if c.Of == 0 {
			continue
		}
		p, n, z := float64(c.Count)/float64(c.Of), float64(c.Of)/float64(asked), 1.959963984540054
		mid, half := (p*n+z*z/2)/(n+z*z), z/(n+z*z)*math.Sqrt(n*p*(1-p)+z*z/4)
		all[kind] = band{p, max(0, mid-half), min(1, mid+half)}
	}
	return all, counts
}

func (g reading) share(c stats.Rate) string {
	return fmt.Sprintf("%d of %d (%.0f %%)", c.Count, c.Of, 100*float64(c.Count)/float64(c.Of))
}

// kindIs is for a sentence that one type of preference breaks most.
func (g reading) kindIs(method, setting, variant, kind, count string) error {
	all, counts := g.kindBands(method, setting, variant)
	kind = strings.ToLower(kind)
	if !alone(flipped(all), kind) || len(all) < 2 {
		return fmt.Errorf("%s preferences do not break most beyond their interval: %v", kind, all)
	}
	return want(g.share(counts[kind]) == count, "%s: %s broke", kind, g.share(counts[kind]))
}

// noKind is for one that no type clearly does.
func (g reading) noKind(method, setting, variant, text string) error {
	all, counts := g.kindBands(method, setting, variant)
	if anyAlone(flipped(all)) {
		return fmt.Errorf("one type breaks clearly most: %v", all)
	}
	if text == "" {
		return nil
	}
	return heads(text, "and", flipped(all), func(kind string) string { return g.share(counts[kind]) })
}

const (
	rateForm  = `([\d.]+ %)`
	shareForm = `(\d+ of \d+ \(\d+ %\))`
	restForm  = `(; of \d+ more it is not known)?`
	whereForm = `With (\S+) under (\S+) preferences `
)
