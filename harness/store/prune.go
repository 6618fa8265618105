package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrInUse: a process has the file open.
var ErrInUse = errors.New("it is in use")

// A SpaceError is a disk on which a file cannot be made smaller: that takes a copy of
// what stays, and a log of it.
type SpaceError struct {
	Dir        string
	Need, Free int64 // bytes
}

func (e *SpaceError) Error() string {
	return fmt.Sprintf("making it smaller takes %d bytes in %s for a while, and %d are free", e.Need, e.Dir, e.Free)
}

// Prune removes the replies of the store at path for which goes says so, and gives their
// room back to the disk. It needs the file for itself: it is ErrInUse while any process
// has it open, and one that opens it meanwhile waits. Replies go all together or, where it
// fails, not at all; a file that could not be made smaller afterwards is whole and has
// room for others. Removed are how many went, and freed the bytes of disk that this gave
// back.
func Prune(ctx context.Context, path string, goes func(Held) bool) (removed int, freed int64, err error) {
	s := &Store{path: path}
	full, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(full)
	}
	if err == nil {
		err = look(full)
	}
	if err != nil {
		return 0, 0, s.explain("prune", err)
	}
	// One connection: what is exclusive is so among connections.
	s.writer = connect(full, 1, "mode=rw", "_pragma=locking_mode(EXCLUSIVE)", "_pragma=synchronous(FULL)")
	defer s.closeFile()
	if err := s.claim(ctx); busy(err) {
		return 0, 0, fmt.Errorf("store %s: prune: %w", path, ErrInUse)
	} else if err != nil {
		return 0, 0, s.explain("prune", err)
	}
	before, err := os.Stat(full)
	if err != nil {
		return 0, 0, s.explain("prune", err)
	}
	var going []Key
	var stays int64
	for h, err := range list(ctx, s.writer) {
		switch {
		case err != nil:
			return 0, 0, s.explain("prune", err)
		case goes(h):
			going = append(going, h.Key)
		default:
			stays += h.Bytes
		}
	}
	if len(going) == 0 {
		return 0, 0, nil
	}
	// Twice, and a half for pages that are not full.
	if err := roomFor(filepath.Dir(full), min(5*stays/2, 2*before.Size())+1<<20); err != nil {
		return 0, 0, fmt.Errorf("store %s: prune: %w", path, err)
	}
	if err := s.remove(ctx, going); err != nil {
		return 0, 0, s.explain("prune", err)
	}
	if _, err := s.writer.ExecContext(ctx, "VACUUM"); err != nil {
		return len(going), 0, s.explain(fmt.Sprintf("%d replies are gone, but its room is not given back: vacuum", len(going)), err)
	}
	after, err := os.Stat(full)
	if err != nil {
		return len(going), 0, s.explain("prune", err)
	}
	return len(going), before.Size() - after.Size(), nil
}

// claim has the file for itself, until it is closed. Whoever has one with a log open
// shares a lock on it, from the first look to the end: the log cannot be left while there
// is another.
func (s *Store) claim(ctx context.Context) error {
	// Who has it open has it for hours: there is nothing to wait for.
	if _, err := s.writer.ExecContext(ctx, "PRAGMA busy_timeout = 300"); err != nil {
		return err
	}
	if err := identify(ctx, s.writer); err != nil {
		return err
	}
	var mode string
	if err := s.writer.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode); err != nil {
		return err
	}
	if mode != "delete" {
		return fmt.Errorf("its log cannot be left: the journal is %s", mode)
	}
	return nil
}

func (s *Store) remove(ctx context.Context, going []Key) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	one, err := tx.PrepareContext(ctx, "DELETE FROM reply WHERE key = ?")
	if err != nil {
		return err
	}
	for _, k := range going {
		if _, err := one.ExecContext(ctx, k[:]); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func roomFor(dir string, need int64) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return err
	}
	if free := int64(fs.Bavail) * fs.Bsize; free < need {
		return &SpaceError{Dir: dir, Need: need, Free: free}
	}
	return nil
}
