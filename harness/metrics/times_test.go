package metrics

import (
	"path/filepath"
	"testing"
	"time"

	"perg/data"
)

// Calls at once count once, pauses and controls not at all; an answer without a time
// says nothing.
func TestTimesAreThoseWithCallsInFlight(t *testing.T) {
	dir := t.TempDir()
	call := func(method string, second, seconds float64, change func(*data.Generation)) data.Generation {
		at := noon.Add(time.Duration(second * float64(time.Second)))
		g := data.Generation{ItemID: "1", Setting: "relevant", Method: method, Variant: "v", StartedAt: &at, TotalNS: new(int64(seconds * 1e9))}
		if change != nil {
			change(&g)
		}
		return g
	}
	write(t, filepath.Join(dir, "generations"), []data.Generation{
		call("zero-shot", 100, 10, nil), call("zero-shot", 105, 10, nil), // 15 s
		call("zero-shot", 115.5, 4.5, nil), // half a second later: on to 120
		call("zero-shot", 0, 3, nil),       // long before
		call("zero-shot", 300, 50, func(g *data.Generation) { g.Control = "again" }),
		call("cot", 130, 2, nil),
		call("icl", 140, 2, func(g *data.Generation) { g.TotalNS = nil }),
	})
	times, err := LoadTimes(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[Work]time.Duration{{"v", "zero-shot"}: 23 * time.Second, {"v", "cot"}: 2 * time.Second}
	if len(times) != len(want) || times[Work{"v", "zero-shot"}] != 23*time.Second || times[Work{"v", "cot"}] != 2*time.Second {
		t.Errorf("%v, want %v", times, want)
	}
	if _, err := LoadTimes(t.TempDir()); err == nil {
		t.Error("times of no run")
	}
}
