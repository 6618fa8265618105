package main

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"perg/harness"
	"perg/harness/engine"
)

// A glass is a terminal that wraps what is longer than its width anew when that
// changes, as most do. What was written stays; the cursor is at the beginning
// of a line after each write.
type glass struct {
	t       *testing.T
	columns int
	lines   []string
	cursor  int // its line
}

func (g *glass) rows(line int) int { return 1 + max(0, len(g.lines[line])-1)/g.columns }

var sequence = regexp.MustCompile(`^\x1b\[([0-9]*)([A-Za-z])`)

func (g *glass) write(s string) {
	g.t.Helper()
	column := 0
	for s != "" {
		if m := sequence.FindStringSubmatch(s); m != nil {
			s = s[len(m[0]):]
			switch m[2] {
			case "m":
			case "A":
				n, _ := strconv.Atoi(m[1])
				for n > 0 && g.cursor > 0 {
					g.cursor--
					n -= g.rows(g.cursor)
				}
				if n != 0 {
					g.t.Fatalf("the cursor comes to stand %d rows beside a line of the frame", n)
				}
			case "J":
				g.lines = append(g.lines[:g.cursor], g.lines[g.cursor][:column])
			case "K":
				g.lines[g.cursor] = g.lines[g.cursor][:column]
			default:
				g.t.Fatalf("the sequence %q is written", m[0])
			}
			continue
		}
		switch s[0] {
		case '\r':
			column = 0
		case '\n':
			g.cursor, column = g.cursor+1, 0
			if g.cursor == len(g.lines) {
				g.lines = append(g.lines, "")
			}
		default:
			l := g.lines[g.cursor]
			g.lines[g.cursor] = l[:column] + s[:1] + l[min(len(l), column+1):]
			column++
		}
		s = s[1:]
	}
}

// Whatever is told while lines come, go and change and the terminal is resized:
// all of it stands above the frame, once, and the frame stands there once.
func TestAFrameStandsOnce(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 0))
		g := &glass{t: t, columns: 80, lines: []string{"$ perg run", ""}, cursor: 1}
		want := "$ perg run\n"
		var s screen
		var shown string
		for step := range 25 {
			told := ""
			for range r.IntN(3) {
				told += fmt.Sprintf("perg: message %d %s\n", step, strings.Repeat("m", r.IntN(100)))
			}
			if r.IntN(4) == 0 {
				g.columns = 20 + r.IntN(120)
			}
			var frame []string
			shown = ""
			for range r.IntN(10) {
				line := strings.Repeat("v", r.IntN(g.columns-1))
				frame = append(frame, styled(line, text.FgGreen))
				shown += line + "\n"
			}
			g.write(s.draw(told, frame, g.columns))
			want += told
			if got := strings.Join(g.lines, "\n"); got != want+shown {
				t.Fatalf("seed %d, step %d: on the terminal is\n%s\nwant\n%s", seed, step, got, want+shown)
			}
			if r.IntN(10) == 0 { // a shell had the terminal
				s.forget()
				want += shown
			}
		}
		if len(s.shown) > 0 {
			shown = ""
		}
		g.write(s.draw("perg: the end\n", nil, g.columns))
		if len(s.shown) == 0 && !strings.HasSuffix(strings.Join(g.lines, "\n"), "perg: the end\n") {
			t.Fatalf("seed %d: the frame is still there", seed)
		}
	}
}

// What does not change is not written again.
func TestAFrameIsWrittenOnce(t *testing.T) {
	var s screen
	frame := func() []string { return sweep().lines(79, 23) }
	if s.draw("", frame(), 80) == "" {
		t.Error("the first frame is not written")
	}
	if again := s.draw("", frame(), 80); again != "" {
		t.Errorf("the same frame is written again: %q", again)
	}
	if s.draw("", frame(), 81) == "" {
		t.Error("after a resize it is not written")
	}
}

func TestWhereNothingIsShownLive(t *testing.T) {
	for _, c := range []struct {
		env   string
		plain bool
	}{
		{"TERM=xterm-256color", false},
		{"TERM=linux", false},
		{"", true},
		{"TERM=dumb", true},
		{"TERM=xterm NO_COLOR=1", true},
		{"TERM=xterm NO_COLOR=", false},
		{"TERM=xterm CI=true", true},
		{"TERM=xterm CI=woodpecker", true},
		{"TERM=xterm CI=false", false},
		{"TERM=xterm TF_BUILD=True", true},
		{"TERM=xterm JENKINS_URL=http://ci/", true},
	} {
		env := make(map[string]string)
		for _, pair := range strings.Fields(c.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		if got := plainWanted(func(name string) string { return env[name] }); got != c.plain {
			t.Errorf("%s: plain %v, want %v", c.env, got, c.plain)
		}
	}
}

// A server that stalls is seen within a minute, however long it was fast.
func TestRatesAreOfTheLastMinute(t *testing.T) {
	r := make(recent)
	l := harness.LaneStatus{LaneStatus: engine.LaneStatus{Lane: "gpu0", Model: "a", Stage: harness.Generate, Elapsed: 10 * time.Hour, Calls: 360000}}
	at := func(second int) rate {
		return r.rates(noon.Add(time.Duration(second)*time.Second), []harness.LaneStatus{l})["gpu0"]
	}
	if got := at(0).calls; got != 10 {
		t.Errorf("at first %v calls a second, want the mean of 10", got)
	}
	for second := 1; second <= 100; second++ {
		l.Calls += 20
		at(second)
	}
	if got := at(100).calls; got != 20 {
		t.Errorf("%v calls a second, want 20", got)
	}
	for second := 101; second <= 165; second++ {
		at(second)
	}
	if got := at(165).calls; got != 0 {
		t.Errorf("%v calls a second of a server that stalls", got)
	}
	l.Model, l.Calls, l.Elapsed = "b", 30, 10*time.Second
	if got := at(166).calls; got != 3 {
		t.Errorf("%v calls a second of the next variant, want 3", got)
	}
	if n := len(r["gpu0"]); n != 1 {
		t.Errorf("%d counts are kept", n)
	}
	if r.rates(noon, nil); len(r) != 0 {
		t.Error("a lane that is gone is kept")
	}
}
