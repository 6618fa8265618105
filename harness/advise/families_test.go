package advise

import (
	"slices"
	"strings"
	"testing"

	"perg/harness/compare"
	"perg/models"
)

func variant(label, name, quantization string, kv models.KVType, think *bool, level models.Level) Variant {
	return Variant{
		Model: compare.Model{Variant: label, Name: name, Family: "llama", ParameterSize: "8B", Quantization: quantization, KVCache: kv, Think: think},
		Level: level, Size: Size{Bits: models.BitsPerWeight(quantization)},
	}
}

// The variants of a family differ in one thing alone, the dearest first.
func TestFamilies(t *testing.T) {
	on, off := true, false
	all := []Variant{
		variant("a-q4", "a:8b-q4_K_M", "Q4_K_M", models.KVF16, nil, ""),
		variant("a-f16", "a:8b-fp16", "F16", models.KVF16, nil, ""),
		variant("a-q8", "a:8b-q8_0", "Q8_0", models.KVF16, nil, ""),
		variant("a-q8/kv4", "a:8b-q8_0", "Q8_0", models.KVQ4, nil, ""),
		variant("a-q8/kv8", "a:8b-q8_0", "Q8_0", models.KVQ8, nil, ""),
		variant("t-low", "t:8b", "Q4_K_M", models.KVF16, &on, models.LevelLow),
		variant("t-off", "t:8b", "Q4_K_M", models.KVF16, &off, ""),
		variant("t-high", "t:8b", "Q4_K_M", models.KVF16, &on, models.LevelHigh),
		variant("t", "t:8b", "Q4_K_M", models.KVF16, nil, ""), // as it likes: nobody knows how much
		variant("t-on", "t:8b", "Q4_K_M", models.KVF16, &on, ""),
		variant("alone", "b:8b", "Q4_0", models.KVF16, nil, ""),
	}
	families := Families(all)
	var got []string
	for _, f := range families {
		got = append(got, string(f.Kind)+": "+f.Reference+" > "+strings.Join(f.Others, " > "))
	}
	want := []string{
		"quantization: a-f16 > a-q8 > a-q4",
		"kv_cache: a-q8 > a-q8/kv8 > a-q8/kv4",
		"thinking: t-on > t-high > t-low > t-off",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if names := Models(all, families); !slices.Equal(names, []string{"a-f16", "t", "t-on", "alone"}) {
		t.Errorf("models: %q", names)
	}
}
