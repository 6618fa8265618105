package store

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// mounted is a file system in memory of the given size, for root alone.
func mounted(t *testing.T, size string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a tmpfs: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func TestFullDisk(t *testing.T) {
	path := filepath.Join(mounted(t, "6m"), "replies.db")
	s := open(t, path)
	commits := fillUp(t, s)
	wantBroken(t, s, commits[len(commits)-1], ErrFull)
	wantDurableKept(t, path, commits)
}

func TestFullDiskFromTheStart(t *testing.T) {
	dir := mounted(t, "64k")
	write(t, filepath.Join(dir, "ballast"), make([]byte, 60<<10))
	path := filepath.Join(dir, "replies.db")
	if s, err := Open(path); err == nil {
		s.Close()
		t.Error("opened")
	} else if !errors.Is(err, ErrFull) {
		t.Errorf("error %v, want %q", err, ErrFull)
	}
	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	wantNone(t, open(t, path), Key{})
}

func TestReadOnly(t *testing.T) {
	refused := func(t *testing.T, path string) {
		t.Helper()
		if s, err := Open(path); err == nil {
			s.Close()
			t.Error("opened")
		} else if !errors.Is(err, ErrNotWritable) {
			t.Errorf("error %v, want %q", err, ErrNotWritable)
		} else {
			t.Log(err)
		}
	}
	readOnly := func(t *testing.T, dir string) {
		t.Helper()
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("a store", func(t *testing.T) {
		dir := mounted(t, "4m")
		path := filepath.Join(dir, "replies.db")
		write(t, path, read(t, made(t, 10)))
		readOnly(t, dir)
		refused(t, path)
	})
	t.Run("a directory", func(t *testing.T) {
		dir := mounted(t, "4m")
		readOnly(t, dir)
		refused(t, filepath.Join(dir, "replies.db"))
	})
	t.Run("permissions", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may write everything")
		}
		path := made(t, 10)
		if err := os.Chmod(path, 0o444); err != nil {
			t.Fatal(err)
		}
		refused(t, path)
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		refused(t, filepath.Join(dir, "replies.db"))
	})
}
