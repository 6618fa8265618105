package extract

import (
	"slices"
	"strings"
)

// A thought is what a model says to itself before it answers. Servers take it
// out where they know the template; where they do not, its marks are left in
// the response, whole or in part.
//
// marks are those marks, in small letters. What stands between the two is no
// answer, nor is what stands before the second where the first is missing, as
// some templates open the thought in the prompt, nor what follows the first
// where generation stopped in the thought.
var marks = []struct{ opens, closes string }{
	{"<think>", "</think>"},
	{"<thinking>", "</thinking>"},
	{"<thought>", "</thought>"},
	{"<thoughts>", "</thoughts>"},
	{"<reasoning>", "</reasoning>"},
	{"<reflection>", "</reflection>"},
	{"<scratchpad>", "</scratchpad>"},
	{"<analysis>", "</analysis>"},
	{"<seed:think>", "</seed:think>"},
	{"<|think|>", "<|/think|>"},
	{"<|thinking|>", "<|/thinking|>"},
	{"<|start_thinking|>", "<|end_thinking|>"},
	{"<|begin_of_thought|>", "<|end_of_thought|>"},
	{"<|inner_prefix|>", "<|inner_suffix|>"},
	{"<|channel|>analysis", "<|channel|>final"},
	{"<|channel|>commentary", "<|channel|>final"},
	{"<|channel>thought", "<channel|>"},
	{"<unused94>", "<unused95>"},
	{"[think]", "[/think]"},
	{"◁think▷", "◁/think▷"},
}

// WithoutThoughts is what is left of a response without them. It takes time linear in the
// response's length.
func WithoutThoughts(response string) string {
	if bare, ok := bareChannels(response); ok {
		return bare
	}
	if strings.IndexByte(response, '<') < 0 && strings.IndexByte(response, '[') < 0 && !strings.Contains(response, "◁") {
		return response // as most are
	}
	var kept []string
	from, thinking := 0, false
	for i := 0; i < len(response); i++ {
		if c := response[i]; c != '<' && c != '[' && c != "◁"[0] {
			continue
		}
		opens, size := mark(response[i:])
		switch {
		case size == 0:
			continue
		case opens && !thinking:
			kept = append(kept, response[from:i])
		case !opens && !thinking:
			kept = nil
		}
		thinking = opens
		from = i + size
		i = from - 1
	}
	if !thinking {
		kept = append(kept, response[from:])
	}
	return strings.Join(kept, "\n")
}

// An edge is one of the two marks of a thought.
type edge struct {
	text  string
	opens bool
}

// bySecond are the marks by their second byte: few of them are alike there, and
// a text of nothing but brackets has to be told soon.
var bySecond = func() (all [256][]edge) {
	add := func(text string, opens bool) {
		i := small(text[1])
		all[i] = append(all[i], edge{text, opens})
	}
	for _, m := range marks {
		add(m.opens, true)
		add(m.closes, false)
	}
	return all
}()

// small is an ASCII letter in small; other bytes may become others, always the
// same ones.
func small(c byte) byte { return c | ' ' }

// mark is the mark of a thought that s begins with, if its size is not 0.
func mark(s string) (opens bool, size int) {
	if len(s) < 2 {
		return false, 0
	}
	for _, m := range bySecond[small(s[1])] {
		if begins(s, m.text) {
			return m.opens, len(m.text)
		}
	}
	return false, 0
}

// begins: s begins with prefix, whatever the case of its letters.
func begins(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// bareChannels is the final channel of a response whose channels have lost
// their marks: "analysisIs it A? ...assistantfinalThe answer is B.".
func bareChannels(response string) (string, bool) {
	const first, last = "analysis", "assistantfinal"
	response = strings.TrimSpace(response)
	if !strings.HasPrefix(response, first) || strings.HasPrefix(response, first+" ") {
		return "", false
	}
	_, final, ok := strings.Cut(response, last)
	return final, ok
}

// beforeQuestion is what a response says before it goes on with a question of
// its own making, as models do that were never taught to stop.
func beforeQuestion(response string) (head string, ok bool) {
	for i := strings.IndexByte(response, '\n'); i >= 0; {
		if asks(strings.TrimLeft(response[i+1:], "\t #*>")) {
			return response[:i], strings.TrimSpace(response[:i]) != ""
		}
		next := strings.IndexByte(response[i+1:], '\n')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return "", false
}

// asks says whether someone else speaks with a line.
func asks(line string) bool {
	if line == "" || strings.IndexByte("QqNnHhUuIi<[", line[0]) < 0 {
		return false // as most do
	}
	return slices.ContainsFunc(questions, func(q string) bool {
		word, colon := strings.CutSuffix(q, ":")
		return begins(line, q) || colon && begins(line, word) && strings.HasPrefix(line[len(word):], " :")
	})
}

// underHeading is what a response says under its one heading "Response:" or
// "Answer:", before which it repeats what it was asked for.
func underHeading(response string) (body string, ok bool) {
	from := 0
	for line := range strings.Lines(response) {
		from += len(line)
		line = strings.TrimLeft(line, "\t #*>")
		rest, headed := strings.CutPrefix(line, "Response:")
		if !headed {
			rest, headed = strings.CutPrefix(line, "Answer:")
		}
		if headed && ok {
			return "", false
		}
		if headed {
			body, ok = response[from-len(rest):], true
		}
	}
	return body, ok && strings.TrimSpace(body) != ""
}

// questions begin a line with which someone else speaks.
var questions = []string{"q:", "question:", "next question", "human:", "user:", "instruction:", "<|im_start|>user", "<|user|>", "[inst]"}
