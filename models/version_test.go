package models_test

import (
	"slices"
	"testing"

	"perg/models"
)

func TestHarmsOfVersions(t *testing.T) {
	const any, prefixes, counts, schemas = models.UseAny, models.UsePrefixes, models.UseCounts, models.UseSchemas
	for version, want := range map[string][]models.Use{
		"0.5.7":      {any, schemas},
		"0.12.0":     {schemas},
		"0.17.4":     {schemas},
		"0.30.0":     {prefixes, counts, schemas},
		"0.30.0-rc2": {prefixes, counts, schemas},
		"0.30.1":     {prefixes, schemas},
		"0.30.7":     {prefixes, schemas},
		"0.30.8":     {schemas},
		"0.31.1":     {schemas},
		"0.31.2":     nil,
		"0.33.0":     nil,
		"0.34.1":     nil,
		"1.2.0":      nil, // being new is no harm
		"0.0.0":      nil,
		"dev":        nil,
	} {
		var got []models.Use
		for _, h := range models.Harms(version) {
			got = append(got, h.Use)
			if h.Text == "" || h.Source == "" {
				t.Errorf("%s: %+v does not say what it does, or who says so", version, h)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", version, got, want)
		}
	}
}

func TestWhatToInstall(t *testing.T) {
	for version, want := range map[string]string{"0.30.3": "install Ollama 0.30.8 or newer", "0.31.1": "install Ollama 0.31.2 or newer", "0.5.7": "install Ollama 0.12 or newer"} {
		if got := models.Harms(version)[0].Install(); got != want {
			t.Errorf("%s: %q, want %q", version, got, want)
		}
	}
}
