package report

import (
	"bytes"
	"testing"

	"perg/harness/rundir"
)

// The estimate stands beside what was held, each kind of load once; a load of
// which one of the two is not known has no line.
func TestMemory(t *testing.T) {
	loads := []rundir.Load{
		{Variant: "a:8b", Slots: new(4), NumCtx: 2048, Estimate: new(int64(11 << 30)), Size: 10 << 30},
		{Variant: "judge:9b", NumCtx: 4096, Estimate: new(int64(19 << 30)), Size: 20 << 30},
		{Variant: "a:8b", Slots: new(4), NumCtx: 2048, Estimate: new(int64(11 << 30)), Size: 10 << 30}, // resumed
		{Variant: "a:8b", Slots: new(2), NumCtx: 2048, Estimate: new(int64(9 << 30)), Size: 9 << 30},
		{Variant: "unplanned", NumCtx: 2048, Size: 10 << 30},
		{Variant: "untold", NumCtx: 2048, Estimate: new(int64(1 << 30))},
	}
	const want = `
Memory

Variant   Slots  Context  Planned     Held   Off by
───────────────────────────────────────────────────
a:8b          4     2048   11 GiB   10 GiB  +10.0 %
judge:9b      -     4096   19 GiB   20 GiB   -5.0 %
a:8b          2     2048  9.0 GiB  9.0 GiB   +0.0 %

Planned: the estimate for these slots and this context. Held: what the server
said after the load, on GPUs and beside them.
`
	var b bytes.Buffer
	if err := Memory(&b, loads); err != nil || b.String() != want {
		t.Errorf("error %v, got\n%s\nwant\n%s", err, b.String(), want)
	}
	b.Reset()
	if err := Memory(&b, loads[4:]); err != nil || b.Len() > 0 {
		t.Errorf("of nothing: error %v\n%s", err, b.String())
	}
}
