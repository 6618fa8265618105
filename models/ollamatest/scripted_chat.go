package ollamatest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/template"
)

// chat loads, unloads, renders and answers, as /api/chat does.
func (s *Scripted) chat(w http.ResponseWriter, r api.ChatRequest) {
	m, ok := s.model(r.Model)
	switch {
	case !ok:
		refuse(w, http.StatusNotFound, fmt.Sprintf("model '%s' not found", r.Model))
		return
	case r.Think != nil && r.Think.Bool() && !m.Thinks:
		refuse(w, http.StatusBadRequest, fmt.Sprintf("%q does not support thinking", r.Model))
		return
	case len(r.Messages) == 0 && r.KeepAlive != nil && r.KeepAlive.Duration == 0:
		delete(s.running, r.Model)
		answer(w, api.ChatResponse{Model: r.Model, Done: true, DoneReason: "unload"})
		return
	}
	if said, ok := s.refusesLevel(m, r); ok {
		refuse(w, http.StatusBadRequest, said)
		return
	}
	if m.Thinks && r.Think == nil {
		r.Think = &api.ThinkValue{Value: true}
	}
	if m.Remote != "" { // it passes the chat on, and loads nothing
		s.asked = append(s.asked, r)
		answer(w, s.answers(m, r, &runner{Launch: Launch{NumCtx: trained, Slots: 1}}, fmt.Sprint(r.Messages)))
		return
	}
	on := s.launch(m, r)
	if len(r.Messages) == 0 {
		answer(w, api.ChatResponse{Model: r.Model, Done: true, DoneReason: "load"})
		return
	}
	prompt, err := s.render(m, r)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	if r.DebugRenderOnly {
		answer(w, api.ChatResponse{Model: r.Model, DebugInfo: &api.DebugInfo{RenderedTemplate: prompt}})
		return
	}
	if s.Dies != nil && s.Dies(r) {
		delete(s.running, r.Model)
		refuse(w, http.StatusInternalServerError, s.Died)
		return
	}
	if tokens(prompt) > on.NumCtx && r.Truncate != nil && !*r.Truncate {
		refuse(w, http.StatusBadRequest, s.TooLong)
		return
	}
	s.asked = append(s.asked, r)
	a := s.answers(m, r, on, prompt)
	if r.Stream != nil && *r.Stream {
		stream(w, a)
		return
	}
	answer(w, a)
}

// refusesLevel says whether a version takes no level from a model (routes.go of
// v0.17.4, ChatHandler: harmony alone; #14625: any that thinks, #15787: max).
func (s *Scripted) refusesLevel(m Model, r api.ChatRequest) (said string, ok bool) {
	if r.Think == nil || !r.Think.IsString() {
		return "", false
	}
	if r.Think.String() == "max" && !s.LlamaServer || !s.LlamaServer && !m.headers() {
		return fmt.Sprintf("think value %q is not supported for this model", r.Think.String()), true
	}
	return "", false
}

// stream writes an answer a token at a time, which here are bytes: its thought, its
// content, and then the rest of it. It ends where nobody listens any more.
func stream(w http.ResponseWriter, a api.ChatResponse) {
	out := json.NewEncoder(w)
	piece := api.ChatResponse{Model: a.Model}
	piece.Message.Role = a.Message.Role
	for _, b := range []byte(a.Message.Thinking) {
		piece.Message.Thinking = string(b)
		if out.Encode(piece) != nil {
			return
		}
	}
	piece.Message.Thinking = ""
	for _, b := range []byte(a.Message.Content) {
		piece.Message.Content = string(b)
		if out.Encode(piece) != nil {
			return
		}
	}
	a.Message.Thinking, a.Message.Content = "", ""
	out.Encode(a)
}

// launch is the model in memory, put there anew where what is fixed differs.
func (s *Scripted) launch(m Model, r api.ChatRequest) *runner {
	want := Launch{Model: r.Model, NumCtx: 4096, NumBatch: defaultBatch, Slots: max(s.Slots, 1)}
	if slices.Contains(oneSlot, m.family()) {
		want.Slots = 1
	}
	if n, ok := r.Options["num_ctx"].(float64); ok {
		want.NumCtx = int(n)
	}
	if m.Vision {
		want.NumCtx = max(want.NumCtx, visionContext)
	}
	want.NumCtx = min(want.NumCtx, m.trained())
	if n, ok := r.Options["num_batch"].(float64); ok {
		want.NumBatch = int(n)
	} else if s.LlamaServer {
		want.NumBatch = automaticBatch(want.NumCtx * want.Slots)
	}
	want.Shift = s.LlamaServer && (r.Shift == nil || *r.Shift)
	if on := s.running[r.Model]; on != nil && on.Launch == want {
		return on
	}
	s.launches = append(s.launches, want)
	on := &runner{Launch: want}
	s.running[r.Model] = on
	return on
}

// render is the prompt of a chat.
func (s *Scripted) render(m Model, r api.ChatRequest) (string, error) {
	prompt, err := s.renderPlain(m, r)
	if r.Think != nil {
		prompt = m.Sets[fmt.Sprint(r.Think.Value)] + prompt
	}
	return prompt, err
}

