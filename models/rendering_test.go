package models

import (
	"testing"

	"github.com/ollama/ollama/api"
)

func TestWhatATemplateMakesOfASystemText(t *testing.T) {
	for name, tt := range map[string]struct {
		template, renderer string
		want               bool
	}{
		"messages":      {"{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}{{ end }}", "", true},
		"old form":      {"{{ if .System }}[SYS]{{ .System }}{{ end }}[USER]{{ .Prompt }}", "", true},
		"in the turn":   {"<start_of_turn>user\n{{ if .System }}{{ .System }} {{ end }}{{ .Prompt }}<end_of_turn>", "", true},
		"default":       {"{{ .Prompt }}", "", false},
		"user alone":    {`{{ range .Messages }}{{ if eq .Role "user" }}<user>{{ .Content }}{{ end }}{{ end }}`, "", false},
		"made in code":  {"{{ .Prompt }}", "qwen3-vl", true},
		"fails on them": {`{{ range .Messages }}{{ if eq .Role "system" }}{{ index .ToolCalls 3 }}{{ end }}{{ .Content }}{{ end }}`, "", false},
	} {
		got, err := shownRendering(api.ShowResponse{Template: tt.template, Renderer: tt.renderer})
		if err != nil || got.System != tt.want {
			t.Errorf("%s: %+v, error %v", name, got, err)
		}
		if known := name != "made in code" && name != "fails on them"; known != (got.Hash != "") {
			t.Errorf("%s: hash %q", name, got.Hash)
		}
	}
	if _, err := shownRendering(api.ShowResponse{Template: "{{ if }}"}); err == nil {
		t.Error("a template that cannot be parsed is no error")
	}
}
