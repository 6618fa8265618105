package fleet

import (
	"errors"
	"strings"
	"testing"

	"perg/harness/hint"
)

// Cards are known however their name is written, with their memory and speed.
func TestCardsByName(t *testing.T) {
	for _, test := range []struct {
		text  string
		n     int
		name  string
		gib   float64
		speed float64
	}{
		{"2x3090", 2, "RTX 3090", 24, 0.936},
		{"4090", 1, "RTX 4090", 24, 1.008},
		{"NVIDIA GeForce RTX 4090", 1, "RTX 4090", 24, 1.008},
		{"4x a100-40GB", 4, "A100 40G", 40, 1.555},
		{"a100-80g", 1, "A100", 80, 2.039},
		{"4070-ti-super", 1, "RTX 4070 Ti Super", 16, 0.672},
		{"h100", 1, "H100", 80, 3.35},
		{"2x24GiB", 2, "24 GiB GPU", 24, 1},
	} {
		devices, guessed, err := imagine([]string{test.text})
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		d := devices[0]
		if len(devices) != test.n || d.Name != test.name || d.Speed != test.speed || d.Memory != uint64(test.gib*usableShare*(1<<30)) {
			t.Errorf("%s: %d of %+v", test.text, len(devices), d)
		}
		if guessed != strings.Contains(test.text, "GiB") || !Imagined(test.text) {
			t.Errorf("%s: guessed %v", test.text, guessed)
		}
	}
}

func TestUnknownCards(t *testing.T) {
	for text, todo := range map[string]string{"2x3900": "Did you mean 3090", "rtx-5800": "Did you mean", "2x24MB": "write 2x3090", "0x3090": "write 2x3090"} {
		_, _, err := imagine([]string{text})
		var h *hint.Error
		if !errors.As(err, &h) || !h.Usage || !strings.HasPrefix(h.Hint, todo) {
			t.Errorf("%s: %v, %+v", text, err, h)
		}
	}
	names := make(map[string]bool)
	for _, name := range CardNames() {
		if names[name] || !Imagined(name) {
			t.Errorf("%s is named twice, or not known by its name", name)
		}
		names[name] = true
	}
}