func (s *Scripted) renderPlain(m Model, r api.ChatRequest) (string, error) {
	if s.LlamaServer && m.Template == "" && m.Jinja != nil {
		var system, user string
		for _, message := range r.Messages {
			if message.Role == "system" {
				system = message.Content
			} else {
				user = message.Content
			}
		}
		prompt, err := m.Jinja(system, user)
		if err != nil {
			err = fmt.Errorf("llama-server apply-template error: %w", err)
		}
		return prompt, err
	}
	text := m.Template
	if text == "" {
		text = "{{ .Prompt }}"
	}
	t, err := template.Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	values := template.Values{Messages: r.Messages}
	if r.Think != nil {
		values.Think, values.ThinkLevel, values.IsThinkSet = r.Think.Bool(), r.Think.String(), true
	}
	err = t.Execute(&b, values)
	return b.String(), err
}

// tokens are single bytes, as the vocabulary has them that /api/show tells.
func tokens(text string) int { return len(text) }

func (s *Scripted) answers(m Model, r api.ChatRequest, on *runner, prompt string) api.ChatResponse {
	a := api.ChatResponse{Model: r.Model, Done: true, DoneReason: "stop"}
	a.Message.Role = "assistant"
	if r.Think != nil && (r.Think.Bool() || m.headers()) {
		if a.Message.Thinking = "Let me think."; m.Thought != "" {
			a.Message.Thinking = m.Thought
		}
	}
	switch {
	case r.Format == nil || s.drops(m, r):
		a.Message.Content = s.Says(r)
	case s.Immediate && m.headers() && !r.Think.Bool():
		a.Message.Thinking = "" // it is all in a header, which is no content
	case s.Fills != nil:
		a.Message.Content = s.Fills(r)
	default:
		a.Message.Content = simplest(r.Format)
	}
	if m.Aloud {
		a.Message.Content = "<think>\n" + m.Thought + "\n</think>\n\n" + a.Message.Content
	}
	limit(&a, r, on.NumCtx-tokens(prompt))
	cached := on.cached(prompt, s.CachesWithShift && !on.Shift)
	count := tokens(prompt)
	a.PromptEvalDuration = time.Duration(count-cached) * time.Millisecond
	if s.HidesCached {
		count -= cached
	}
	a.PromptEvalCount, a.EvalCount = max(count, 1), tokens(a.Message.Thinking)+tokens(a.Message.Content)
	if r.Format != nil && a.Message.Thinking != "" {
		a.EvalCount = tokens(a.Message.Content) // of the second pass, which the format is for
	}
	a.EvalDuration = time.Duration(a.EvalCount) * time.Millisecond
	return a
}

// limit cuts an answer where num_predict or the context ends it: thought and content
// have one pot.
func limit(a *api.ChatResponse, r api.ChatRequest, room int) {
	n, ok := r.Options["num_predict"].(float64)
	if !ok || n <= 0 {
		n = float64(room)
	}
	n = min(n, float64(room))
	if len(a.Message.Thinking)+len(a.Message.Content) <= int(n) {
		return
	}
	a.DoneReason = "length"
	thought := min(len(a.Message.Thinking), int(n))
	a.Message.Thinking = a.Message.Thinking[:thought]
	a.Message.Content = a.Message.Content[:min(len(a.Message.Content), int(n)-thought)]
}

// headers says whether a model begins with a header that no grammar of an
// answer may be put on: gpt-oss, which cannot be kept from thinking either
// (harmony/harmonyparser.go).
func (m Model) headers() bool { return m.family() == "gptoss" || m.family() == "gpt-oss" }

// drops says whether a chat's format never counts.
func (s *Scripted) drops(m Model, r api.ChatRequest) bool {
	return m.Thinks && m.Parser && !r.Think.Bool() && !s.Immediate && !m.headers() && !slices.Contains(s.Keeps, m.family())
}

// cached is how many tokens of a prompt the slot has that is given it: the one
// with the longest beginning in common.
func (on *runner) cached(prompt string, never bool) int {
	if never {
		return 0
	}
	best, at := 0, -1
	for i, seen := range on.seen {
		n := 0
		for n < min(len(seen), len(prompt)) && seen[n] == prompt[n] {
			n++
		}
		if n > best {
			best, at = n, i
		}
	}
	if at < 0 && len(on.seen) >= on.Slots {
		at = 0
	}
	if at >= 0 {
		on.seen = slices.Delete(on.seen, at, at+1)
	}
	on.seen = append(on.seen, prompt)
	return min(best, tokens(prompt)-1)
}

// simplest is an object that a schema allows: of each property the first of
// its values, the middle of its range, or a word.
func simplest(schema json.RawMessage) string {
	var s struct {
		Properties map[string]struct {
			Type             string   `json:"type"`
			Enum             []string `json:"enum"`
			Minimum, Maximum int
		} `json:"properties"`
	}
	if err := json.Unmarshal(schema, &s); err != nil {
		return err.Error()
	}
	object := make(map[string]any)
	for name, p := range s.Properties {
		switch {
		case len(p.Enum) > 0:
			object[name] = p.Enum[0]
		case p.Type == "integer":
			object[name] = (p.Minimum + p.Maximum) / 2
		default:
			object[name] = "because"
		}
	}
	text, _ := json.Marshal(object) // strings and numbers always encode
	return string(text)
}
