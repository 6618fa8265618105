package task

import (
	"strings"
	"testing"

	"perg/harness/prompt"
	"perg/harness/sizing"
)

// The plan knows that worked examples are read once for all items that show
// them, also where items of several sources are mixed in the dataset.
func TestExamplesAreReadOnce(t *testing.T) {
	read := func(m prompt.Method) (all, read int) {
		task := testTask(t, 40)
		for i := range task.Dataset.Items {
			task.Dataset.Items[i].Source = []string{"s", "other"}[i%2]
		}
		task.Settings, task.Methods = []prompt.Setting{prompt.Irrelevant}, []prompt.Method{m}
		task.Examples = prompt.Examples{}.With("s", []string{strings.Repeat("one example ", 500)}).With("other", []string{strings.Repeat("another one ", 500)})
		var calls sizing.Calls
		v := named("m")
		if err := task.AnswerLengths(v, calls.Add); err != nil {
			t.Fatal(err)
		}
		w := task.Generating(v, calls.Tokens().Per(len(task.Cells(v))*40))
		return w.PromptTokens, w.ReadTokens
	}
	all, some := read(prompt.ICL)
	if all < 40*1000 || some > all/8 {
		t.Errorf("with examples, %d of %d prompt tokens are read", some, all)
	}
	plain, some := read(prompt.ZeroShot)
	if plain > all/4 || some >= plain {
		t.Errorf("without, %d of %d", some, plain)
	}
}

// A draft is read by the call that revises it.
func TestDraftsAreRead(t *testing.T) {
	task := testTask(t, 10)
	task.Settings, task.Methods = []prompt.Setting{prompt.Relevant}, []prompt.Method{prompt.SelfCritic}
	v := named("m")
	task.NumPredict = 1000
	if w := task.Generating(v, sizing.Tokens{}); w.PromptTokens != 10*300 || w.ReadTokens != 10*300 {
		t.Errorf("%+v", w)
	}
}
