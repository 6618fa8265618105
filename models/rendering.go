package models

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/template"
)

// A sample of messages, by whose rendering a chat template is known.
const (
	sampleSystem = "<perg system text>"
	sampleUser   = "<perg user text>"
)

// Sample is the request whose rendering says what becomes of a system text.
// It does not speak of thinking, so that all variants of a model share it.
func Sample(model string) Request {
	return Request{Model: model, System: sampleSystem, User: sampleUser, Options: Options{NumPredict: 1}, Render: true}
}

// SampleBy is Sample with a way of thinking.
func SampleBy(model string, think *bool, level Level) Request {
	r := Sample(model)
	r.Think, r.Level = think, level
	return r
}

// A Rendering is the prompt that a model gets of Sample.
type Rendering struct {
	System bool   // the system text is in it
	Hash   string // SHA-256, hex
}

func renderingOf(text string) Rendering {
	sum := sha256.Sum256([]byte(text))
	return Rendering{System: strings.Contains(text, sampleSystem), Hash: hex.EncodeToString(sum[:])}
}

// ReadRendering reads the response to Sample; false where it tells nothing.
// A template that refuses system messages has no place for them, and no hash.
func ReadRendering(r Response) (Rendering, bool) {
	switch r.DoneReason {
	case Rendered:
		return renderingOf(r.Content), true
	case Refused:
		return Rendering{}, true
	default:
		return Rendering{}, false
	}
}

// rendering is the response to a request that asks for its prompt.
func rendering(a api.ChatResponse, started time.Time) Response {
	if a.DebugInfo == nil {
		return Response{DoneReason: NotRendered, StartedAt: started}
	}
	return Response{Content: a.DebugInfo.RenderedTemplate, DoneReason: Rendered, StartedAt: started}
}

// refuses says whether an error is a chat template's: one that the server states
// of the request, and that stands for nothing else.
func refuses(err error) bool {
	var s *ServerError
	return errors.As(err, &s) && s.kind == nil && (s.Status == http.StatusBadRequest || s.Status == http.StatusInternalServerError)
}

// shownRendering is what the chat template that a server shows of a model makes
// of Sample, filled in as the server does it: some templates pass system
// messages over (Ollama's default is one), and some refuse them. Models that
// Ollama renders in code have no template to look at; they all take system
// messages, and the hash is not known.
func shownRendering(show api.ShowResponse) (Rendering, error) {
	if show.Renderer != "" {
		return Rendering{System: true}, nil
	}
	t, err := template.Parse(show.Template)
	if err != nil {
		return Rendering{}, fmt.Errorf("chat template: %w", err)
	}
	thinks := slices.Contains(show.Capabilities, "thinking") // which is on where a call does not say
	var b strings.Builder
	err = t.Execute(&b, template.Values{
		Messages: []api.Message{{Role: "system", Content: sampleSystem}, {Role: "user", Content: sampleUser}},
		Think:    thinks, IsThinkSet: thinks,
	})
	if err != nil {
		return Rendering{}, nil
	}
	return renderingOf(b.String()), nil
}
