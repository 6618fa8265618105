package main

import (
	"testing"
	"time"

	"perg/data"
)

func TestIdleShare(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	sample := func(second int, lane string, utilization *float64) data.GPUSample {
		return data.GPUSample{At: at.Add(time.Duration(second) * time.Second), Lane: lane, GPUUtilization: utilization}
	}
	samples := []data.GPUSample{
		sample(0, "gpu0", new(0.0)), // still loading
		sample(10, "gpu0", new(0.9)), sample(11, "gpu0", new(0.0)), sample(12, "gpu0", new(1.0)), sample(13, "gpu0", new(0.5)),
		sample(12, "", new(0.0)),     // another program's
		sample(13, "gpu0", nil),      // not known
		sample(30, "gpu0", new(0.0)), // after the last call
	}
	share, of := idleShare(samples, at.Add(5*time.Second), at.Add(20*time.Second))
	if share != 0.25 || of != 4 {
		t.Errorf("idle for %v of %d, want 0.25 of 4", share, of)
	}
	if _, of := idleShare(nil, at, at); of != 0 {
		t.Errorf("%d of no samples", of)
	}
}
