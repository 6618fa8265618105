package metrics

import (
	"path/filepath"
	"testing"

	"perg/data"
)

// A table of metrics that was written before loaded_vram_bytes has it unknown,
// and the metrics of that run have it when they are worked out again.
func TestMetricsWithoutWhatWasLoaded(t *testing.T) {
	run := filepath.Join("..", "testdata", "v1", "run")
	rows := 0
	for m, err := range data.ReadTable[data.Metric](filepath.Join(run, "metrics")) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Variant == "" || m.N == 0 && m.NError == 0 || m.LoadedVRAMBytes != nil {
			t.Errorf("%+v", m)
		}
		rows++
	}
	table, err := Load(run, Options{})
	if err != nil {
		t.Fatal(err)
	}
	records, err := table.Records(BySource)
	if err != nil || len(records) != rows || rows == 0 {
		t.Fatalf("%d rows, %d worked out again, error %v", rows, len(records), err)
	}
	for _, m := range records {
		if m.PeakVRAMBytes != nil || m.N > 0 && m.LoadedVRAMBytes == nil {
			t.Errorf("%s, %s, %s: peak %v, loaded %v", m.Variant, m.Setting, m.Source, m.PeakVRAMBytes, m.LoadedVRAMBytes)
		}
	}
}
