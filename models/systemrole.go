package models

import (
	"fmt"
	"strings"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/template"
)

// systemRole says whether a model's chat template has a place for a system
// message. It is filled in as the server does it and looked for in the result:
// some templates pass system messages over (Ollama's default is one), and some
// refuse them. Models that Ollama renders in code have no template to look at;
// they all take system messages.
func systemRole(show api.ShowResponse) (bool, error) {
	if show.Renderer != "" {
		return true, nil
	}
	t, err := template.Parse(show.Template)
	if err != nil {
		return false, fmt.Errorf("chat template: %w", err)
	}
	const system = "<perg system text>"
	var b strings.Builder
	err = t.Execute(&b, template.Values{Messages: []api.Message{
		{Role: "system", Content: system},
		{Role: "user", Content: "<perg user text>"},
	}})
	return err == nil && strings.Contains(b.String(), system), nil
}
