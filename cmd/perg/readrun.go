package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"perg/harness/hint"
	"perg/harness/rundir"
)

const (
	runsHome = "runs" // where runs are unless --out says otherwise
	lastRun  = "last" // names the one there that was begun last
)

var errSeveral = errors.New("could be one of several runs")

// findRun is the directory of a run that a user named: its path, "last", or the
// beginning of a name that one run alone has, of those in runs or in the
// directory that the name gives.
func findRun(name string) (string, error) {
	if isRun(name) || rundir.Working(name) {
		return name, nil
	}
	home, beginning := filepath.Split(name)
	if home == "" {
		home = runsHome
	}
	all, err := rundir.List(home)
	switch {
	case err == nil && beginning == lastRun && len(all) > 0 && home == runsHome:
		return all[0].Path, nil
	case err != nil || beginning == "" || isDir(name):
		return "", noRun(name, all)
	}
	var found []string
	for _, run := range all {
		if strings.HasPrefix(filepath.Base(run.Path), beginning) {
			found = append(found, run.Path)
		}
	}
	switch len(found) {
	case 0:
		return "", noRun(name, all)
	case 1:
		return found[0], nil
	}
	return "", hint.Usage(fmt.Errorf("%s %w", name, errSeveral), "write more of its name: "+someOf(found))
}

// namesRun says whether a user may mean a run by a name.
func namesRun(name string) bool {
	_, err := findRun(name)
	return err == nil
}

// someOf are the first of some names.
func someOf(names []string) string {
	const most = 5
	if more := len(names) - most; more > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

// isRun is true of a run that cannot be read, too: why not is said when it is
// opened.
func isRun(dir string) bool {
	_, err := rundir.ReadManifest(dir)
	_, missing := errors.AsType[*fs.PathError](err)
	return !missing || errors.Is(err, fs.ErrPermission)
}

// readRun finds the run that a user named, and reads its manifest.
func readRun(name string) (dir string, m rundir.Manifest, err error) {
	if dir, err = findRun(name); err != nil {
		return dir, m, err
	}
	m, err = rundir.ReadManifest(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return dir, m, &hint.Error{Err: fmt.Errorf("%s is just being started", dir), Hint: "it has results when the first answers are there: ask again then"}
	}
	m.State = rundir.StateIn(dir, m)
	return dir, m, err
}

// noRun says that there is no run of a name, and which there are.
func noRun(name string, others []rundir.Listed) error {
	todo := "runs are made by 'perg run'; its --out names the directory"
	if below, err := rundir.List(name); err == nil && len(below) > 0 {
		others = below
	}
	if len(others) > 0 {
		paths := make([]string, len(others))
		for i, run := range others {
			paths[i] = run.Path
		}
		todo += "; there are: " + someOf(paths)
	}
	return &hint.Error{Err: fmt.Errorf("%s is no run: it has no run.json", name), Hint: todo, Usage: true}
}

// noTables is what becomes of a run that has written no tables.
func noTables(dir string, m rundir.Manifest) error {
	return &hint.Error{
		Err:  fmt.Errorf("%s has no tables yet: the run is %s", dir, m.State),
		Hint: "they are written when it stops; to finish it: perg run --out " + quoted(dir),
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
