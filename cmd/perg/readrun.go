package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"perg/harness/hint"
	"perg/harness/rundir"
)

// readRun reads the manifest of a run that a user named.
func readRun(dir string) (rundir.Manifest, error) {
	m, err := rundir.ReadManifest(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // which a file is, in place of one
		return m, noRun(dir)
	}
	return m, err
}

func noRun(dir string) error {
	return &hint.Error{
		Err:   fmt.Errorf("%s is no run: it has no run.json", dir),
		Hint:  "runs are made by 'perg run'; its --out names the directory",
		Usage: true,
	}
}

// noTables is what becomes of a run that has written no tables.
func noTables(dir string, m rundir.Manifest) error {
	return &hint.Error{
		Err:  fmt.Errorf("%s has no tables yet: the run is %s", dir, m.State),
		Hint: "they are written when it stops; to finish it: perg run --out " + quoted(dir),
	}
}
