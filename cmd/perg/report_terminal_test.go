package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/rundir"
)

// onTerminal runs perg at a terminal of so many columns and gives what it shows.
func onTerminal(t *testing.T, columns uint16, args ...string) (status int, screen string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("needs a terminal:", err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	shown := make(chan string)
	go func() {
		var b strings.Builder
		io.Copy(&b, master) // ends with an error when the terminal closes
		shown <- strings.ReplaceAll(b.String(), "\r\n", "\n")
	}()
	status = run(t.Context(), append([]string{"perg"}, args...), terminal, terminal)
	terminal.Close()
	return status, <-shown
}

// timed gives the rows of a run times, one of them a loop, its variants a load, and
// that of the last one energy.
func (r *writtenRun) timed(t *testing.T) {
	t.Helper()
	began := time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)
	var samples []data.GPUSample
	for i := range r.rows {
		g, tokens := &r.rows[i], int64(40+i%30)
		at := began.Add(time.Duration(i) * 50 * time.Millisecond)
		g.StartedAt, g.OutputTokens, g.EvalNS, g.TotalNS = &at, &tokens, new(tokens*8_000_000*int64(10+i%7)/10), new(int64(600_000_000))
		if g.Variant == r.manifest.Models[0].Variant && g.Control == "" {
			samples = append(samples, data.GPUSample{At: at, Lane: "gpu0", Variant: g.Variant, Method: g.Method, Setting: g.Setting, GPUUUID: "a", EnergyMJ: new(int64(1+i) * 15_000)})
		}
	}
	r.rows[len(r.rows)-1].Status, r.rows[len(r.rows)-1].DoneReason = data.StatusTruncated, data.DoneLoop
	if err := data.WriteTable(filepath.Join(r.dir, "gpu_samples"), samples); err != nil {
		t.Fatal(err)
	}
	for _, v := range r.manifest.Models {
		r.manifest.Loads = append(r.manifest.Loads, rundir.Load{Variant: v.Variant, Slots: new(4), NumCtx: 1024, Size: 5_600_000_000, Estimate: new(int64(5_700_000_000))})
	}
}

// What perg report shows at a terminal, to the letter: at 40 columns, 80 and 200.
func TestReportOnATerminal(t *testing.T) {
	golden, err := filepath.Abs("testdata/report")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	r := newWrittenRun("runs/x", rundir.ModelInfo{Name: "steady:8b", Variant: "steady:8b"}, rundir.ModelInfo{Name: "swayed:8b", Variant: "swayed:8b"})
	r.cell("swayed:8b", "zero-shot", "none", "70r 29w 1f")
	r.again("swayed:8b", prompt.Again, "66r 34w")
	r.again("swayed:8b", prompt.Rotated, "58r 42w")
	r.cell("swayed:8b", "zero-shot", "relevant", "30r 10R 29w 30W 1r")
	r.cell("swayed:8b", "zero-shot", "irrelevant", "50r 50w")
	r.cell("swayed:8b", "cot", "relevant", "50r 20w 30W")
	r.cell("swayed:8b", "cot", "irrelevant", "60r 40w")
	r.cell("steady:8b", "zero-shot", "none", "80r 20w")
	r.again("steady:8b", prompt.Again, "78r 22w")
	r.again("steady:8b", prompt.Rotated, "77r 23w")
	r.cell("steady:8b", "zero-shot", "relevant", "66r 10R 4w 10r 10w")
	r.cell("steady:8b", "zero-shot", "irrelevant", "78r 22w")
	r.cell("steady:8b", "cot", "relevant", "70r 5R 5w 10r 10w")
	r.cell("steady:8b", "cot", "irrelevant", "78r 22w")
	for i := range r.rows {
		r.rows[i].Source = []string{"mmlu", "truthfulqa"}[i%2]
	}
	r.timed(t)
	r.writeWithMetrics(t)
	for _, tt := range []struct {
		name    string
		columns uint16
		args    []string
	}{
		{"40", 40, nil}, {"80", 80, nil}, {"200", 200, nil},
		{"all-80", 80, []string{"--all", "--by", "source"}}, {"all-200", 200, []string{"--all", "--by", "source"}},
		{"by-80", 80, []string{"--by", "source"}},
	} {
		status, got := onTerminal(t, tt.columns, append([]string{"report", "runs/x"}, tt.args...)...)
		if status != exitDone {
			t.Fatal(status, got)
		}
		for line := range strings.Lines(got) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > int(tt.columns) {
				t.Errorf("%d columns of %d: %s", n, tt.columns, line)
			}
		}
		sameAsFile(t, filepath.Join(golden, tt.name+".txt"), got)
	}
}
