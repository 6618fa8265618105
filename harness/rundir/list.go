package rundir

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// The states of a run as it is found, beside those that its manifest gives: a
// manifest says running of one whose process died, too.
const (
	StateStarting = "starting" // a perg is at work, and has written no manifest yet
	StateStopped  = "stopped"  // its process died: it did not say how it ended
)

// A Listed is a run as it is found in its directory.
type Listed struct {
	Path     string
	State    string
	Manifest Manifest // with its directory's name alone where it is starting
	Err      error    // why the manifest cannot be read
}

// Working says whether a perg is at work on a directory: its lock is held. It holds
// nothing up.
func Working(dir string) bool {
	lock, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return false // it has none, so nobody holds it
	}
	defer lock.Close()
	err = unix.Flock(int(lock.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	return errors.Is(err, unix.EWOULDBLOCK)
}

// StateIn is the state of the run in dir, whose manifest is m.
func StateIn(dir string, m Manifest) string {
	switch {
	case Working(dir):
		return StateRunning
	case m.State == StateRunning:
		return StateStopped
	}
	return m.State
}

// List finds the runs in dir: itself, or those right below it, the one that was
// begun last first.
func List(dir string) ([]Listed, error) {
	if run, ok := listed(dir); ok {
		return []Listed{run}, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []Listed
	for _, e := range entries {
		if run, ok := listed(filepath.Join(dir, e.Name())); ok {
			all = append(all, run)
		}
	}
	slices.SortStableFunc(all, func(a, b Listed) int {
		return cmp.Or(b.began().Compare(a.began()), cmp.Compare(b.Path, a.Path))
	})
	return all, nil
}

// began is when a run was, as far as is known: one that is starting has no time
// but that of its directory.
func (l Listed) began() time.Time {
	if !l.Manifest.StartedAt.IsZero() {
		return l.Manifest.StartedAt
	}
	info, err := os.Stat(l.Path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

func listed(dir string) (Listed, bool) {
	m, err := ReadManifest(dir)
	switch {
	case err == nil:
		return Listed{Path: dir, State: StateIn(dir, m), Manifest: m}, true
	case errors.Is(err, fs.ErrNotExist):
		return Listed{Path: dir, State: StateStarting}, Working(dir)
	}
	_, missing := errors.AsType[*fs.PathError](err)
	return Listed{Path: dir, Err: err}, !missing || errors.Is(err, fs.ErrPermission)
}
