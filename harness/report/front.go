package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"perg/harness/advise"
)

// FrontLegend says what the last column of Front is, and which costs are left out.
func FrontLegend(unknown []string) string {
	return "Front: * is on it; else the number of one that dominates: " + FrontRule(unknown)
}

// FrontRule says what it is to dominate.
func FrontRule(unknown []string) string {
	said := "worse in nothing, better in something. Breakage within intervals is the same, the rest is as measured."
	if len(unknown) > 0 {
		said += " Not known of any, and left out: " + strings.Join(unknown, ", ") + "."
	}
	return said
}

// Front writes the Pareto front as a table that fits so many columns, 0 for no limit:
// a name that is too long loses its middle.
func Front(w io.Writer, all []advise.Standing, width int) error {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Variant
	}
	names = Shorts(names)
	lines := make([][]string, len(all))
	for i, s := range all {
		front := "*"
		if !s.Front {
			front = strconv.Itoa(1 + numberOf(all, s.DominatedBy[0]))
		}
		lines[i] = []string{
			strconv.Itoa(i + 1), names[i], figure(s.Bits, "%.2f"), figure(gib(s.Bytes), "%.1f"), figure(s.TokensPerSecond, "%.1f"), figure(s.Joules, "%.1f"),
			interval(s.Breakage, s.BreakageLow, s.BreakageHigh), front,
		}
	}
	titles := []string{"", "Variant", "Bits", "GiB", "tok/s", "J/right", "Breakage", "Front"}
	table := func(name int) string {
		var b strings.Builder
		cut := make([][]string, len(lines))
		for i, line := range lines {
			cut[i] = append([]string{line[0], shorter(line[1], name)}, line[2:]...)
		}
		_ = writePlain(&b, grid(titles, 2, cut)) // to memory
		return b.String()
	}
	longest := 0
	for _, name := range names {
		longest = max(longest, utf8.RuneCountInString(name))
	}
	text := table(longest)
	if over := widest(text) - width; width > 0 && over > 0 {
		text = table(max(longest-over, 8))
	}
	_, err := io.WriteString(w, text)
	return err
}

func numberOf(all []advise.Standing, variant string) int {
	for i, s := range all {
		if s.Variant == variant {
			return i
		}
	}
	return -1
}

func gib(bytes *int64) *float64 {
	if bytes == nil {
		return nil
	}
	return new(float64(*bytes) / (1 << 30))
}

func figure(v *float64, format string) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf(format, *v)
}

// shorter is a text of at most so many characters, without its middle.
func shorter(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	head := (most - 1) / 2
	return string(r[:head]) + "…" + string(r[len(r)-(most-1-head):])
}
