package extract

import "strings"

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

// mark is the mark of a thought that s begins with, if its size is not 0.
func mark(s string) (opens bool, size int) {
	for _, m := range marks {
		if begins(s, m.opens) {
			return true, len(m.opens)
		}
		if begins(s, m.closes) {
			return false, len(m.closes)
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
		rest := strings.TrimLeft(response[i+1:], "\t #*>")
		if rest == "" || strings.IndexByte("qnhui<[", rest[0]|' ') < 0 && rest[0] != '[' {
			rest = ""
		}
		for _, asks := range questions {
			if begins(rest, asks) || begins(rest, asks[:len(asks)-1]+" :") && asks[len(asks)-1] == ':' {
				return response[:i], strings.TrimSpace(response[:i]) != ""
			}
		}
		next := strings.IndexByte(response[i+1:], '\n')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return "", false
}

// questions begin a line with which someone else speaks.
var questions = []string{"q:", "question:", "next question", "human:", "user:", "instruction:", "<|im_start|>user", "<|user|>", "[inst]"}
