package gguftest

import (
	"strconv"
	"strings"
)

// A LevelAnswer is what a model with levels of thinking does at one of them.
type LevelAnswer struct {
	Thought      []string // sentences, all different from those of other levels
	Plain, Under string   // letters: without a preference, and under one
}

// Levelled thinks as much as it is asked to, by levels alone, as gpt-oss does, and
// writes in its form (harmony): a thought, and then an answer. A system text of more
// bytes than systemOver holds a preference.
func Levelled(systemOver int, levels map[string]LevelAnswer) Chain {
	const opens, answers = "<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"
	c := Chain{
		Parser: "harmony", Next: make(map[string][]string), Otherwise: []string{`"`},
		Template: "{{ range .Messages }}{{ .Role }}:\n{{ .Content }}\n{{ end }}",
	}
	for level, a := range levels {
		for _, under := range []bool{false, true} {
			mark, letter, pick := "<|"+level+"-plain|>", a.Plain, "le"
			if under {
				mark, letter, pick = "<|"+level+"-under|>", a.Under, "gt"
			}
			// The next token depends on the last alone: no two thoughts share one.
			tag := strings.TrimSuffix(strings.TrimPrefix(mark, "<|"), "|>")
			last := mark
			for i, sentence := range a.Thought {
				said := sentence + " (" + tag + ") "
				if i == 0 {
					said = opens + said
				}
				c.Next[last], last = []string{said}, said
			}
			answer := answers + Answer(letter)
			c.Next[last], c.Next[answer] = []string{answer}, []string{End}
			condition := `{{ if and (eq .ThinkLevel "` + level + `") (` + pick + ` (len .System) ` + strconv.Itoa(systemOver) + `) }}`
			c.Template += condition + "Reasoning: " + level + "\n" + mark + "{{ end }}"
		}
	}
	return c
}
