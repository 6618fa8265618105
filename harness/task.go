package harness

import (
	"perg/data"
	"perg/harness/hint"
	"perg/harness/rundir"
)

// Items reads the dataset of a config.
func Items(c rundir.Config) (data.Dataset, error) {
	set, err := data.Load(c.Data)
	if err != nil {
		return set, &hint.Error{Err: err, Hint: "'perg data check " + c.Data + "' looks at nothing else", Usage: true}
	}
	return set.Limit(c.Limit), nil
}

// Finished says whether a directory holds a run of a config over its items to which
// nothing is left to do. No server is asked.
func Finished(dir *rundir.Dir, c rundir.Config, set data.Dataset) (bool, error) {
	t, err := c.Task(set)
	return err == nil && dir.Finished(c, set.SHA256, t.Hashes()), err
}
