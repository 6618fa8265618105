package sizing

import (
	"slices"
	"testing"

	"perg/harness/schedule"
	"perg/models"
)

// A fit says what is missing where, and what would help.
func TestWhatDoesNotFit(t *testing.T) {
	described, _ := models.Known("llama3.3:70b")
	shape, err := described.Shape()
	if err != nil {
		t.Fatal(err)
	}
	m := Model{Size: Size{NumCtx: 16384, Need: 16000}, Shape: shape, KVCache: models.KVF16, Engine: models.Runner}
	gib := func(n uint64) []schedule.Device { return []schedule.Device{{ID: "gpu0", Memory: n << 30, Speed: 1}} }
	pl := Placing{Model: m, Remedies: true}
	if f := pl.Fit(gib(44)); f.Short == 0 || f.Dimension != "GPU memory" || !slices.Equal(f.Remedies, []string{"q3_K_M"}) {
		t.Errorf("on 44 GiB: %+v", f)
	}
	// llama-server keeps a GiB free of each GPU, and holds no scores of a batch.
	pl.Model.Engine = models.LlamaServer
	if f := pl.Fit(gib(44)); f.Short == 0 || !slices.Equal(f.Remedies, []string{"q4_0", "--kv-cache q8_0"}) {
		t.Errorf("on 44 GiB, of llama-server: %+v", f)
	}
	on := gib(8)
	on[0].Processor = true
	if f := pl.Fit(on); f.Short == 0 || f.Dimension != "memory" {
		t.Errorf("on a processor: %+v", f)
	}
	if f := pl.Fit(gib(80)); f.Short != 0 || f.Slots < 2 || f.Slots > mostSlots || f.Bytes[0] > 80<<30 {
		t.Errorf("on 80 GiB: %+v", f)
	}
	pl.Spill = true
	if f := pl.Fit(gib(24)); f.Short != 0 || f.Slots != 1 {
		t.Errorf("spilling: %+v", f)
	}
}
