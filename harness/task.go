package harness

import (
	"fmt"
	"os"
	"slices"

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
	prompts, err := promptsOf(c)
	if err != nil {
		return nil, err
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
	thought, _ := c.ThoughtTokens() // which was checked
	return &task.Task{
		Dataset: set, Prompts: prompts, Examples: examples, Irrelevant: irrelevant, JudgeAll: c.JudgeAll, JudgeSwap: c.JudgeSwap,
		Settings: c.SettingsInOrder(), Methods: methods, Repeats: c.Repeats, Null: c.Null, Rotate: c.RotateOptions,
		Seed: c.Seed, NumPredict: c.NumPredict, Thought: thought, Temperature: c.Temperature,
	}, nil
}

// promptsOf are the templates of a config: a set that comes with perg, or its own
// with those of a directory in their place.
func promptsOf(c rundir.Config) (*prompt.Set, error) {
	if c.Prompts == prompt.Paper {
		return prompt.Embedded(prompt.Paper)
	}
	own, err := prompt.Embedded(prompt.Own)
	if err != nil || c.Prompts == prompt.Own {
		return own, err
	}
	prompts, err := own.Replace(os.DirFS(c.Prompts))
	if err != nil {
		return nil, &hint.Error{Err: fmt.Errorf("prompts %s: %w", c.Prompts, err), Hint: "the project's own are in harness/prompt/templates", Usage: true}
	}
	return prompts, nil
}

// readExamples reads the worked examples of a config over perg's own, and
// checks that every source has some, where a method shows them.
func readExamples(c rundir.Config, prompts *prompt.Set, methods []prompt.Method, set data.Dataset) (prompt.Examples, error) {
	examples, err := prompts.Examples()
	if err != nil {
		return examples, err
	}
	if examples, err = examples.Read(c.ICL); err != nil {
		return examples, hint.Usage(fmt.Errorf("icl: %w", err), "write --icl SOURCE=FILE for each source, or one FILE for every source")
	}
	if !slices.ContainsFunc(methods, prompt.Method.ShowsExamples) {
		return examples, nil
	}
	for _, it := range set.Items {
		if _, err := examples.For(it.Source); err != nil {
			return examples, hint.Usage(fmt.Errorf("icl: %w", err), "or leave icl out of --methods")
		}
	}
	return examples, nil
}
