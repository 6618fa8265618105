package models

import "testing"

func TestEngineOf(t *testing.T) {
	for version, want := range map[string]Engine{
		"0.12.0": Runner, "0.17.4": Runner, "0.29.9": Runner, "0.30.0": LlamaServer, "0.33.0-rc2": LlamaServer, "1.0.0": LlamaServer,
		"0.0.0": "", "dev": "", "": "",
	} {
		if got := EngineOf(version); got != want {
			t.Errorf("%q: %q, want %q", version, got, want)
		}
	}
}
