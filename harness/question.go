package harness

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/hint"
	"perg/harness/prompt"
	"perg/harness/rundir"
	"perg/harness/task"
)

// Items reads the dataset of a config.
func Items(c rundir.Config) (data.Dataset, error) {
	set, err := data.Load(c.Data)
	if err != nil {
		return set, &hint.Error{Err: err, Hint: "'perg data check " + c.Data + "' looks at nothing else", Usage: true}
	}
	return set.Limit(c.Limit), nil
}

// newTask is what a config asks about its items.
func newTask(c rundir.Config, set data.Dataset) (*task.Task, error) {
	prompts, err := prompt.Embedded()
	if err != nil {
		return nil, err
	}
	if c.Prompts != "" {
		if prompts, err = prompts.Replace(os.DirFS(c.Prompts)); err != nil {
			return nil, &hint.Error{Err: fmt.Errorf("prompts %s: %w", c.Prompts, err), Hint: "the project's own are in harness/prompt/templates", Usage: true}
		}
	}
	preferences, err := data.DefaultPreferences()
	if err != nil {
		return nil, err
	}
	irrelevant, err := task.DrawIrrelevant(preferences.Irrelevant, c.Seed)
	if err != nil {
		return nil, err
	}
	methods := c.MethodsInOrder()
	examples, err := readExamples(c, prompts, methods, set)
	if err != nil {
		return nil, err
	}
	return &task.Task{
		Dataset: set, Prompts: prompts, Examples: examples, Irrelevant: irrelevant, JudgeAll: c.JudgeAll, JudgeSwap: c.JudgeSwap,
		Settings: c.SettingsInOrder(), Methods: methods, Repeats: c.Repeats, Seed: c.Seed, NumPredict: c.NumPredict,
	}, nil
}

// readExamples reads the worked examples of a config over perg's own, and
// checks that every source has some, where a method shows them.
func readExamples(c rundir.Config, prompts *prompt.Set, methods []prompt.Method, set data.Dataset) (prompt.Examples, error) {
	examples, err := prompts.Examples()
	if err != nil {
		return examples, err
	}
	files := make(map[string]string) // by source; "": of every source without one
	for _, entry := range c.ICL {
		source, path := exampleFile(entry)
		if files[source] != "" {
			return examples, &hint.Error{Err: fmt.Errorf("icl: two files for %s", cmp.Or(source, "every source")), Hint: "write --icl SOURCE=FILE for each source", Usage: true}
		}
		files[source] = path
	}
	for _, source := range slices.Sorted(maps.Keys(files)) { // "" comes first
		texts, err := prompt.ReadExamples(files[source])
		if err != nil {
			return examples, &hint.Error{Err: fmt.Errorf("icl: %w", err), Hint: "the form is {\"Example_0\": \"question, options, preference and response as one text\", ...}", Usage: true}
		}
		examples = examples.With(source, texts)
	}
	if !showExamples(methods) {
		return examples, nil
	}
	for _, it := range set.Items {
		if _, err := examples.For(it.Source); err != nil {
			return examples, &hint.Error{Err: fmt.Errorf("icl: %w", err), Hint: "or leave icl out of --methods", Usage: true}
		}
	}
	return examples, nil
}

func showExamples(methods []prompt.Method) bool {
	return slices.ContainsFunc(methods, prompt.Method.ShowsExamples)
}

// exampleFile splits SOURCE=FILE; a file alone is that of every source, "".
func exampleFile(entry string) (source, path string) {
	source, path, ok := strings.Cut(entry, "=")
	if !ok {
		return "", entry
	}
	return source, path
}

// hashes are those of all that a task's prompts are made of, by name.
func hashes(t *task.Task) map[string]string {
	all := t.Prompts.HashesOf(t.Methods)
	if showExamples(t.Methods) {
		for source, hash := range t.Examples.Hashes() {
			all["examples of "+cmp.Or(source, "every source")] = hash
		}
	}
	return all
}
