package rundir

import (
	"fmt"
	"os"
	"slices"

	"perg/data"
	"perg/harness/hint"
	"perg/harness/prompt"
	"perg/harness/task"
)

// Task is what a config asks about its items.
func (c Config) Task(set data.Dataset) (*task.Task, error) {
	prompts, err := c.templates()
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
	examples, err := c.examples(prompts, methods, set)
	if err != nil {
		return nil, err
	}
	thought, _ := c.ThoughtTokens() // which was checked
	shard, _ := c.Shards()
	t := &task.Task{
		Dataset: set, Shard: shard, Prompts: prompts, Examples: examples, Irrelevant: irrelevant, JudgeAll: c.JudgeAll, JudgeSwap: c.JudgeSwap,
		Settings: c.SettingsInOrder(), Methods: methods, Repeats: c.Repeats, Null: c.Null, Rotate: c.RotateOptions,
		Seed: c.Seed, NumPredict: c.NumPredict, Thought: thought, Temperature: c.Temperature,
	}
	if t.Asking() == 0 && len(set.Items) > 0 {
		return nil, hint.Usage(fmt.Errorf("shard %s has no item: there are %d", shard, len(set.Items)), "make fewer shards")
	}
	return t, nil
}

// templates are those of a config: a set that comes with perg, or its own with
// those of a directory in their place.
func (c Config) templates() (*prompt.Set, error) {
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

// examples reads the worked examples of a config over perg's own, and checks that
// every source has some, where a method shows them.
func (c Config) examples(prompts *prompt.Set, methods []prompt.Method, set data.Dataset) (prompt.Examples, error) {
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
