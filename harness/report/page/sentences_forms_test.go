package page

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"perg/data"
)

// A form is a kind of sentence, and how it is held against the numbers.
type form struct {
	re    *regexp.Regexp
	holds func(g reading, m []string) error
}

func formOf(re string, holds func(g reading, m []string) error) form {
	return form{regexp.MustCompile("^" + re + "$"), holds}
}

// holds says what is wrong with a sentence: that no form is its, or that the numbers
// are others.
func (r Run) holds(c claim) error {
	for _, f := range forms {
		if m := f.re.FindStringSubmatch(c.Text); m != nil {
			return f.holds(reading{r, c}, m)
		}
	}
	return errors.New("nobody reads it")
}

var forms = []form{
	// The headline.
	formOf(whereForm+`no answer broke: whatever a variant gets right without a preference it also gets right when one is stated`+restForm+`\.`, func(g reading, m []string) error {
		all, unknown := g.bands(m[1], m[2], breaks)
		for name, b := range all {
			if b.v != 0 {
				return fmt.Errorf("%s breaks %v", name, b.v)
			}
		}
		return g.unknownSaid(m[3], unknown)
	}),
	formOf(whereForm+`no variant clearly breaks most often: of the answers that are right without a preference (.+) turn wrong once one is stated, and their intervals overlap`+restForm+`\.`, func(g reading, m []string) error {
		all, unknown := g.bands(m[1], m[2], breaks)
		return errors.Join(want(!anyAlone(flipped(all)), "one is told from all others: %v", all), heads(m[3], "and", flipped(all), valueOf(all)), g.unknownSaid(m[4], unknown))
	}),
	formOf(whereForm+`(\S+) breaks( most often)?: of the answers it gets right without a preference, `+rateForm+` turn wrong once one is stated(?: \(95 % interval ([\d.]+) to ([\d.]+)\))?`+restForm+`\.`, func(g reading, m []string) error {
		all, unknown := g.bands(m[1], m[2], breaks)
		b := all[m[3]]
		return errors.Join(want(alone(flipped(all), m[3]), "it is not told from all others: %v", all), want((m[4] != "") == (len(all) > 1), "there are %d", len(all)),
			want(m[5] == shows(b.v), "it is %v", b), want(m[6] == "" || m[6] == fmt.Sprintf("%.1f", b.low*100) && m[7] == fmt.Sprintf("%.1f", b.high*100), "it is %v", b), g.unknownSaid(m[8], unknown))
	}),
	formOf(`(\S+) breaks most under (\S+) preferences, `+shareForm+`\.`, func(g reading, m []string) error {
		method, setting := primary(g.r)
		return g.kindIs(method, setting, m[1], m[2], m[3])
	}),
	formOf(`No type of preference clearly breaks most answers of (\S+): (.+) have intervals that overlap\.`, func(g reading, m []string) error {
		method, setting := primary(g.r)
		return g.noKind(method, setting, m[1], m[2])
	}),
	formOf(`(\S+) is the most robust: right and as asked in all but `+rateForm+` of those answers(?: \(95 % interval ([\d.]+) to ([\d.]+)\))?`+restForm+`\.`, func(g reading, m []string) error {
		all, _, _ := g.ranked()
		return errors.Join(g.best(m[1], "", m[5], true), want(m[2] == shows(all[m[1]].v), "it is %v", all[m[1]]), want(m[3] == "" || m[3] == fmt.Sprintf("%.1f", all[m[1]].low*100) && m[4] == fmt.Sprintf("%.1f", all[m[1]].high*100), "it is %v", all[m[1]]))
	}),
	formOf(`(\S+) holds best: `+rateForm+` of its right answers break(?: \(95 % interval ([\d.]+) to ([\d.]+)\))?`+restForm+`\.`, func(g reading, m []string) error {
		all, _, _ := g.ranked()
		return errors.Join(g.best(m[1], "", m[5], false), want(m[2] == shows(all[m[1]].v), "it is %v", all[m[1]]), want(m[3] == "" || m[3] == fmt.Sprintf("%.1f", all[m[1]].low*100) && m[4] == fmt.Sprintf("%.1f", all[m[1]].high*100), "it is %v", all[m[1]]))
	}),
	formOf(`No variant is clearly the most robust: not right or not as asked are (.+), and their intervals overlap`+restForm+`\.`, func(g reading, m []string) error {
		return g.noBest(m[1], "and", "", m[2], true, true)
	}),
	formOf(`No variant clearly holds best: (.+) break, and their intervals overlap`+restForm+`\.`, func(g reading, m []string) error {
		return g.noBest(m[1], "and", "", m[2], false, true)
	}),
	formOf(`Of one variant alone (\S+ \S+) is known: (\S+), `+rateForm+`\.`, func(g reading, m []string) error {
		all, _, rated := g.ranked()
		return errors.Join(want(len(all) == 1, "there are %d", len(all)), want(rated == (m[1] == "Robustness Error"), "it is another metric"), want(shows(all[m[2]].v) == m[3], "it is %v", all[m[2]]))
	}),
	// The results.
	formOf(`Results`, func(g reading, m []string) error {
		all, _, _ := g.ranked()
		return want(len(all) == 0, "there are some: %v", all)
	}),
	formOf(`(Robustness Error|Breakage Rate) of (\S+): `+rateForm+restForm, func(g reading, m []string) error {
		all, unknown, rated := g.ranked()
		return errors.Join(want(len(all) == 1 && rated == (m[1] == "Robustness Error"), "there are %v", all), want(shows(all[m[2]].v) == m[3], "it is %v", all[m[2]]), g.unknownSaid(m[4], unknown))
	}),
	formOf(`(\S+) (is the most robust|breaks least often) of (\d+) variants`+restForm, func(g reading, m []string) error {
		return g.best(m[1], m[3], m[4], m[2] == "is the most robust")
	}),
	formOf(`Which of (\d+) variants (is the most robust|breaks least often) is not shown: all their intervals overlap`+restForm, func(g reading, m []string) error {
		all, unknown, rated := g.ranked()
		return errors.Join(want(len(firsts(all)) == len(all) && len(all) > 1, "some are told apart: %v", all), want(integer(m[1]) == len(all), "there are %d", len(all)),
			want(rated == (m[2] == "is the most robust"), "it is another metric"), g.unknownSaid(m[3], unknown))
	}),
	formOf(`Of (\d+) variants (.+) may (be the most robust|break least often): their intervals overlap`+restForm, func(g reading, m []string) error {
		return g.noBest(m[2], "or", m[1], m[4], m[3] == "be the most robust", false)
	}),
	// Right against followed.
	formOf(`(\S+) breaks `+rateForm+` of answers and ignores `+rateForm+` of preferences`, func(g reading, m []string) error {
		method, setting, err := g.cell()
		b, _ := g.bands(method, setting, breaks)
		i, _ := g.bands(method, setting, ignores)
		return errors.Join(err, want(m[2] == shows(b[m[1]].v) && m[3] == shows(i[m[1]].v), "it is %v, %v", b[m[1]], i[m[1]]))
	}),
	formOf(`(?:(\S+) breaks most answers and ignores most preferences|(\S+) breaks most answers, (\S+) ignores most preferences|(\S+) breaks most answers, none clearly ignores most preferences|(\S+) ignores most preferences, none clearly breaks most answers|No variant clearly breaks most answers or ignores most preferences)`, func(g reading, m []string) error {
		method, setting, err := g.cell()
		of := func(measure func(data.Metric) (v, low, high *float64)) (some map[string]band) {
			some, _ = g.bands(method, setting, func(m data.Metric) (v, low, high *float64) {
				if m.BreakageRate == nil || m.AlignmentFailure == nil || m.RobustnessError == nil {
					return nil, nil, nil
				}
				return measure(m)
			})
			return flipped(some)
		}
		b, i := of(breaks), of(ignores)
		holds := func(all map[string]band, name string) error {
			if name == "" {
				return want(!anyAlone(all), "one is told from all others: %v", all)
			}
			return want(alone(all, name), "%s is not told from all others: %v", name, all)
		}
		return errors.Join(err, holds(b, m[1]+m[2]+m[4]), holds(i, m[1]+m[3]+m[5]), want(len(b) > 1, "there are %v", b))
	}),
	// Where it breaks.
	formOf(`Where answers break, and how`, func(g reading, m []string) error {
		method, setting := primary(g.r)
		all, _ := g.kindBands(method, setting, "")
		some := 0.0
		for _, b := range all {
			some += b.v
		}
		variants, unknown := g.bands(method, setting, breaks)
		return want(len(variants)+unknown == 1 || len(all) < 2 || some == 0, "there is something to say: %v", all)
	}),
	formOf(`(\S+) preferences break most answers: `+shareForm+` of those that were right`, func(g reading, m []string) error {
		method, setting, err := g.cell()
		return errors.Join(err, g.kindIs(method, setting, "", m[1], m[2]))
	}),
	formOf(`No type of preference clearly breaks most answers: (.+) overlap`, func(g reading, m []string) error {
		method, setting, err := g.cell()
		return errors.Join(err, g.noKind(method, setting, "", m[1]))
	}),
	formOf(`(\S+) breaks `+rateForm+` of what it gets right(, most under (\S+) preferences, `+shareForm+`)?(, under no type of preference clearly most)?`, func(g reading, m []string) error {
		method, setting, err := g.cell()
		all, _ := g.bands(method, setting, breaks)
		err = errors.Join(err, want(m[2] == shows(all[m[1]].v), "it is %v", all[m[1]]))
		switch {
		case m[3] != "":
			err = errors.Join(err, g.kindIs(method, setting, m[1], m[4], m[5]))
		case m[6] != "":
			err = errors.Join(err, g.noKind(method, setting, m[1], ""))
		}
		return err
	}),
	// Asked again.
	formOf(`Asked again without a preference, (\S+) breaks `+rateForm+` of what it gets right; (?:the preference breaks ([\d.]+) points more|(with the preference less breaks)|that the preference breaks more is not shown)`, func(g reading, m []string) error {
		method, setting, err := g.cell()
		net, _ := g.bands(method, setting, netOf)
		null, _ := g.bands(method, setting, func(m data.Metric) (v, low, high *float64) { return m.NullBreakage, nil, nil })
		n := net[m[1]]
		err = errors.Join(err, want(len(net) == 1, "there are %v", net), want(m[2] == shows(null[m[1]].v), "it is %v", null))
		switch {
		case m[3] != "":
			return errors.Join(err, want(n.low > 0 && m[3] == fmt.Sprintf("%.1f", n.v*100), "it is %v", n))
		case m[4] != "":
			return errors.Join(err, want(n.high < 0, "it is %v", n))
		}
		return errors.Join(err, want(n.low <= 0 && n.high >= 0, "it is %v", n))
	}),
	formOf(`A preference breaks more than asking again does in (\d+) of (\d+) variants(?:, less in (\d+))?(?:; in (\d+) neither is shown)?`, func(g reading, m []string) error {
		method, setting, err := g.cell()
		net, _ := g.bands(method, setting, netOf)
		var said, is [3]int
		for i, s := range []string{m[1], m[3], m[4]} {
			if s != "" {
				said[i] = integer(s)
			}
		}
		for _, b := range net {
			switch {
			case b.low > 0:
				is[0]++
			case b.high < 0:
				is[1]++
			default:
				is[2]++
			}
		}
		return errors.Join(err, want(said == is, "more, less and neither are %v", is), want(integer(m[2]) == len(net), "there are %d", len(net)))
	}),
	// Who read them.
	formOf(`Who read the answers`, func(g reading, m []string) error { return want(len(g.unread()) == 0, "it is known: %v", g.unread()) }),
	formOf(`Every answer was read`, func(g reading, m []string) error {
		for name, u := range g.unread() {
			if u[0] > 0 || u[1] > 0 {
				return fmt.Errorf("of %s %v were not", name, u)
			}
		}
		return want(len(g.unread()) > 0, "nothing is known")
	}),
	formOf(`Of (\S+) nobody could read `+rateForm+` of the answers, without a preference `+rateForm+`(?:; some are unread in (\d+) of (\d+) variants)?`, func(g reading, m []string) error {
		_, _, err := g.cell()
		all, some := g.unread(), 0
		worst := 0.0
		for _, u := range all {
			if u[0]+u[1] > 0 {
				some++
			}
			worst = max(worst, u[0], u[1])
		}
		u := all[m[1]]
		err = errors.Join(err, want(m[2] == shows(u[0]) && m[3] == shows(u[1]), "it is %v", u), want(max(u[0], u[1]) == worst, "others are worse: %v", all))
		if m[4] != "" {
			return errors.Join(err, want(integer(m[4]) == some && integer(m[5]) == len(all), "%d of %d", some, len(all)))
		}
		return errors.Join(err, want(len(all) == 1, "there are %d", len(all)))
	}),
	// Settings and methods.
	formOf(`(?:What breaks under each setting|No answer broke under any setting|\S+ preferences break most answers in .*|No setting clearly breaks most answers.*)`, func(g reading, m []string) error {
		method, setting := primary(g.r)
		by, broke, compared := make(map[string]map[string]band), false, 0
		for _, x := range g.r.Metrics {
			if x.Source == "all" && x.Method == method && x.Setting == setting {
				by[x.Variant] = make(map[string]band)
			}
		}
		for _, x := range g.r.Metrics {
			if b, ok := bandOf(breaks(x)); ok && x.Source == "all" && x.Method == method && x.Setting != "none" && by[x.Variant] != nil {
				by[x.Variant][x.Setting] = band{-b.v, -b.high, -b.low}
				broke = broke || b.v > 0
			}
		}
		for _, bands := range by {
			if len(bands) > 1 {
				compared++
			}
		}
		err := want(g.at.At == method, "it is of %s", method)
		switch g.at.Text {
		case "What breaks under each setting":
			return errors.Join(err, want(compared == 0, "there is something to say: %v", by))
		case "No answer broke under any setting":
			return errors.Join(err, want(compared > 0 && !broke, "some did: %v", by))
		}
		return errors.Join(err, want(broke, "no answer broke"), g.tally(by))
	}),
	formOf(`(?:What each method comes to|\S+ has the lowest \S+ \S+ in .*|No method clearly has the lowest .*)`, func(g reading, m []string) error {
		method, setting := primary(g.r)
		of, rated := breaks, false
		for _, x := range g.r.Metrics {
			if x.Source == "all" && x.Setting == setting && x.RobustnessError != nil {
				of, rated = fails, true
			}
		}
		by, compared := make(map[string]map[string]band), 0
		for _, x := range g.r.Metrics {
			if x.Source == "all" && x.Method == method && x.Setting == setting {
				by[x.Variant] = make(map[string]band)
			}
		}
		for _, x := range g.r.Metrics {
			if b, ok := bandOf(of(x)); ok && x.Source == "all" && x.Setting == setting && by[x.Variant] != nil {
				by[x.Variant][x.Method] = b
			}
		}
		for _, bands := range by {
			if len(bands) > 1 {
				compared++
			}
		}
		err := want(g.at.At == setting, "it is of %s", setting)
		if g.at.Text == "What each method comes to" {
			return errors.Join(err, want(compared == 0, "there is something to say: %v", by))
		}
		return errors.Join(err, want(strings.Contains(g.at.Text, map[bool]string{true: "Robustness Error", false: "Breakage Rate"}[rated]), "it is another metric"), g.tally(by))
	}),
	// What pref-aligner changes.
	formOf(`What pref-aligner changes`, func(g reading, m []string) error {
		r, rated := g.improved("Robustness Error")
		b, _ := g.improved("Breakage Rate")
		return want(rated && len(r) == 0 || !rated && len(b) == 0, "there is something to say: %v, %v", r, b)
	}),
	formOf(`Pref-aligner does not change the (\S+ \S+) beyond chance in (\d+) variants?`, func(g reading, m []string) error { return g.changes(m[1], "0", "0", m[2]) }),
	formOf(`Pref-aligner lowers the (\S+ \S+) beyond chance in (\d+) of (\d+) variants?`, func(g reading, m []string) error { return g.changes(m[1], m[2], "0", m[3]) }),
	formOf(`Pref-aligner raises the (\S+ \S+) beyond chance in (\d+) of (\d+) variants?`, func(g reading, m []string) error { return g.changes(m[1], "0", m[2], m[3]) }),
	formOf(`Pref-aligner lowers the (\S+ \S+) beyond chance in (\d+) and raises it in (\d+) of (\d+) variants?`, func(g reading, m []string) error { return g.changes(m[1], m[2], m[3], m[4]) }),
	// By size.
	formOf(`(\S+) at ([\d.]+) bits per weight: (\S+ \S+) `+rateForm+`, against `+rateForm+` at ([\d.]+)(, within chance)?`, func(g reading, m []string) error {
		_, _, err := g.cell()
		pairs, bits, unknown, rated := g.series()
		if len(pairs) != 1 || unknown > 0 {
			return fmt.Errorf("there are %v", pairs)
		}
		few, most := pairs[0][0], pairs[0][1]
		return errors.Join(err, want(rated == (m[3] == "Robustness Error"), "it is another metric"), want(m[4] == shows(few.v) && m[5] == shows(most.v), "it is %v, %v", few, most),
			want((m[7] == "") == (few.less(most) || most.less(few)), "they are %v and %v", few, most), want([2]float64{number64(m[2]), number64(m[6])} == bits[0], "the bits are %v", bits))
	}),
	formOf(`(?:Error and speed by bits per weight|(Neither) model gets measurably worse with quantization|(One) model does not get measurably worse with quantization|None of (\d+) models gets measurably worse with quantization|At their fewest bits (\d+) of (\d+) (?:models are|model is) worse than at their most, beyond the intervals(?:, (\d+) better)?)(; of (\d+) more it is not known)?`, func(g reading, m []string) error {
		pairs, _, unknown, _ := g.series()
		worse, better := 0, 0
		for _, p := range pairs {
			if p[1].less(p[0]) {
				worse++
			}
			if p[0].less(p[1]) {
				better++
			}
		}
		said := [4]int{}
		for i, s := range []string{m[5], m[4], m[6], m[8]} {
			if s != "" {
				said[i] = integer(s)
			}
		}
		switch {
		case m[1] != "":
			said[0] = 2
		case m[2] != "":
			said[0] = 1
		case m[3] != "":
			said[0] = integer(m[3])
		}
		if g.at.Text == "Error and speed by bits per weight" {
			said[3] = unknown
		}
		is := [4]int{len(pairs), worse, better, unknown}
		return want(said == is, "compared, worse, better, unknown are %v", is)
	}),
	// Beside the paper.
	formOf(`Of (\d+) values? of the paper’s, (\d+) lie in this run’s intervals`, func(g reading, m []string) error {
		_, _, err := g.cell()
		inside, judged := g.paper()
		return errors.Join(err, want(integer(m[1]) == judged && integer(m[2]) == inside, "%d of %d", inside, judged))
	}),
	formOf(`Beside the paper’s values`, func(g reading, m []string) error {
		_, judged := g.paper()
		return want(judged == 0, "there are %d", judged)
	}),
	// Titles that say nothing about the results.
	formOf(`How to read this|This run|What answers take|Before you read on`, func(reading, []string) error { return nil }),
}
