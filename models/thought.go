package models

import "strings"

// The marks between which models that think aloud do so. What has no opening mark
// was opened by the prompt.
var thoughtMarks = [][2]string{
	{"<think>", "</think>"}, {"<thinking>", "</thinking>"}, {"<thought>", "</thought>"}, {"[THINK]", "[/THINK]"}, {"<|think|>", "<|/think|>"},
}

// opensThought says whether a prompt ends in an opening mark.
func opensThought(prompt string) bool {
	prompt = strings.TrimSpace(prompt)
	for _, m := range thoughtMarks {
		if strings.HasSuffix(prompt, m[0]) {
			return true
		}
	}
	return false
}

// divide takes a text that was said aloud apart into a thought and what comes
// after it; ended is false where the thought has no end in it, so that all of it
// may be one. opened says that it begins with an opening mark.
func divide(text string) (thought, rest string, opened, ended bool) {
	text = strings.TrimLeft(text, " \n\r\t")
	for _, m := range thoughtMarks {
		before, after, ok := strings.Cut(text, m[1])
		inner, begins := strings.CutPrefix(before, m[0])
		if ok {
			return strings.TrimSpace(inner), strings.TrimLeft(after, " \n\r\t"), begins, true
		}
		if begins {
			return strings.TrimSpace(inner), "", true, false
		}
	}
	return text, "", false, false
}

const (
	loopTail  = 4096 // bytes of a text that are looked at
	loopLeast = 240  // bytes that have to repeat
	loopTimes = 6
)

// loops says whether a text ends in the same words over and over: greedy decoding
// falls into that, and comes out of it no more.
func loops(text string) bool { return repeats(text, loopLeast, loopTimes) }

// repeats says whether some end of a text, of so many bytes at least, is one piece
// so many times.
func repeats(text string, least, times int) bool {
	text = text[max(0, len(text)-loopTail):]
	n := len(text)
	// The prefix function (Knuth, Morris and Pratt) of the text backwards: the
	// shortest period of each of its ends.
	border := make([]int, n)
	for i := 1; i < n; i++ {
		k := border[i-1]
		for k > 0 && text[n-1-i] != text[n-1-k] {
			k = border[k-1]
		}
		if text[n-1-i] == text[n-1-k] {
			k++
		}
		border[i] = k
		if length := i + 1; length >= least && (length-k)*times <= length {
			return true
		}
	}
	return false
}
