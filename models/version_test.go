package models_test

import (
	"perg/models"
	"strings"
	"testing"
)

func TestVersionsThatAreNotKnown(t *testing.T) {
	for version, want := range map[string]string{
		"0.17.4": "", "0.0.0": "", "dev": "", "0.12.0": "",
		"0.5.7":  "older than 0.12",
		"0.30.1": "newer than perg was tested with (0.17)",
		"1.2.0":  "newer than perg was tested with (0.17)",
	} {
		if got := models.Unfamiliar(version); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q", version, got)
		}
	}
}
